"""Scores and labels that calibrations are fitted to: of clips, or of cells with strong labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from yamkit.evaluation.events.counts import merged
from yamkit.evaluation.events.evaluate import annotated_events
from yamkit.evaluation.events.past_end import refuse_misplaced
from yamkit.evaluation.sets.labelled_set import clip_key
from yamkit.scores.grid import Cells

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from yamkit.evaluation.scores_file import Scores
    from yamkit.evaluation.sets.targets import Targets
    from yamkit.types import LabelledClip

__all__ = ["Examples", "cell_examples", "clip_examples"]

_HALF = 0.5
"""A cell has a label if an event of the label covers at least this share of it."""
_SLACK_SECONDS = 1e-9
"""Half a hop is seldom exact in float64."""


class Examples(NamedTuple):
    """Scores and labels that maps are fitted to.

    Attributes
    ----------
    scores : ndarray, float [N, C]
        Scores of clips, or of cells.
    truth : ndarray, bool [N, K]
        Labels by column of the targets.
    clips : ndarray, int [N]
        Index of the clip of each.
    """

    scores: NDArray[np.floating]
    truth: NDArray[np.bool_]
    clips: NDArray[np.intp]


def clip_examples(clips: Sequence[LabelledClip], scores: Scores, targets: Targets) -> Examples:
    """Return the scores and labels of clips."""
    keys = [clip_key(clip) for clip in clips]
    return Examples(scores.array(keys), targets.truth(clips), np.arange(len(clips)))


def cell_examples(
    path: Path, clips: Sequence[LabelledClip], scores: Scores, targets: Targets
) -> Examples:
    """Return the cells of all clips; the last cell of a clip ends where the clip ends."""
    durations = scores.seconds([clip_key(clip) for clip in clips])
    refuse_misplaced(path, clips, durations)
    grid = scores.grid
    assert grid is not None
    hop = grid.hop_samples / grid.sample_rate_hz
    values, truths, numbers = [], [], []
    for number, (clip, duration) in enumerate(zip(clips, durations, strict=True)):
        timeline = scores.timelines[clip_key(clip)]
        cells = Cells(grid)
        rows = np.stack([*cells.update(timeline.scores), *cells.finish(timeline.samples)])
        starts = hop * np.arange(len(rows))
        ends = np.minimum(starts + hop, duration)
        seconds = np.zeros((len(rows), len(targets.names)))
        for event in merged(annotated_events(clip, targets.columns)):
            inside = np.minimum(ends, event.offset_seconds) - np.maximum(
                starts, event.onset_seconds
            )
            seconds[:, event.column] += np.maximum(inside, 0)
        values.append(rows.astype(np.float32))
        least = _HALF * (ends - starts)[:, np.newaxis] - _SLACK_SECONDS
        truths.append((seconds > 0) & (seconds >= least))
        numbers.append(np.full(len(rows), number))
    return Examples(np.concatenate(values), np.concatenate(truths), np.concatenate(numbers))
