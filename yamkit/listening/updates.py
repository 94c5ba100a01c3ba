"""What becomes known of a stream, patch by patch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yamkit.listening.buffer import Block
    from yamkit.types import Event, Tag

__all__ = ["Onset", "StreamUpdate"]


@dataclass(frozen=True)
class Onset:
    """An event began.

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
    """What is known once a patch is there, or the stream or a part of it is over.

    Attributes
    ----------
    onsets : tuple of Onset
    events : tuple of Event
        That are over.
    replaced : tuple of Event
        Those of them that ended because an event of a class below began, and events that are void
        for this reason, whose offset is their onset: these are not in `events`.
    end : str
        Empty; at the end ``ended`` or ``failed``, where samples are missing ``dropped``: what was
        open is closed here.
    is_gated : bool
        Whether the level stayed below the gate, and the network was spared.
    block : Block
        With which it became known.
    resumes_sample : int or None
        Where samples are missing, the place of the next one, in the stream's own rate.
    """

    onsets: tuple[Onset, ...]
    events: tuple[Event, ...]
    end: str
    is_gated: bool
    block: Block
    resumes_sample: int | None = None
    replaced: tuple[Event, ...] = ()
