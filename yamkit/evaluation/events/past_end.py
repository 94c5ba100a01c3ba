"""Strong labels that lie past the end of their clip: found, named, and refused where many do.

A list in milliseconds reads like one in seconds; only the lengths of the clips tell them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from yamkit._util.text import printable
from yamkit.errors import LabelError
from yamkit.evaluation.sets.labelled_set import clip_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from yamkit.evaluation.scores_file import Scores
    from yamkit.evaluation.sets.labelled_set import LabelledSet
    from yamkit.types import LabelledClip, LabelledEvent

__all__ = ["PastEnd", "find_past_end", "past_end", "past_end_lines", "refuse_misplaced"]

_ROUNDING_SECONDS = 0.01
"""Times of lists are rounded: an event may end so much after its clip and not be named."""
_MOST_MISPLACED = 0.25
"""Largest share of events that may lie, for the most part, past the end of their clips."""
_MOST_LEFT = 0.05
"""Largest share of events that may still be misplaced once the cause is made up for."""
_HIGHEST_RATE_HZ = 192_000
_LISTED = 6


@dataclass(frozen=True)
class PastEnd:
    """An event of a list that ends after its clip.

    Attributes
    ----------
    clip : str
        Its first name.
    label : str
    onset_seconds, offset_seconds : float
        From the start of the clip.
    duration_seconds : float
        Of the clip.
    """

    clip: str
    label: str
    onset_seconds: float
    offset_seconds: float
    duration_seconds: float

    @property
    def is_outside(self) -> bool:
        """Whether no part of it lies in the clip, so that nothing can find it."""
        return self.onset_seconds >= self.duration_seconds

    @property
    def excess_seconds(self) -> float:
        """How long after its clip it ends."""
        return self.offset_seconds - self.duration_seconds


def find_past_end(
    clips: Sequence[LabelledClip], durations_seconds: Sequence[float]
) -> tuple[PastEnd, ...]:
    """Find the events that end after their clips, whatever their labels mean.

    Parameters
    ----------
    clips : sequence of LabelledClip
    durations_seconds : sequence of float
        Of each clip.
    """
    return tuple(
        PastEnd(clip.names[0], event.label, event.onset_seconds, event.offset_seconds, duration)
        for clip, event, duration in _events(clips, durations_seconds)
        if event.offset_seconds > duration + _ROUNDING_SECONDS
    )


def past_end(labelled: LabelledSet, scores: Scores) -> tuple[PastEnd, ...]:
    """Find the events of a set that end after their clips, among clips that have scores.

    Raises
    ------
    LabelError
        If the labels are strong, and there are no patch scores.
    """
    if not labelled.is_strong:
        return ()
    clips = [clip for clip in labelled.clips if clip_key(clip) in scores.rows]
    return find_past_end(clips, scores.seconds([clip_key(clip) for clip in clips]))


def refuse_misplaced(
    path: Path, clips: Sequence[LabelledClip], durations_seconds: Sequence[float]
) -> None:
    """Refuse a list of which many events lie, for the most part, past the end of their clips.

    Parameters
    ----------
    path : Path
        Of the list.
    clips : sequence of LabelledClip
    durations_seconds : sequence of float
        Of each clip.

    Raises
    ------
    LabelError
        With the likely cause.
    """
    events = list(_events(clips, durations_seconds))
    middles = np.array([(each.onset_seconds + each.offset_seconds) / 2 for _, each, _ in events])
    ends = np.array([duration for _, _, duration in events]) + _ROUNDING_SECONDS
    misplaced = np.flatnonzero(middles > ends)
    if len(misplaced) <= _MOST_MISPLACED * len(events):
        return
    clip, event, duration = events[misplaced[0]]
    lasts = f"{round(duration, 3):g}"
    raise LabelError(
        f"{printable(path)}: {len(misplaced)} of {len(events)} events lie past the end of their "
        f"clips, such as {printable(event.label)} from {event.onset_seconds:g} to "
        f"{event.offset_seconds:g} s in {printable(clip.names[0])}, which lasts {lasts} s; "
        f"{_likely_cause(events, middles, ends)} Wanted: seconds from the start of each clip"
    )


def past_end_lines(found: Sequence[PastEnd]) -> list[str]:
    """Count and name events past the end, in lines for people."""
    groups = (
        ("events that end after their clip", [each for each in found if not each.is_outside]),
        ("events wholly after the end of their clip", [each for each in found if each.is_outside]),
    )
    lines = []
    for title, group in groups:
        if not group:
            continue
        named = [
            f"{each.clip} {each.label} {each.onset_seconds:g} to {each.offset_seconds:g} s of "
            f"{round(each.duration_seconds, 3):g} s"
            for each in group[:_LISTED]
        ]
        more = [f"and {len(group) - _LISTED} more"] if len(group) > _LISTED else []
        most = max(each.excess_seconds for each in group)
        lines.append(f"  {title} ({len(group)}, by up to {most:.3g} s): {', '.join(named + more)}")
    return lines


_Placed = tuple["LabelledClip", "LabelledEvent", float]


def _events(clips: Sequence[LabelledClip], durations: Sequence[float]) -> Iterator[_Placed]:
    for clip, duration in zip(clips, durations, strict=True):
        for event in clip.events or ():
            yield clip, event, duration


def _likely_cause(
    events: Sequence[_Placed], middles: NDArray[np.float64], ends: NDArray[np.float64]
) -> str:
    """Guess what the times are, by what would put nearly all events into their clips."""
    onsets = np.array([event.onset_seconds for _, event, _ in events])
    firsts: dict[str, float] = {}
    for (clip, _, _), onset in zip(events, onsets, strict=True):
        firsts[clip.names[0]] = min(onset, firsts.get(clip.names[0], onset))
    own_firsts = np.array([firsts[clip.names[0]] for clip, _, _ in events])
    first = onsets.min()
    guesses = (
        (middles - first, f"are all times too late, by a constant of up to {first:g} s?"),
        (middles - own_firsts, "are the times those of a longer recording?"),
        (middles / 1000, "are the times in milliseconds?"),
        (middles / _HIGHEST_RATE_HZ, "are the times numbers of samples?"),
    )
    for moved, guess in guesses:
        if np.mean(moved > ends) <= _MOST_LEFT:
            return guess
    return "are these the clips that the list is of?"
