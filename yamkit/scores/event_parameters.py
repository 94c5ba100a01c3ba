"""What `yamkit.types.EventParameters` may hold, and the delay that they cause in a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from yamkit._util.bounds import MAX_MEDIAN_CELLS, MAX_SPAN_SECONDS
from yamkit.errors import ParameterError
from yamkit.scores.grid import find_reduction
from yamkit.scores.thresholds import check_threshold, check_threshold_pairs

if TYPE_CHECKING:
    from yamkit.scores.grid import Grid
    from yamkit.types import EventParameters

__all__ = ["check_parameters", "delay_seconds", "span_samples"]


def check_parameters(parameters: EventParameters) -> None:
    """Check that parameters of events are in their ranges.

    Raises
    ------
    ParameterError
    """
    find_reduction("cells", parameters.cells)
    find_reduction("event score", parameters.score)
    if not 1 <= parameters.median_cells <= MAX_MEDIAN_CELLS or parameters.median_cells % 2 == 0:
        raise ParameterError(
            f"median {parameters.median_cells}: must be an odd number of cells from 1 (no filter) "
            f"to {MAX_MEDIAN_CELLS}"
        )
    for name in ("min_duration_seconds", "join_gap_seconds"):
        value = getattr(parameters, name)
        if not 0 <= value <= MAX_SPAN_SECONDS:
            words = name.removesuffix("_seconds").replace("_", " ")
            raise ParameterError(
                f"{words} {value:g} s: must be between 0 and {MAX_SPAN_SECONDS:g} s"
            )
    check_threshold("enter", parameters.enter)
    check_threshold("leave", parameters.leave)
    check_threshold_pairs(np.array([parameters.enter]), np.array([parameters.leave]))


def delay_seconds(grid: Grid, parameters: EventParameters) -> tuple[float, float]:
    """Return how much later than they happen the events of a stream are reported.

    Returns
    -------
    opened : float
        Seconds of audio from the start of the first cell that reaches ``enter`` until the event is
        reported: the patch that starts with the cell, half the median filter, and the rest of the
        minimum duration if the cell is the first of the event.
    closed : float
        Seconds of audio from the end of the last cell until the end is reported: the same, and the
        gap that is joined. It is longer if scores above ``leave`` follow such a gap, since they may
        still reach ``enter``.
    """
    rate, hop = grid.sample_rate_hz, grid.hop_samples
    window = grid.window_samples
    behind = (window if hop <= window else hop + window) + parameters.median_cells // 2 * hop
    least = -(-span_samples(parameters.min_duration_seconds, rate) // hop)
    gap = span_samples(parameters.join_gap_seconds, rate) // hop
    return (behind + max(0, least - 1) * hop) / rate, (behind + gap * hop) / rate


def span_samples(seconds: float, rate: int) -> int:
    """Return a span of time in samples."""
    return round(seconds * rate)
