"""Calibration: maps from scores to probabilities, and a threshold for each class.

A score of 0.4 means something else for speech than for a drip. A calibration, fitted to labelled
sounds by ``yamkit calibrate``, maps the scores of each of its classes to how often they were right
(J. Platt, "Probabilistic outputs for support vector machines", 1999; B. Zadrozny, C. Elkan,
"Transforming classifier scores into accurate multiclass probability estimates", KDD 2002). The maps
never fall, so the ranking within a class stays the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit._util.text import printable
from yamkit.errors import IncompatibleError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["METHODS", "Calibration", "ClassCalibration", "logits"]

METHODS = ("platt", "isotonic")
"""How the map of a class is fitted."""

_STEEPEST = 700.0
"""The logistic function of this is 0 or 1 in float64; the exponential of more would overflow."""
_SMALLEST = 1e-7
"""Scores are kept this far from 0 and 1 before their logits are taken."""


@dataclass(frozen=True)
class ClassCalibration:
    """The map of one class.

    Attributes
    ----------
    index : int
        Index of the class.
    mid, name : str
    label : str
        Label of the set that the map was fitted to.
    method : str
        ``platt``: parameters a, b of ``1 / (1 + exp(-(a * logit(score) + b)))``, a >= 0.
        ``isotonic``: ascending scores, followed by the value at each; linear in between.
        ``raw``: no map, because there were too few positives or negatives.
    positives, negatives : int
        Clips or cells that the map was fitted to.
    threshold : float or None
        Threshold of calibrated scores; None for a raw class.
    parameters : tuple of float
    precision, recall, f1 : float or None
        At the threshold, cross-validated.
    brier_raw, brier_calibrated : float or None
        Mean squared difference between score and truth, cross-validated.
    """

    index: int
    mid: str
    name: str
    label: str
    method: str
    positives: int
    negatives: int
    threshold: float | None = None
    parameters: tuple[float, ...] = ()
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    brier_raw: float | None = None
    brier_calibrated: float | None = None

    def apply(self, scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Return calibrated scores of this class; `scores` may have any shape."""
        values = np.asarray(scores, np.float64)
        if self.method == "platt":
            slope, offset = self.parameters
            steep = np.clip(slope * logits(values) + offset, -_STEEPEST, _STEEPEST)
            return np.asarray(1 / (1 + np.exp(-steep)))
        if self.method == "isotonic":
            half = len(self.parameters) // 2
            return np.interp(values, self.parameters[:half], self.parameters[half:])
        return values


@dataclass(frozen=True)
class Calibration:
    """The maps of a model's classes.

    Attributes
    ----------
    model, model_sha256 : str
        The model whose scores it maps.
    unit : str
        What it was fitted to: ``clip`` or ``cell``.
    aggregate : str
        How the scores of patches became the score of the unit: ``mean`` or ``max``.
    classes : tuple of ClassCalibration
        At most one per class.
    channel, stream : str
        The channel and sound stream that it was fitted to: ``mix`` or a number, and ``default`` or
        a number. For information only: scores of other channels may be calibrated.
    """

    model: str
    model_sha256: str
    unit: str
    aggregate: str
    classes: tuple[ClassCalibration, ...]
    channel: str = "mix"
    stream: str = "default"

    @property
    def thresholds(self) -> dict[int, float]:
        """Thresholds by class index, without the classes that have none."""
        return {
            entry.index: entry.threshold for entry in self.classes if entry.threshold is not None
        }

    @property
    def raw(self) -> tuple[str, ...]:
        """Names of the classes with too few examples."""
        return tuple(entry.name for entry in self.classes if entry.method == "raw")

    def apply(self, scores: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Return calibrated scores [N, C]; the scores of other classes stay the same."""
        mapped = np.array(scores)
        for entry in self.classes:
            if entry.method != "raw":
                mapped[:, entry.index] = entry.apply(mapped[:, entry.index])
        return mapped

    def check(self, sha256: str, classes: int, aggregate: str | None = None) -> None:
        """Check that the calibration fits a model's scores.

        Parameters
        ----------
        sha256 : str
            Hash of the model.
        classes : int
            Number of its classes.
        aggregate : str, optional
            How the scores of patches become those of clips, if these are calibrated.

        Raises
        ------
        IncompatibleError
            If it was fitted to another model, or to clip scores of another aggregate.
        """
        if self.model_sha256 != sha256:
            raise IncompatibleError(
                f"the calibration was fitted to another model, {printable(self.model)} "
                f"({printable(self.model_sha256[:12])}); this model is {sha256[:12]}: fit a "
                "calibration to it with yamkit calibrate"
            )
        most = max((entry.index for entry in self.classes), default=0)
        if most >= classes:
            raise IncompatibleError(
                f"the calibration has a class {most}, but the model has only {classes} classes"
            )
        if self.unit == "clip" and aggregate not in (None, self.aggregate):
            raise IncompatibleError(
                f"the calibration was fitted to clip scores of aggregate "
                f"{printable(self.aggregate)!r}, not {aggregate!r}: use --aggregate "
                f"{printable(self.aggregate)}"
            )


def logits(scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return ``ln(score / (1 - score))``; scores of 0 and 1 are first moved slightly inwards."""
    values = np.clip(np.asarray(scores, np.float64), _SMALLEST, 1 - _SMALLEST)
    return np.asarray(np.log(values) - np.log1p(-values))
