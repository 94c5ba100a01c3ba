"""PSDS, worked by hand."""

from __future__ import annotations

import math

import pytest

from yamkit.evaluation.events.counts import ClipEvents, EventRow
from yamkit.evaluation.events.psds import (
    PSDS_1,
    PSDS_2,
    PsdsScenario,
    intersection_counts,
    psds,
)

A, B = 0, 1


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
