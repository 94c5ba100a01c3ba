"""The resampler `resampy`: the library resampy, applied to overlapping chunks of a stream.

A chunk is a whole number of periods, so its outputs have the positions that they have in the whole
signal; the overlap covers the reach of the filter, so they have the same values. (At odd rates,
where resampy's floating-point positions miss whole samples, single outputs can differ in the fifth
decimal.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import resampy

from yamkit.resamplers._kernel import Ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Resampy"]


class Resampy:
    """One stream; see `yamkit.plugin.Resampler`.

    Parameters
    ----------
    from_hz, to_hz : int

    Raises
    ------
    ParameterError
        If a rate is not positive, or `from_hz` more than 8192 times `to_hz`.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._ratio = Ratio.of(from_hz, to_hz)
        self._rates = from_hz, to_hz
        overlap = -(-(self._ratio.reach + 1) // self._ratio.down)
        periods = max(overlap, from_hz // self._ratio.down)  # about a second
        self._chunk_inputs = periods * self._ratio.down
        self._chunk_outputs = periods * self._ratio.up
        self._overlap_inputs = overlap * self._ratio.down
        self._overlap_outputs = overlap * self._ratio.up
        self._buffer = np.zeros(self._overlap_inputs, np.float32)
        self._received = 0
        self._returned = 0

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take a block, and return the chunks that are complete."""
        self._received += len(block)
        self._buffer = np.concatenate([self._buffer, block])
        length = self._chunk_inputs + 2 * self._overlap_inputs
        parts = [np.empty(0, np.float32)]
        while len(self._buffer) >= length:
            whole = resampy.resample(self._buffer[:length], *self._rates, filter="kaiser_best")
            begin = self._overlap_outputs
            parts.append(whole[begin : begin + self._chunk_outputs])
            self._buffer = self._buffer[self._chunk_inputs :]
            self._returned += self._chunk_outputs
        return np.concatenate(parts)

    def flush(self) -> NDArray[np.float32]:
        """Return the remaining outputs: zeros complete the last chunk."""
        total, returned = self._ratio.outputs(self._received), self._returned
        parts = [np.empty(0, np.float32)]
        while self._returned < total:
            missing = self._chunk_inputs + 2 * self._overlap_inputs - len(self._buffer)
            parts.append(self.process(np.zeros(missing, np.float32)))
        return np.concatenate(parts)[: total - returned]
