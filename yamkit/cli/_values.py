"""Types of option values: bounded numbers, thresholds, and numbers of channels and streams."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from yamkit._util.numbers import real_number, whole_number

__all__ = [
    "PATH",
    "Numbered",
    "Real",
    "Score",
    "Threshold",
    "Whole",
    "is_file",
    "shortened",
]

PATH = click.Path(path_type=Path)

_MANY = 1_000_000_000
_SHOWN = 40


class Whole(click.ParamType[int]):
    """A whole number from `least` to `most`, both included."""

    name = "N"

    def __init__(self, least: int, most: int = _MANY) -> None:
        self.least, self.most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        number = whole_number(text)
        if number is None or not self.least <= number <= self.most:
            bounds = f"{self.least} to {self.most:,}"
            self.fail(f"{shortened(text)}: must be a whole number from {bounds}", param, ctx)
        return number


class Real(click.ParamType[float]):
    """A finite number from `least` to `most`, both included."""

    name = "X"

    def __init__(self, least: float, most: float) -> None:
        self.least, self.most = least, most

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        text = str(value)
        number = real_number(text)
        if number is None or not self.least <= number <= self.most:
            bounds = f"{self.least:,g} to {self.most:,g}"
            self.fail(f"{shortened(text)}: must be a number from {bounds}", param, ctx)
        return number


class Score(click.ParamType[float]):
    """A threshold of scores, from 0 to 1."""

    name = "X"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        from yamkit.errors import ParameterError
        from yamkit.scores.thresholds import check_threshold

        text = str(value)
        number = real_number(text)
        if number is None:
            self.fail(f"{shortened(text)}: must be a number from 0 to 1", param, ctx)
        try:
            return check_threshold("", number)
        except ParameterError as error:
            self.fail(str(error), param, ctx)


class Threshold(click.ParamType["float | Path"]):
    """A score, or a CSV file with a threshold for each class."""

    name = "X|FILE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | Path:
        if _is_number(value):
            return Score().convert(value, param, ctx)
        if not is_file(value):
            self.fail(
                f"{shortened(str(value))}: must be a number, or a CSV file with the columns "
                "threshold, and name or mid",
                param,
                ctx,
            )
        return Path(value)


class Numbered(click.ParamType["int | str | None"]):
    """The number of a channel or sound stream, from 1; or a word, if one is given."""

    name = "N"

    def __init__(self, word: str | None = None) -> None:
        self._word = word

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str | None:
        if value == self._word:
            return self._word
        text = str(value)
        number = whole_number(text)
        if number is None or not 1 <= number < _MANY:
            word = "" if self._word is None else f"{self._word!r} or "
            self.fail(f"{shortened(text)}: must be {word}a whole number from 1", param, ctx)
        return number


def shortened(text: str) -> str:
    """Return a value in quotes for a message, cut if it is long."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def is_file(value: str | Path) -> bool:
    """Return whether a file exists; a name that is too long does not."""
    return os.path.isfile(value)  # noqa: PTH113 - Path raises where a name is too long


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True
