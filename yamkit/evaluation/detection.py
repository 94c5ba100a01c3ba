"""Metrics of events: found ones against annotated ones, with their times. Pure functions.

A clip is a `ClipEvents`; events are rows of class, onset and offset. Definitions:

- Segment-based and event-based (collar-based) counts, F1 and error rate: A. Mesaros, T. Heittola,
  T. Virtanen, "Metrics for polyphonic sound event detection", Applied Sciences 6(6), 2016, and what
  their program sed_eval makes of them.
- PSDS: C. Bilen, G. Ferroni, F. Tuveri, J. Azcarreta, S. Krstulovic, "A framework for the robust
  evaluation of sound event detection", ICASSP 2020; its two scenarios are those of the DCASE
  challenge (task 4, 2021).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from yamkit.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "PSDS_1",
    "PSDS_2",
    "ClipEvents",
    "Counts",
    "Detection",
    "EventRow",
    "PsdsCounts",
    "PsdsScenario",
    "collar_based",
    "intersection_counts",
    "merged",
    "psds",
    "segment_based",
    "validate",
]


class EventRow(NamedTuple):
    """An event.

    Attributes
    ----------
    column : int
        Of its class.
    onset_seconds, offset_seconds : float
    """

    column: int
    onset_seconds: float
    offset_seconds: float


@dataclass(frozen=True)
class ClipEvents:
    """What was annotated in a clip, and what was found.

    Attributes
    ----------
    reference, estimated : sequence of EventRow
    duration_seconds : float
    """

    reference: Sequence[EventRow]
    estimated: Sequence[EventRow]
    duration_seconds: float


@dataclass(frozen=True)
class Counts:
    """What was right, and how figures follow from it. NaN where nothing was annotated.

    Attributes
    ----------
    reference, estimated : int
        Annotated and found: events, or active segments.
    correct : int
    substitutions : int
        Found in the right place with a wrong class; 0 of a single class.
    """

    reference: int
    estimated: int
    correct: int
    substitutions: int = 0

    @property
    def precision(self) -> float:
        """Share of those found that are right; 0 where none was found."""
        if not self.estimated:
            return 0.0 if self.reference else math.nan
        return self.correct / self.estimated

    @property
    def recall(self) -> float:
        """Share of those annotated that were found."""
        return self.correct / self.reference if self.reference else math.nan

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        if not self.reference:
            return math.nan
        return 2 * self.correct / (self.reference + self.estimated)

    @property
    def deletions(self) -> int:
        """Annotated, and neither found nor substituted."""
        return self.reference - self.correct - self.substitutions

    @property
    def insertions(self) -> int:
        """Found, and neither right nor a substitution."""
        return self.estimated - self.correct - self.substitutions

    @property
    def error_rate(self) -> float:
        """Substitutions, deletions and insertions over what was annotated."""
        if not self.reference:
            return math.nan
        return (self.substitutions + self.deletions + self.insertions) / self.reference


@dataclass(frozen=True)
class Detection:
    """Counts of a set.

    Attributes
    ----------
    overall : Counts
        Over all classes together (micro).
    classes : tuple of Counts
        Of each class by itself.
    """

    overall: Counts
    classes: tuple[Counts, ...]

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes that were annotated; one that was never found counts as 0."""
        values = [each.f1 for each in self.classes if each.reference]
        return sum(values) / len(values) if values else math.nan


def validate(clips: Sequence[ClipEvents], classes: int) -> None:
    """Refuse events that are none.

    Raises
    ------
    ParameterError
    """
    for number, clip in enumerate(clips):
        if not (math.isfinite(clip.duration_seconds) and clip.duration_seconds > 0):
            raise ParameterError(f"clip {number}: lasts {clip.duration_seconds} s; wanted more")
        for row in (*clip.reference, *clip.estimated):
            if not 0 <= row.column < classes:
                raise ParameterError(f"clip {number}: class {row.column} of {classes}")
            if not 0 <= row.onset_seconds < row.offset_seconds < math.inf:
                raise ParameterError(
                    f"clip {number}: an event from {row.onset_seconds} to {row.offset_seconds} s; "
                    "the onset must come before the offset"
                )


def segment_based(
    clips: Sequence[ClipEvents], classes: int, *, segment_seconds: float = 1.0
) -> Detection:
    """Compare segment by segment: a class is active in one that any of its events touches.

    The segments are those up to the end of the clip; what lies behind them does not count.

    Parameters
    ----------
    clips : sequence of ClipEvents
    classes : int
        K.
    segment_seconds : float

    Returns
    -------
    Detection
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
    return _detection(totals, substitutions)


def collar_based(
    clips: Sequence[ClipEvents],
    classes: int,
    *,
    onset_collar_seconds: float = 0.2,
    offset_collar_seconds: float = 0.2,
    offset_share: float = 0.5,
) -> Detection:
    """Compare event by event: right is one of the class with its onset and offset close enough.

    Events count as they are, those past the end of the clip, too. They are matched so that as many
    as possible are right. What is left over is a substitution
    where an event of another class lies as close.

    Parameters
    ----------
    clips : sequence of ClipEvents
    classes : int
        K.
    onset_collar_seconds : float
        Farthest that an onset may lie off.
    offset_collar_seconds, offset_share : float
        Farthest that an offset may lie off: the larger of the collar and this share of the
        annotated event's length.

    Returns
    -------
    Detection
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
        # found events in turn, as in sed_eval: of several largest matchings, which one is taken
        # decides what is left over for substitutions
        fits: dict[int, list[int]] = {}
        for number, (row, places) in enumerate(zip(clip.reference, near, strict=True)):
            for place in places:
                if clip.estimated[place].column == row.column:
                    fits.setdefault(place, []).append(number)
        pairs = _match(list(fits.values()))
        matched = set(pairs.values())
        for number in matched:
            totals[clip.reference[number].column, 2] += 1
        taken = {place for turn, place in enumerate(fits) if turn in pairs}
        for number, places in enumerate(near):
            if number in matched:
                continue
            free = next((place for place in places if place not in taken), None)
            if free is not None:
                taken.add(free)
                substitutions += 1
    return _detection(totals, substitutions)


@dataclass(frozen=True)
class PsdsScenario:
    """What PSDS asks for.

    Attributes
    ----------
    detection_tolerance : float
        Least share of a found event that annotated ones of its class must cover (DTC).
    reference_tolerance : float
        Least share of an annotated event that such found ones must cover (GTC).
    cross_trigger_tolerance : float
        Least share of a wrong event that another class must cover, to be its cross-trigger (CTTC).
    cross_trigger_cost : float
        Weight of cross-triggers among false positives (alpha CT).
    class_spread_cost : float
        Weight of the standard deviation over the classes (alpha ST).
    most_false_positives_per_hour : float
        Where the curve ends.
    """

    detection_tolerance: float
    reference_tolerance: float
    cross_trigger_tolerance: float = 0.3
    cross_trigger_cost: float = 0.0
    class_spread_cost: float = 1.0
    most_false_positives_per_hour: float = 100.0


PSDS_1 = PsdsScenario(0.7, 0.7)
"""Onsets and offsets matter."""

PSDS_2 = PsdsScenario(0.1, 0.1, cross_trigger_cost=0.5)
"""Telling classes apart matters."""


@dataclass
class PsdsCounts:
    """What PSDS counts at one operating point; see `intersection_counts`.

    Attributes
    ----------
    true_positives, false_positives : ndarray, int [K]
        Annotated events that were found, found events that are wrong.
    cross_triggers : ndarray, int [K, K]
        Wrong events of the first class that the second one covers.
    """

    true_positives: NDArray[np.int64]
    false_positives: NDArray[np.int64]
    cross_triggers: NDArray[np.int64]


def intersection_counts(
    clips: Sequence[ClipEvents], classes: int, scenario: PsdsScenario
) -> PsdsCounts:
    """Count what is right and wrong by how much events overlap.

    Annotated events of one class that overlap each other count as one. Annotated events count as
    they are, those past the end of the clip, too; a wrong event counts where the clip covers as
    much of it as the tolerance of cross-triggers asks for.

    Parameters
    ----------
    clips : sequence of ClipEvents
        What was found at one operating point.
    classes : int
        K.
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
"""Found events that are compared with all annotated ones at once."""

_SLACK = 1e-9
"""Shares are compared with so much slack: 0.7 of a second is no number of float64."""


def _reaches(shares: NDArray[np.float64], tolerance: float) -> NDArray[np.bool_]:
    return np.asarray((shares > 0) & (shares >= tolerance - _SLACK))


def psds(
    clips: Sequence[ClipEvents],
    points: Sequence[PsdsCounts],
    classes: int,
    scenario: PsdsScenario,
) -> float:
    """Give the polyphonic sound detection score.

    The area below the mean, over the classes, of the share of annotated events found, less the cost
    of their spread, as a step function of false positives an hour, cross-triggers included; over
    the classes that were annotated.

    Parameters
    ----------
    clips : sequence of ClipEvents
        What was annotated in them counts alone.
    points : sequence of PsdsCounts
        Of each operating point.
    classes : int
        K.
    scenario : PsdsScenario

    Returns
    -------
    float
        0 to 1; NaN where nothing was annotated.
    """
    numbers, seconds = np.zeros(classes, np.int64), np.zeros(classes)
    for clip in clips:
        for row in merged(clip.reference):
            numbers[row.column] += 1
            seconds[row.column] += row.offset_seconds - row.onset_seconds
    held = np.flatnonzero(numbers)
    hours = sum(clip.duration_seconds for clip in clips) / 3600
    if not len(held) or not hours:
        return math.nan
    shares, rates = [], []
    for point in points:
        shares.append(point.true_positives[held] / numbers[held])
        rate = point.false_positives[held] / hours
        if len(held) > 1:
            crossed = point.cross_triggers[np.ix_(held, held)] / (seconds[held] / 3600)
            np.fill_diagonal(crossed, 0)
            rate = rate + scenario.cross_trigger_cost * crossed.sum(axis=1) / (len(held) - 1)
        rates.append(rate)
    most = scenario.most_false_positives_per_hour
    x = np.vstack([np.zeros(len(held)), *rates])  # [points + 1, classes]
    y = np.vstack([np.zeros(len(held)), *shares])
    grid = np.unique(np.append(x[x < most], [0.0, most]))
    curves = np.stack([_steps(grid[:-1], x[:, n], y[:, n]) for n in range(len(held))])
    heights = curves.mean(axis=0) - scenario.class_spread_cost * curves.std(axis=0)
    return float((np.maximum(heights, 0) * np.diff(grid)).sum() / most)


def _steps(
    grid: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give the highest y at or before each place of the grid."""
    order = np.argsort(x, kind="stable")
    highest = np.maximum.accumulate(y[order])
    return np.asarray(highest[np.searchsorted(x[order], grid, side="right") - 1])


def merged(rows: Sequence[EventRow]) -> list[EventRow]:
    """Join events of one class that overlap."""
    joined: list[EventRow] = []
    for row in sorted(rows):
        last = joined[-1] if joined else None
        if last and last.column == row.column and row.onset_seconds < last.offset_seconds:
            end = max(last.offset_seconds, row.offset_seconds)
            joined[-1] = EventRow(row.column, last.onset_seconds, end)
        else:
            joined.append(row)
    return joined


def _roll(
    rows: Sequence[EventRow], count: int, classes: int, segment_seconds: float
) -> NDArray[np.bool_]:
    """Mark active segments, bool [count, K]."""
    roll = np.zeros((count, classes), np.bool_)
    for row in rows:
        first = math.floor(row.onset_seconds / segment_seconds)
        roll[first : math.ceil(row.offset_seconds / segment_seconds), row.column] = True
    return roll


def _near(clip: ClipEvents, onset: float, offset: float, share: float) -> list[list[int]]:
    """Give for each annotated event the places of the found ones within the collars, ascending."""
    onsets = np.array([row.onset_seconds for row in clip.estimated])
    offsets = np.array([row.offset_seconds for row in clip.estimated])
    order = np.argsort(onsets, kind="stable")
    near = []
    for row in clip.reference:
        # a little wider than the collar, which the comparison below keeps exactly
        ends = row.onset_seconds - onset - 1, row.onset_seconds + onset + 1
        first, last = np.searchsorted(onsets[order], ends)
        places = np.sort(order[first:last])
        allowed = max(offset, share * (row.offset_seconds - row.onset_seconds))
        fits = np.abs(onsets[places] - row.onset_seconds) <= onset
        fits &= np.abs(offsets[places] - row.offset_seconds) <= allowed
        near.append(places[fits].tolist())
    return near


def _match(fits: Sequence[Sequence[int]]) -> dict[int, int]:
    """Match as many rows as possible with columns that fit, each once: column by row.

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


def _detection(totals: NDArray[np.int64], substitutions: int) -> Detection:
    reference, estimated, correct = (int(total) for total in totals.sum(axis=0))
    return Detection(
        Counts(reference, estimated, correct, substitutions),
        tuple(Counts(*(int(value) for value in row)) for row in totals),
    )
