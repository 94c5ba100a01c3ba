"""The metrics of a report on tags, one entry each: name in files, title in text, and computation.

Reports in text, JSON and CSV, their intervals and their differences all follow these tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from yamkit.evaluation.tags import metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from yamkit.evaluation.tags.counts import Counts

    Floats = NDArray[np.float64]

__all__ = ["CLASS_METRICS", "METRICS", "SET_METRICS", "ClassMetric", "SetMetric", "compute_metrics"]


@dataclass(frozen=True)
class ClassMetric:
    """A metric of each class.

    Attributes
    ----------
    key : str
        Name in JSON and CSV.
    compute : callable
        From `Counts` to float64 [C, R], NaN where undefined.
    heading : str
        Of its column in the text; empty: not in the text.
    has_interval : bool
    """

    key: str
    compute: Callable[[Counts], Floats]
    heading: str = ""
    has_interval: bool = True


@dataclass(frozen=True)
class SetMetric:
    """A metric of the whole set.

    Attributes
    ----------
    key : str
        Name in JSON.
    title : str
        In the text.
    compute : callable
        From `Counts` and the class metrics by key to float64 [R]; None where undefined.
    over : str or None
        Key of the class metric that it averages: the report says over how many classes.
    """

    key: str
    title: str
    compute: Callable[[Counts, Mapping[str, Floats]], Floats | None]
    over: str | None = None


def _precision(counts: Counts) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(counts.tagged > 0, counts.hits / counts.tagged, 0)
    return np.where(counts.positives > 0, precision, np.nan)


def _recall(counts: Counts) -> Floats:
    with np.errstate(invalid="ignore"):
        return counts.hits / counts.positives


def _f1(counts: Counts) -> Floats:
    with np.errstate(invalid="ignore"):
        f1 = 2 * counts.hits / (counts.tagged + counts.positives)
    return np.where(counts.positives > 0, f1, np.nan)


def _lwlrap(counts: Counts) -> Floats:
    with np.errstate(invalid="ignore"):
        return counts.label_precision_sums / counts.positives


def _lwlrap_label_weighted(counts: Counts, _classes: Mapping[str, Floats]) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray(counts.label_precision_sums.sum(axis=0) / counts.positives.sum(axis=0))


def _mean_over_classes(values: Floats) -> Floats:
    """Average over the classes that have a value, [C, R] -> [R]."""
    defined = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(defined, values, 0).sum(axis=0) / defined.sum(axis=0))


def _mean(key: str, title: str, class_metric: str) -> SetMetric:
    return SetMetric(
        key, title, lambda _, classes: _mean_over_classes(classes[class_metric]), class_metric
    )


def _d_prime_of_mean_auc(counts: Counts, classes: Mapping[str, Floats]) -> Floats:
    # a mean AUC is 1 only if every AUC is, so it resolves the pairs of all classes
    return metrics.d_prime(_mean_over_classes(classes["auc"]), counts.pairs.sum(axis=0))


def _accuracy(k: int) -> SetMetric:
    def compute(counts: Counts, _classes: Mapping[str, Floats]) -> Floats | None:
        if k not in counts.top_k:
            return None
        with np.errstate(invalid="ignore"):
            return np.asarray(counts.top_k[k] / counts.positives.sum(axis=0))

    return SetMetric(f"top_{k}_accuracy", f"top-{k} accuracy", compute)


CLASS_METRICS = (
    ClassMetric("average_precision", lambda counts: counts.average_precision, "AP"),
    ClassMetric("auc", lambda counts: counts.auc, "AUC"),
    ClassMetric("d_prime", lambda counts: metrics.d_prime(counts.auc, counts.pairs), "d'"),
    ClassMetric("lwlrap", _lwlrap, "lwlrap"),
    ClassMetric("precision", _precision),
    ClassMetric("recall", _recall),
    ClassMetric("f1", _f1, "F1"),
    ClassMetric("best_threshold", lambda counts: counts.best_threshold, has_interval=False),
    ClassMetric("best_f1", lambda counts: counts.best_f1),
)
"""In the order of JSON, CSV and the text."""

SET_METRICS = (
    _mean("mean_average_precision", "mean average precision (mAP)", "average_precision"),
    _mean("mean_auc", "mean AUC", "auc"),
    _mean("mean_d_prime", "d-prime, mean of the classes'", "d_prime"),
    SetMetric("d_prime_of_mean_auc", "d-prime of the mean AUC", _d_prime_of_mean_auc, "auc"),
    _mean("lwlrap_balanced", "lwlrap, mean of the classes'", "lwlrap"),
    SetMetric("lwlrap_label_weighted", "lwlrap, label-weighted", _lwlrap_label_weighted),
    _accuracy(1),
    _accuracy(5),
    _mean("mean_precision", "precision at the threshold, mean", "precision"),
    _mean("mean_recall", "recall at the threshold, mean", "recall"),
    _mean("mean_f1", "F1 at the threshold, mean", "f1"),
    _mean("mean_best_f1", "F1 at each class's best threshold", "best_f1"),
)
"""In the order of JSON and the text."""

METRICS = {metric.key: metric.title for metric in SET_METRICS}
"""Title by name of the metrics of a whole set, in the order of a report."""


def compute_metrics(counts: Counts) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Compute every metric.

    Returns
    -------
    summary : dict of str to ndarray, float64 [R]
        The defined metrics of the set.
    classes : dict of str to ndarray, float64 [C, R]
        The metrics of the classes.
    """
    classes = {metric.key: metric.compute(counts) for metric in CLASS_METRICS}
    values = {metric.key: metric.compute(counts, classes) for metric in SET_METRICS}
    return {key: value for key, value in values.items() if value is not None}, classes
