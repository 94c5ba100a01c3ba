"""From truth and scores to a report: every metric, its coverage, its interval."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from yamkit._util.machine import usable_cores
from yamkit.errors import ParameterError
from yamkit.evaluation import metrics
from yamkit.evaluation._ranking import LabelRanks, RankedClips

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["METRICS", "ClassReport", "Figure", "Report", "difference", "evaluate"]

METRICS = {
    "mean_average_precision": "mean average precision (mAP)",
    "mean_auc": "mean AUC",
    "mean_d_prime": "d-prime, mean of the classes'",
    "d_prime_of_mean_auc": "d-prime of the mean AUC",
    "lwlrap_balanced": "lwlrap, mean of the classes'",
    "lwlrap_label_weighted": "lwlrap, label-weighted",
    "top_1_accuracy": "top-1 accuracy",
    "top_5_accuracy": "top-5 accuracy",
    "mean_precision": "precision at the threshold, mean",
    "mean_recall": "recall at the threshold, mean",
    "mean_f1": "F1 at the threshold, mean",
    "mean_best_f1": "F1 at each class's best threshold",
}
"""Name in files and on paper of the figures of a whole set, in the order of a report."""

_AT_ONCE = 32
"""Resamples in one pass over the classes: a matrix of them stays near the processor."""


@dataclass(frozen=True)
class Figure:
    """A figure of a whole set.

    Attributes
    ----------
    value : float
    low, high : float or None
        Ends of the confidence interval; None without a bootstrap.
    classes : int or None
        Over how many classes it is a mean; None if it is none.
    """

    value: float
    low: float | None = None
    high: float | None = None
    classes: int | None = None


@dataclass(frozen=True)
class ClassReport:
    """The figures of one class; see `yamkit.evaluation.metrics`. NaN where undefined.

    Attributes
    ----------
    name : str
    positives : int
        Clips that have it as a label.
    average_precision, auc, d_prime, lwlrap : float
    precision, recall, f1 : float
        At the threshold of the report.
    best_threshold, best_f1 : float
        Fitted to these very clips, which flatters.
    intervals : mapping of str to (float, float)
        Ends of the confidence interval of each of these figures but the threshold; empty without
        a bootstrap. A figure that no resample has is not in it.
    """

    name: str
    positives: int
    average_precision: float
    auc: float
    d_prime: float
    lwlrap: float
    precision: float
    recall: float
    f1: float
    best_threshold: float
    best_f1: float
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """What a tagger reaches on a labelled set.

    Attributes
    ----------
    clips : int
    unlabelled_clips : int
        Clips without any label: they count as negatives, and not in lwlrap.
    threshold : float
    confidence : float
        Of the intervals.
    summary : mapping of str to Figure
        The keys of `METRICS`. Accuracies are there if no clip has several labels and there are
        more than one class, or five; they are of the clips that have a label.
    classes : tuple of ClassReport
    perfect_auc_classes : int
        Classes with an AUC of 1 or 0, whose d-prime was limited.
    resamples : mapping of str to ndarray, float64 [R]
        Each figure on each bootstrap resample of the clips.
    """

    clips: int
    unlabelled_clips: int
    threshold: float
    confidence: float
    summary: Mapping[str, Figure]
    classes: tuple[ClassReport, ...]
    perfect_auc_classes: int
    resamples: Mapping[str, Floats] = field(repr=False)

    @property
    def without_positives(self) -> tuple[str, ...]:
        """Classes that no clip has: they are in no mean."""
        return tuple(each.name for each in self.classes if not each.positives)

    @property
    def without_negatives(self) -> tuple[str, ...]:
        """Classes that every clip has: they have no AUC and no d-prime."""
        return tuple(each.name for each in self.classes if each.positives == self.clips)


def evaluate(
    truth: ArrayLike,
    scores: ArrayLike,
    class_names: Sequence[str],
    *,
    threshold: float = 0.5,
    bootstrap: int = 0,
    seed: int = 0,
    confidence: float = 0.95,
    threads: int | None = None,
) -> Report:
    """Compute every metric.

    The intervals are percentiles over resamples of the clips, with replacement (B. Efron,
    R. Tibshirani, "An Introduction to the Bootstrap", 1993). A class that has no positive in a
    resample is left out of its means. The same seed, number of clips and number of resamples draw
    the same resamples, whatever the scores are.

    Parameters
    ----------
    truth : array-like, bool [N, C]
    scores : array-like, float [N, C]
    class_names : sequence of str
        C of them.
    threshold : float
        For precision, recall and F1.
    bootstrap : int
        Number of resamples; 0 for no intervals.
    seed : int
    confidence : float
        Of the intervals, between 0 and 1.
    threads : int, optional
        For the bootstrap; None: the cores this process may use.

    Raises
    ------
    ParameterError
        As `yamkit.evaluation.metrics.validate` does, and if names or numbers do not fit.
    """
    given, values, _ = metrics.validate(truth, scores)
    if len(class_names) != given.shape[1]:
        raise ParameterError(f"{len(class_names)} class names for {given.shape[1]} classes")
    if not math.isfinite(threshold):
        raise ParameterError(f"threshold = {threshold}; wanted a finite number")
    if bootstrap < 0 or seed < 0 or not 0 < confidence < 1:
        raise ParameterError(
            f"bootstrap = {bootstrap}, seed = {seed}, confidence = {confidence}; wanted at least "
            "0, at least 0, and between 0 and 1"
        )
    problem = _Problem(given, values, threshold)
    exact, by_class = problem.figures(np.ones((len(given), 1)))
    resamples, class_resamples = _bootstrap(problem, bootstrap, seed, threads)
    tail = (1 - confidence) / 2
    summary = {}
    for name in exact:
        low, high = _interval(resamples[name], tail) if bootstrap else (None, None)
        column = by_class.get(_MEANS.get(name, ""))
        counted = None if column is None else int((~np.isnan(column[:, 0])).sum())
        summary[name] = Figure(float(exact[name][0]), low, high, counted)
    thresholds = problem.best_thresholds()
    columns = {name: column[:, 0].tolist() for name, column in by_class.items()}
    return Report(
        clips=len(given),
        unlabelled_clips=int((~given.any(axis=1)).sum()),
        threshold=threshold,
        confidence=confidence,
        summary=summary,
        classes=tuple(
            ClassReport(
                name=name,
                positives=int(given[:, place].sum()),
                best_threshold=thresholds[place],
                intervals=_intervals(class_resamples, place, tail),
                **{key: column[place] for key, column in columns.items()},
            )
            for place, name in enumerate(class_names)
        ),
        perfect_auc_classes=int(np.isin(by_class["auc"], (0, 1)).sum()),
        resamples=resamples,
    )


def difference(first: Report, second: Report, name: str) -> Figure:
    """Compare two reports on the same clips: second minus first, with its paired interval.

    Both must come from the same clips, bootstrap and seed: then each resample drew the same clips
    for both.

    Parameters
    ----------
    first, second : Report
    name : str
        Of a figure in both summaries.

    Raises
    ------
    ParameterError
        If they do not belong together.
    """
    if (first.clips, first.confidence) != (second.clips, second.confidence):
        raise ParameterError("the reports are not of the same clips and confidence")
    before, after = first.resamples.get(name), second.resamples.get(name)
    change = second.summary[name].value - first.summary[name].value
    if before is None or after is None or not len(before):
        return Figure(change)
    if len(before) != len(after):
        raise ParameterError(f"{len(before)} and {len(after)} resamples; wanted as many in both")
    return Figure(change, *_interval(after - before, (1 - first.confidence) / 2))


_MEANS = {
    "mean_average_precision": "average_precision",
    "mean_auc": "auc",
    "mean_d_prime": "d_prime",
    "d_prime_of_mean_auc": "auc",
    "lwlrap_balanced": "lwlrap",
    "mean_precision": "precision",
    "mean_recall": "recall",
    "mean_f1": "f1",
    "mean_best_f1": "best_f1",
}


class _Problem:
    """Truth and scores, sorted once, to be weighed in many ways."""

    def __init__(
        self, truth: NDArray[np.bool_], scores: NDArray[np.floating], threshold: float
    ) -> None:
        self._truth = truth
        self._said = scores >= threshold
        self._ranked = [RankedClips(truth[:, n], scores[:, n]) for n in range(truth.shape[1])]
        labels = LabelRanks.of(truth, scores)
        by_class = np.argsort(labels.classes, kind="stable")
        cuts = np.searchsorted(labels.classes[by_class], np.arange(1, truth.shape[1]))
        self._labels = [
            (labels.clips[part], (labels.hits[part] / labels.ranks[part])[:, np.newaxis])
            for part in np.split(by_class, cuts)
        ]
        self._accuracy_of = () if (truth.sum(axis=1) > 1).any() else (1, 5)
        self._labelled, self._ranks = labels.clips, labels.ranks

    def best_thresholds(self) -> list[float]:
        once = np.ones((len(self._truth), 1))
        held = np.atleast_1d(self._truth.any(axis=0)).tolist()
        return [
            ranked.best_threshold(once) if some else math.nan
            for ranked, some in zip(self._ranked, held, strict=True)
        ]

    def figures(self, weights: NDArray[np.floating]) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """Give the figures of the set, [R] each, and those of the classes, [C, R] each."""
        totals = weights.sum(axis=0, dtype=np.float64)
        classes = [
            self._class_figures(place, weights, totals) for place in range(len(self._ranked))
        ]
        columns = {name: np.array([each[name] for each in classes]) for name in classes[0]}
        labels, precise = columns.pop("labels"), columns.pop("precise")
        means = {name: _mean(columns[column]) for name, column in _MEANS.items()}
        # an AUC that is a mean is only 1 where all are: its pairs are those of all of them
        pairs = columns.pop("pairs")
        means["d_prime_of_mean_auc"] = metrics.d_prime(means["mean_auc"], pairs.sum(axis=0))
        with np.errstate(invalid="ignore"):
            means["lwlrap_label_weighted"] = precise.sum(axis=0) / labels.sum(axis=0)
            for k in self._accuracy_of:
                if len(classes) > k:
                    right = weights[self._labelled[self._ranks <= k]].sum(axis=0, dtype=np.float64)
                    means[f"top_{k}_accuracy"] = right / labels.sum(axis=0)
        return {name: means[name] for name in METRICS if name in means}, columns

    def _class_figures(
        self, place: int, weights: NDArray[np.floating], totals: Floats
    ) -> dict[str, Floats]:
        found = self._ranked[place].figures(weights, totals)
        clips, precisions = self._labels[place]
        own = weights[clips].astype(np.float64)
        labels, precise = own.sum(axis=0), (own * precisions).sum(axis=0)
        said, hits = self._said[:, place], self._said[clips, place]
        yes = weights[said].sum(axis=0, dtype=np.float64)
        hit = own[hits].sum(axis=0)
        pairs = found.positives * found.negatives
        held = np.where(labels > 0, 1, np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "average_precision": found.average_precision,
                "auc": found.auc,
                "d_prime": metrics.d_prime(found.auc, pairs),
                "lwlrap": precise / labels,
                "precision": held * np.where(yes > 0, hit / yes, 0),
                "recall": hit / labels,
                "f1": held * 2 * hit / (yes + labels),
                "best_f1": found.best_f1,
                "labels": labels,
                "precise": precise,
                "pairs": pairs,
            }


def _mean(values: Floats) -> Floats:
    """Average over the classes that have a value, [C, R] -> [R]."""
    defined = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(defined, values, 0).sum(axis=0) / defined.sum(axis=0))


def _bootstrap(
    problem: _Problem, count: int, seed: int, threads: int | None
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Give the figures of the set, [R] each, and those of the classes, [C, R] each."""

    def chunk(number: int) -> tuple[dict[str, Floats], dict[str, Floats]]:
        random = np.random.default_rng((seed, number))
        columns = min(_AT_ONCE, count - number * _AT_ONCE)
        clips = len(problem._truth)
        # whole numbers: float32 adds them up exactly to 16 million clips
        kind = np.float32 if clips < 2**24 else np.float64
        weights = np.empty((clips, columns), kind)
        for column in range(columns):
            weights[:, column] = np.bincount(random.integers(0, clips, clips), minlength=clips)
        return problem.figures(weights)

    with ThreadPoolExecutor(threads or usable_cores()) as pool:
        chunks = list(pool.map(chunk, range(-(-count // _AT_ONCE))))
    if not chunks:
        return {}, {}
    of_set, of_classes = zip(*chunks, strict=True)
    return _joined(of_set), _joined(of_classes)


def _joined(parts: Sequence[dict[str, Floats]]) -> dict[str, Floats]:
    return {name: np.concatenate([each[name] for each in parts], axis=-1) for name in parts[0]}


def _intervals(
    resamples: Mapping[str, Floats], place: int, tail: float
) -> dict[str, tuple[float, float]]:
    found = {name: _interval(values[place], tail) for name, values in resamples.items()}
    return {
        name: (low, high)
        for name, (low, high) in found.items()
        if low is not None and high is not None
    }


def _interval(values: Floats, tail: float) -> tuple[float | None, float | None]:
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None, None
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)
