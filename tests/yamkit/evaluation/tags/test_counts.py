"""Counts of clips under weightings, by hand and as repeated clips."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.evaluation.tags.counts import ScoredClips
from yamkit.evaluation.tags.metric_table import compute_metrics

TRUTH = np.array([[1, 0], [0, 1], [1, 0], [0, 0]], bool)
SCORES = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.2], [0.5, 0.5]])


def test_counts_by_hand() -> None:
    counts = ScoredClips(TRUTH, SCORES, 0.5).count(np.array([[1.0], [1.0], [1.0], [2.0]]))
    assert counts.positives.tolist() == [[2], [1]]
    assert counts.negatives.tolist() == [[3], [4]]
    assert counts.pairs.tolist() == [[6], [4]]
    assert counts.tagged.tolist() == [[4], [2]]
    assert counts.hits.tolist() == [[1], [0]]
    # in clips 0 and 2 the label is first, in clip 1 it is second
    assert counts.label_precision_sums.tolist() == [[2], [0.5]]
    assert {k: values.tolist() for k, values in counts.top_k.items()} == {1: [2]}
    assert counts.best_threshold.tolist() == [[0.9], [0.4]]


def test_clips_with_several_labels_have_no_accuracy() -> None:
    counts = ScoredClips(np.ones((2, 3), bool), np.zeros((2, 3)), 0.5).count(np.ones((2, 1)))
    assert counts.top_k == {}


@given(st.integers(0, 2**32), st.lists(st.integers(0, 3), min_size=8, max_size=8))
@pytest.mark.long(reason="many random problems")
def test_a_weight_is_a_number_of_equal_clips(seed: int, weights: list[int]) -> None:
    random = np.random.default_rng(seed)
    truth, scores = random.random((8, 3)) < 0.4, np.round(random.random((8, 3)), 1)
    if not sum(weights):
        weights[0] = 1
    rows = np.repeat(np.arange(8), weights)
    weighted = ScoredClips(truth, scores, 0.5).count(np.array(weights, "f8")[:, np.newaxis])
    repeated = ScoredClips(truth[rows], scores[rows], 0.5).count(np.ones((len(rows), 1)))
    for found, expected in zip(compute_metrics(weighted), compute_metrics(repeated), strict=True):
        for key in found.keys() & expected.keys():
            np.testing.assert_allclose(found[key], expected[key], atol=1e-12, err_msg=key)
