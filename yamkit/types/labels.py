"""The clips of a labelled set, as its publishers list them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "LabelledClip",
    "LabelledEvent",
]


@dataclass(frozen=True)
class LabelledEvent:
    """A label with its times, as the list states it.

    Attributes
    ----------
    label : str
        As in the list.
    onset_seconds, offset_seconds : float
        From the start of the clip.
    """

    label: str
    onset_seconds: float
    offset_seconds: float


@dataclass(frozen=True)
class LabelledClip:
    """A clip of a labelled set, as the list states it.

    Attributes
    ----------
    names : tuple of str
        Paths below the folder of audio, with ``/``; the first that exists is the file of the clip.
    labels : tuple of str
        As in the list: names or machine identifiers (``/m/...``), without duplicates.
    fold, split : str
        As in the list; empty if it has none.
    start_seconds, end_seconds : float or None
        The labelled part of the file; None for the start and the end of the file.
    line : int
        Line of the list, from 1; 0 if there is no list.
    events : tuple of LabelledEvent, or None
        The labels with their times; None if the list has no times.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    fold: str = ""
    split: str = ""
    start_seconds: float | None = None
    end_seconds: float | None = None
    line: int = 0
    events: tuple[LabelledEvent, ...] | None = None
