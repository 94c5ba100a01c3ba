"""Counts of events, and events that are refused."""

from __future__ import annotations

import math

import pytest

from yamkit.errors import ParameterError
from yamkit.evaluation.events.collars import collar_based
from yamkit.evaluation.events.counts import ClipEvents, Counts, EventRow
from yamkit.evaluation.events.segments import segment_based

A, B = 0, 1


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
        (ClipEvents([EventRow(7, 0, 1)], [], 10), "class 7: must be"),
        (ClipEvents([], [], 0), "duration 0 s"),
        (ClipEvents([], [EventRow(A, math.nan, 1)], 10), "an event from nan"),
    ],
)
def test_invalid_events_are_refused(clip: ClipEvents, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        segment_based([clip], 2)
