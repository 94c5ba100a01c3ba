"""Segment-based metrics of events.

Counts as defined by A. Mesaros, T. Heittola, T. Virtanen, "Metrics for polyphonic sound event
detection", Applied Sciences 6(6), 2016, and computed by their program sed_eval.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from yamkit.evaluation.events.counts import Detection, validate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from yamkit.evaluation.events.counts import ClipEvents, EventRow

__all__ = ["segment_based"]


def segment_based(
    clips: Sequence[ClipEvents], classes: int, *, segment_seconds: float = 1.0
) -> Detection:
    """Compare segments: a class is active in every segment that one of its events overlaps.

    Segments reach up to the end of the clip; later times do not count.

    Parameters
    ----------
    clips : sequence of ClipEvents
    classes : int
        Number of classes, K.
    segment_seconds : float
        Length of a segment.
    """
    validate(clips, classes)
    totals = np.zeros((classes, 3), np.int64)
    substitutions = 0
    for clip in clips:
        count = math.ceil(clip.duration_seconds / segment_seconds)
        reference = _roll(clip.reference, count, classes, segment_seconds)
        estimated = _roll(clip.estimated, count, classes, segment_seconds)
        correct = reference & estimated
        totals += np.stack([roll.sum(axis=0) for roll in (reference, estimated, correct)], axis=1)
        missed = (reference & ~estimated).sum(axis=1)
        wrong = (estimated & ~reference).sum(axis=1)
        substitutions += int(np.minimum(missed, wrong).sum())
    return Detection.of(totals, substitutions)


def _roll(
    rows: Sequence[EventRow], count: int, classes: int, segment_seconds: float
) -> NDArray[np.bool_]:
    """Return which classes are active in which segments, bool [count, K]."""
    roll = np.zeros((count, classes), np.bool_)
    for row in rows:
        first = math.floor(row.onset_seconds / segment_seconds)
        roll[first : math.ceil(row.offset_seconds / segment_seconds), row.column] = True
    return roll
