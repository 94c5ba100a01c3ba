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
        Position of the first one in the stream, at the sample rate of the stream.
    samples : ndarray, float32 [n]
    arrived : float
        When the last sample arrived, by `time.monotonic`.
    time : float
        The same in seconds since 1970.

    Raises
    ------
    AudioValueError
        If the samples have another shape or type.
    """

    start_sample: int
    samples: NDArray[np.float32]
    arrived: float
    time: float

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.dtype != np.float32:
            raise AudioValueError(
                f"block of {self.samples.dtype} {self.samples.shape}: must be float32 [samples] of "
                "one channel, with full scale at 1; Buffer.put converts other types"
            )

    @property
    def end_sample(self) -> int:
        """Position after the last sample."""
        return self.start_sample + len(self.samples)


class Buffer:
    """A queue of blocks between two threads, which holds a limited number of samples.

    Parameters
    ----------
    most_samples : int
        The buffer still takes one block that is longer.
    can_wait : bool
        Whether `put` waits while the buffer is full. If not, the oldest blocks are dropped, until
        half of the buffer is free.

    Attributes
    ----------
    dropped_samples : int
    waited_seconds : float
        How long `put` has waited.
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
        """Add samples that have just arrived.

        Parameters
        ----------
        samples : array [n] or [n, 1]
            Of one channel: floats with full scale at 1, or signed integers, divided by their full
            range.

        Returns
        -------
        bool
            Whether more samples are accepted: False once the buffer was ended or stopped.

        Raises
        ------
        AudioValueError
            If they have another shape or type.
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
        """Accept no more samples; `blocks` yields those that wait, then raises any error."""
        with self._changed:
            self._is_over = True
            self._error = self._error or error
            self._changed.notify_all()

    def stop(self) -> None:
        """Accept no more samples, and discard those that wait. Safe in a signal handler."""
        with self._changed:
            self._blocks.clear()
            self._waiting = 0
            self._is_over = True
            self._changed.notify_all()

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks as they arrive, until the end; then raise the error that ended them."""
        while True:
            with self._changed:
                while not self._blocks and not self._is_over:
                    self._changed.wait(_PATIENCE_SECONDS)
                try:
                    block = self._blocks.popleft()
                except IndexError:  # empty, or `stop` was called just now
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
