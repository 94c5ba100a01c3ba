"""Fitting a calibration to a labelled set, with cross-validated metrics.

`yamkit.scores.calibration` applies the maps. scikit-learn fits them; only this module loads it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from yamkit.errors import MissingRequirementError, ParameterError
from yamkit.evaluation.coverage import scored_clips
from yamkit.evaluation.events.counts import merged
from yamkit.evaluation.events.evaluate import annotated_events
from yamkit.evaluation.events.past_end import refuse_misplaced
from yamkit.evaluation.sets.labelled_set import clip_key
from yamkit.evaluation.sets.targets import common_targets
from yamkit.scores.calibration import METHODS, Calibration, ClassCalibration, logits
from yamkit.scores.grid import Cells

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from yamkit.evaluation.scores_file import Scores
    from yamkit.evaluation.sets.label_map import LabelMap
    from yamkit.evaluation.sets.labelled_set import LabelledSet
    from yamkit.evaluation.sets.targets import Targets
    from yamkit.types import LabelledClip, TagClass

    Floats = NDArray[np.float64]
    Truth = NDArray[np.bool_]
    Fitter = Callable[[Floats, Truth], tuple[str, tuple[float, ...]] | None]

__all__ = ["FitSettings", "find_fitter", "fit_calibration", "fit_threshold"]

_HALF = 0.5
"""A cell has a label if an event of the label covers at least this share of it."""
_SLACK_SECONDS = 1e-9
"""Half a hop is seldom exact in float64."""


class _Examples(NamedTuple):
    """Scores and labels that maps are fitted to.

    Attributes
    ----------
    scores : ndarray, float [N, C]
        Scores of clips, or of cells.
    truth : ndarray, bool [N, K]
        Labels by column of the targets.
    clips : ndarray, int [N]
        Index of the clip of each.
    """

    scores: NDArray[np.floating]
    truth: Truth
    clips: NDArray[np.intp]


@dataclass(frozen=True)
class FitSettings:
    """How calibrations are fitted.

    Attributes
    ----------
    method : {"platt", "isotonic"}
        ``platt`` has two parameters, and needs few examples; ``isotonic`` fits any monotonic map,
        and needs hundreds.
    precision : float or None
        The threshold is the lowest with this precision; None: the one with the best F1.
    least_examples : int
        Number of clips with the label, and of clips (or cells) without it, that a class needs.
    folds : int
        Number of cross-validation folds, unless every clip of the list has a fold.
    seed : int
        Seed of random folds.

    Raises
    ------
    ParameterError
        If a value is out of range.
    """

    method: str = "platt"
    precision: float | None = None
    least_examples: int = 10
    folds: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ParameterError(f"method {self.method!r}: must be one of {', '.join(METHODS)}")
        if self.precision is not None and not 0 < self.precision <= 1:
            raise ParameterError(f"precision {self.precision:g}: must be above 0 and at most 1")
        if self.folds < 2:
            raise ParameterError(f"folds {self.folds}: must be at least 2")
        if self.least_examples < self.folds:
            raise ParameterError(
                f"least examples {self.least_examples}: must be at least the number of folds, "
                f"{self.folds}"
            )


_DEFAULTS = FitSettings()


def fit_calibration(
    labelled: LabelledSet,
    scores: Scores,
    settings: FitSettings = _DEFAULTS,
    *,
    label_map: LabelMap | None = None,
    classes: str | Sequence[str] = (),
) -> Calibration:
    """Fit a map and a threshold to each class that labels mean.

    Strong labels are fitted to cells, others to clips. If a label map gives a label several
    classes, each of them is fitted to that label. A class with too few examples, or whose scores
    fall with the label, is left raw.

    Parameters
    ----------
    labelled : LabelledSet
    scores : Scores
    settings : FitSettings
    label_map : LabelMap, optional
        See `EvaluationSettings`.
    classes : str, or sequence of str
        Fit only these columns; all if empty.

    Raises
    ------
    LabelError
        If no clip has scores, no label means anything, or many events of strong labels end after
        their clips.
    MissingRequirementError
        If scikit-learn is not installed.
    """
    fit = find_fitter(settings.method)
    (targets,) = common_targets(labelled, [scores.classes], label_map=label_map, classes=classes)
    clips = scored_clips(labelled, [scores])
    examples = (
        _cell_examples(labelled.path, clips, scores, targets)
        if labelled.is_strong
        else _clip_examples(clips, scores, targets)
    )
    labels = {column: label for label, column in targets.columns.items()}
    given_folds = _given_folds(clips)
    found: dict[int, ClassCalibration] = {}
    for column in sorted(set(targets.columns.values())):
        truth = examples.truth[:, column]
        has_label = np.bincount(examples.clips, truth, minlength=len(clips)) > 0
        folds = (
            given_folds
            if given_folds is not None
            else _random_folds(has_label, settings.folds, settings.seed)
        )
        is_enough = min(has_label.sum(), (~truth).sum()) >= settings.least_examples
        for index in targets.members[column]:
            entry = _raw(scores.classes[index], labels[column], truth)
            if is_enough and index not in found:
                values = examples.scores[:, index].astype(np.float64)
                entry = _fit_class(
                    entry, values, truth, folds[examples.clips], fit, settings.precision
                )
            found.setdefault(index, entry)
    return _calibration(labelled, scores, tuple(found[index] for index in sorted(found)))


def _calibration(
    labelled: LabelledSet, scores: Scores, classes: tuple[ClassCalibration, ...]
) -> Calibration:
    mark = scores.fingerprint
    return Calibration(
        mark.get("model", ""),
        mark.get("model_sha256", ""),
        "cell" if labelled.is_strong else "clip",
        "mean" if labelled.is_strong else mark.get("aggregate", "mean"),
        classes,
        mark.get("channel", "mix"),
        mark.get("stream", "default"),
    )


def fit_threshold(scores: Floats, truth: Truth, precision: float | None = None) -> float | None:
    """Find the threshold with the best F1, or the lowest with a given precision.

    It lies halfway to the next lower score, if there is one.

    Parameters
    ----------
    scores : ndarray, float [N]
    truth : ndarray, bool [N]
        At least one is True.
    precision : float, optional

    Returns
    -------
    float or None
        None if no threshold has the precision.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, right = scores[order], np.cumsum(truth[order])
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # of each run of equal scores
    chosen = last + 1
    if precision is None:
        best = int(np.argmax(2 * right[last] / (chosen + truth.sum())))
    else:
        good = np.flatnonzero(right[last] / chosen >= precision)
        if not len(good):
            return None
        best = int(good[-1])
    score = float(ranked[last[best]])
    if best + 1 == len(last):
        return score
    return (score + float(ranked[last[best + 1]])) / 2


def _clip_examples(clips: Sequence[LabelledClip], scores: Scores, targets: Targets) -> _Examples:
    keys = [clip_key(clip) for clip in clips]
    return _Examples(scores.array(keys), targets.truth(clips), np.arange(len(clips)))


def _cell_examples(
    path: Path, clips: Sequence[LabelledClip], scores: Scores, targets: Targets
) -> _Examples:
    """Return the cells of all clips; the last cell of a clip ends where the clip ends."""
    durations = scores.seconds([clip_key(clip) for clip in clips])
    refuse_misplaced(path, clips, durations)
    grid = scores.grid
    assert grid is not None
    hop = grid.hop_samples / grid.sample_rate_hz
    values, truths, numbers = [], [], []
    for number, (clip, duration) in enumerate(zip(clips, durations, strict=True)):
        timeline = scores.timelines[clip_key(clip)]
        cells = Cells(grid)
        rows = np.stack([*cells.update(timeline.scores), *cells.finish(timeline.samples)])
        starts = hop * np.arange(len(rows))
        ends = np.minimum(starts + hop, duration)
        seconds = np.zeros((len(rows), len(targets.names)))
        for event in merged(annotated_events(clip, targets.columns)):
            inside = np.minimum(ends, event.offset_seconds) - np.maximum(
                starts, event.onset_seconds
            )
            seconds[:, event.column] += np.maximum(inside, 0)
        values.append(rows.astype(np.float32))
        least = _HALF * (ends - starts)[:, np.newaxis] - _SLACK_SECONDS
        truths.append((seconds > 0) & (seconds >= least))
        numbers.append(np.full(len(rows), number))
    return _Examples(np.concatenate(values), np.concatenate(truths), np.concatenate(numbers))


def _given_folds(clips: Sequence[LabelledClip]) -> NDArray[np.intp] | None:
    """Return the fold of each clip; None unless all clips have one, and there are two or more."""
    names = sorted({clip.fold for clip in clips})
    if len(names) < 2 or "" in names:
        return None
    return np.array([names.index(clip.fold) for clip in clips])


def _random_folds(has_label: Truth, folds: int, seed: int) -> NDArray[np.intp]:
    """Assign clips to folds at random, stratified by the label."""
    random = np.random.default_rng(seed)
    assigned = np.empty(len(has_label), np.intp)
    for group in (np.flatnonzero(has_label), np.flatnonzero(~has_label)):
        assigned[random.permutation(group)] = np.arange(len(group)) % folds
    return assigned


def _raw(entry: TagClass, label: str, truth: Truth) -> ClassCalibration:
    positives = int(truth.sum())
    return ClassCalibration(
        entry.index, entry.mid, entry.name, label, "raw", positives, len(truth) - positives
    )


def _fit_class(
    raw: ClassCalibration,
    values: Floats,
    truth: Truth,
    folds: NDArray[np.intp],
    fit: Fitter,
    precision: float | None,
) -> ClassCalibration:
    fitted = _with_map(raw, fit(values, truth))
    if fitted is None:
        return raw
    threshold = fit_threshold(fitted.apply(values), truth, precision)
    is_tagged, calibrated = np.zeros(len(truth), np.bool_), np.full(len(truth), np.nan)
    for fold in np.unique(folds):
        is_test = folds == fold
        train = ~is_test
        if not truth[train].any() or truth[train].all():
            return raw
        map_ = _with_map(raw, fit(values[train], truth[train]))
        if map_ is None:
            return raw
        level = fit_threshold(map_.apply(values[train]), truth[train], precision)
        calibrated[is_test] = map_.apply(values[is_test])
        is_tagged[is_test] = level is not None and calibrated[is_test] >= level
    hits = int((is_tagged & truth).sum())
    tagged, positives = int(is_tagged.sum()), int(truth.sum())
    return replace(
        fitted,
        threshold=threshold,
        precision=hits / tagged if tagged else 0.0,
        recall=hits / positives,
        f1=2 * hits / (tagged + positives),
        brier_raw=float(((values - truth) ** 2).mean()),
        brier_calibrated=float(((calibrated - truth) ** 2).mean()),
    )


def _with_map(
    raw: ClassCalibration, fitted: tuple[str, tuple[float, ...]] | None
) -> ClassCalibration | None:
    if fitted is None:
        return None
    method, parameters = fitted
    return replace(raw, method=method, parameters=parameters)


def find_fitter(method: str) -> Fitter:
    """Return a function that fits a map: it returns None if scores fall with the label.

    Raises
    ------
    MissingRequirementError
        If scikit-learn is not installed.
    """
    try:
        from sklearn.isotonic import IsotonicRegression
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise MissingRequirementError(
            "fitting a calibration requires scikit-learn: pip install 'yamkit[calibrate]'"
        ) from error

    def platt(values: Floats, truth: Truth) -> tuple[str, tuple[float, ...]] | None:
        # Platt's targets lie a little off 0 and 1: each example counts for both classes
        positives, negatives = int(truth.sum()), int((~truth).sum())
        targets = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))
        x = np.tile(logits(values), 2)[:, np.newaxis]
        y = np.repeat([True, False], len(truth))
        weights = np.concatenate([targets, 1 - targets])
        model: Any = LogisticRegression(C=1e6, max_iter=1000).fit(x, y, weights)
        slope, offset = float(model.coef_[0, 0]), float(model.intercept_[0])
        return ("platt", (slope, offset)) if slope > 0 else None

    def isotonic(values: Floats, truth: Truth) -> tuple[str, tuple[float, ...]] | None:
        model: Any = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
        model.fit(values, truth.astype(np.float64))
        knots, heights = model.X_thresholds_.tolist(), model.y_thresholds_.tolist()
        return ("isotonic", (*knots, *heights)) if heights[-1] > heights[0] else None

    return platt if method == "platt" else isotonic
