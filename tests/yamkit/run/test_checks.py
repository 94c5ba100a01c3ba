"""Checks of items: what comes in is in range, or refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.run.checks import DAMAGE, ItemLayout, are_scores, to_count, to_score, to_span, to_text
from yamkit.types import EventParameters, Parameters, RunInfo, RunModel, TagClass

CLASSES = (TagClass(0, "/m/0", "A"), TagClass(1, "/m/1", "B"))
ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())
)


@given(ANYTHING)
def test_counts_are_whole_numbers_from_1(value) -> None:
    try:
        count = to_count(value)
    except DAMAGE:
        return
    assert type(count) is int
    assert count >= 1


@given(ANYTHING, ANYTHING)
def test_spans_do_not_go_back(start, end) -> None:
    try:
        found = to_span(start, end)
    except DAMAGE:
        return
    assert 0 <= found[0] <= found[1] < float("inf")
    assert [type(each) for each in found] == [float, float]


@given(ANYTHING)
def test_scores_are_0_to_1_but_for_rounding(value) -> None:
    try:
        score = to_score(value)
    except DAMAGE:
        assert not (type(value) is float and 0 <= value <= 1)
        return
    assert -0.01 < score < 1.01
    assert are_scores(np.array([score]))


@given(ANYTHING)
def test_texts_are_unicode(value) -> None:
    try:
        text = to_text(value)
    except DAMAGE:
        return
    assert text.encode().decode() == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.5, 1.5])
def test_one_value_out_of_range_spoils_scores(value: float) -> None:
    assert are_scores(np.array([0.0, 0.5, 1.0]))
    assert not are_scores(np.array([0.0, value, 1.0]))


@pytest.mark.parametrize("events", [None, EventParameters()])
def test_the_layout_follows_from_the_run(events: EventParameters | None) -> None:
    run = RunInfo(
        "1",
        RunModel("net", "1", "0" * 64, "", len(CLASSES)),
        "b",
        "f",
        "r",
        Parameters("mean", 0.48, None, 5, events=events),
        per_patch=events is None,
        embedding_size=4,
        arrays=("scores", "embedding"),
    )
    layout = ItemLayout.of(run, CLASSES, "float32")
    assert layout == ItemLayout(
        CLASSES, {"scores": 2, "embedding": 4}, "float32", events is None, events is not None
    )
