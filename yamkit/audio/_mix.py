"""The mix of all channels, and whether the channels cancel each other in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from yamkit.audio._notes import place

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from yamkit.audio._notes import Notes

__all__ = ["Cancellation", "mean"]

# NumPy adds fewer values than this sequentially, and only then is the sum over columns identical to
# the mean along a row.
_PAIRWISE = 8

_LEAST_DB = 20.0
"""How far the mix must be below the mix of uncorrelated channels."""
_LOWEST_DBFS = -60.0
"""Level of the channels from which on their loss is audible."""


def mean(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average the channels.

    Parameters
    ----------
    block : ndarray, float32 [n, channels]
        From `AudioSource.blocks`, so that no sum exceeds float32.

    Returns
    -------
    ndarray, float32 [n]
    """
    channels = block.shape[1]
    if channels == 1:
        return block[:, 0]
    if channels >= _PAIRWISE:
        # NumPy adds in another order if the channels are not contiguous
        mixed: NDArray[np.float32] = np.ascontiguousarray(block).mean(axis=1)
        return mixed
    mixed = block[:, 0] + block[:, 1]
    for channel in range(2, channels):
        mixed += block[:, channel]
    mixed /= np.float32(channels)
    return mixed


class Cancellation:
    """Finds the seconds in which the mix is far below its channels.

    The mix of N uncorrelated channels has 1/N of their mean power, and so has the mix if only one
    channel has sound; opposite phases cause a level that is 20 dB lower.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._rate, self._channels = sample_rate, channels
        self._least = 10 ** (-_LEAST_DB / 10) / channels
        self._floor = 10 ** (_LOWEST_DBFS / 10)
        self._samples = self._position = 0
        self._mix = self._all = 0.0
        self._cancelled = 0
        self._first = -1
        self._lost = self._kept = 0.0

    def take(self, block: NDArray[np.float32], mixed: NDArray[np.float32]) -> None:
        """Process a block [n, channels] and its mix [n]."""
        self._mix += float(np.dot(mixed, mixed))
        self._all += float(np.vdot(block, block)) / self._channels
        self._samples += len(block)
        if self._samples >= self._rate:
            self._end_of_second()

    def report(self, notes: Notes) -> None:
        """Note where the channels cancel each other."""
        self._end_of_second()
        if not self._cancelled:
            return
        below = 10 * np.log10(self._lost / max(self._kept, 1e-9 * self._lost))
        notes.add(
            f"the channels cancel each other for {place(self._cancelled / self._rate)}, from "
            f"{place(self._first / self._rate)} on: their mix is {below:.0f} dB below "
            "them; choose one with --channel 1"
        )

    def _end_of_second(self) -> None:
        power = self._all / max(self._samples, 1)
        if power > self._floor and self._mix < self._least * self._all:
            if not self._cancelled:
                self._first = self._position
            self._cancelled += self._samples
            self._lost += self._all
            self._kept += self._mix
        self._position += self._samples
        self._samples, self._mix, self._all = 0, 0.0, 0.0
