from __future__ import annotations

import pytest

from yamkit.types import LEAVE_RATIO, EventParameters


@pytest.mark.parametrize(("enter", "leave"), [(0.3, 0.1), (0.6, 0.2), (0.05, 0.0166666667)])
def test_the_leave_threshold_follows_the_enter_threshold(enter: float, leave: float) -> None:
    assert EventParameters(enter=enter).leave == leave
    assert EventParameters(enter=enter, leave=0.01).leave == 0.01


def test_the_leave_ratio_of_other_thresholds() -> None:
    assert EventParameters(enter=0.4, leave=0.1).leave_ratio == 0.25
    assert EventParameters(enter=0.0, leave=0.0).leave_ratio == LEAVE_RATIO
