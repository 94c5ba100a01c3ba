"""Numbers as options take them: within bounds, and refused in one way."""

from __future__ import annotations

from typing import Any

import click

from yamkit._util.numbers import real_number, whole_number

__all__ = [
    "Real",
    "Whole",
    "shortened",
]

_MANY = 1_000_000_000
_SHOWN = 40


class Whole(click.ParamType[int]):
    """A whole number within bounds, both of them included."""

    name = "N"

    def __init__(self, least: int, most: int = _MANY) -> None:
        self.least, self.most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        number = whole_number(text)
        if number is None or not self.least <= number <= self.most:
            wanted = f"a whole number from {self.least} to {self.most:,}"
            self.fail(f"{shortened(text)}: wanted {wanted}", param, ctx)
        return number


class Real(click.ParamType[float]):
    """A number within bounds, both of them included; never one that is not finite."""

    name = "X"

    def __init__(self, least: float, most: float) -> None:
        self.least, self.most = least, most

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        text = str(value)
        number = real_number(text)
        if number is None or not self.least <= number <= self.most:
            wanted = f"a number from {self.least:,g} to {self.most:,g}"
            self.fail(f"{shortened(text)}: wanted {wanted}", param, ctx)
        return number


def shortened(text: str) -> str:
    """Quote a value for a message, its beginning where it is long."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
