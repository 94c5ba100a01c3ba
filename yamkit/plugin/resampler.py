"""Resamplers change the sample rate of a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from yamkit.plugin.descriptor import PluginInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Resampler",
    "ResamplerInfo",
]


@dataclass(frozen=True)
class ResamplerInfo(PluginInfo):
    """Describes a resampler; the factory is a `Resampler` class or makes one."""


class Resampler(Protocol):
    """Changes the sample rate of one stream: ``factory(from_hz: int, to_hz: int) -> Resampler``.

    One object serves one stream: `process` for each block, in order, then `flush` once. The
    samples that come out, put together, must not depend on how the input was cut; all in all there
    are ``n * to_hz // from_hz`` of them for n samples. The core does not call a resampler when both
    rates are equal.
    """

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the next samples and give those that are ready.

        Parameters
        ----------
        block : ndarray, float32 [n]
            n >= 0. Not to be changed.

        Returns
        -------
        ndarray, float32 [m]
            m >= 0.
        """

    def flush(self) -> NDArray[np.float32]:
        """Give the rest: the input has ended, zeros follow it.

        Returns
        -------
        ndarray, float32 [m]
        """
