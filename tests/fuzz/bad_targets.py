"""Parsers that go wrong in every way: the fuzzer must find each."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from tests.fuzz.target import Target
from yamkit.errors import DecodeError

__all__ = ["TARGETS"]


class _RawError(DecodeError):
    """A plugin's own, that says what it was told to."""

    def __str__(self) -> str:
        return str(self.args[0])


def _raise(error: BaseException) -> Callable[[Path], object]:
    def run(path: Path) -> None:
        if path.read_bytes() == b"bad":
            raise error

    return run


def _when_bad(action: Callable[[], object]) -> Callable[[Path], object]:
    return lambda path: action() if path.read_bytes() == b"bad" else None


def _loop() -> None:
    while True:
        pass


def _nest() -> None:
    _nest()


TARGETS = {
    name: Target(run, lambda: [b"good"])
    for name, run in {
        "refuses": _raise(DecodeError("one line")),
        "lines": _raise(_RawError("two\nlines")),
        "endless": _raise(_RawError("x" * 2000)),
        "raises": _raise(ValueError("no YamkitError")),
        "exits": _raise(SystemExit(0)),
        "nests": _when_bad(_nest),
        "aborts": _when_bad(os.abort),
        "loops": _when_bad(_loop),
        "hangs": _when_bad(signal.pause),
        "grows": _when_bad(lambda: bytearray(1_200_000_000)),
        "explodes": _when_bad(lambda: bytearray(10**13)),
    }.items()
}
