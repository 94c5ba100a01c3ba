"""Front ends turn samples into the features that a network expects."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Protocol

from yamkit.plugin.descriptor import PluginInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Frontend",
    "FrontendInfo",
]


@dataclass(frozen=True)
class FrontendInfo(PluginInfo):
    """Describes a front end; the factory is a `Frontend` class or makes one.

    Attributes
    ----------
    produces : str
        Feature kind, matched against ``[features] kind`` of the model: ``log-mel``, ``waveform``.
    """

    _: KW_ONLY
    produces: str


class Frontend(Protocol):
    """Turns samples into patches: ``factory(features: FeatureSpec) -> Frontend``.

    The core calls `patches` with whole windows only, from any thread, and expects the same result
    for the same samples: no state is carried from call to call.

    The factory raises `yamkit.errors.IncompatibleError` for features it cannot compute.

    Example
    -------
    ::

        class Loudness:
            def __init__(self, features):
                self._features = features

            def patches(self, segment):
                spec = self._features
                frames = ...            # [1 + (n - window) // hop, bands]
                return ...              # [B, patch_frames, bands]
    """

    def patches(self, segment: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the patches of a segment.

        Parameters
        ----------
        segment : ndarray, float32 [patch_window_samples + (B - 1) * patch_hop_samples]
            Mono samples at the model's rate, B >= 1. Not to be changed.

        Returns
        -------
        ndarray, float32 [B, *features.patch_shape]
        """
