"""Strong labels past the end of their clip: reported, and refused if there are many.

Only clip durations distinguish a list in milliseconds from one in seconds.
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
"""Largest excess that is not reported, as lists round their times."""
_MOST_MISPLACED = 0.25
"""Largest accepted share of events that lie mostly past the end of their clips."""
_MOST_LEFT = 0.05
"""Largest share of events that may remain misplaced after correcting the likely cause."""
_HIGHEST_RATE_HZ = 192_000
_LISTED = 6


@dataclass(frozen=True)
class PastEnd:
    """An annotated event that ends after its clip.

    Attributes
    ----------
    clip : str
        First name of the clip.
    label : str
    onset_seconds, offset_seconds : float
        From the start of the clip.
    duration_seconds : float
        Duration of the clip.
    """

    clip: str
    label: str
    onset_seconds: float
    offset_seconds: float
    duration_seconds: float

    @property
    def is_outside(self) -> bool:
        """Whether the event lies wholly past the end, so that it cannot be found."""
        return self.onset_seconds >= self.duration_seconds

    @property
    def excess_seconds(self) -> float:
        """Time from the end of the clip to the end of the event."""
        return self.offset_seconds - self.duration_seconds


def find_past_end(
    clips: Sequence[LabelledClip], durations_seconds: Sequence[float]
) -> tuple[PastEnd, ...]:
    """Find the events that end after their clips, including labels without a meaning.

    Parameters
    ----------
    clips : sequence of LabelledClip
    durations_seconds : sequence of float
        Duration of each clip.
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
    """Refuse a list if many of its events lie mostly past the end of their clips.

    Parameters
    ----------
    path : Path
        The list.
    clips : sequence of LabelledClip
    durations_seconds : sequence of float
        Duration of each clip.

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
        f"{_likely_cause(events, middles, ends)} Times must be seconds from the start of the clip"
    )


def past_end_lines(found: Sequence[PastEnd]) -> list[str]:
    """Return lines of text that count events past the end and give examples."""
    groups = (
        ("events that end after their clip", [each for each in found if not each.is_outside]),
        ("events wholly past the end of their clip", [each for each in found if each.is_outside]),
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
    """Return the correction of the times that would place nearly all events in their clips."""
    onsets = np.array([event.onset_seconds for _, event, _ in events])
    firsts: dict[str, float] = {}
    for (clip, _, _), onset in zip(events, onsets, strict=True):
        firsts[clip.names[0]] = min(onset, firsts.get(clip.names[0], onset))
    own_firsts = np.array([firsts[clip.names[0]] for clip, _, _ in events])
    first = onsets.min()
    guesses = (
        (middles - first, f"are all times too late by a constant of up to {first:g} s?"),
        (middles - own_firsts, "are the times those of a longer recording?"),
        (middles / 1000, "are the times in milliseconds?"),
        (middles / _HIGHEST_RATE_HZ, "are the times numbers of samples?"),
    )
    for moved, guess in guesses:
        if np.mean(moved > ends) <= _MOST_LEFT:
            return guess
    return "does the list belong to other clips?"
