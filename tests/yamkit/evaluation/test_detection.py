"""Metrics of events: against the programs of the field, and cases worked by hand."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.yamkit.evaluation.event_problems import (
    CLASSES,
    POINTS,
    PROBLEMS,
    by_yamkit,
    clips,
    differences,
    problem,
)
from yamkit.errors import ParameterError
from yamkit.evaluation.detection import (
    PSDS_1,
    PSDS_2,
    ClipEvents,
    Counts,
    EventRow,
    PsdsScenario,
    _match,
    collar_based,
    intersection_counts,
    merged,
    psds,
    segment_based,
)

KEPT = json.loads(Path(__file__).with_name("event_metrics.json").read_text())
SCENARIOS = {
    "psds_1": PSDS_1,
    "psds_2": PSDS_2,
    "psds_wide": PsdsScenario(0.5, 0.5, 0.3, 1.0, 0.0, 20000),
}


def test_the_problems_are_of_every_kind() -> None:
    assert len(KEPT["answers"]) == PROBLEMS == 200
    events = [
        (row, given["durations"][n], rows)
        for given in map(problem, range(PROBLEMS))
        for n, rows in enumerate(given["reference"])
        for row in rows
    ]
    assert sum(row[1] == 0 for row, _, _ in events) > 100
    assert sum(row[2] == end for row, end, _ in events) > 100
    assert sum(row[1] < end < row[2] for row, end, _ in events) > 100
    assert sum(row[1] >= end for row, end, _ in events) > 100
    assert sum(row[1] == end for row, end, _ in events) > 10
    assert sum(rows.count(row) > 1 for row, _, rows in events) > 100
    assert (
        sum(any(row[0] == r[0] and row[1] < r[1] < row[2] for r in rows) for row, _, rows in events)
        > 100
    )


@pytest.mark.parametrize("seed", range(0, PROBLEMS, 10))
def test_equal_to_sed_eval(seed: int) -> None:
    for each in range(seed, seed + 10):
        found = by_yamkit(problem(each), each % POINTS)
        assert differences(found, KEPT["answers"][each]) == []


@pytest.mark.parametrize("seed", range(0, PROBLEMS, 10))
def test_equal_to_psds_eval(seed: int) -> None:
    for each in range(seed, seed + 10):
        given = problem(each)
        annotated = {row[0] for rows in given["reference"] for row in rows}
        for name, scenario in SCENARIOS.items():
            held = [joined(clips(given, point)) for point in range(POINTS)]
            points = [intersection_counts(point, len(CLASSES), scenario) for point in held]
            found = psds(held[0], points, len(CLASSES), scenario)
            wanted = KEPT["answers"][each][name]
            if len(annotated) == 1:  # psds_eval divides by the number of other classes
                assert wanted == 0 <= found
            else:
                assert found == pytest.approx(wanted, abs=1e-9), (each, name)


def joined(given: list[ClipEvents]) -> list[ClipEvents]:
    """Join found events of a class that overlap: psds_eval refuses them."""
    return [replace(clip, estimated=merged(clip.estimated)) for clip in given]


A, B = 0, 1


def test_segments_by_hand() -> None:
    # segments:   0    1    2    3
    # annotated:  A    A    -    B
    # found:      A    B    B    -
    clip = ClipEvents(
        [EventRow(A, 0.0, 2.0), EventRow(B, 3.2, 3.4)],
        [EventRow(A, 0.5, 0.6), EventRow(B, 1, 3)],
        4,
    )
    found = segment_based([clip], 2)
    # one right; in segment 1 B for A; segment 2 is inserted, 3 deleted
    assert found.overall == Counts(3, 3, 1, 1)
    assert (found.overall.deletions, found.overall.insertions) == (1, 1)
    assert found.overall.error_rate == 1
    assert found.overall.f1 == pytest.approx(1 / 3)
    assert found.classes == (Counts(2, 1, 1), Counts(1, 2, 0))
    assert found.macro_f1 == pytest.approx((2 / 3 + 0) / 2)


def test_collars_by_hand() -> None:
    reference = [EventRow(A, 1.0, 2.0), EventRow(A, 5.0, 9.0), EventRow(B, 12.0, 13.0)]
    estimated = [
        EventRow(A, 1.2, 2.5),  # both within: 0.2, and half of one second
        EventRow(A, 5.0, 11.1),  # the offset is 2.1 off, allowed are 2
        EventRow(A, 12.1, 13.1),  # the place is right, the class is not
    ]
    found = collar_based([ClipEvents(reference, estimated, 20)], 2)
    assert found.overall == Counts(3, 3, 1, 1)
    assert found.overall.error_rate == 1
    assert found.classes == (Counts(2, 3, 1), Counts(1, 0, 0))


def test_matching_finds_as_many_as_possible() -> None:
    # the first annotated event must give way: both fit it, the second fits one alone
    reference = [EventRow(A, 1.0, 2.0), EventRow(A, 1.15, 2.15)]
    estimated = [EventRow(A, 0.99, 2.0), EventRow(A, 0.85, 2.0)]
    assert collar_based([ClipEvents(reference, estimated, 5)], 1).overall.correct == 2


@given(st.integers(0, 6), st.data())
def test_no_matching_is_larger(count: int, data) -> None:
    columns = data.draw(st.integers(0, 5))
    fits = [
        sorted(data.draw(st.sets(st.integers(0, columns - 1)))) if columns else []
        for _ in range(count)
    ]
    found = _match(fits)
    assert all(column in fits[row] for row, column in found.items())
    assert len(set(found.values())) == len(found)
    choices = [[None, *each] for each in fits]
    best = max(
        sum(column is not None for column in chosen)
        for chosen in itertools.product(*choices)
        if len({c for c in chosen if c is not None}) == sum(c is not None for c in chosen)
    )
    assert len(found) == best


def test_a_long_chain_is_no_recursion() -> None:
    count = 5000
    fits = [[row, row + 1] if row else [1] for row in range(count - 1)] + [[count - 1, 0]]
    assert len(_match(fits)) == count


def test_intersections_by_hand() -> None:
    reference = [EventRow(A, 0, 10), EventRow(B, 20, 30)]
    estimated = [
        EventRow(A, 1, 9),  # inside: right, and 0.8 of it found
        EventRow(B, 8, 28),  # 0.4 of it inside: wrong; it covers A for 0.1 of its length
        EventRow(A, 21, 26),  # wrong; B covers all of it
    ]
    counts = intersection_counts([ClipEvents(reference, estimated, 3600)], 2, PSDS_1)
    assert counts.true_positives.tolist() == [1, 0]
    assert counts.false_positives.tolist() == [1, 1]
    assert counts.cross_triggers.tolist() == [[0, 1], [0, 0]]
    counts = intersection_counts([ClipEvents(reference, estimated, 3600)], 2, PSDS_2)
    assert counts.true_positives.tolist() == [1, 1]
    assert counts.false_positives.tolist() == [1, 0]


def test_psds_by_hand() -> None:
    # an hour; A found with 50 false positives, B found with none: means and spreads by hand
    reference = [EventRow(A, 0, 10), EventRow(B, 20, 30)]
    wrong = [EventRow(A, 100 + 10 * n, 101 + 10 * n) for n in range(50)]
    clip = ClipEvents(reference, [*reference, *wrong], 3600)
    point = intersection_counts([clip], 2, PSDS_1)
    # below 50 an hour B alone: mean 0.5, spread 0.5; from there both: 1, 0
    assert psds([clip], [point], 2, PSDS_1) == pytest.approx(0.5 * 0 + 0.5 * 1)
    even = PsdsScenario(0.7, 0.7, class_spread_cost=0.0)
    assert psds([clip], [point], 2, even) == pytest.approx(0.5 * 0.5 + 0.5 * 1)
    perfect = intersection_counts([ClipEvents(reference, reference, 3600)], 2, PSDS_1)
    assert psds([clip], [perfect], 2, PSDS_1) == 1
    assert psds([clip], [], 2, PSDS_1) == 0
    assert math.isnan(psds([ClipEvents([], wrong, 3600)], [point], 2, PSDS_1))


def test_annotated_events_that_overlap_count_as_one() -> None:
    reference = [EventRow(A, 0, 6), EventRow(A, 4, 10)]
    clip = ClipEvents(reference, [EventRow(A, 0, 10)], 20)
    counts = intersection_counts([clip], 1, PSDS_1)
    assert counts.true_positives.tolist() == [1]
    assert psds([clip], [counts], 1, PSDS_1) == 1


def test_nothing_annotated_or_found() -> None:
    empty = ClipEvents([], [], 10)
    for metric in (segment_based, collar_based):
        found = metric([empty], 2).overall
        assert found == Counts(0, 0, 0)
        assert math.isnan(found.f1)
        assert math.isnan(found.error_rate)
        assert math.isnan(found.recall)
        assert math.isnan(found.precision)
        assert math.isnan(metric([empty], 2).macro_f1)
    missed = collar_based([ClipEvents([EventRow(A, 0, 1)], [], 10)], 1).overall
    assert (missed.precision, missed.recall, missed.f1, missed.error_rate) == (0, 0, 0, 1)


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        (ClipEvents([EventRow(A, 2, 1)], [], 10), "an event from 2 to 1 s"),
        (ClipEvents([EventRow(7, 0, 1)], [], 10), "class 7 of 2"),
        (ClipEvents([], [], 0), "lasts 0 s"),
        (ClipEvents([], [EventRow(A, math.nan, 1)], 10), "an event from nan"),
    ],
)
def test_events_that_are_none(clip: ClipEvents, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        segment_based([clip], 2)
