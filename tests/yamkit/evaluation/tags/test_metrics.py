"""Metrics: against scikit-learn on random problems, and by hand on subtle points."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from yamkit.errors import ParameterError
from yamkit.evaluation import metrics

EXACT = {"rtol": 0, "atol": 1e-9}


@st.composite
def problems(draw: st.DrawFn):
    """Truth, scores and weights: ties, empty classes, classes of positives alone, single clips."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    clips, classes = draw(st.integers(1, 40)), draw(st.integers(1, 9))
    shares = random.choice([0, 0.1, 0.5, 1], classes)
    truth = random.random((clips, classes)) < shares
    steps = draw(st.sampled_from([1, 2, 5, 1000]))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    scores = (np.floor(random.random((clips, classes)) * steps) / steps).astype(dtype)
    weights = draw(st.sampled_from([None, random.integers(0, 3, clips) * 1.0]))
    return truth, scores, weights


@given(problems())
@settings(max_examples=200, deadline=None)
@pytest.mark.long(reason="many random problems")
def test_average_precision_and_auc_equal_scikit_learn(problem) -> None:
    truth, scores, weights = problem
    precisions = metrics.average_precision(truth, scores, weights)
    areas = metrics.roc_auc(truth, scores, weights)
    clip_weights = np.ones(len(truth)) if weights is None else weights
    for column in range(truth.shape[1]):
        held, found = truth[:, column], scores[:, column]
        positives, negatives = clip_weights[held].sum(), clip_weights[~held].sum()
        if positives:
            expected = reference.average_precision_score(held, found, sample_weight=weights)
            np.testing.assert_allclose(precisions[column], expected, **EXACT)
        else:
            assert np.isnan(precisions[column])
        if positives and negatives:
            expected = reference.roc_auc_score(held, found, sample_weight=weights)
            np.testing.assert_allclose(areas[column], expected, **EXACT)
        else:
            assert np.isnan(areas[column])


@given(problems())
@settings(max_examples=200, deadline=None)
@pytest.mark.long(reason="many random problems")
def test_lwlrap_equals_scikit_learn(problem) -> None:
    truth, scores, weights = problem
    labels = truth.sum(axis=1) * (1 if weights is None else weights)
    if not labels.sum():
        assert math.isnan(metrics.lwlrap(truth, scores, weights))
        return
    some = truth.any(axis=1)  # scikit-learn gives clips without labels 1
    # float64: SciPy's ranks have, from 1.18 on, the type of the scores, and so does their ratio
    expected = reference.label_ranking_average_precision_score(
        truth[some], scores[some].astype(np.float64), sample_weight=labels[some]
    )
    np.testing.assert_allclose(metrics.lwlrap(truth, scores, weights), expected, **EXACT)
    # label-weighted is the mean of the classes', weighted by their labels
    each = metrics.lwlrap_by_class(truth, scores, weights)
    share = truth.T @ np.ones(len(truth)) if weights is None else weights @ truth
    np.testing.assert_allclose(np.nansum(each * share) / share.sum(), expected, **EXACT)


@given(problems(), st.floats(0, 1))
@settings(max_examples=200, deadline=None)
@pytest.mark.long(reason="many random problems")
def test_precision_recall_f1_equal_scikit_learn(problem, threshold: float) -> None:
    truth, scores, weights = problem
    found = metrics.precision_recall_f1(truth, scores, threshold, weights)
    positives = truth.sum(axis=0) if weights is None else weights @ truth
    for column in np.flatnonzero(positives):
        expected = reference.precision_recall_fscore_support(
            truth[:, column],
            scores[:, column].astype(np.float64) >= threshold,
            sample_weight=weights,
            average="binary",
            zero_division=0,
        )[:3]
        np.testing.assert_allclose([values[column] for values in found], expected, **EXACT)
    assert all(np.isnan(values[positives == 0]).all() for values in found)


@given(problems())
@settings(max_examples=200, deadline=None)
@pytest.mark.long(reason="many random problems")
def test_the_best_threshold_is_the_best(problem) -> None:
    truth, scores, weights = problem
    thresholds, best = metrics.best_thresholds(truth, scores, weights)
    positives = truth.sum(axis=0) if weights is None else weights @ truth
    for column in range(truth.shape[1]):
        if not positives[column]:
            assert np.isnan([thresholds[column], best[column]]).all()
            continue
        f1 = {
            cut: metrics.precision_recall_f1(truth, scores, cut, weights)[2][column]
            for cut in scores[:, column]
        }
        assert best[column] == pytest.approx(max(f1.values()), abs=1e-12)
        assert f1[thresholds[column].astype(scores.dtype)] == pytest.approx(best[column])
        assert all(f1[cut] < best[column] + 1e-12 for cut in f1 if cut > thresholds[column])


@given(problems(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_no_metric_depends_on_any_order(problem, random) -> None:
    truth, scores, weights = problem
    clips, classes = list(range(truth.shape[0])), list(range(truth.shape[1]))
    random.shuffle(clips)
    random.shuffle(classes)
    other = truth[clips][:, classes], scores[clips][:, classes]
    moved = None if weights is None else weights[clips]
    for metric in (metrics.average_precision, metrics.roc_auc, metrics.lwlrap_by_class):
        before = metric(truth, scores, weights)[classes]
        np.testing.assert_allclose(metric(*other, moved), before, **EXACT)
    before = metrics.label_precisions(truth, scores)[clips][:, classes]
    np.testing.assert_array_equal(metrics.label_precisions(*other), before)


@given(problems())
@settings(max_examples=100, deadline=None)
def test_a_weight_is_a_repetition(problem) -> None:
    truth, scores, _ = problem
    times = np.arange(len(truth)) % 3
    rows = np.repeat(np.arange(len(truth)), times)
    if not len(rows):
        return
    for metric in (metrics.average_precision, metrics.roc_auc, metrics.lwlrap_by_class):
        repeated = metric(truth[rows], scores[rows])
        np.testing.assert_allclose(metric(truth, scores, times), repeated, **EXACT)


def test_average_precision_by_hand() -> None:
    truth = np.array([[1], [0], [1], [0]])
    assert metrics.average_precision(truth, [[4], [3], [2], [1]])[0] == (1 + 2 / 3) / 2
    assert metrics.average_precision(truth, [[1], [1], [1], [1]])[0] == 0.5  # the positives' share
    # the two in the middle are one step: precision 2 / 3 there
    assert metrics.average_precision(truth, [[4], [3], [3], [1]])[0] == (1 + 2 / 3) / 2
    assert metrics.average_precision(truth, [[3], [4], [3], [1]])[0] == pytest.approx(2 / 3)
    assert metrics.average_precision([[1], [1]], [[0], [1]])[0] == 1


def test_auc_and_d_prime_by_hand() -> None:
    truth = np.array([[1], [0], [1], [0]])
    assert metrics.roc_auc(truth, [[4], [3], [2], [1]])[0] == 0.75
    assert metrics.roc_auc(truth, [[3], [3], [2], [1]])[0] == 0.625
    assert metrics.d_prime(0.5) == 0
    # the d-prime that YAMNet was published with is that of an AUC of 0.9494
    assert metrics.d_prime(0.94938) == pytest.approx(2.318, abs=5e-4)
    assert metrics.d_prime(0.2) == pytest.approx(-metrics.d_prime(0.8))
    assert metrics.d_prime(1.0) == math.inf
    assert metrics.d_prime(0.0) == -math.inf
    assert np.isnan(metrics.d_prime(math.nan))
    # half of one of 10 pairs short of perfect
    assert metrics.d_prime(1.0, 10) == pytest.approx(math.sqrt(2) * 1.6448536269514722)
    assert metrics.d_prime([0.0, 1.0], 10).sum() == pytest.approx(0)
    assert metrics.d_prime(0.99, 10) == metrics.d_prime(0.99)  # only what has no end
    # the two ways of the field differ
    areas = np.array([0.6, 0.99])
    assert metrics.d_prime(areas).mean() - metrics.d_prime(areas.mean()) > 0.6


def test_lwlrap_by_hand() -> None:
    truth = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0]])
    scores = np.array([[0.9, 0.5, 0.1], [0.2, 0.2, 0.1], [1, 1, 1]])
    expected = [[1, np.nan, 2 / 3], [np.nan, 1 / 2, np.nan], [np.nan] * 3]
    np.testing.assert_allclose(metrics.label_precisions(truth, scores), expected)
    np.testing.assert_allclose(metrics.lwlrap_by_class(truth, scores), [1, 1 / 2, 2 / 3])
    assert metrics.lwlrap(truth, scores) == pytest.approx((1 + 2 / 3 + 1 / 2) / 3)


def test_top_k_by_hand() -> None:
    truth = np.eye(3)[[0, 1, 2]]
    scores = np.array([[0.9, 0.5, 0.1], [0.9, 0.5, 0.1], [0.9, 0.5, 0.1]])
    assert [metrics.top_k_accuracy(truth, scores, k) for k in (1, 2, 3)] == [1 / 3, 2 / 3, 1]
    assert metrics.top_k_accuracy(truth, np.zeros((3, 3)), 1) == 0
    assert metrics.top_k_accuracy(truth, np.zeros((3, 3)), 3) == 1
    assert metrics.top_k_accuracy(truth, scores, 1, [3, 1, 0]) == 0.75
    with pytest.raises(ParameterError, match="clip 1 has 2 labels"):
        metrics.top_k_accuracy([[1, 0], [1, 1]], [[0, 0], [0, 0]], 1)
    # a clip without labels does not count
    assert metrics.top_k_accuracy([*truth, [0, 0, 0]], [*scores, [1, 1, 1]], 1) == 1 / 3
    assert np.isnan(metrics.top_k_accuracy([[0, 0]], [[0, 0]], 1))
    with pytest.raises(ParameterError, match="k 0"):
        metrics.top_k_accuracy(truth, scores, 0)


@given(st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_top_k_equals_scikit_learn_without_ties(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels, scores = random.integers(0, 7, 30), random.permutation(210).reshape(30, 7) / 210
    for k in (1, 3, 5):
        expected = reference.top_k_accuracy_score(labels, scores, k=k, labels=range(7))
        assert metrics.top_k_accuracy(np.eye(7)[labels], scores, k) == pytest.approx(expected)


def test_the_curve_ends_in_full_recall_and_sums_to_the_average_precision() -> None:
    random = np.random.default_rng(0)
    truth, scores = random.random(200) < 0.3, np.round(random.random(200), 1)
    recall, precision, thresholds = metrics.precision_recall_curve(truth, scores)
    assert recall[-1] == 1
    assert (np.diff(recall) >= 0).all()
    assert (np.diff(thresholds) <= 0).all()
    expected = metrics.average_precision(truth[:, None], scores[:, None])[0]
    assert (np.diff(recall, prepend=0) * precision).sum() == pytest.approx(expected)
    with pytest.raises(ParameterError, match="without positives"):
        metrics.precision_recall_curve([0, 0], [1, 2])


def test_means_over_classes_leave_out_what_is_undefined() -> None:
    assert metrics.mean_over_classes(np.array([0.5, np.nan, 1])) == 0.75
    assert math.isnan(metrics.mean_over_classes(np.array([np.nan])))


@pytest.mark.parametrize(
    ("truth", "scores", "weights", "message"),
    [
        ([1, 0], [1, 0], None, r"truth has shape \[2\]"),
        (np.zeros((0, 3)), np.zeros((0, 3)), None, r"truth has shape \[0, 3\]"),
        ([[1, 2]], [[0, 0]], None, "other than 0 and 1"),
        ([[1, 0]], [[0, 0, 0]], None, r"scores have shape \[1, 3\], truth has \[1, 2\]"),
        ([[1, 0]], [[0, np.nan]], None, "score of clip 0, class 1 is nan"),
        ([[1, 0]], [[0, 1]], [1, 1], r"weights have shape \[2\]: must be \[1\]"),
        ([[1, 0]], [[0, 1]], [-1], "at least 0"),
    ],
)
def test_invalid_arguments(truth, scores, weights, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        metrics.average_precision(truth, scores, weights)
