"""Fits a calibration to labelled sounds, and says what it is worth by cross-validation.

The maps themselves are `yamkit.scores.calibration`'s; scikit-learn, which is loaded here alone,
fits them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from yamkit._util.text import printable
from yamkit.errors import LabelError, MissingRequirementError, ParameterError
from yamkit.evaluation._events import annotated
from yamkit.evaluation._past_end import refuse_misplaced
from yamkit.evaluation._set import clip_key, common_targets
from yamkit.evaluation.detection import merged
from yamkit.scores.calibration import METHODS, Calibration, ClassCalibration, logits
from yamkit.scores.grid import Cells

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from yamkit.evaluation.labels import LabelledSet
    from yamkit.evaluation.scoring import Scores
    from yamkit.evaluation.targets import LabelMap, Targets
    from yamkit.types import LabelledClip, TagClass

    Floats = NDArray[np.float64]
    Truth = NDArray[np.bool_]

__all__ = ["check_fit", "fit_calibration", "fit_threshold"]

_HALF = 0.5
"""A cell has a label where the label sounds for at least this share of it, within the clip."""
_SLACK_SECONDS = 1e-9
"""Half a hop is seldom a number of float64."""


class _Examples(NamedTuple):
    """What maps are fitted to.

    Attributes
    ----------
    scores : ndarray, float [N, C]
        Of clips, or of cells.
    truth : ndarray, bool [N, K]
        By column of the targets.
    clips : ndarray, int [N]
        The clip of each.
    """

    scores: NDArray[np.floating]
    truth: Truth
    clips: NDArray[np.intp]


def fit_calibration(
    labelled: LabelledSet,
    scores: Scores,
    *,
    label_map: LabelMap | None = None,
    classes: str | Sequence[str] = (),
    method: str = "platt",
    precision: float | None = None,
    least_examples: int = 10,
    folds: int = 5,
    seed: int = 0,
) -> Calibration:
    """Fit a map and a threshold to each class that labels mean.

    With strong labels to cells, else to clips. A class of which a label map says that it is one of
    several meanings of a label is fitted to that label. One that has too few examples, or whose
    scores fall where the label is there, is left raw.

    Parameters
    ----------
    labelled : LabelledSet
    scores : Scores
    label_map : LabelMap, optional
        See `yamkit.evaluation.evaluate_scores`.
    classes : str, or sequence of str
        Names of columns; all if empty.
    method : {"platt", "isotonic"}
        ``platt`` has two parameters, and does with few examples; ``isotonic`` takes any rising
        form, and wants hundreds.
    precision : float, optional
        The threshold is the lowest with this precision; None: that of the best F1.
    least_examples : int
        Clips with the label, and clips (or cells) without it, that a class needs.
    folds : int
        Of the cross-validation; those of the list are taken where every clip has one.
    seed : int
        Of the folds.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    LabelError
        If no clip has scores, no label means anything, or many events of strong labels lie past the
        end of their clips.
    MissingRequirementError
        If scikit-learn is not installed.
    """
    check_fit(method, precision, least_examples, folds)
    fit = _fitter(method)
    (targets,) = common_targets(labelled, [scores.classes], label_map=label_map, classes=classes)
    clips = [clip for clip in labelled.clips if clip_key(clip) in scores.rows]
    if not clips:
        raise LabelError(f"{printable(labelled.path)}: no clip of it has scores")
    examples = (
        _cells(labelled.path, clips, scores, targets)
        if labelled.is_strong
        else _clips(clips, scores, targets)
    )
    named = {place: label for label, place in targets.columns.items()}
    given = _given_folds(clips)
    found: dict[int, ClassCalibration] = {}
    for place in sorted(set(targets.columns.values())):
        truth = examples.truth[:, place]
        holding = np.bincount(examples.clips, truth, minlength=len(clips)) > 0
        parts = given if given is not None else _folds(holding, folds, seed)
        is_enough = min(holding.sum(), (~truth).sum()) >= least_examples
        for index in targets.members[place]:
            entry = _raw(scores.classes[index], named[place], truth)
            if is_enough and index not in found:
                values = examples.scores[:, index].astype(np.float64)
                entry = _fit_class(entry, values, truth, parts[examples.clips], fit, precision)
            found.setdefault(index, entry)
    return Calibration(
        scores.fingerprint.get("model", ""),
        scores.fingerprint.get("model_sha256", ""),
        "cell" if labelled.is_strong else "clip",
        "mean" if labelled.is_strong else scores.fingerprint.get("aggregate", "mean"),
        tuple(found[index] for index in sorted(found)),
        scores.fingerprint.get("channel", "mix"),
        scores.fingerprint.get("stream", "default"),
    )


def check_fit(
    method: str = "platt",
    precision: float | None = None,
    least_examples: int = 10,
    folds: int = 5,
) -> None:
    """Refuse what `fit_calibration` would refuse, before anything is scored.

    Raises
    ------
    ParameterError, MissingRequirementError
    """
    if method not in METHODS:
        raise ParameterError(f"method {method!r}: wanted one of {', '.join(METHODS)}")
    if precision is not None and not 0 < precision <= 1:
        raise ParameterError(f"precision {precision:g}: wanted more than 0, at most 1")
    if folds < 2 or least_examples < folds:
        raise ParameterError(
            f"{folds} folds of at least {least_examples} examples; wanted 2 folds or more, and an "
            "example for each"
        )
    _fitter(method)


def fit_threshold(scores: Floats, truth: Truth, precision: float | None = None) -> float | None:
    """Find the threshold of the best F1, or the lowest of a wanted precision.

    It lies halfway between two scores, where there is a lower one.

    Parameters
    ----------
    scores : ndarray, float [N]
    truth : ndarray, bool [N]
        At least one is true.
    precision : float, optional

    Returns
    -------
    float or None
        None where no threshold has the precision.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, right = scores[order], np.cumsum(truth[order])
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # of equal scores
    chosen = last + 1
    if precision is None:
        place = int(np.argmax(2 * right[last] / (chosen + truth.sum())))
    else:
        good = np.flatnonzero(right[last] / chosen >= precision)
        if not len(good):
            return None
        place = int(good[-1])
    score = float(ranked[last[place]])
    if place + 1 == len(last):
        return score
    return (score + float(ranked[last[place + 1]])) / 2


def _clips(clips: Sequence[LabelledClip], scores: Scores, targets: Targets) -> _Examples:
    keys = [clip_key(clip) for clip in clips]
    return _Examples(scores.array(keys), targets.truth(clips), np.arange(len(clips)))


def _cells(
    path: Path, clips: Sequence[LabelledClip], scores: Scores, targets: Targets
) -> _Examples:
    """Give the cells of all clips; those behind the end of a clip are cut off there."""
    durations = scores.seconds([clip_key(clip) for clip in clips])
    refuse_misplaced(path, clips, durations)
    grid = scores.grid
    assert grid is not None
    hop = grid.hop_samples / grid.sample_rate_hz
    values, truths, places = [], [], []
    for number, (clip, duration) in enumerate(zip(clips, durations, strict=True)):
        timeline = scores.timelines[clip_key(clip)]
        cells = Cells(grid)
        rows = np.stack([*cells.update(timeline.scores), *cells.finish(timeline.samples)])
        starts = hop * np.arange(len(rows))
        ends = np.minimum(starts + hop, duration)
        seconds = np.zeros((len(rows), len(targets.names)))
        for event in merged(annotated(clip, targets.columns)):
            inside = np.minimum(ends, event.offset_seconds) - np.maximum(
                starts, event.onset_seconds
            )
            seconds[:, event.column] += np.maximum(inside, 0)
        values.append(rows.astype(np.float32))
        wanted = _HALF * (ends - starts)[:, np.newaxis] - _SLACK_SECONDS
        truths.append((seconds > 0) & (seconds >= wanted))
        places.append(np.full(len(rows), number))
    return _Examples(np.concatenate(values), np.concatenate(truths), np.concatenate(places))


def _given_folds(clips: Sequence[LabelledClip]) -> NDArray[np.intp] | None:
    """Give the fold of each clip; None where the list has not at least two, for all clips."""
    names = sorted({clip.fold for clip in clips})
    if len(names) < 2 or "" in names:
        return None
    return np.array([names.index(clip.fold) for clip in clips])


def _folds(holding: Truth, folds: int, seed: int) -> NDArray[np.intp]:
    """Deal clips out at random, so that each fold has as many with the label, and without."""
    random = np.random.default_rng(seed)
    parts = np.empty(len(holding), np.intp)
    for group in (np.flatnonzero(holding), np.flatnonzero(~holding)):
        parts[random.permutation(group)] = np.arange(len(group)) % folds
    return parts


def _raw(entry: TagClass, label: str, truth: Truth) -> ClassCalibration:
    positives = int(truth.sum())
    return ClassCalibration(
        entry.index, entry.mid, entry.name, label, "raw", positives, len(truth) - positives
    )


def _fit_class(
    raw: ClassCalibration,
    values: Floats,
    truth: Truth,
    parts: NDArray[np.intp],
    fit: Callable[[Floats, Truth], tuple[str, tuple[float, ...]] | None],
    precision: float | None,
) -> ClassCalibration:
    fitted = _with_map(raw, fit(values, truth))
    if fitted is None:
        return raw
    threshold = fit_threshold(fitted.apply(values), truth, precision)
    said, calibrated = np.zeros(len(truth), np.bool_), np.full(len(truth), np.nan)
    for part in np.unique(parts):
        is_test = parts == part
        train = ~is_test
        if not truth[train].any() or truth[train].all():
            return raw
        map_ = _with_map(raw, fit(values[train], truth[train]))
        if map_ is None:
            return raw
        level = fit_threshold(map_.apply(values[train]), truth[train], precision)
        calibrated[is_test] = map_.apply(values[is_test])
        said[is_test] = level is not None and calibrated[is_test] >= level
    hits = int((said & truth).sum())
    found, held = int(said.sum()), int(truth.sum())
    return replace(
        fitted,
        threshold=threshold,
        precision=hits / found if found else 0.0,
        recall=hits / held,
        f1=2 * hits / (found + held),
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


def _fitter(method: str) -> Callable[[Floats, Truth], tuple[str, tuple[float, ...]] | None]:
    """Give what fits a map: method and parameters; None where scores fall with the label."""
    try:
        from sklearn.isotonic import IsotonicRegression
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise MissingRequirementError(
            "a calibration is fitted by scikit-learn: pip install 'yamkit[calibrate]'"
        ) from error

    def platt(values: Floats, truth: Truth) -> tuple[str, tuple[float, ...]] | None:
        # Platt's targets, a little off 0 and 1, as each example counted for both
        positives, negatives = int(truth.sum()), int((~truth).sum())
        wanted = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))
        x = np.tile(logits(values), 2)[:, np.newaxis]
        y = np.repeat([True, False], len(truth))
        weights = np.concatenate([wanted, 1 - wanted])
        model: Any = LogisticRegression(C=1e6, max_iter=1000).fit(x, y, weights)
        slope, offset = float(model.coef_[0, 0]), float(model.intercept_[0])
        return ("platt", (slope, offset)) if slope > 0 else None

    def isotonic(values: Floats, truth: Truth) -> tuple[str, tuple[float, ...]] | None:
        model: Any = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
        model.fit(values, truth.astype(np.float64))
        knots, heights = model.X_thresholds_.tolist(), model.y_thresholds_.tolist()
        return ("isotonic", (*knots, *heights)) if heights[-1] > heights[0] else None

    return platt if method == "platt" else isotonic
