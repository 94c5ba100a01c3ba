"""Values that `listen` yields for each patch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yamkit.listening.buffer import Block
    from yamkit.types import Event, Tag

__all__ = ["Onset", "StreamUpdate"]


@dataclass(frozen=True)
class Onset:
    """The begin of an event.

    Attributes
    ----------
    onset_seconds : float
        From the start of the stream.
    tag : Tag
        With the score so far.
    """

    onset_seconds: float
    tag: Tag


@dataclass(frozen=True)
class StreamUpdate:
    """What became known with a patch, or at the end of the stream or before a gap.

    Attributes
    ----------
    onsets : tuple of Onset
    events : tuple of Event
        Events that ended.
    replaced : tuple of Event
        Events that ended because an event of a more specific class began: some of `events`, and
        others that were replaced at once, whose offset is their onset.
    end : str
        Why open events were closed: ``ended`` or ``failed`` at the end of the stream, ``dropped``
        before a gap; empty otherwise.
    is_gated : bool
        Whether the level stayed below the gate, so that the network was not run.
    block : Block
        The latest block.
    resumes_sample : int or None
        Before a gap, the position of the next sample, at the sample rate of the stream.
    """

    onsets: tuple[Onset, ...]
    events: tuple[Event, ...]
    end: str
    is_gated: bool
    block: Block
    resumes_sample: int | None = None
    replaced: tuple[Event, ...] = ()
