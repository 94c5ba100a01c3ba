"""Clip scores and the choice of tags."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.errors import ParameterError
from yamkit.scores.aggregate import AGGREGATES, ClipScores, Peaks, top_tags
from yamkit.types import TagClass

CLASSES = tuple(TagClass(i, f"/m/{i}", f"class {i}") for i in range(4))


@given(
    patches=st.integers(1, 30), cuts=st.lists(st.integers(0, 30), max_size=4), seed=st.integers(0)
)
def test_running_state_equals_the_whole(patches: int, cuts: list[int], seed: int) -> None:
    scores = np.random.default_rng(seed).random((patches, 4), np.float32)
    for aggregate, whole in (("mean", scores.mean(0, np.float64)), ("max", scores.max(0))):
        running = ClipScores(aggregate, 4)
        for part in np.split(scores, sorted(cut % (patches + 1) for cut in cuts)):
            running.update(part)
        np.testing.assert_allclose(running.result(), whole, rtol=0, atol=1e-7)
        assert running.result().dtype == np.float32
        assert running.patches == patches


@given(
    patches=st.integers(1, 30), cuts=st.lists(st.integers(0, 30), max_size=4), seed=st.integers(0)
)
def test_sounding_is_the_mean_weighted_by_what_is_not_silent(patches, cuts, seed) -> None:
    scores = np.random.default_rng(seed).random((patches, 4), np.float32)
    running = ClipScores("sounding", 4, silence=2)
    for part in np.split(scores, sorted(cut % (patches + 1) for cut in cuts)):
        running.update(part)
    weights = 1 - scores[:, 2].astype(np.float64)
    expected = np.average(scores, axis=0, weights=weights)
    np.testing.assert_allclose(running.result(), expected, rtol=0, atol=1e-6)


def test_sounding_leaves_silent_patches_out() -> None:
    scores = np.array([[0.9, 0.0], [0.1, 1.0], [0.2, 1.0]], np.float32)
    running = ClipScores("sounding", 2, silence=1)
    running.update(scores)
    assert running.result().tolist() == [pytest.approx(0.9), 0.0]
    silent = ClipScores("sounding", 2, silence=1)
    silent.update(scores[1:])
    assert silent.result().tolist() == [pytest.approx(0.15), 1.0]  # the plain mean


def test_sounding_needs_a_class_of_silence() -> None:
    with pytest.raises(ParameterError, match="'sounding': the model .*silence"):
        ClipScores("sounding", 2)


@given(
    patches=st.integers(1, 30), cuts=st.lists(st.integers(0, 30), max_size=4), seed=st.integers(0)
)
def test_peaks_are_the_first_highest_patches(patches, cuts, seed) -> None:
    scores = np.random.default_rng(seed).integers(0, 5, (patches, 4)).astype(np.float32) / 4
    peaks, places = Peaks(4), sorted(cut % (patches + 1) for cut in cuts)
    starts = 10 * np.arange(patches)
    for part, begins in zip(np.split(scores, places), np.split(starts, places), strict=True):
        if len(part):
            peaks.update(part, begins)
    assert (peaks.scores == scores.max(axis=0)).all()
    assert (peaks.start_samples == 10 * scores.argmax(axis=0)).all()


def test_no_patch_gives_zeros() -> None:
    for aggregate in AGGREGATES:
        assert ClipScores(aggregate, 2, silence=0).result().tolist() == [0, 0]


def test_an_unknown_aggregate() -> None:
    with pytest.raises(ParameterError, match="aggregate 'median': .* mean, max, sounding"):
        ClipScores("median", 2)


def test_ties_break_by_class_index() -> None:
    scores = np.array([0.2, 0.7, 0.2, 0.7], np.float32)
    assert [tag.index for tag in top_tags(scores, CLASSES, None, None)] == [1, 3, 0, 2]


@pytest.mark.parametrize(
    ("top", "threshold", "indices"),
    [(1, None, [1]), (None, 0.5, [1, 2]), (1, 0.5, [1]), (3, 0.95, []), (9, None, [1, 2, 3, 0])],
)
def test_top_and_threshold(top: int | None, threshold: float | None, indices: list[int]) -> None:
    scores = np.array([0.0, 0.9, 0.5, 0.25], np.float32)
    tags = top_tags(scores, CLASSES, top, threshold)
    assert [tag.index for tag in tags] == indices
    for tag in tags:
        assert (tag.mid, tag.name) == (f"/m/{tag.index}", f"class {tag.index}")
        assert tag.score == scores[tag.index]
