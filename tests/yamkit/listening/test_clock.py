"""Times of day of places in a stream, and delays."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.listening import Block, Clock, Delays


@given(
    st.lists(
        st.tuples(
            st.integers(1, 5000),  # samples of a block
            st.integers(0, 9000),  # samples that were dropped before it
            st.floats(0, 5),  # seconds since the last block came
            st.floats(-100, 100),  # seconds by which the clock of the system was set
            st.booleans(),  # whether the clock learns of it
        ),
        min_size=1,
        max_size=60,
    ),
    st.lists(st.floats(0, 1), min_size=2, max_size=20),
)
def test_times_of_day_never_run_backwards(blocks, shares) -> None:
    clock = Clock(1000)
    end, arrived, day = 0, 5.0, 1e9
    known: list[tuple[float, float]] = []
    for number, (size, dropped, waited, step, is_told) in enumerate(blocks):
        start = end + dropped
        end = start + size
        arrived, day = arrived + waited, day + waited + step
        if not is_told and number:
            continue
        clock.add(Block(start, np.zeros(size, np.float32), arrived, day))
        known += [(share * end / 1000, clock.time(share * end / 1000)) for share in shares]
    known.sort()
    assert all(one[1] <= two[1] + 1e-6 for one, two in itertools.pairwise(known))


def test_in_real_time_a_sample_has_the_time_at_which_it_came() -> None:
    clock = Clock(1000)
    for number in range(50):
        clock.add(Block(400 * number, np.zeros(400, np.float32), 7 + 0.4 * number, 0.4 * number))
        for back in (0.0, 0.1, 0.4, 1.5):
            place = 0.4 * (number + 1) - back
            assert clock.time(place) == pytest.approx(place - 0.4)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=200))
def test_the_median_of_delays_is_within_two_percent(values: list[float]) -> None:
    delays = Delays()
    for value in values:
        delays.add(value)
    middle = sorted(values)[(len(values) - 1) // 2]
    assert delays.count == len(values)
    assert delays.worst_seconds == max(values)
    assert middle / 1.021 - 1e-4 <= delays.median_seconds <= middle * 1.021 + 1e-4


def test_no_delay_at_all() -> None:
    assert (Delays().count, Delays().median_seconds) == (0, 0.0)
