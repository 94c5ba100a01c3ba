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
        As the user gave it, ``-`` for standard input; always valid Unicode.
    sample_rate : int
        Of the input, in Hz.
    channels : int
        Of the input.
    promised_seconds : float or None
        Duration that the header states; None where it states none, as those of streams may.
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
        Where they were asked for.
    """

    start_seconds: float
    end_seconds: float
    tags: tuple[Tag, ...]
    scores: NDArray[np.floating[Any]] | None = field(default=None, compare=False, repr=False)
    embedding: NDArray[np.floating[Any]] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Event:
    """A class that sounds for a while; times in seconds from the start of the clip.

    Attributes
    ----------
    onset_seconds, offset_seconds : float
    tag : Tag
        With the mean or the highest score of its cells, as `EventParameters.score` says.
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
        Of the first such patch.
    """

    score: float
    start_seconds: float


@dataclass(frozen=True)
class ClipEnd:
    """A clip was tagged to its end.

    Attributes
    ----------
    duration_seconds : float
        Decoded samples over the input's sample rate.
    patches : int
        Number of patches.
    tags : tuple of Tag
        Of the aggregated scores, highest first.
    warnings : tuple of str
        What was odd about the input, such as a truncated file.
    scores, embedding : ndarray [C], ndarray [E], or None
        Of the clip, where they were asked for: the aggregated scores, the mean of the embeddings.
    peaks : tuple of Peak
        Of each of `tags`; empty where they are not known, and where scores are calibrated for clips
        and not for single patches.
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
    """A clip could not be opened, or not be tagged to its end.

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
"""What a sink is given, ``(Clip | ClipFailure)*``.

Clip is ``ClipStart (PatchTags* | Event*) (ClipEnd | ClipFailure)``.

Events come in the order of their onsets, at the same onset in that of the classes.
"""
