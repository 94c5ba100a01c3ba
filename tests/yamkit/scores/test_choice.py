"""The choice of what is reported: values out of range are refused."""

from __future__ import annotations

import pytest

from yamkit.errors import ParameterError
from yamkit.scores.choice import Choice
from yamkit.types import EventParameters


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({"top": 0}, "0"),
        ({"threshold": float("inf")}, "inf"),
        ({"threshold": 1.5}, "1.5"),
        ({"events": EventParameters(), "per_patch": True}, "--per-patch"),
    ],
)
def test_invalid_choices_are_refused(options, value: str) -> None:
    with pytest.raises(ParameterError, match=value):
        Choice(**options)
