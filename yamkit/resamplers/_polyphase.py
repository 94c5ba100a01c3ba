"""The resamplers `polyphase` and `polyphase-live`: resampy's kernel as matrix products, with NumPy.

Outputs are computed in chunks with fixed starts and, except for the last one, the same size, so the
bits of a chunk do not depend on how the input is cut.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from yamkit.resamplers._kernel import Ratio, phase_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LivePolyphase", "Polyphase"]

_CHUNK_OUTPUTS = 4096
"""Most outputs of a chunk of tiles: a quarter of a second at 16 kHz."""
_BLOCK_OUTPUTS = 16
"""Outputs of one matrix: few, as a wide matrix is mostly zeros, but enough to fill registers."""
_ROWS = 48
"""Groups of a chunk, which are rows of a matrix product: enough to outweigh its overhead."""
_LIVE_GROUP_OUTPUTS = 640
"""Most outputs of a group for streams: the periods of odd rates last up to a second."""
_LIVE_TILE_OUTPUTS = 160
"""Outputs of a chunk of tiles for streams: a hundredth of a second at 16 kHz."""
_PRODUCT_SIZE = 2**18
"""Most multiplications in a matrix product. OpenBLAS splits larger ones over threads, which takes
milliseconds longer if another program uses the core."""
_MATRIX_ENTRIES = 2**22
"""Most weights in the matrices of a ratio: 16 MB."""
_TILE_ENTRIES = 2**18
"""Most weights computed at once."""


class _Chunks(Protocol):
    """Computes chunks of outputs.

    Attributes
    ----------
    outputs : int
        Samples of a chunk.
    inputs : int
        Samples that a chunk needs, from the first tap of its first output on.
    """

    outputs: int
    inputs: int

    def compute(
        self, first: int, samples: NDArray[np.float32], least: int, /
    ) -> NDArray[np.float32]:
        """Return the chunk that begins with output `first`, or at least `least` of its outputs."""


class Polyphase:
    """One stream; see `yamkit.plugin.Resampler`.

    Parameters
    ----------
    from_hz, to_hz : int

    Raises
    ------
    ParameterError
        If a rate is not positive, or `from_hz` more than 8192 times `to_hz`.
    """

    _is_live = False

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._ratio = Ratio.of(from_hz, to_hz)
        self._chunks = _chunks(self._ratio, self._is_live)
        # the taps of the first output begin before the first sample
        self._buffer = np.zeros(self._ratio.reach - 1, np.float32)
        self._dropped = 0
        self._received = 0
        self._returned = 0

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take a block, and return the chunks that are complete."""
        self._received += len(block)
        return self._process(block, self._chunks.outputs)

    def flush(self) -> NDArray[np.float32]:
        """Return the remaining outputs: zeros complete the last chunk."""
        parts = [np.empty(0, np.float32)]
        while (rest := self._ratio.outputs(self._received) - self._returned) > 0:
            silence = np.zeros(self._chunks.inputs, np.float32)
            parts.append(self._process(silence, min(rest, self._chunks.outputs))[:rest])
        return np.concatenate(parts)

    def _process(self, block: NDArray[np.float32], least: int) -> NDArray[np.float32]:
        self._buffer = np.concatenate([self._buffer, block])
        chunks = self._chunks
        first, parts = self._returned, [np.empty(0, np.float32)]
        place = 0
        while len(samples := self._buffer[place : place + chunks.inputs]) == chunks.inputs:
            parts.append(chunks.compute(self._returned, samples, least))
            self._returned += chunks.outputs
            place = self._ratio.place(self._returned) - self._dropped
        result = np.concatenate(parts)
        self._swap_wings(first, result)
        self._buffer = self._buffer[place:].copy()  # a view would keep the whole block
        self._dropped += place
        return result

    def _swap_wings(self, first: int, outputs: NDArray[np.float32]) -> None:
        """Recompute, in place, outputs that resampy's rounding moves; common rates have none."""
        ratio = self._ratio
        swapped = ratio.short_outputs(first, len(outputs))
        if not len(swapped):
            return
        # the leftmost weight is zero, so the window need not move
        weights = np.roll(phase_weights(ratio, np.array([ratio.up]))[0], -1)
        for output in swapped.tolist():
            place = ratio.place(output) - self._dropped
            outputs[output - first] = (self._buffer[place : place + len(weights)] * weights).sum()


class LivePolyphase(Polyphase):
    """One stream, in the smallest chunks: a delay of about 10 ms instead of half a second."""

    _is_live = True


@lru_cache(maxsize=4)
def _chunks(ratio: Ratio, is_live: bool) -> _Chunks:
    """Return how a ratio is computed; all streams of the ratio share the matrices."""
    shape = _Shape.of(ratio)
    is_prompt = not is_live or shape.periods * ratio.up <= _LIVE_GROUP_OUTPUTS
    if shape.entries <= _MATRIX_ENTRIES and is_prompt:
        return _Groups(ratio, shape, 1 if is_live else _ROWS)
    return _Tiles(ratio, _LIVE_TILE_OUTPUTS if is_live else _CHUNK_OUTPUTS)


@dataclass(frozen=True)
class _Shape:
    """How a group of whole periods is divided into blocks of outputs, one matrix each.

    The samples of a block begin `step` samples after those of the block before it, so that the
    windows of all groups are one view of the samples. A matrix product takes that view without a
    copy if each window ends before the next group's begins: groups are made that long, if the
    matrices do not become too large.

    Attributes
    ----------
    periods, blocks : int
        Number in a group.
    outputs : int
        Number in a block. The last block may extend into the next group; the excess is dropped.
    step : int
        Samples from one block to the next.
    columns : int
        Samples of a block, including the reach of its first and last output.
    """

    periods: int
    blocks: int
    outputs: int
    step: int
    columns: int

    @classmethod
    def of(cls, ratio: Ratio) -> _Shape:
        shape = smallest = cls._of(ratio, -(-_BLOCK_OUTPUTS // ratio.up))
        filling = _BLOCK_OUTPUTS // math.gcd(_BLOCK_OUTPUTS, ratio.up)  # periods of whole blocks
        while shape.columns > shape.periods * ratio.down:
            periods = max(shape.periods + 1, -(-shape.columns // ratio.down))
            shape = cls._of(ratio, -(-periods // filling) * filling)
            if shape.entries > _MATRIX_ENTRIES:
                return smallest
        return shape

    @classmethod
    def _of(cls, ratio: Ratio, periods: int) -> _Shape:
        group = periods * ratio.up
        outputs = -(-group // (group // _BLOCK_OUTPUTS))
        blocks = -(-group // outputs)
        step = outputs * ratio.down // ratio.up
        last = (blocks * outputs - 1) * ratio.down // ratio.up
        columns = last - (blocks - 1) * step + 1 + 2 * ratio.reach
        return cls(periods, blocks, outputs, step, columns)

    @property
    def entries(self) -> int:
        """Weights in all matrices."""
        return self.blocks * self.columns * self.outputs


class _Groups:
    """Whole periods as matrix products: for ratios of small numbers, as all common rates have."""

    def __init__(self, ratio: Ratio, shape: _Shape, rows: int) -> None:
        width = 2 * ratio.reach
        self._shape = shape
        self._group_outputs = shape.periods * ratio.up
        self._group_inputs = shape.periods * ratio.down
        self._rows = max(1, min(rows, _PRODUCT_SIZE // (shape.columns * shape.outputs)))
        self.outputs = self._rows * self._group_outputs
        last = (shape.blocks - 1) * shape.step + (self._rows - 1) * self._group_inputs
        self.inputs = last + shape.columns

        whole, phases = (
            part.reshape(shape.blocks, shape.outputs)
            for part in ratio.positions(0, shape.blocks * shape.outputs)
        )
        self._matrices = np.zeros((shape.blocks, shape.columns, shape.outputs), np.float32)
        taps = np.arange(width)
        columns = np.arange(shape.outputs)[:, np.newaxis]
        piece = max(1, _TILE_ENTRIES // (shape.outputs * width))
        for start in range(0, shape.blocks, piece):
            part = range(start, min(start + piece, shape.blocks))
            weights = phase_weights(ratio, phases[part].ravel())
            for block, values in zip(part, np.split(weights, len(part)), strict=True):
                rows = (whole[block] - block * shape.step)[:, np.newaxis] + taps
                self._matrices[block, rows, columns] = values

    def compute(
        self, _first: int, samples: NDArray[np.float32], least: int, /
    ) -> NDArray[np.float32]:
        shape, size = self._shape, samples.itemsize
        rows = -(-least // self._group_outputs)
        windows: NDArray[np.float32] = np.ndarray(
            (shape.blocks, rows, shape.columns),
            np.float32,
            np.ascontiguousarray(samples),
            strides=(shape.step * size, self._group_inputs * size, size),
        )
        if shape.columns > self._group_inputs:
            windows = windows.copy()
        groups = np.empty((rows, shape.blocks, shape.outputs), np.float32)
        np.matmul(windows, self._matrices, out=groups.swapaxes(0, 1))
        return groups.reshape(rows, -1)[:, : self._group_outputs].ravel()


class _Tiles:
    """A row of weights for each output, computed when needed: for ratios of large numbers."""

    def __init__(self, ratio: Ratio, outputs: int) -> None:
        self._ratio = ratio
        self._width = 2 * ratio.reach
        self.outputs = min(outputs, max(1, _TILE_ENTRIES // self._width))
        self.inputs = -(-(self.outputs - 1) * ratio.down // ratio.up) + self._width

    def compute(
        self, first: int, samples: NDArray[np.float32], least: int, /
    ) -> NDArray[np.float32]:
        whole, phases = self._ratio.positions(first, least)
        windows = sliding_window_view(samples, self._width)[whole - whole[0]]
        weights = phase_weights(self._ratio, phases)
        result: NDArray[np.float32] = np.einsum("ij,ij->i", windows, weights)
        return result
