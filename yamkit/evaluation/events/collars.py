"""Event-based metrics: onsets and offsets must lie within collars of annotated ones.

Counts as defined by A. Mesaros, T. Heittola, T. Virtanen, "Metrics for polyphonic sound event
detection", Applied Sciences 6(6), 2016, and computed by their program sed_eval.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from yamkit.evaluation.events.counts import Detection, validate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yamkit.evaluation.events.counts import ClipEvents

__all__ = ["collar_based"]


def collar_based(
    clips: Sequence[ClipEvents],
    classes: int,
    *,
    onset_collar_seconds: float = 0.2,
    offset_collar_seconds: float = 0.2,
    offset_share: float = 0.5,
) -> Detection:
    """Compare events: a found one is correct if its class, onset and offset match.

    Events past the end of the clip count with their own times. As many events as possible are
    matched. A found event that is left over is a substitution if it matches an annotated event of
    another class that is left over too.

    Parameters
    ----------
    clips : sequence of ClipEvents
    classes : int
        Number of classes, K.
    onset_collar_seconds : float
        Largest deviation of an onset.
    offset_collar_seconds, offset_share : float
        Largest deviation of an offset: the larger of the collar and this share of the annotated
        event's length.
    """
    validate(clips, classes)
    totals = np.zeros((classes, 3), np.int64)
    substitutions = 0
    for clip in clips:
        if clip.reference:
            totals[:, 0] += np.bincount([row.column for row in clip.reference], minlength=classes)
        if clip.estimated:
            totals[:, 1] += np.bincount([row.column for row in clip.estimated], minlength=classes)
        if not clip.reference or not clip.estimated:
            continue
        near = _near(clip, onset_collar_seconds, offset_collar_seconds, offset_share)
        # found events in turn, as in sed_eval: which of several largest matchings is taken
        # determines which events are left over for substitutions
        fits: dict[int, list[int]] = {}
        for number, (row, indices) in enumerate(zip(clip.reference, near, strict=True)):
            for index in indices:
                if clip.estimated[index].column == row.column:
                    fits.setdefault(index, []).append(number)
        pairs = _match(list(fits.values()))
        matched = set(pairs.values())
        for number in matched:
            totals[clip.reference[number].column, 2] += 1
        taken = {index for turn, index in enumerate(fits) if turn in pairs}
        for number, indices in enumerate(near):
            if number in matched:
                continue
            free = next((index for index in indices if index not in taken), None)
            if free is not None:
                taken.add(free)
                substitutions += 1
    return Detection.of(totals, substitutions)


def _near(clip: ClipEvents, onset: float, offset: float, share: float) -> list[list[int]]:
    """Return, for each annotated event, the indices of found ones within the collars, ascending."""
    onsets = np.array([row.onset_seconds for row in clip.estimated])
    offsets = np.array([row.offset_seconds for row in clip.estimated])
    order = np.argsort(onsets, kind="stable")
    near = []
    for row in clip.reference:
        # wider than the collar, which the comparison below applies exactly
        ends = row.onset_seconds - onset - 1, row.onset_seconds + onset + 1
        first, last = np.searchsorted(onsets[order], ends)
        indices = np.sort(order[first:last])
        allowed = max(offset, share * (row.offset_seconds - row.onset_seconds))
        fits = np.abs(onsets[indices] - row.onset_seconds) <= onset
        fits &= np.abs(offsets[indices] - row.offset_seconds) <= allowed
        near.append(indices[fits].tolist())
    return near


def _match(fits: Sequence[Sequence[int]]) -> dict[int, int]:
    """Match as many rows as possible with fitting columns, each once; return column by row.

    H. W. Kuhn's augmenting paths, "The Hungarian method for the assignment problem", 1955.
    """
    columns: dict[int, int] = {}  # by row
    rows: dict[int, int] = {}  # by column
    for start in range(len(fits)):
        reached_from: dict[int, int] = {}
        queue, free = [start], None
        for row in queue:
            for column in fits[row]:
                if column in reached_from:
                    continue
                reached_from[column] = row
                if column not in rows:
                    free = column
                    break
                queue.append(rows[column])
            if free is not None:
                break
        while free is not None:
            row = reached_from[free]
            rows[free] = row
            columns[row], free = free, columns.get(row)
    return columns
