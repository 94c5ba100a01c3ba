"""The polyphonic sound detection score (PSDS).

C. Bilen, G. Ferroni, F. Tuveri, J. Azcarreta, S. Krstulovic, "A framework for the robust evaluation
of sound event detection", ICASSP 2020. The two scenarios are those of the DCASE challenge (task 4,
2021).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from yamkit.evaluation.events.counts import merged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from yamkit.evaluation.events.counts import ClipEvents

__all__ = ["PSDS_1", "PSDS_2", "PsdsCounts", "PsdsScenario", "intersection_counts", "psds"]


@dataclass(frozen=True)
class PsdsScenario:
    """Parameters of PSDS.

    Attributes
    ----------
    detection_tolerance : float
        Smallest share of a found event that annotated ones of its class must cover (DTC).
    reference_tolerance : float
        Smallest share of an annotated event that such found events must cover (GTC).
    cross_trigger_tolerance : float
        Smallest share of a false positive that annotated events of another class must cover for it
        to be a cross-trigger (CTTC).
    cross_trigger_cost : float
        Weight of cross-triggers among false positives (alpha CT).
    class_spread_cost : float
        Weight of the standard deviation over the classes (alpha ST).
    most_false_positives_per_hour : float
        End of the curve.
    """

    detection_tolerance: float
    reference_tolerance: float
    cross_trigger_tolerance: float = 0.3
    cross_trigger_cost: float = 0.0
    class_spread_cost: float = 1.0
    most_false_positives_per_hour: float = 100.0


PSDS_1 = PsdsScenario(0.7, 0.7)
"""Emphasises onsets and offsets."""

PSDS_2 = PsdsScenario(0.1, 0.1, cross_trigger_cost=0.5)
"""Emphasises confusions between classes."""


@dataclass
class PsdsCounts:
    """Counts of PSDS at one operating point; see `intersection_counts`.

    Attributes
    ----------
    true_positives, false_positives : ndarray, int [K]
        Annotated events that were found, and found events that are wrong.
    cross_triggers : ndarray, int [K, K]
        False positives of the first class that annotated events of the second class cover.
    """

    true_positives: NDArray[np.int64]
    false_positives: NDArray[np.int64]
    cross_triggers: NDArray[np.int64]


def intersection_counts(
    clips: Sequence[ClipEvents], classes: int, scenario: PsdsScenario
) -> PsdsCounts:
    """Count true and false positives by how much events overlap.

    Annotated events of one class that overlap each other count as one. Events past the end of the
    clip count with their own times; a false positive counts if the clip covers at least the
    cross-trigger tolerance of it.

    Parameters
    ----------
    clips : sequence of ClipEvents
        With the events found at one operating point.
    classes : int
        Number of classes, K.
    scenario : PsdsScenario
    """
    right, wrong = np.zeros(classes, np.int64), np.zeros(classes, np.int64)
    crossed = np.zeros((classes, classes), np.int64)
    for clip in clips:
        if not clip.estimated:
            continue
        reference = np.array(merged(clip.reference), np.float64).reshape(-1, 3)
        columns = reference[:, 0].astype(int)
        is_class = (columns[:, None] == np.arange(classes)).astype(np.float64)
        found = np.zeros(len(reference))  # seconds
        for start in range(0, len(clip.estimated), _AT_ONCE):
            estimated = np.array(clip.estimated[start : start + _AT_ONCE])
            own, rows = estimated[:, 0].astype(int), np.arange(len(estimated))
            starts = np.maximum(estimated[:, None, 1], reference[None, :, 1])
            ends = np.minimum(estimated[:, None, 2], reference[None, :, 2])
            shared = np.maximum(ends - starts, 0)  # [found, annotated]
            covered = (shared @ is_class) / (estimated[:, 2] - estimated[:, 1])[:, None]
            is_sound = _reaches(covered[rows, own], scenario.detection_tolerance)
            helps = is_sound[:, None] & (own[:, None] == columns[None, :])
            found += (shared * helps).sum(axis=0)
            inside = np.minimum(estimated[:, 2], clip.duration_seconds) - estimated[:, 1]
            is_inside = _reaches(
                inside / (estimated[:, 2] - estimated[:, 1]), scenario.cross_trigger_tolerance
            )
            np.add.at(wrong, own[~is_sound & is_inside], 1)
            crossing = _reaches(covered, scenario.cross_trigger_tolerance)
            crossing[rows, own] = False
            np.add.at(crossed, own[~is_sound], crossing[~is_sound].astype(np.int64))
        is_found = _reaches(
            found / (reference[:, 2] - reference[:, 1]), scenario.reference_tolerance
        )
        np.add.at(right, columns[is_found], 1)
    return PsdsCounts(right, wrong, crossed)


_AT_ONCE = 1024
"""Number of found events compared with all annotated ones at once."""

_SLACK = 1e-9
"""Tolerance when shares are compared, as 0.7 of a second is not exact in float64."""


def _reaches(shares: NDArray[np.float64], tolerance: float) -> NDArray[np.bool_]:
    return np.asarray((shares > 0) & (shares >= tolerance - _SLACK))


def psds(
    clips: Sequence[ClipEvents],
    points: Sequence[PsdsCounts],
    classes: int,
    scenario: PsdsScenario,
) -> float:
    """Return the polyphonic sound detection score.

    For every rate of false positives per hour, including cross-triggers, take the mean over the
    annotated classes of the share of events found, less the cost of its spread. The score is the
    area below this step function.

    Parameters
    ----------
    clips : sequence of ClipEvents
        Only their annotated events and durations are used.
    points : sequence of PsdsCounts
        One per operating point.
    classes : int
        Number of classes, K.
    scenario : PsdsScenario

    Returns
    -------
    float
        0 to 1; NaN if nothing was annotated.
    """
    numbers, seconds = np.zeros(classes, np.int64), np.zeros(classes)
    for clip in clips:
        for row in merged(clip.reference):
            numbers[row.column] += 1
            seconds[row.column] += row.offset_seconds - row.onset_seconds
    annotated = np.flatnonzero(numbers)
    hours = sum(clip.duration_seconds for clip in clips) / 3600
    if not len(annotated) or not hours:
        return math.nan
    shares, rates = [], []
    for point in points:
        shares.append(point.true_positives[annotated] / numbers[annotated])
        rate = point.false_positives[annotated] / hours
        if len(annotated) > 1:
            hours_of_class = seconds[annotated] / 3600
            crossed = point.cross_triggers[np.ix_(annotated, annotated)] / hours_of_class
            np.fill_diagonal(crossed, 0)
            rate = rate + scenario.cross_trigger_cost * crossed.sum(axis=1) / (len(annotated) - 1)
        rates.append(rate)
    most = scenario.most_false_positives_per_hour
    x = np.vstack([np.zeros(len(annotated)), *rates])  # [points + 1, classes]
    y = np.vstack([np.zeros(len(annotated)), *shares])
    grid = np.unique(np.append(x[x < most], [0.0, most]))
    curves = np.stack([_steps(grid[:-1], x[:, n], y[:, n]) for n in range(len(annotated))])
    heights = curves.mean(axis=0) - scenario.class_spread_cost * curves.std(axis=0)
    return float((np.maximum(heights, 0) * np.diff(grid)).sum() / most)


def _steps(
    grid: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the highest y at or before each grid position."""
    order = np.argsort(x, kind="stable")
    highest = np.maximum.accumulate(y[order])
    return np.asarray(highest[np.searchsorted(x[order], grid, side="right") - 1])
