"""Fitting a calibration to a labelled set, with cross-validated metrics.

`yamkit.scores.calibration` applies it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from yamkit.errors import ParameterError
from yamkit.evaluation.coverage import scored_clips
from yamkit.evaluation.fit_examples import cell_examples, clip_examples
from yamkit.evaluation.fit_maps import find_fitter, fit_threshold
from yamkit.evaluation.sets.targets import common_targets
from yamkit.scores.calibration import METHODS, Calibration, ClassCalibration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from yamkit.evaluation.scores_file import Scores
    from yamkit.evaluation.sets.label_map import LabelMap
    from yamkit.evaluation.sets.labelled_set import LabelledSet
    from yamkit.types import LabelledClip, TagClass

    Floats = NDArray[np.float64]
    Truth = NDArray[np.bool_]
    Fitter = Callable[[Floats, Truth], tuple[str, tuple[float, ...]] | None]

__all__ = ["FitSettings", "fit_calibration"]


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
        cell_examples(labelled.path, clips, scores, targets)
        if labelled.is_strong
        else clip_examples(clips, scores, targets)
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
