"""Maps and thresholds of one class, fitted to its scores; only this module loads scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit.errors import MissingRequirementError
from yamkit.scores.calibration import logits

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Truth = NDArray[np.bool_]
    Fitter = Callable[[Floats, Truth], tuple[str, tuple[float, ...]] | None]

__all__ = ["find_fitter", "fit_threshold"]


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
