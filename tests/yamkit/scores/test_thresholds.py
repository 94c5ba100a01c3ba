"""Thresholds: checked, and derived for classes that have their own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.scores.event_parameters import check_parameters
from yamkit.scores.thresholds import event_thresholds
from yamkit.types import EventParameters


@pytest.mark.parametrize(
    ("enter", "leave"), [(0.3, 0.1), (0.05, 0.0166666667), (0.0, 0.0), (1.0, 0.333333333)]
)
def test_an_event_is_left_at_a_third_of_where_it_is_entered(enter: float, leave: float) -> None:
    assert EventParameters(enter).leave == leave
    assert EventParameters(enter, 0.0).leave == 0.0
    check_parameters(EventParameters(enter))


@given(st.floats(0, 1), st.none() | st.floats(0, 1), st.lists(st.none() | st.floats(0, 1)))
def test_thresholds_of_columns(enter: float, share: float | None, own: list) -> None:
    parameters = EventParameters(enter, None if share is None else share * enter)
    entered, left = event_thresholds(parameters, own)
    assert (left <= entered).all()
    for level, high, low in zip(own, entered, left, strict=True):
        if level is None:
            assert (high, low) == (enter, parameters.leave)
        elif enter > 0:
            assert high == level
            assert low * enter == pytest.approx(level * parameters.leave, rel=1e-9, abs=1e-300)
