"""Errors are one line that can be shown, whatever a file made them say."""

from __future__ import annotations

import inspect
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit import errors

ALL = [
    each
    for _, each in inspect.getmembers(errors, inspect.isclass)
    if issubclass(each, errors.YamkitError)
]


@pytest.mark.parametrize("kind", ALL)
def test_every_error_is_one_line_that_can_be_shown(kind):
    assert str(kind("a\nb\x1b[31m\udcff")) == r"a\nb\x1b[31m\xff"
    assert str(kind("plain é 音")) == "plain é 音"


@given(st.text(max_size=3000))
def test_any_text(text):
    shown = str(errors.LabelError(text))
    assert not {unicodedata.category(each) for each in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert len(shown) <= 1000


def test_the_end_of_a_long_message_is_kept():
    shown = str(errors.ParameterError(f"model {'x' * 5000}: wanted one of a, b"))
    assert shown.startswith("model xxx")
    assert shown.endswith("x: wanted one of a, b")
    assert len(shown) < 1000
