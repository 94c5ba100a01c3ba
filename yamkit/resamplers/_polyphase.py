"""The resampler `polyphase`: resampy's kernel as matrix products, streaming, with NumPy alone.

Outputs are computed in chunks that start at fixed places and always have one size, zeros completing
the last, so a chunk has the same bits however the input was cut.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from yamkit.resamplers._kernel import Ratio, phase_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Polyphase"]

_CHUNK_OUTPUTS = 8192
_GROUP_OUTPUTS = 100
_MAX_ENTRIES = 4 * 2**20
"""Most float32 numbers in a table: 16 MB."""
_SLICE_ENTRIES = 2**18
"""Most weights computed at once."""


class _Chunks(Protocol):
    """Computes chunks of outputs.

    Attributes
    ----------
    outputs : int
        Samples of a chunk.
    """

    outputs: int

    def inputs(self, first: int) -> int:
        """Count the samples that the chunk needs, from the place of its output `first` on."""

    def compute(self, first: int, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute that chunk."""


class Polyphase:
    """One stream; see `yamkit.plugin.Resampler`.

    Parameters
    ----------
    from_hz, to_hz : int

    Raises
    ------
    ParameterError
        If a rate is not positive.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._ratio = Ratio.of(from_hz, to_hz)
        self._chunks = _chunks(self._ratio)
        # The first output reaches back before the first sample.
        self._buffer = np.zeros(self._ratio.reach - 1, np.float32)
        self._dropped = 0
        self._received = 0
        self._given = 0

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take a block, give the chunks that are complete."""
        self._received += len(block)
        self._buffer = np.concatenate([self._buffer, block])
        parts = []
        while True:
            place = self._ratio.positions(self._given, 1)[0][0] - self._dropped
            samples = self._buffer[place : place + self._chunks.inputs(self._given)]
            if len(samples) < self._chunks.inputs(self._given):
                break
            parts.append(self._chunks.compute(self._given, samples))
            self._given += self._chunks.outputs
        self._buffer = self._buffer[place:]
        self._dropped += int(place)
        return np.concatenate(parts) if parts else np.empty(0, np.float32)

    def flush(self) -> NDArray[np.float32]:
        """Give the rest: as many zeros follow as the last chunk needs."""
        total, given = self._ratio.outputs(self._received), self._given
        parts = [np.empty(0, np.float32)]
        while self._given < total:
            parts.append(self.process(np.zeros(self._chunks.inputs(self._given), np.float32)))
        return np.concatenate(parts)[: total - given]


@lru_cache(maxsize=8)
def _chunks(ratio: Ratio) -> _Chunks:
    """Choose how to compute a ratio; tables are shared by all streams of that ratio."""
    group = _Groups.periods(ratio)
    if (group * ratio.down + 2 * ratio.reach - 1) * group * ratio.up <= _MAX_ENTRIES:
        return _Groups(ratio, group)
    return _Tiles(ratio)


class _Groups:
    """Whole periods at once: one matrix turns the inputs of a group into all its outputs.

    Good for ratios of small numbers, that is for all common rates.
    """

    def __init__(self, ratio: Ratio, periods: int) -> None:
        width = 2 * ratio.reach
        group_outputs = periods * ratio.up
        self._group_inputs = periods * ratio.down
        self._columns = self._group_inputs + width - 1
        self._rows = max(1, _CHUNK_OUTPUTS // group_outputs)
        self.outputs = self._rows * group_outputs
        self._matrix = np.zeros((self._columns, group_outputs), np.float32)
        whole, phases = ratio.positions(0, group_outputs)
        piece = max(1, _SLICE_ENTRIES // width)
        for start in range(0, group_outputs, piece):
            part = slice(start, start + piece)
            weights = phase_weights(ratio, phases[part])  # [outputs, width]
            columns = np.arange(start, start + len(weights))[:, np.newaxis]
            rows = whole[part, np.newaxis] + np.arange(width)
            self._matrix[rows, columns] = weights

    @staticmethod
    def periods(ratio: Ratio) -> int:
        """Count the periods of a group: enough outputs for a matrix product to pay."""
        return -(-_GROUP_OUTPUTS // ratio.up)

    def inputs(self, first: int) -> int:  # noqa: ARG002  (every chunk needs as many)
        return (self._rows - 1) * self._group_inputs + self._columns

    def compute(self, first: int, samples: NDArray[np.float32]) -> NDArray[np.float32]:  # noqa: ARG002
        windows = sliding_window_view(samples, self._columns)[:: self._group_inputs]
        return (windows @ self._matrix).ravel()  # [rows, columns] @ [columns, outputs]


class _Tiles:
    """A row of weights an output: for ratios of large numbers, in bounded memory."""

    def __init__(self, ratio: Ratio) -> None:
        self._ratio = ratio
        self._width = 2 * ratio.reach
        self.outputs = min(_CHUNK_OUTPUTS, max(1, _SLICE_ENTRIES // self._width))
        self._table: NDArray[np.float32] | None = None
        if ratio.up * self._width <= _MAX_ENTRIES:
            self._table = np.empty((ratio.up, self._width), np.float32)
            for start in range(0, ratio.up, self.outputs):
                phases = np.arange(start, min(start + self.outputs, ratio.up))
                self._table[phases] = phase_weights(ratio, phases)

    def inputs(self, first: int) -> int:
        whole, _ = self._ratio.positions(first, self.outputs)
        return int(whole[-1] - whole[0]) + self._width

    def compute(self, first: int, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        whole, phases = self._ratio.positions(first, self.outputs)
        windows = sliding_window_view(samples, self._width)[whole - whole[0]]  # [outputs, width]
        if self._table is not None:
            weights = self._table[phases]
        else:
            weights = phase_weights(self._ratio, phases).astype(np.float32)
        result: NDArray[np.float32] = np.einsum("ij,ij->i", windows, weights)
        return result
