"""The time grid: patches overlap, so time is cut into cells of one hop, which have scores too.

Cell ``j`` is samples ``[j * hop, (j + 1) * hop)``. Its score is the mean (or maximum) of the scores
of the patches that cover all of it. A cell after the last patch has the last patch's score.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from yamkit.types import FeatureSpec

__all__ = ["Cells", "Grid", "find_reduction"]

_REDUCTIONS: dict[str, Callable[..., Any]] = {"mean": np.mean, "max": np.max}


@dataclass(frozen=True)
class Grid:
    """Positions of patches and cells in time.

    Attributes
    ----------
    hop_samples : int
        From one patch to the next; also the length of a cell.
    window_samples : int
        Length of a patch.
    sample_rate_hz : int
        Sample rate of the model.
    """

    hop_samples: int
    window_samples: int
    sample_rate_hz: int

    @classmethod
    def of(cls, features: FeatureSpec) -> Grid:
        """Return the grid of a model's features."""
        return cls(
            features.patch_hop_samples, features.patch_window_samples, features.sample_rate_hz
        )

    @property
    def patches_per_cell(self) -> int:
        """Number of patches that cover a whole cell; 1 if the hop is longer than the window."""
        return max(1, self.window_samples // self.hop_samples)

    def samples_of(self, samples: int, sample_rate: int) -> int:
        """Return the length of a clip in samples at the model's rate, rounded as resamplers do."""
        return samples * self.sample_rate_hz // sample_rate


class Cells:
    """Computes the scores of cells while the scores of patches arrive.

    Parameters
    ----------
    grid : Grid
    reduction : {"mean", "max"}
        How the scores of the patches that cover a cell become its score.

    Raises
    ------
    ParameterError
        If `reduction` is unknown.
    """

    def __init__(self, grid: Grid, reduction: str = "mean") -> None:
        self._hop_samples = grid.hop_samples
        self._reduce = find_reduction("cells", reduction)
        self._patches: deque[NDArray[np.float64]] = deque(maxlen=grid.patches_per_cell)
        self._cells = 0

    def update(self, scores: NDArray[np.floating]) -> Iterator[NDArray[np.float64]]:
        """Add the scores of further patches.

        Parameters
        ----------
        scores : ndarray [B, K]

        Yields
        ------
        ndarray, float64 [K]
            Scores of each cell that starts with one of these patches.
        """
        for patch in scores.astype(np.float64):
            self._patches.append(patch)
            yield self._next()

    def finish(self, samples: int) -> Iterator[NDArray[np.float64]]:
        """Yield the cells that start after the start of the last patch.

        Parameters
        ----------
        samples : int
            Length of the clip at the model's rate.

        Yields
        ------
        ndarray, float64 [K]
        """
        most, patches = self._patches.maxlen or 1, self._cells
        while self._patches and self._cells * self._hop_samples < samples:
            covering = max(1, patches + most - 1 - self._cells)
            while len(self._patches) > covering:
                self._patches.popleft()
            yield self._next()

    def _next(self) -> NDArray[np.float64]:
        self._cells += 1
        scores: NDArray[np.float64] = self._reduce(np.stack(self._patches), axis=0)
        return scores


def find_reduction(what: str, name: str) -> Callable[..., Any]:
    """Return the NumPy function that turns several scores into one.

    Raises
    ------
    ParameterError
        If `name` is neither ``mean`` nor ``max``; the message calls it `what`.
    """
    if name not in _REDUCTIONS:
        raise ParameterError(f"{what} {name!r}: must be one of {', '.join(_REDUCTIONS)}")
    return _REDUCTIONS[name]
