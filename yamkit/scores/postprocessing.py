"""What happens to scores before they are reported: calibration, roll-up, class thresholds."""

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
    """What happens to a network's scores before they are reported.

    Attributes
    ----------
    calibration : Calibration or None
        Applied first, to the scores of clips, patches or cells.
    roll_up : tuple of tuple of int, or None
        For each class the indices of itself and the classes below it: it gets the highest of their
        scores. See `yamkit.scores.classes.roll_up`.
    thresholds : mapping of int to float
        Thresholds by class index, in place of the common one.

    Raises
    ------
    ParameterError
        If a threshold is not in 0-1.
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
        """Hash of the thresholds; empty if there are none."""
        if not self.thresholds:
            return ""
        return hashlib.sha256(repr(sorted(self.thresholds.items())).encode()).hexdigest()

    def apply(self, scores: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Return the reported scores [N, C] for the network's scores [N, C]."""
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
        """Return the highest score of each of several tags, and the start of its patch.

        A calibration fitted to means of patches does not apply to a single patch; one fitted to
        cells or to maxima does.

        Parameters
        ----------
        scores : ndarray, float [C]
            Highest scores of the network; postprocessing never reverses their order.
        start_seconds : ndarray, float [C]
            Starts of the patches that have them.
        tags : sequence of Tag

        Returns
        -------
        tuple of Peak
            One per tag; empty if the calibration does not apply to single patches.
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
        """Return the threshold of each of `count` classes; `level` for those without their own."""
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
        """Return a new detector of the events of a clip.

        Parameters
        ----------
        grid : Grid
        parameters : EventParameters
        classes : sequence of TagClass
            The model's.
        chosen : ndarray, int [K]
            Indices of the classes, one per column of the detector.

        Raises
        ------
        ParameterError
            As for `EventDetector`.
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
        """Members of all classes in one array, and the start of each class in it."""
        return gathered(self.roll_up or ())
