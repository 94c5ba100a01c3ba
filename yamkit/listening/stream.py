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
    choice : Choice
        Which events are reported, see `Choice.of`.
    gate_dbfs : float, optional
        Patches in which no sample reaches this level, in dB of full scale, are not sent through the
        network: every score is 0.

    Yields
    ------
    StreamUpdate
        For each patch, and at each end.

    Raises
    ------
    ParameterError
        If the tagger's batch size is not 1, the gate is out of its range, or the choice has no
        events.
    AudioError
        As `blocks` does, behind what was heard until then.
    """
    if tagger.pipeline.batch_size != 1:
        raise ParameterError(f"batch size {tagger.pipeline.batch_size}: streams want 1")
    if gate_dbfs is not None and not -math.inf < gate_dbfs <= 0:
        raise ParameterError(f"gate {gate_dbfs} dB: wanted 0 or less, such as -50")
    columns = choice.columns(len(tagger.classes))
    gate = 0.0 if gate_dbfs is None else 10 ** (gate_dbfs / 20)
    stream = iter(blocks)
    first = next(stream, None)
    while first is not None:
        part = _Part(first, stream)
        detector = choice.detector(tagger.grid, tagger.classes)
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
) -> Iterator[StreamUpdate]:
    pipeline, grid, classes = tagger.pipeline, tagger.grid, tagger.classes
    base = grid.samples_of(part.start_sample, sample_rate)
    silence = np.zeros((1, len(classes)), np.float32)

    def heard(
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
            yield heard(detector.update(scores, known), is_gated=is_gated)
    except YamkitError as error:  # of a plugin: what is open shall not look as if it went on
        part.error = error
    end = "ended" if part.following is None else "dropped"
    if part.error is not None:
        end = "failed"
    yield heard(detector.finish(grid.samples_of(part.samples, sample_rate)), end)
