"""The results of a run, item by item, as sinks receive them.

Shapes are written with C (classes) and E (embedding size).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "ClipEnd",
    "ClipFailure",
    "ClipStart",
    "Event",
    "PatchTags",
    "Peak",
    "SinkItem",
    "Tag",
]


@dataclass(frozen=True)
class Tag:
    """A predicted class with its score."""

    index: int
    mid: str
    name: str
    score: float


@dataclass(frozen=True)
class ClipStart:
    """A clip was opened and can be decoded.

    Attributes
    ----------
    path : str
        As the user gave it, ``-`` for standard input; valid Unicode.
    sample_rate : int
        Sample rate of the input, in Hz.
    channels : int
        Number of channels of the input.
    promised_seconds : float or None
        Duration in the header of the input; None if it has none, as in some streams.
    """

    path: str
    sample_rate: int
    channels: int
    promised_seconds: float | None = None


@dataclass(frozen=True)
class PatchTags:
    """The tags of one patch; times in seconds from the start of the clip.

    Attributes
    ----------
    start_seconds, end_seconds : float
    tags : tuple of Tag
        Highest first.
    scores, embedding : ndarray [C], ndarray [E], or None
        None unless they are saved.
    """

    start_seconds: float
    end_seconds: float
    tags: tuple[Tag, ...]
    scores: NDArray[np.floating[Any]] | None = field(default=None, compare=False, repr=False)
    embedding: NDArray[np.floating[Any]] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Event:
    """A class with an onset and an offset, in seconds from the start of the clip.

    Attributes
    ----------
    onset_seconds, offset_seconds : float
    tag : Tag
        Its score is the mean or the maximum of its cells; see `EventParameters.score`.
    """

    onset_seconds: float
    offset_seconds: float
    tag: Tag


@dataclass(frozen=True)
class Peak:
    """The patch of a clip in which a class has its highest score.

    Attributes
    ----------
    score : float
    start_seconds : float
        Start of the first such patch.
    """

    score: float
    start_seconds: float


@dataclass(frozen=True)
class ClipEnd:
    """A clip was tagged to its end.

    Attributes
    ----------
    duration_seconds : float
        Number of decoded samples divided by the sample rate of the input.
    patches : int
        Number of patches.
    tags : tuple of Tag
        Tags of the aggregated scores, highest first.
    warnings : tuple of str
        Faults of the input, such as a truncated file.
    scores, embedding : ndarray [C], ndarray [E], or None
        Aggregated scores and mean of the embeddings; None unless they are saved.
    peaks : tuple of Peak
        One for each of `tags`. Empty if they are not known, or if the calibration is for clips and
        not for patches.
    """

    duration_seconds: float
    patches: int
    tags: tuple[Tag, ...]
    warnings: tuple[str, ...] = ()
    scores: NDArray[np.floating[Any]] | None = field(default=None, compare=False, repr=False)
    embedding: NDArray[np.floating[Any]] | None = field(default=None, compare=False, repr=False)
    peaks: tuple[Peak, ...] = ()


@dataclass(frozen=True)
class ClipFailure:
    """A clip could not be opened, or could not be tagged to its end.

    Attributes
    ----------
    path : str
    type : str
        Name of the exception class.
    message : str
        One line.
    """

    path: str
    type: str
    message: str


SinkItem = ClipStart | PatchTags | Event | ClipEnd | ClipFailure
"""What a sink receives: ``(Clip | ClipFailure)*``.

Clip is ``ClipStart (PatchTags* | Event*) (ClipEnd | ClipFailure)``.

Events are sorted by onset, and those with the same onset by class index.
"""
