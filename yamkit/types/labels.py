"""The clips of a labelled set, as its publishers list them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "LabelledClip",
    "LabelledEvent",
]


@dataclass(frozen=True)
class LabelledEvent:
    """A label with its times, as publishers list it.

    Attributes
    ----------
    label : str
        As it stands in the list.
    onset_seconds, offset_seconds : float
        From the start of the clip.
    """

    label: str
    onset_seconds: float
    offset_seconds: float


@dataclass(frozen=True)
class LabelledClip:
    """A clip of a labelled set, as its publishers list it.

    Attributes
    ----------
    names : tuple of str
        Paths below the folder of audio, with ``/``; the first that is there is the clip's file.
    labels : tuple of str
        As they stand in the list: names or machine identifiers (``/m/...``), each once.
    fold, split : str
        As the list has them; empty where it has none.
    start_seconds, end_seconds : float or None
        The part of the file that is labelled, where a file may hold more; None for all of it.
    line : int
        Of the list, from 1; 0 where there is no list.
    events : tuple of LabelledEvent, or None
        When each label sounds; None where the list does not say.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    fold: str = ""
    split: str = ""
    start_seconds: float | None = None
    end_seconds: float | None = None
    line: int = 0
    events: tuple[LabelledEvent, ...] | None = None
