"""Streams: blocks of samples in, onsets and events out, while they happen.

A `Buffer` stands between whoever brings blocks and `listen`, which hears them. It never grows: a
source that can wait, such as a pipe, waits; of one that cannot, such as a microphone, the oldest
half of the buffer is dropped, and `listen` begins anew behind the gap.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from yamkit.audio import one_channel
from yamkit.errors import AudioValueError, ParameterError, YamkitError
from yamkit.scores.detector import ClosedEvent, OpenedEvent
from yamkit.types import Event, Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import ArrayLike, NDArray

    from yamkit.scores.detector import EventDetector
    from yamkit.scores.postprocessing import Postprocessing
    from yamkit.tagger import Tagger
    from yamkit.types import EventParameters

__all__ = ["Block", "Buffer", "Clock", "Delays", "Heard", "Onset", "listen"]

_PATIENCE_SECONDS = 0.5
"""A signal may come between a look at the buffer and the wait for a change of it, unheard."""


_PLACES_KNOWN = 4096
"""Of a stream whose times are known: half an hour, where a patch comes every half second."""


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


@dataclass(frozen=True)
class Onset:
    """An event began.

    Attributes
    ----------
    onset_seconds : float
        From the start of the stream.
    tag : Tag
        With the score so far.
    """

    onset_seconds: float
    tag: Tag


@dataclass(frozen=True)
class Heard:
    """What is known once a patch is there, or the stream or a part of it is over.

    Attributes
    ----------
    onsets : tuple of Onset
    events : tuple of Event
        That are over.
    replaced : tuple of Event
        Those of them that ended because an event of a class below began, and events that are void
        for this reason, whose offset is their onset: these are not in `events`.
    end : str
        Empty; at the end ``ended`` or ``failed``, where samples are missing ``dropped``: what was
        open is closed here.
    is_gated : bool
        Whether the level stayed below the gate, and the network was spared.
    block : Block
        With which it became known.
    resumes_sample : int or None
        Where samples are missing, the place of the next one, in the stream's own rate.
    """

    onsets: tuple[Onset, ...]
    events: tuple[Event, ...]
    end: str
    is_gated: bool
    block: Block
    resumes_sample: int | None = None
    replaced: tuple[Event, ...] = ()


def listen(
    tagger: Tagger,
    blocks: Iterable[Block],
    sample_rate: int,
    parameters: EventParameters,
    *,
    columns: NDArray[np.intp],
    postprocessing: Postprocessing,
    gate_dbfs: float | None = None,
) -> Iterator[Heard]:
    """Find events in a stream, patch by patch.

    They are those of `TaggedClip.events` for the same samples, where none is missing.

    Parameters
    ----------
    tagger : Tagger
        With a batch size of 1.
    blocks : iterable of Block
        Where one does not begin at the end of the one before, samples are missing: open events are
        closed, and hearing begins anew.
    sample_rate : int
        Of the blocks, in Hz.
    parameters : EventParameters
    columns : ndarray, int [K]
        Indices of the classes to listen for.
    postprocessing : Postprocessing
    gate_dbfs : float, optional
        Patches in which no sample reaches this level, in dB of full scale, are not sent through the
        network: every score is 0.

    Yields
    ------
    Heard
        For each patch, and at each end.

    Raises
    ------
    ParameterError
        If the tagger's batch size is not 1, or the gate no number.
    AudioError
        As `blocks` does, behind what was heard until then.
    """
    if tagger.pipeline.batch_size != 1:
        raise ParameterError(f"batch size {tagger.pipeline.batch_size}: streams want 1")
    if gate_dbfs is not None and not -math.inf < gate_dbfs <= 0:
        raise ParameterError(f"gate {gate_dbfs} dB: wanted 0 or less, such as -50")
    gate = 0.0 if gate_dbfs is None else 10 ** (gate_dbfs / 20)
    stream = iter(blocks)
    first = next(stream, None)
    while first is not None:
        part = _Part(first, stream)
        detector = postprocessing.detector(tagger.grid, parameters, tagger.classes, columns)
        yield from _hear(tagger, part, sample_rate, detector, columns, gate)
        if part.error is not None:
            raise part.error
        first = part.following


class _Part:
    """Consecutive blocks of a stream, up to a gap."""

    def __init__(self, first: Block, stream: Iterator[Block]) -> None:
        self.start_sample = first.start_sample
        self.latest = first
        self.following: Block | None = None
        self.error: YamkitError | None = None
        self._stream = stream

    @property
    def samples(self) -> int:
        """Taken so far."""
        return self.latest.end_sample - self.start_sample

    def mono(self) -> Iterator[NDArray[np.float32]]:
        """Take the samples, once."""
        yield self.latest.samples
        while True:
            try:
                block = next(self._stream)
            except StopIteration:
                return
            except YamkitError as error:
                self.error = error
                return
            if block.start_sample != self.latest.end_sample:
                self.following = block
                return
            self.latest = block
            yield block.samples


def _hear(
    tagger: Tagger,
    part: _Part,
    sample_rate: int,
    detector: EventDetector,
    columns: NDArray[np.intp],
    gate: float,
) -> Iterator[Heard]:
    pipeline, grid, classes = tagger.pipeline, tagger.grid, tagger.classes
    base = grid.samples_of(part.start_sample, sample_rate)
    silence = np.zeros((1, len(classes)), np.float32)

    def heard(
        changes: Iterator[OpenedEvent | ClosedEvent], end: str = "", is_gated: bool = False
    ) -> Heard:
        onsets: list[Onset] = []
        events: list[Event] = []
        replaced: list[Event] = []
        for change in changes:
            entry = classes[columns[change.column]]
            onset_sample = base + change.onset_sample
            if isinstance(change, ClosedEvent):
                offset_sample = base + change.offset_sample
                moved = replace(change, onset_sample=onset_sample, offset_sample=offset_sample)
                event = moved.to_event(grid.sample_rate_hz, entry)
                events += [] if change.is_void else [event]
                replaced += [event] if change.is_replaced else []
            else:
                tag = Tag(entry.index, entry.mid, entry.name, change.score)
                onsets.append(Onset(onset_sample / grid.sample_rate_hz, tag))
        resumes = part.following.start_sample if end and part.following else None
        return Heard(
            tuple(onsets), tuple(events), end, is_gated, part.latest, resumes, tuple(replaced)
        )

    try:
        for segment in pipeline.segments(part.mono(), sample_rate):
            is_gated = gate > 0 and float(np.abs(segment.samples).max()) < gate
            scores = silence
            if not is_gated:
                scores = pipeline.infer([pipeline.transform(segment)])[0].scores
            known = grid.samples_of(part.samples, sample_rate)
            yield heard(detector.update(scores, known), is_gated=is_gated)
    except YamkitError as error:  # of a plugin: what is open shall not look as if it went on
        part.error = error
    end = "ended" if part.following is None else "dropped"
    if part.error is not None:
        end = "failed"
    yield heard(detector.finish(grid.samples_of(part.samples, sample_rate)), end)


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
