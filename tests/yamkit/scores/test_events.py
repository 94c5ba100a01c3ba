"""The events of a clip come in the order of their onsets, however its scores arrive."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.scores.detector import EventDetector
from yamkit.scores.events import OnsetOrder, find_events
from yamkit.scores.grid import Grid
from yamkit.types import EventParameters

GRID = Grid(10, 20, 10)


def detector() -> EventDetector:
    return EventDetector(GRID, np.full(3, 0.5), np.full(3, 0.25), EventParameters())


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 40)))
@pytest.mark.long(reason="tags many clips")
def test_events_are_sorted_for_any_cut(seed: int, cuts: list[int]) -> None:
    scores = np.random.default_rng(seed).uniform(0, 1, (40, 3)).astype(np.float32)
    samples = 39 * 10 + 20
    found = find_events(detector(), scores, samples)
    keys = [(event.onset_sample, event.column) for event in found]
    assert keys == sorted(keys)
    streamed, order, place = detector(), OnsetOrder(), 0
    events = []
    for part in np.split(scores, sorted(cuts)):
        place += len(part)
        known = max(0, place - 1) * 10 + 20 if place else 0
        events += order.update(streamed.update(part, known), streamed)
    events += order.update(streamed.finish(samples), streamed)
    assert events == found


def test_an_open_event_holds_back_later_ones() -> None:
    scores = np.zeros((10, 3), np.float32)
    scores[:, 0] = 0.9
    scores[2:4, 1] = 0.9
    one, order = detector(), OnsetOrder()
    assert list(order.update(one.update(scores, 110), one)) == []
    assert [event.column for event in order.update(one.finish(110), one)] == [0, 1]
