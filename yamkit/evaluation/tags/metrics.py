"""The metrics of audio tagging: pure functions over truth and scores.

``truth`` is bool [N, C], one row per clip, one column per class; ``scores`` is float [N, C], on any
scale unless a threshold is used. ``weights``, float [N], is how often a clip counts; None: once.

Conventions of all functions:

- Equal scores have no order. No metric depends on the order of clips or classes.
- A class without positives has no average precision, AUC or F1: NaN, and a mean over classes
  leaves it out. A class without negatives has no AUC. `yamkit.evaluation.evaluate` reports how many
  classes were left out.
- A mean over classes is unweighted ("balanced"), as in YAMNet's published results.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit.errors import ParameterError
from yamkit.evaluation.tags.ranking import LabelRanks, RankedClips

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from yamkit.evaluation.tags.ranking import RankingMetrics

    Floats = NDArray[np.float64]

__all__ = [
    "average_precision",
    "best_thresholds",
    "d_prime",
    "label_precisions",
    "lwlrap",
    "lwlrap_by_class",
    "mean_over_classes",
    "precision_recall_curve",
    "precision_recall_f1",
    "roc_auc",
    "top_k_accuracy",
    "validate",
]


def validate(
    truth: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None
) -> tuple[NDArray[np.bool_], NDArray[np.floating], Floats]:
    """Check truth, scores and weights, and return them as arrays.

    Parameters
    ----------
    truth : array-like, bool or 0 and 1 [N, C]
    scores : array-like, float [N, C]
    weights : array-like, float [N], optional

    Returns
    -------
    truth : ndarray, bool [N, C]
    scores : ndarray, float32 or float64 [N, C]
    weights : ndarray, float64 [N]

    Raises
    ------
    ParameterError
        If shapes differ, an array is empty, truth has values other than 0 and 1, a score is not
        finite, or a weight is not finite or less than 0.
    """
    given = np.asarray(truth)
    if given.ndim != 2 or 0 in given.shape:
        raise ParameterError(f"truth has shape {list(given.shape)}: must be [clips, classes]")
    if given.dtype != np.bool_:
        if not np.isin(given, (0, 1)).all():
            raise ParameterError("truth has values other than 0 and 1")
        given = given.astype(np.bool_)
    values: NDArray[Any] = np.asarray(scores)
    if values.shape != given.shape:
        raise ParameterError(
            f"scores have shape {list(values.shape)}, truth has {list(given.shape)}: must be equal"
        )
    if values.dtype not in (np.float32, np.float64):
        values = values.astype(np.float64)
    if not np.isfinite(values).all():
        clip, column = (int(indices[0]) for indices in np.nonzero(~np.isfinite(values)))
        raise ParameterError(
            f"score of clip {clip}, class {column} is {values[clip, column]}: must be finite"
        )
    if weights is None:
        return given, values, np.ones(len(given))
    factors = np.asarray(weights, np.float64)
    if factors.shape != (len(given),):
        raise ParameterError(f"weights have shape {list(factors.shape)}: must be [{len(given)}]")
    if not (np.isfinite(factors).all() and (factors >= 0).all()):
        raise ParameterError("weights must be finite and at least 0")
    return given, values, factors


def mean_over_classes(values: NDArray[np.floating]) -> float:
    """Average over the classes that have a value; NaN if none has.

    Parameters
    ----------
    values : ndarray, float [C]
        NaN for a class without one.
    """
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else math.nan


def average_precision(
    truth: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None
) -> Floats:
    """Compute the average precision of each class.

    The sum, over distinct scores, of the precision at that threshold times the gain in recall,
    without interpolation. Its mean over classes is the (balanced) mean average precision, mAP.

    M. Zhu, "Recall, Precision and Average Precision", 2004; S. Hershey et al., "CNN Architectures
    for Large-Scale Audio Classification", 2017.

    Returns
    -------
    ndarray, float64 [C]
        NaN without positives; 1 with only positives.
    """
    return np.array([each.average_precision[0] for each in _rank_classes(truth, scores, weights)])


def roc_auc(truth: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Compute the area under the receiver operating characteristic of each class.

    The probability that a positive clip scores higher than a negative one; equal counts half
    (J. Hanley, B. McNeil, "The Meaning and Use of the Area under a ROC Curve", 1982).

    Returns
    -------
    ndarray, float64 [C]
        NaN without positives or without negatives.
    """
    return np.array([each.auc[0] for each in _rank_classes(truth, scores, weights)])


def d_prime(auc: ArrayLike, pairs: ArrayLike = math.inf) -> Floats:
    """Compute the sensitivity index of an AUC: the distance of two normal curves in deviations.

    ``sqrt(2) * inverse of the normal distribution (AUC)``; S. Hershey et al., 2017. The field
    computes the d-prime of a set in two ways: as the mean of the classes' d-primes, and as the
    d-prime of the mean AUC. They differ, as the function is not linear; state which one you report.

    At an AUC of 1 or 0 it is infinite. With P positives and N negatives, such an AUC only shows
    that the true one is closer to 1 than P * N pairs resolve, so it is taken as half a pair away:
    ``1 - 1 / (2 P N)`` (the correction of N. Macmillan, H. Kaplan, "Detection Theory Analysis of
    Group Data", 1985, applied to pairs).

    Parameters
    ----------
    auc : array-like, float
        0 to 1, or NaN.
    pairs : array-like, float
        P * N, for each AUC or for all; infinite: the d-prime of an AUC of 1 is infinite.

    Returns
    -------
    ndarray, float64
        In the shape of `auc`.
    """
    areas, counts = np.broadcast_arrays(np.asarray(auc, np.float64), np.asarray(pairs, np.float64))
    with np.errstate(divide="ignore"):
        half = np.minimum(0.5 / counts, 0.5)
    limited = np.where((areas == 0) | (areas == 1), np.clip(areas, half, 1 - half), areas)
    values = [_inverse_normal(share) for share in limited.ravel().tolist()]
    return math.sqrt(2) * np.array(values).reshape(limited.shape)


def _inverse_normal(share: float) -> float:
    if 0 < share < 1:
        return _NORMAL.inv_cdf(share)
    return math.nan if math.isnan(share) else math.copysign(math.inf, share - 0.5)


_NORMAL = NormalDist()


def label_precisions(truth: ArrayLike, scores: ArrayLike) -> Floats:
    """Compute the label-ranking precision of every label of every clip.

    The share of labels of the clip among the classes that score at least as high as the label,
    including the label itself. Equal scores thus count against a label.

    Returns
    -------
    ndarray, float64 [N, C]
        NaN where a clip does not have the label.
    """
    given, values, _ = validate(truth, scores)
    found = LabelRanks.of(given, values)
    precisions = np.full(given.shape, np.nan)
    precisions[found.clips, found.classes] = found.hits / found.ranks
    return precisions


def lwlrap_by_class(
    truth: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None
) -> Floats:
    """Compute the label-ranking average precision of each class: the mean over its labels.

    E. Fonseca, M. Plakal et al., "Audio Tagging with Noisy Labels and Minimal Supervision", 2019.
    Its unweighted mean over classes is the balanced lwlrap, which was published for YAMNet.

    Returns
    -------
    ndarray, float64 [C]
        NaN without positives.
    """
    given, _, factors = validate(truth, scores, weights)
    precisions = np.nan_to_num(label_precisions(truth, scores))
    with np.errstate(invalid="ignore"):
        return np.asarray(factors @ precisions / (factors @ given))


def lwlrap(truth: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Compute the label-weighted label-ranking average precision: the mean over all labels.

    Classes with more labels weigh more. Clips without labels do not count.

    Returns
    -------
    float
        NaN if there are no labels.
    """
    given, _, factors = validate(truth, scores, weights)
    precisions = np.nan_to_num(label_precisions(truth, scores))
    labels = float((factors @ given).sum())
    return float((factors @ precisions).sum() / labels) if labels else math.nan


def top_k_accuracy(
    truth: ArrayLike, scores: ArrayLike, k: int, weights: ArrayLike | None = None
) -> float:
    """Compute how often the one label of a clip is among the k highest scores.

    It is if at most k classes, including the label itself, score at least as high. Equal scores
    thus count against the tagger: a constant one is never right. Clips without labels do not count.

    Parameters
    ----------
    truth, scores, weights
        As in the other functions; no clip has several labels.
    k : int
        At least 1.

    Returns
    -------
    float
        NaN if no clip has a label.

    Raises
    ------
    ParameterError
        If a clip has more than one label, or k is less than 1.
    """
    given, values, factors = validate(truth, scores, weights)
    if k < 1:
        raise ParameterError(f"k {k}: must be at least 1")
    several = np.flatnonzero(given.sum(axis=1) > 1)
    if len(several):
        raise ParameterError(
            f"clip {several[0]} has {given[several[0]].sum()} labels: accuracy requires at most one"
        )
    found = LabelRanks.of(given, values)
    labelled = factors[found.clips]
    total = float(labelled.sum())
    return float(labelled @ (found.ranks <= k)) / total if total else math.nan


def precision_recall_f1(
    truth: ArrayLike, scores: ArrayLike, threshold: ArrayLike, weights: ArrayLike | None = None
) -> tuple[Floats, Floats, Floats]:
    """Compute precision, recall and F1 of each class for scores at or above a threshold.

    Parameters
    ----------
    truth, scores, weights
        As in the other functions.
    threshold : array-like, float
        One number, or one per class.

    Returns
    -------
    precision, recall, f1 : ndarray, float64 [C]
        NaN without positives. Precision is 0 if no score reaches the threshold.
    """
    given, values, factors = validate(truth, scores, weights)
    is_tagged = values >= np.asarray(threshold)
    tagged, positives, hits = factors @ is_tagged, factors @ given, factors @ (is_tagged & given)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = hits / positives
        precision = np.where(tagged > 0, hits / tagged, 0)
        f1 = 2 * hits / (tagged + positives)
    undefined = positives == 0
    precision[undefined] = f1[undefined] = np.nan
    return precision, recall, f1


def best_thresholds(
    truth: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Find each class's threshold with the highest F1, among the scores of its positives.

    F1 at a threshold that was fitted to the same clips is too optimistic.

    Returns
    -------
    thresholds : ndarray, float64 [C]
        The highest of equally good thresholds; NaN without positives.
    f1 : ndarray, float64 [C]
        F1 at that threshold.
    """
    rankings = _rank_classes(truth, scores, weights)
    return (
        np.array([each.best_threshold[0] for each in rankings]),
        np.array([each.best_f1[0] for each in rankings]),
    )


def precision_recall_curve(
    truth: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None
) -> tuple[Floats, Floats, Floats]:
    """Return the curve of one class, at the scores of its positives from the highest down.

    Parameters
    ----------
    truth : array-like, bool [N]
        At least one True.
    scores : array-like, float [N]
    weights : array-like, float [N], optional

    Returns
    -------
    recall, precision, thresholds : ndarray, float64 [P]
    """
    given, values, factors = validate(
        np.asarray(truth)[:, np.newaxis], np.asarray(scores)[:, np.newaxis], weights
    )
    if not factors @ given[:, 0]:
        raise ParameterError("a class without positives has no precision-recall curve")
    ranked = RankedClips(given[:, 0], values[:, 0])
    recall, precision, thresholds = ranked.curve(factors[:, np.newaxis])
    return recall, precision, thresholds.astype(np.float64)


def _rank_classes(
    truth: ArrayLike, scores: ArrayLike, weights: ArrayLike | None
) -> list[RankingMetrics]:
    given, values, factors = validate(truth, scores, weights)
    column, total = factors[:, np.newaxis], factors.sum(keepdims=True)
    return [
        RankedClips(given[:, index], values[:, index]).rank(column, total)
        for index in range(given.shape[1])
    ]
