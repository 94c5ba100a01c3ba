"""How scores are read: calibrated, rolled up, held against thresholds of single classes."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit.scores.aggregate import gathered
from yamkit.scores.calibration_file import calibration_sha256
from yamkit.scores.classes import columns_below
from yamkit.scores.detector import EventDetector
from yamkit.scores.thresholds import check_threshold, event_thresholds
from yamkit.types import Peak

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from yamkit.scores.calibration import Calibration
    from yamkit.scores.grid import Grid
    from yamkit.types import EventParameters, Tag, TagClass

__all__ = ["Postprocessing"]


@dataclass(frozen=True)
class Postprocessing:
    """What is made of a network's scores before they are reported.

    Attributes
    ----------
    calibration : Calibration or None
        Applied first, to scores of clips, patches or cells.
    roll_up : tuple of tuple of int, or None
        For each class the indices of itself and those below it, of which it then has the highest
        score; see `yamkit.scores.classes.roll_up`.
    thresholds : mapping of int to float
        By class index, in place of the one for all.

    Raises
    ------
    ParameterError
        If a threshold is not 0 to 1.
    """

    calibration: Calibration | None = None
    roll_up: tuple[tuple[int, ...], ...] | None = None
    thresholds: Mapping[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for index, threshold in self.thresholds.items():
            check_threshold(f"threshold of class {index},", threshold)

    @property
    def score_kind(self) -> str:
        """``raw`` or ``calibrated``."""
        return "raw" if self.calibration is None else "calibrated"

    @property
    def calibration_sha256(self) -> str:
        """Hash of the calibration; empty if there is none."""
        return "" if self.calibration is None else calibration_sha256(self.calibration)

    @property
    def thresholds_sha256(self) -> str:
        """Of the thresholds; empty where there are none."""
        if not self.thresholds:
            return ""
        return hashlib.sha256(repr(sorted(self.thresholds.items())).encode()).hexdigest()

    def apply(self, scores: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Turn the network's scores [N, C] into those that are reported [N, C]."""
        if self.calibration is not None:
            scores = self.calibration.apply(scores)
        if self.roll_up is not None:
            places, starts = self._members
            scores = np.maximum.reduceat(scores[:, places], starts, axis=1)
        return scores

    def peaks(
        self,
        scores: NDArray[np.floating[Any]],
        start_seconds: NDArray[np.floating[Any]],
        tags: Sequence[Tag],
    ) -> tuple[Peak, ...]:
        """Tell in which patch each of several tags has its highest score.

        A calibration that was fitted to means of patches says nothing of a single one; of one that
        was fitted to cells or to maxima, the peak is a case.

        Parameters
        ----------
        scores : ndarray, float [C]
            Highest scores of the network; what reads them only ever rises.
        start_seconds : ndarray, float [C]
            Of the patches that have them.
        tags : sequence of Tag

        Returns
        -------
        tuple of Peak
            One a tag; none at all where the calibration is not for single patches.
        """
        mapped = scores
        if self.calibration is not None:
            if self.calibration.unit == "clip" and self.calibration.aggregate != "max":
                return ()
            mapped = self.calibration.apply(scores[np.newaxis])[0]
        found = []
        for tag in tags:
            group = (tag.index,) if self.roll_up is None else self.roll_up[tag.index]
            best = max(group, key=lambda index: mapped[index])
            found.append(Peak(float(mapped[best]), float(start_seconds[best])))
        return tuple(found)

    def levels(self, count: int, level: float) -> NDArray[np.float64]:
        """Give the threshold of each of `count` classes, `level` for those without their own."""
        levels = np.full(count, level, np.float64)
        for index, own in self.thresholds.items():
            levels[index] = own
        return levels

    def detector(
        self,
        grid: Grid,
        parameters: EventParameters,
        classes: Sequence[TagClass],
        chosen: NDArray[np.intp],
    ) -> EventDetector:
        """Make the detector of a clip's events.

        Parameters
        ----------
        grid : Grid
        parameters : EventParameters
        classes : sequence of TagClass
            The model's.
        chosen : ndarray, int [K]
            Indices of the classes: columns of the detector.

        Raises
        ------
        ParameterError
            As `EventDetector` does.
        """
        enter, leave = event_thresholds(
            parameters, [self.thresholds.get(i) for i in chosen.tolist()]
        )
        return EventDetector(
            grid,
            enter,
            leave,
            parameters,
            lambda scores: self.apply(scores)[:, chosen],
            columns_below(classes, chosen.tolist()) if parameters.most_specific else None,
        )

    @functools.cached_property
    def _members(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Give the members of all classes in one row, and where each class's begin."""
        return gathered(self.roll_up or ())
