"""Blocks of samples in, onsets and events out, while they happen."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from yamkit.errors import ParameterError, YamkitError
from yamkit.listening.updates import Onset, StreamUpdate
from yamkit.scores.detector import ClosedEvent, OpenedEvent
from yamkit.types import Event, Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from yamkit.listening.buffer import Block
    from yamkit.scores.choice import Choice
    from yamkit.scores.detector import EventDetector
    from yamkit.tagger import Tagger

__all__ = ["listen"]


def listen(
    tagger: Tagger,
    blocks: Iterable[Block],
    sample_rate: int,
    choice: Choice,
    *,
    gate_dbfs: float | None = None,
) -> Iterator[StreamUpdate]:
    """Find events in a stream, patch by patch.

    Without gaps, they are the events of `TaggedClip.events` for the same samples.

    Parameters
    ----------
    tagger : Tagger
        With a batch size of 1.
    blocks : iterable of Block
        A block that does not start where the previous one ended follows a gap: open events are
        closed, and detection starts again.
    sample_rate : int
        Of the blocks, in Hz.
    choice : Choice
        Which events are reported; see `Choice.of`.
    gate_dbfs : float, optional
        The network is not run for patches in which no sample reaches this level, in dB relative
        to full scale: their scores are 0.

    Yields
    ------
    StreamUpdate
        For each patch, before each gap and at the end.

    Raises
    ------
    ParameterError
        If the batch size of the tagger is not 1, the gate is out of its range, or the choice has no
        events.
    AudioError
        If `blocks` raises it, after the last update.
    """
    if tagger.pipeline.batch_size != 1:
        raise ParameterError(f"batch size {tagger.pipeline.batch_size}: must be 1 for streams")
    if gate_dbfs is not None and not -math.inf < gate_dbfs <= 0:
        raise ParameterError(f"gate {gate_dbfs} dB: must be 0 or less, such as -50")
    columns = choice.columns(len(tagger.classes))
    gate = 0.0 if gate_dbfs is None else 10 ** (gate_dbfs / 20)
    stream = iter(blocks)
    first = next(stream, None)
    while first is not None:
        part = _Part(first, stream)
        detector = choice.detector(tagger.grid, tagger.classes)
        yield from _updates(tagger, part, sample_rate, detector, columns, gate)
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
        """Number of samples so far."""
        return self.latest.end_sample - self.start_sample

    def mono(self) -> Iterator[NDArray[np.float32]]:
        """Yield the samples of the blocks, once."""
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


def _updates(
    tagger: Tagger,
    part: _Part,
    sample_rate: int,
    detector: EventDetector,
    columns: NDArray[np.intp],
    gate: float,
) -> Iterator[StreamUpdate]:
    pipeline, grid, classes = tagger.pipeline, tagger.grid, tagger.classes
    base = grid.samples_of(part.start_sample, sample_rate)
    silence = np.zeros((1, len(classes)), np.float32)

    def update(
        changes: Iterator[OpenedEvent | ClosedEvent], end: str = "", is_gated: bool = False
    ) -> StreamUpdate:
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
        return StreamUpdate(
            tuple(onsets), tuple(events), end, is_gated, part.latest, resumes, tuple(replaced)
        )

    try:
        for segment in pipeline.segments(part.mono(), sample_rate):
            is_gated = gate > 0 and float(np.abs(segment.samples).max()) < gate
            scores = silence
            if not is_gated:
                scores = pipeline.infer([pipeline.transform(segment)])[0].scores
            known = grid.samples_of(part.samples, sample_rate)
            yield update(detector.update(scores, known), is_gated=is_gated)
    except YamkitError as error:  # of a plugin: open events must still be closed
        part.error = error
    end = "ended" if part.following is None else "dropped"
    if part.error is not None:
        end = "failed"
    yield update(detector.finish(grid.samples_of(part.samples, sample_rate)), end)
