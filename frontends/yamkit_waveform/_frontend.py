"""Windows of samples, for networks that compute their own features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from yamkit.errors import IncompatibleError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from yamkit.types import FeatureSpec

__all__ = ["Waveform"]


class Waveform:
    """The front end; it holds two numbers, so any thread may use it.

    Parameters
    ----------
    features : FeatureSpec
        Features of kind ``waveform``.

    Raises
    ------
    IncompatibleError
        If the features have another kind.
    """

    def __init__(self, features: FeatureSpec) -> None:
        if features.kind != "waveform":
            raise IncompatibleError(
                f"features {features.kind!r}: this front end computes 'waveform'"
            )
        self._window = features.patch_window_samples
        self._hop = features.patch_hop_samples

    def patches(self, segment: NDArray[np.float32]) -> NDArray[np.float32]:
        """Divide a segment into windows; see `yamkit.plugin.Frontend`."""
        return np.ascontiguousarray(sliding_window_view(segment, self._window)[:: self._hop])
