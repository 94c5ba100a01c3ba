"""Reports on arrays: values of the pure metrics, valid intervals, paired differences."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yamkit.errors import ParameterError
from yamkit.evaluation import METRICS, difference, evaluate, metrics

NAMES = ["a", "b", "c", "d", "e", "f", "g"]


def problem(seed: int, clips: int = 60, *, single: bool = False):
    random = np.random.default_rng(seed)
    truth = np.eye(7, dtype=bool)[random.integers(0, 6, clips)]
    if not single:
        truth |= random.random((clips, 7)) < [0.2, 0.1, 0, 0.3, 0, 0, 0]
    truth[:2] = False
    scores = np.round(random.random((clips, 7)) * 0.7 + 0.3 * truth, 2)
    return truth, scores


@given(st.integers(0, 2**32), st.integers(1, 40), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_report_has_the_values_of_the_metrics(seed: int, clips: int, single: bool) -> None:
    truth, scores = problem(seed, clips, single=single)
    report = evaluate(truth, scores, NAMES, threshold=0.6)
    mean = metrics.mean_over_classes
    precisions, areas = metrics.average_precision(truth, scores), metrics.roc_auc(truth, scores)
    pairs = truth.sum(axis=0) * (~truth).sum(axis=0)
    sensitivities = metrics.d_prime(areas, pairs)
    thresholded = metrics.precision_recall_f1(truth, scores, 0.6)
    thresholds, best = metrics.best_thresholds(truth, scores)
    ranked = metrics.lwlrap_by_class(truth, scores)
    expected = {
        "mean_average_precision": mean(precisions),
        "mean_auc": mean(areas),
        "mean_d_prime": mean(sensitivities),
        "d_prime_of_mean_auc": metrics.d_prime(mean(areas), pairs.sum()),
        "lwlrap_balanced": mean(ranked),
        "lwlrap_label_weighted": metrics.lwlrap(truth, scores),
        "mean_precision": mean(thresholded[0]),
        "mean_recall": mean(thresholded[1]),
        "mean_f1": mean(thresholded[2]),
        "mean_best_f1": mean(best),
    }
    if (truth.sum(axis=1) <= 1).all():
        for k in (1, 5):
            expected[f"top_{k}_accuracy"] = metrics.top_k_accuracy(truth, scores, k)
    assert list(report.summary) == [key for key in METRICS if key in expected]
    found = {key: estimate.value for key, estimate in report.summary.items()}
    assert found == pytest.approx(expected, abs=1e-12, nan_ok=True)
    columns = {
        "average_precision": precisions,
        "auc": areas,
        "d_prime": sensitivities,
        "lwlrap": ranked,
        "precision": thresholded[0],
        "recall": thresholded[1],
        "f1": thresholded[2],
        "best_threshold": thresholds,
        "best_f1": best,
    }
    for key, column in columns.items():
        got = [entry.metrics[key].value for entry in report.classes]
        assert got == pytest.approx(column.tolist(), abs=1e-12, nan_ok=True), key
    assert [entry.positives for entry in report.classes] == truth.sum(axis=0).tolist()


def test_omitted_clips_and_classes_are_counted() -> None:
    truth = np.array([[1, 0, 1], [0, 0, 1], [0, 0, 1]])
    scores = np.array([[0.9, 0.5, 0.2], [0.1, 0.5, 0.3], [0.2, 0.5, 0.1]])
    report = evaluate(truth, scores, ["x", "never", "always"])
    assert report.without_positives == ("never",)
    assert report.without_negatives == ("always",)
    assert (report.clips, report.unlabelled_clips, report.perfect_auc_classes) == (3, 0, 1)
    assert report.summary["mean_average_precision"].classes == 2
    assert report.summary["mean_auc"].classes == 1
    assert report.summary["lwlrap_label_weighted"].classes is None
    # AUC 1 over 1 * 2 pairs is taken for 3 / 4
    assert report.classes[0].metrics["d_prime"].value == pytest.approx(metrics.d_prime(0.75))
    assert math.isnan(report.classes[2].metrics["auc"].value)
    assert evaluate([[0, 0]], [[0.1, 0.2]], ["x", "y"]).unlabelled_clips == 1


@pytest.mark.long(reason="many random problems")
def test_intervals_are_those_of_resamples_counted_by_hand() -> None:
    truth, scores = problem(1, 30)
    report = evaluate(truth, scores, NAMES, bootstrap=40, seed=5, confidence=0.8)
    resamples = []
    for number, count in ((0, 32), (1, 8)):  # as they are drawn, 32 at a time
        random = np.random.default_rng((5, number))
        resamples += [random.integers(0, 30, 30) for _ in range(count)]
    for key in ("mean_average_precision", "mean_auc", "mean_f1", "mean_best_f1", "mean_d_prime"):
        expected = [
            evaluate(truth[rows], scores[rows], NAMES).summary[key].value for rows in resamples
        ]
        np.testing.assert_allclose(report.resamples[key], expected, atol=1e-12)
        estimate = report.summary[key]
        assert (estimate.low, estimate.high) == pytest.approx(
            tuple(np.quantile(expected, [0.1, 0.9]))
        )
    for place, entry in enumerate(report.classes):
        for key in ("average_precision", "auc", "d_prime", "lwlrap", "precision", "recall", "f1"):
            expected = [
                evaluate(truth[rows], scores[rows], NAMES).classes[place].metrics[key].value
                for rows in resamples
            ]
            if not np.isnan(expected).all():
                ends = tuple(np.nanquantile(expected, [0.1, 0.9]))
                found = entry.metrics[key]
                assert (found.low, found.high) == pytest.approx(ends), key
            else:
                assert entry.metrics[key].low is None
    assert report.classes[0].metrics["best_threshold"].low is None
    plain = evaluate(truth, scores, NAMES)
    assert plain.summary["mean_auc"].low is None
    assert all(each.low is None for each in plain.classes[0].metrics.values())


def test_only_the_seed_matters() -> None:
    truth, scores = problem(2)
    first = evaluate(truth, scores, NAMES, bootstrap=70, seed=1, threads=1)
    again = evaluate(truth, scores, NAMES, bootstrap=70, seed=1, threads=3)
    other = evaluate(truth, scores, NAMES, bootstrap=70, seed=2)
    assert first.summary == again.summary
    assert first.summary != other.summary


@pytest.mark.long(reason="many random problems")
def test_an_interval_covers_the_truth_at_its_confidence() -> None:
    # AUC of two normal curves one deviation apart is 0.760
    covered = 0
    for seed in range(120):
        random = np.random.default_rng(seed)
        truth = random.random((120, 1)) < 1 / 3
        scores = random.standard_normal((120, 1)) + truth
        estimate = evaluate(truth, scores, ["x"], bootstrap=200).summary["mean_auc"]
        covered += estimate.low <= 0.7602 <= estimate.high
    assert 0.88 <= covered / 120 <= 0.99


def test_differences_are_paired() -> None:
    truth, scores = problem(3, 200)
    worse = scores + np.random.default_rng(0).normal(0, 0.02, scores.shape)
    first = evaluate(truth, scores, NAMES, bootstrap=200)
    second = evaluate(truth, worse, NAMES, bootstrap=200)
    change = difference(first, second, "mean_average_precision")
    before, after = (each.summary["mean_average_precision"] for each in (first, second))
    assert change.value == after.value - before.value
    # far narrower than either: both are of the same clips
    assert change.high - change.low < 0.5 * (before.high - before.low)
    assert difference(first, first, "mean_auc") == dataclasses.replace(
        change, value=0.0, low=0.0, high=0.0
    )
    plain = evaluate(truth, scores, NAMES)
    assert difference(plain, plain, "mean_auc").low is None
    fewer = evaluate(truth[:50], scores[:50], NAMES, bootstrap=200)
    with pytest.raises(ParameterError, match="not on the same clips"):
        difference(first, fewer, "mean_auc")
    with pytest.raises(ParameterError, match="200 and 100 resamples"):
        difference(first, evaluate(truth, scores, NAMES, bootstrap=100), "mean_auc")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_names": ["a"]}, "1 class names for 7 classes"),
        ({"threshold": math.nan}, "threshold nan"),
        ({"bootstrap": -1}, "bootstrap -1"),
        ({"confidence": 1.0}, "confidence 1.0"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_wrong_arguments(options, message: str) -> None:
    truth, scores = problem(0)
    names = options.pop("class_names", NAMES)
    with pytest.raises(ParameterError, match=message):
        evaluate(truth, scores, names, **options)
