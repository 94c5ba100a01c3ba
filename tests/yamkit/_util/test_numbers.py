"""Numbers are read as programs write them, and nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit._util.numbers import integer_of, real_number, whole_number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_read_as_it_is_written(number: float) -> None:
    assert real_number(repr(number)) == number
    assert real_number(f" {number!r}\n") == number


@given(st.integers(-(10**18) + 1, 10**18 - 1))
def test_every_whole_number_is_read_as_it_is_written(number: int) -> None:
    assert whole_number(str(number)) == number


@given(st.text())
def test_a_text_is_a_finite_number_or_none(text: str) -> None:
    number = real_number(text)
    assert number is None or math.isfinite(number)
    assert number is None or number == float(text)
    whole = whole_number(text)
    assert whole is None or whole == int(text)


@pytest.mark.parametrize(
    "text", ["", " ", ".", "e5", "0_1", "nan", "inf", "-inf", "1e999", "0x1", "٣", "1 2", "1,5"]
)
def test_other_texts_are_not_numbers(text: str) -> None:
    assert real_number(text) is None
    assert whole_number(text) is None


@pytest.mark.parametrize("text", ["9" * 19, "1.0", " 1", "1e3"])
def test_texts_that_are_not_whole_numbers(text: str) -> None:
    assert whole_number(text) is None


@pytest.mark.parametrize(
    ("value", "expected"), [(3, 3), (np.int64(3), 3), (3.0, None), ("3", None), (None, None)]
)
def test_only_values_of_integer_types_are_integers(value, expected) -> None:
    assert integer_of(value) == expected
