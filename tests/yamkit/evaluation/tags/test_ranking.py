"""Ranked clips: steps of equal scores, and weights that add up."""

from __future__ import annotations

import numpy as np
import pytest

from yamkit.evaluation.tags.ranking import LabelRanks, RankedClips


def test_equal_scores_are_one_step() -> None:
    truth = np.array([True, False, True, False])
    scores = np.array([0.5, 0.5, 0.9, 0.1])
    once = np.ones((4, 1))
    found = RankedClips(truth, scores).rank(once, once.sum(axis=0))
    # at 0.9: precision 1, recall 1/2; at 0.5: precision 2/3, recall 1
    assert found.average_precision[0] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    # pairs: 0.9 above both negatives, 0.5 equal to one and above the other
    assert found.auc[0] == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert (found.best_f1[0], found.best_threshold[0]) == (pytest.approx(0.8), 0.5)


def test_a_class_without_positives_is_undefined() -> None:
    totals = np.array([3.0, 2.0])
    found = RankedClips(np.zeros(3, bool), np.arange(3.0)).rank(np.ones((3, 2)), totals)
    for values in (found.average_precision, found.auc, found.best_f1, found.best_threshold):
        assert np.isnan(values).all()
    assert found.positives.tolist() == [0, 0]
    assert found.negatives.tolist() == [3, 2]


def test_of_equally_good_thresholds_the_highest_is_best() -> None:
    truth, scores = np.array([True, False, True, True]), np.array([0.9, 0.8, 0.7, 0.1])
    once = np.ones((4, 1))
    found = RankedClips(truth, scores).rank(once, once.sum(axis=0))
    assert found.best_threshold[0] == 0.1
    found = RankedClips(truth[:3], scores[:3]).rank(once[:3], once[:3].sum(axis=0))
    assert found.best_threshold[0] == 0.7
    first, second = np.array([True, False, False, True]), np.array([0.9, 0.8, 0.7, 0.1])
    # F1 is 2/3 at 0.9 and at 0.1
    assert RankedClips(first, second).rank(once, once.sum(axis=0)).best_threshold[0] == 0.9


def test_labels_are_ranked_within_their_clips() -> None:
    truth = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]], bool)
    scores = np.array([[0.5, 0.9, 0.5], [1, 2, 3], [0.2, 0.2, 0.3]])
    found = LabelRanks.of(truth, scores)
    assert list(zip(found.clips, found.classes, found.ranks, found.hits, strict=True)) == [
        (0, 0, 3, 2),
        (0, 2, 3, 2),
        (2, 1, 3, 1),
    ]
