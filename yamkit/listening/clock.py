"""Times of day of places in a stream, and how long results took."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from yamkit.listening.buffer import Block

__all__ = ["Clock", "Delays"]

_PLACES_KNOWN = 4096
"""Places with a known time: half an hour, where a patch comes every half second."""


class Clock:
    """Times of day of places in a stream: a later place has no earlier time.

    A sample's time is when it came. Samples that came together are spread over the time since those
    before them: a pipe may bring a recording faster than it sounded. A clock of the system that is
    set back is not followed.

    Parameters
    ----------
    sample_rate : int
        Of the stream, in Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._known: deque[tuple[float, float]] = deque(maxlen=_PLACES_KNOWN)  # seconds, time
        self._ahead = -math.inf  # of the time of day to the monotonic clock

    def add(self, block: Block) -> None:
        """Learn when a block came; those between two may be left out."""
        self._ahead = max(self._ahead, block.time - block.arrived)
        time = block.arrived + self._ahead
        for sample in (block.start_sample, block.end_sample):
            place = sample / self._rate
            came = time - (block.end_sample - sample) / self._rate
            last, latest = self._known[-1] if self._known else (-math.inf, -math.inf)
            if place > last:
                self._known.append((place, max(came, latest)))

    def time(self, seconds: float) -> float:
        """Give the time of a place, in seconds since 1970; `add` was called before."""
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
    """Median and worst of durations, in a state that does not grow.

    The median is that of a histogram with steps of 2 %.
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
        """Durations that were counted."""
        return int(self._counts.sum())

    @property
    def median_seconds(self) -> float:
        """Half of them were no longer; 0 where there are none."""
        if not self.count:
            return 0.0
        place = int(np.searchsorted(np.cumsum(self._counts), (self.count + 1) // 2))
        return min(float(self._SHORTEST_SECONDS * 1.02 ** (place + 1)), self.worst_seconds)
