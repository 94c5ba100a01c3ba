"""Warnings about a source: what is wrong, where, how much, and what was done about it.

Places are in seconds from the start of the source. Adjacent spots are merged; of many spots the
first few are listed and the others counted.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Notes", "amount", "place"]

_MOST_NAMED = 5
_TOUCHING_SECONDS = 1e-3


@dataclass
class _Spot:
    start_seconds: float
    seconds: float


class Notes:
    """Warnings about one source, collected while it is decoded.

    Parameters
    ----------
    start_seconds : float
        Where the part that the notes concern begins in the source.

    Attributes
    ----------
    has_errors : bool
        Whether the decoder reported errors without their places.
    """

    def __init__(self, start_seconds: float = 0.0) -> None:
        self._start = start_seconds
        self._spots: dict[str, list[_Spot]] = {}
        self._texts: list[str] = []
        self.has_errors = False

    def undecodable(self, start_seconds: float, seconds: float) -> None:
        """Note a spot that could not be decoded and was replaced by silence."""
        self._add("could not be decoded", start_seconds, seconds)

    def missing(self, start_seconds: float, seconds: float) -> None:
        """Note a gap in the time stamps that was filled with silence."""
        self._add(
            "is missing according to the time stamps; filled with silence", start_seconds, seconds
        )

    def repeated(self, start_seconds: float, seconds: float) -> None:
        """Note a spot that occurs twice by its time stamps and was used once."""
        self._add(
            "is present twice according to the time stamps; used once", start_seconds, seconds
        )

    def breaks_off(self, at_seconds: float, promised_seconds: float | None = None) -> None:
        """Note that a source ends before it should."""
        promise = ""
        if promised_seconds is not None:
            promise = f"; the header promises {place(self._start + promised_seconds)}"
        self.add(f"breaks off at {place(self._start + at_seconds)}{promise}")

    def goes_on(self, end_seconds: float, more_seconds: float) -> None:
        """Note that there is more sound than the header states, and that it is included."""
        self.add(
            f"the header says that the sound ends at {place(self._start + end_seconds)}; "
            f"{place(more_seconds)} more follow, and are included"
        )

    def jumps_too_far(self, at_seconds: float, seconds: float) -> None:
        """Note implausible time stamps."""
        self.add(
            f"the time stamps jump by {seconds:.0f} s at {place(self._start + at_seconds)}, "
            "which is implausible; what follows is placed directly after it"
        )

    def unreadable(self, at_seconds: float, what: str) -> None:
        """Note something after a place that could not be decoded."""
        self.add(f"after {place(self._start + at_seconds)}, {what} could not be decoded")

    def take(self, notes: Notes) -> None:
        """Add the notes of another object."""
        for what, spots in notes._spots.items():
            self._spots.setdefault(what, []).extend(spots)
        for text in notes._texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Note something else; the text includes the place."""
        if text not in self._texts:
            self._texts.append(text)

    def lines(self) -> tuple[str, ...]:
        """Return the warnings, one line each."""
        spots = [line for what, found in self._spots.items() for line in _lines(what, found)]
        return (*spots, *self._texts)

    def _add(self, what: str, start: float, seconds: float) -> None:
        start += self._start
        spots = self._spots.setdefault(what, [])
        if spots and start - (spots[-1].start_seconds + spots[-1].seconds) < _TOUCHING_SECONDS:
            spots[-1].seconds = max(spots[-1].seconds, start + seconds - spots[-1].start_seconds)
        else:
            spots.append(_Spot(start, seconds))


def amount(seconds: float) -> str:
    """Return a duration as text: ``12 ms``, ``2.5 s``."""
    if seconds < 0.9995:
        return f"{max(1, round(1000 * seconds))} ms"
    return place(seconds)


def place(seconds: float) -> str:
    """Return a time in seconds as text, with up to three decimals."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".") + " s"


def _lines(what: str, spots: list[_Spot]) -> list[str]:
    named = [
        f"{amount(spot.seconds)} at {place(spot.start_seconds)} {what}"
        for spot in spots[:_MOST_NAMED]
    ]
    rest = spots[_MOST_NAMED:]
    if rest:
        total = sum(spot.seconds for spot in rest)
        named.append(
            f"{amount(total)} at {len(rest)} more places {what}, the last of them at "
            f"{place(rest[-1].start_seconds)}"
        )
    return named
