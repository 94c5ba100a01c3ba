"""From truth and scores to a report: every metric, its coverage, its confidence interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from yamkit.errors import ParameterError
from yamkit.evaluation.tags import metrics
from yamkit.evaluation.tags.bootstrap import interval, on_resamples
from yamkit.evaluation.tags.counts import ScoredClips
from yamkit.evaluation.tags.metric_table import CLASS_METRICS, SET_METRICS, compute_metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["ClassReport", "Estimate", "Report", "difference", "evaluate"]


@dataclass(frozen=True)
class Estimate:
    """A value of a metric, with its confidence interval.

    Attributes
    ----------
    value : float
        NaN where undefined.
    low, high : float or None
        Ends of the confidence interval; None without a bootstrap, or if no resample has a value.
    classes : int or None
        Number of classes that it is a mean over; None if it is not a mean over classes.
    """

    value: float
    low: float | None = None
    high: float | None = None
    classes: int | None = None


@dataclass(frozen=True)
class ClassReport:
    """The metrics of one class.

    Attributes
    ----------
    name : str
    positives : int
        Number of clips with the label.
    metrics : mapping of str to Estimate
        ``average_precision``, ``auc``, ``d_prime``, ``lwlrap``; ``precision``, ``recall`` and
        ``f1`` at the threshold of the report; ``best_threshold``, without an interval, and
        ``best_f1``, both fitted to the clips that they are measured on, so too optimistic.
    """

    name: str
    positives: int
    metrics: Mapping[str, Estimate]


@dataclass(frozen=True)
class Report:
    """The metrics of a tagger on a labelled set.

    Attributes
    ----------
    clips : int
    unlabelled_clips : int
        Clips without any label: they count as negatives, and not in lwlrap.
    threshold : float
    confidence : float
        Confidence level of the intervals.
    summary : mapping of str to Estimate
        The metrics of the whole set, by the keys of `METRICS`. Accuracies are included if no clip
        has several labels, and there are more than one class or more than five. They count only
        clips with a label.
    classes : tuple of ClassReport
    perfect_auc_classes : int
        Classes with an AUC of 1 or 0, whose d-prime was limited.
    resamples : mapping of str to ndarray, float64 [R]
        Each metric of the whole set on each bootstrap resample of the clips.
    """

    clips: int
    unlabelled_clips: int
    threshold: float
    confidence: float
    summary: Mapping[str, Estimate]
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
    """Compute every metric of tags.

    A class that has no positive in a resample is left out of its means. The same seed, number of
    clips and number of resamples draw the same resamples for any scores.

    Parameters
    ----------
    truth : array-like, bool [N, C]
    scores : array-like, float [N, C]
    class_names : sequence of str
        C names.
    threshold : float
        For precision, recall and F1.
    bootstrap : int
        Number of resamples; 0 for no intervals.
    seed : int
        Seed of the bootstrap.
    confidence : float
        Confidence level of the intervals, between 0 and 1.
    threads : int, optional
        For the bootstrap; None: the cores that this process may use.

    Raises
    ------
    ParameterError
        As `yamkit.evaluation.metrics.validate` does, and if names do not match the scores or a
        number is out of range.
    """
    labels, values, _ = metrics.validate(truth, scores)
    _check(labels, class_names, threshold=threshold, confidence=confidence)
    for name, number in (("bootstrap", bootstrap), ("seed", seed)):
        if number < 0:
            raise ParameterError(f"{name} {number}: must be at least 0")
    scored = ScoredClips(labels, values, threshold)
    exact, by_class = compute_metrics(scored.count(np.ones((len(labels), 1))))
    resampled = on_resamples(
        lambda weights: compute_metrics(scored.count(weights)),
        len(labels),
        bootstrap,
        seed=seed,
        threads=threads,
    )
    resamples = _joined([summary for summary, _ in resampled])
    return Report(
        clips=len(labels),
        unlabelled_clips=int((~labels.any(axis=1)).sum()),
        threshold=threshold,
        confidence=confidence,
        summary=_summary(exact, by_class, resamples, confidence),
        classes=_class_reports(
            class_names,
            labels.sum(axis=0).tolist(),
            by_class,
            _joined([classes for _, classes in resampled]),
            confidence,
        ),
        perfect_auc_classes=int(np.isin(by_class["auc"], (0, 1)).sum()),
        resamples=resamples,
    )


def difference(first: Report, second: Report, name: str) -> Estimate:
    """Compare two reports on the same clips: second minus first, with its paired interval.

    Both must be on the same clips, with the same bootstrap and seed, so that each resample drew
    the same clips for both.

    Parameters
    ----------
    first, second : Report
    name : str
        Key of a metric in both summaries.

    Raises
    ------
    ParameterError
        If the reports differ in clips, confidence or number of resamples.
    """
    if (first.clips, first.confidence) != (second.clips, second.confidence):
        raise ParameterError("the reports are not on the same clips with the same confidence")
    before, after = first.resamples.get(name), second.resamples.get(name)
    change = second.summary[name].value - first.summary[name].value
    if before is None or after is None or not len(before):
        return Estimate(change)
    if len(before) != len(after):
        raise ParameterError(f"{len(before)} and {len(after)} resamples: must be equal in number")
    return Estimate(change, *interval(after - before, first.confidence))


def _check(
    labels: NDArray[np.bool_], class_names: Sequence[str], *, threshold: float, confidence: float
) -> None:
    if len(class_names) != labels.shape[1]:
        raise ParameterError(f"{len(class_names)} class names for {labels.shape[1]} classes")
    if not math.isfinite(threshold):
        raise ParameterError(f"threshold {threshold}: must be finite")
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence {confidence}: must be between 0 and 1")


def _joined(parts: Sequence[Mapping[str, Floats]]) -> dict[str, Floats]:
    """Join the resamples of several calls, which are the last axis."""
    if not parts:
        return {}
    return {key: np.concatenate([each[key] for each in parts], axis=-1) for key in parts[0]}


def _summary(
    exact: Mapping[str, Floats],
    by_class: Mapping[str, Floats],
    resamples: Mapping[str, Floats],
    confidence: float,
) -> dict[str, Estimate]:
    summary = {}
    for metric in SET_METRICS:
        if metric.key in exact:
            low, high = interval(resamples[metric.key], confidence) if resamples else (None, None)
            defined = None if metric.over is None else ~np.isnan(by_class[metric.over][:, 0])
            classes = None if defined is None else int(defined.sum())
            summary[metric.key] = Estimate(float(exact[metric.key][0]), low, high, classes)
    return summary


def _class_reports(
    names: Sequence[str],
    positives: Sequence[int],
    by_class: Mapping[str, Floats],
    resamples: Mapping[str, Floats],
    confidence: float,
) -> tuple[ClassReport, ...]:
    def estimate(key: str, has_interval: bool, column: int) -> Estimate:
        value = float(by_class[key][column, 0])
        if not resamples or not has_interval:
            return Estimate(value)
        return Estimate(value, *interval(resamples[key][column], confidence))

    return tuple(
        ClassReport(
            name,
            positives[column],
            {each.key: estimate(each.key, each.has_interval, column) for each in CLASS_METRICS},
        )
        for column, name in enumerate(names)
    )
