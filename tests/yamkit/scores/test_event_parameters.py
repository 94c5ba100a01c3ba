"""Parameters of events: their ranges, and the delay they cause."""

from __future__ import annotations

import math

import pytest

from yamkit.errors import ParameterError
from yamkit.scores.event_parameters import check_parameters, delay_seconds
from yamkit.scores.grid import Grid
from yamkit.types import EventParameters

YAMNET = Grid(hop_samples=7680, window_samples=15600, sample_rate_hz=16000)


def test_without_options_an_event_is_known_within_a_second() -> None:
    assert delay_seconds(YAMNET, EventParameters()) == (0.975, 0.975)
    filtered = EventParameters(median_cells=5)
    assert delay_seconds(YAMNET, filtered)[0] == pytest.approx(0.975 + 2 * 0.48)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"median_cells": 2}, "median 2: .* odd"),
        ({"median_cells": 0}, "median 0: .* odd"),
        ({"min_duration_seconds": -1.0}, "min duration -1 s: .* 86400 s"),
        ({"join_gap_seconds": math.nan}, "join gap nan s"),
        ({"cells": "sum"}, "cells 'sum': .* mean, max"),
        ({"score": "sum"}, "event score 'sum'"),
        ({"enter": 0.05, "leave": 0.1}, "leave threshold 0.1 exceeds enter threshold 0.05"),
        ({"enter": math.nan}, "enter nan: "),
        ({"enter": 30}, "enter 30: .*did you mean 0.3"),
        ({"leave": -0.5}, "leave -0.5: .* 1$"),
    ],
)
def test_parameters_out_of_range(wrong, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        check_parameters(EventParameters(**wrong))
