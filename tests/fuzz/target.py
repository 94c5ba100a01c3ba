"""What a parser of strangers' files is to the fuzzer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Target"]


@dataclass(frozen=True)
class Target:
    """A parser.

    Attributes
    ----------
    run : callable
        Parses a file; what it raises that is no `YamkitError` is a finding.
    seeds : callable
        Makes files that it takes.
    cases : tuple of str
        Patterns of files below ``cases`` of the shared folder, to begin from as well.
    """

    run: Callable[[Path], object]
    seeds: Callable[[], Iterable[bytes]]
    cases: tuple[str, ...] = ()
