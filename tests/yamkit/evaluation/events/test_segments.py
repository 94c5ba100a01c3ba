"""Segment-based metrics, worked by hand."""

from __future__ import annotations

import pytest

from yamkit.evaluation.events.counts import ClipEvents, Counts, EventRow
from yamkit.evaluation.events.segments import segment_based

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
