"""Times of day of positions in a stream, and statistics of delays."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from yamkit.listening.buffer import Block

__all__ = ["Clock", "Delays"]

_PLACES_KNOWN = 4096
"""Positions with a known time: half an hour, at one patch every half second."""


class Clock:
    """Times of day of positions in a stream, which never decrease.

    The time of a sample is when it arrived. The samples of a block are spread over the time since
    the previous block, as a pipe may bring a recording faster than real time. If the system clock
    is set back, the times do not follow.

    Parameters
    ----------
    sample_rate : int
        Of the stream, in Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._known: deque[tuple[float, float]] = deque(maxlen=_PLACES_KNOWN)  # seconds, time
        self._ahead = -math.inf  # time of day minus monotonic clock

    def add(self, block: Block) -> None:
        """Record when a block arrived; blocks may be skipped."""
        self._ahead = max(self._ahead, block.time - block.arrived)
        time = block.arrived + self._ahead
        for sample in (block.start_sample, block.end_sample):
            place = sample / self._rate
            came = time - (block.end_sample - sample) / self._rate
            last, latest = self._known[-1] if self._known else (-math.inf, -math.inf)
            if place > last:
                self._known.append((place, max(came, latest)))

    def time(self, seconds: float) -> float:
        """Return the time of a position in seconds since 1970; `add` must have been called."""
        later = self._known[-1]
        for earlier in reversed(self._known):
            if earlier[0] <= seconds:
                break
            later = earlier
        else:
            return later[1] - (later[0] - seconds)
        if later[0] <= seconds:
            return later[1]
        share = (seconds - earlier[0]) / (later[0] - earlier[0])
        return earlier[1] + share * (later[1] - earlier[1])


class Delays:
    """Median and maximum of durations, in constant memory.

    The median comes from a histogram with steps of 2 %.
    """

    _SHORTEST_SECONDS = 1e-5

    def __init__(self) -> None:
        self._counts = np.zeros(1024, np.int64)
        self.worst_seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count a duration."""
        steps = math.log(max(seconds, self._SHORTEST_SECONDS) / self._SHORTEST_SECONDS, 1.02)
        self._counts[min(int(steps), len(self._counts) - 1)] += 1
        self.worst_seconds = max(self.worst_seconds, seconds)

    @property
    def count(self) -> int:
        """Number of durations."""
        return int(self._counts.sum())

    @property
    def median_seconds(self) -> float:
        """Median; 0 if there are no durations."""
        if not self.count:
            return 0.0
        place = int(np.searchsorted(np.cumsum(self._counts), (self.count + 1) // 2))
        return min(float(self._SHORTEST_SECONDS * 1.02 ** (place + 1)), self.worst_seconds)
