"""Blocks of samples on their way from the thread that reads a source to the one that tags them.

A `Buffer` never grows: a source that can wait, such as a pipe, is made to wait; of one that cannot,
such as a microphone, the oldest half of the buffer is dropped.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from yamkit.audio import one_channel
from yamkit.errors import AudioValueError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Block", "Buffer"]

_PATIENCE_SECONDS = 0.5
"""A signal between a look at the buffer and the wait for a change is noticed this late."""


@dataclass(frozen=True, eq=False)
class Block:
    """Samples of a stream.

    Attributes
    ----------
    start_sample : int
        Place of the first in the stream, in its own rate.
    samples : ndarray, float32 [n]
    arrived : float
        When the last sample came, by `time.monotonic`.
    time : float
        Likewise, in seconds since 1970.

    Raises
    ------
    AudioValueError
        If the samples are of another shape or type.
    """

    start_sample: int
    samples: NDArray[np.float32]
    arrived: float
    time: float

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.dtype != np.float32:
            raise AudioValueError(
                f"a block of {self.samples.dtype} {self.samples.shape}: wanted float32 [samples], "
                "of one channel, with full scale at 1; Buffer.put converts other types"
            )

    @property
    def end_sample(self) -> int:
        """Place behind the last sample."""
        return self.start_sample + len(self.samples)


class Buffer:
    """Blocks on their way from one thread to another, at most so many samples.

    Parameters
    ----------
    most_samples : int
        That wait; at least one block may.
    can_wait : bool
        Whether `put` waits while the buffer is full. If not, the oldest blocks are dropped, until
        half of it is free.

    Attributes
    ----------
    dropped_samples : int
    waited_seconds : float
        How long `put` waited.
    """

    def __init__(self, most_samples: int, *, can_wait: bool) -> None:
        self._most_samples = most_samples
        self._can_wait = can_wait
        self._blocks: deque[Block] = deque()
        self._waiting = 0  # samples
        self._received = 0
        self._is_over = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self.dropped_samples = 0
        self.waited_seconds = 0.0

    def put(self, samples: ArrayLike) -> bool:
        """Bring samples that have just come.

        Parameters
        ----------
        samples : array [n] or [n, 1]
            Of one channel: floats with full scale at 1, or signed integers, divided by their full
            range.

        Returns
        -------
        bool
            False when nobody wants more.

        Raises
        ------
        AudioValueError
            If they are of another shape or type.
        """
        now, arrived = time.time(), time.monotonic()
        samples = one_channel(samples)
        with self._changed:
            if self._can_wait:
                while self._waiting >= self._most_samples and not self._is_over:
                    self._changed.wait(_PATIENCE_SECONDS)
                self.waited_seconds += time.monotonic() - arrived
            elif self._waiting + len(samples) > self._most_samples:
                self._drop(len(samples))
            if self._is_over:
                self._changed.notify_all()
                return False
            self._blocks.append(Block(self._received, samples, arrived, now))
            self._received += len(samples)
            self._waiting += len(samples)
            self._changed.notify_all()
        return True

    def end(self, error: BaseException | None = None) -> None:
        """Say that no more will come, or why; blocks that wait are given out before."""
        with self._changed:
            self._is_over = True
            self._error = self._error or error
            self._changed.notify_all()

    def stop(self) -> None:
        """Give out no more: what waits is thrown away. Safe in a signal handler."""
        with self._changed:
            self._blocks.clear()
            self._waiting = 0
            self._is_over = True
            self._changed.notify_all()

    def blocks(self) -> Iterator[Block]:
        """Give the blocks, waiting for them, until the end; then raise what ended them."""
        while True:
            with self._changed:
                while not self._blocks and not self._is_over:
                    self._changed.wait(_PATIENCE_SECONDS)
                try:
                    block = self._blocks.popleft()
                except IndexError:  # empty, or `stop` came this very moment
                    break
                self._waiting -= len(block.samples)
                self._changed.notify_all()
            yield block
        if self._error is not None:
            raise self._error

    def _drop(self, coming: int) -> None:
        most = min(self._most_samples // 2, self._most_samples - coming)
        while self._blocks and self._waiting > most:
            dropped = len(self._blocks.popleft().samples)
            self._waiting -= dropped
            self.dropped_samples += dropped
