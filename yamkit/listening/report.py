"""What is reported of a stream, as values: its begin, events that open and close, gaps, its end.

`StreamReport` turns the updates of a stream into these values; `line_dict` gives their JSON form,
schema ``yamkit-listen/1``.
"""

from __future__ import annotations

import operator
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yamkit.listening.clock import Clock, Delays
from yamkit.listening.updates import Onset
from yamkit.schema import run_dict, tag_dict
from yamkit.scores.event_parameters import delay_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yamkit.listening.buffer import Block, Buffer
    from yamkit.listening.updates import StreamUpdate
    from yamkit.scores.grid import Grid
    from yamkit.types import Event, RunInfo, Tag

__all__ = [
    "Begun",
    "Closed",
    "Delay",
    "Dropped",
    "Finished",
    "Line",
    "Opened",
    "StreamReport",
    "line_dict",
]

SCHEMA = "yamkit-listen/1"


@dataclass(frozen=True)
class Begun:
    """The stream begins.

    Attributes
    ----------
    run_info : RunInfo
    sample_rate : int
        Of the stream, in Hz.
    open_after_seconds, close_after_seconds : float
        Audio between the begin or end of an event and its line; see
        `yamkit.scores.event_parameters.delay_seconds`.
    """

    run_info: RunInfo
    sample_rate: int
    open_after_seconds: float
    close_after_seconds: float


@dataclass(frozen=True)
class Opened:
    """An event began.

    Attributes
    ----------
    onset_seconds : float
        From the start of the stream.
    onset_time : float
        The same as a time of day, in seconds since 1970.
    tag : Tag
        With the score so far.
    delay_seconds : float
        Between the arrival of the samples that made it known and its report.
    """

    onset_seconds: float
    onset_time: float
    tag: Tag
    delay_seconds: float


@dataclass(frozen=True)
class Closed:
    """An event ended.

    Attributes
    ----------
    onset_seconds, offset_seconds : float
        From the start of the stream; equal where a more specific event replaced this one at once.
    onset_time, offset_time : float
        The same as times of day, in seconds since 1970.
    tag : Tag
    reason : str
        Why it ended: ``silent``, ``replaced``, or the end of the stream or of a part of it.
    delay_seconds : float
        Between the arrival of the samples that made it known and its report.
    """

    onset_seconds: float
    offset_seconds: float
    onset_time: float
    offset_time: float
    tag: Tag
    reason: str
    delay_seconds: float


@dataclass(frozen=True)
class Dropped:
    """Samples are missing between these places, in seconds from the start of the stream."""

    start_seconds: float
    end_seconds: float


@dataclass(frozen=True)
class Delay:
    """Median and worst of the delays between the arrival of samples and what came of them."""

    median_seconds: float
    worst_seconds: float


@dataclass(frozen=True)
class Finished:
    """The stream is over.

    Attributes
    ----------
    duration_seconds : float
    events : int
    gated_seconds : float
        Hops of the patches that stayed below the gate.
    dropped_seconds : float
    held_back_seconds : float
        How long the source had to wait.
    line_delay, patch_delay : Delay or None
        Of lines, and of patches; None where there were none.
    warnings : tuple of str
        What is wrong with the samples.
    """

    duration_seconds: float
    events: int
    gated_seconds: float
    dropped_seconds: float
    held_back_seconds: float
    line_delay: Delay | None
    patch_delay: Delay | None
    warnings: tuple[str, ...] = ()


Line = Begun | Opened | Closed | Dropped | Finished


class StreamReport:
    """Turns the updates of one stream into lines, and counts them.

    Parameters
    ----------
    run_info : RunInfo
        With parameters of events.
    sample_rate : int
        Of the stream, in Hz.
    grid : Grid
    """

    def __init__(self, run_info: RunInfo, sample_rate: int, grid: Grid) -> None:
        self._run_info, self._sample_rate, self._grid = run_info, sample_rate, grid
        self._clock = Clock(sample_rate)
        self._line_delays, self._patch_delays = Delays(), Delays()
        self._events = self._gated = self._end_sample = 0
        self._onset_times: dict[tuple[int, float], float] = {}

    def begin(self) -> Begun:
        """Return what is known before the first sample."""
        assert self._run_info.parameters.events is not None
        delays = delay_seconds(self._grid, self._run_info.parameters.events)
        return Begun(self._run_info, self._sample_rate, *delays)

    def lines(self, update: StreamUpdate, end: str) -> Iterator[Opened | Closed | Dropped]:
        """Yield the lines of an update, in the order of their times.

        Parameters
        ----------
        update : StreamUpdate
        end : str
            Why the events of an end were closed; that of the update, or ``interrupted``.
        """
        block = update.block
        self._clock.add(block)
        self._gated += update.is_gated
        self._end_sample = block.end_sample
        # at an end, several cells become known at once
        changes: list[tuple[float, Onset | Event]] = [
            *((onset.onset_seconds, onset) for onset in update.onsets),
            *(
                (event.offset_seconds, event)
                for event in dict.fromkeys((*update.events, *update.replaced))
            ),
        ]
        for _, change in sorted(changes, key=operator.itemgetter(0)):
            if isinstance(change, Onset):
                yield self._opened(change, block)
            else:
                reason = "replaced" if change in update.replaced else end or "silent"
                yield self._closed(change, block, reason)
        if update.resumes_sample is not None:
            rate = self._sample_rate
            yield Dropped(block.end_sample / rate, update.resumes_sample / rate)
        elif not end:
            self._patch_delays.add(time.monotonic() - block.arrived)

    def finish(self, buffer: Buffer, warnings: tuple[str, ...]) -> Finished:
        """Return the summary of the stream that came through a buffer."""
        hop_seconds = self._grid.hop_samples / self._grid.sample_rate_hz
        return Finished(
            self._end_sample / self._sample_rate,
            self._events,
            self._gated * hop_seconds,
            buffer.dropped_samples / self._sample_rate,
            buffer.waited_seconds,
            _delay(self._line_delays),
            _delay(self._patch_delays),
            warnings,
        )

    def _opened(self, onset: Onset, block: Block) -> Opened:
        onset_time = self._clock.time(onset.onset_seconds)
        self._onset_times[onset.tag.index, onset.onset_seconds] = onset_time
        return Opened(onset.onset_seconds, onset_time, onset.tag, self._line_delay(block))

    def _closed(self, event: Event, block: Block, reason: str) -> Closed:
        self._events += event.offset_seconds > event.onset_seconds
        return Closed(
            event.onset_seconds,
            event.offset_seconds,
            self._onset_times.pop((event.tag.index, event.onset_seconds)),
            self._clock.time(event.offset_seconds),
            event.tag,
            reason,
            self._line_delay(block),
        )

    def _line_delay(self, block: Block) -> float:
        delay = time.monotonic() - block.arrived
        self._line_delays.add(delay)
        return delay


def line_dict(line: Line) -> dict[str, Any]:
    """Return the JSON form of a line."""
    match line:
        case Begun():
            return {
                "type": "begin",
                **run_dict(line.run_info),
                "schema": SCHEMA,
                "sample_rate": line.sample_rate,
                "open_after_seconds": line.open_after_seconds,
                "close_after_seconds": line.close_after_seconds,
            }
        case Opened():
            return {
                "type": "open",
                "onset_seconds": line.onset_seconds,
                "onset_time": _iso(line.onset_time),
                **tag_dict(line.tag),
                "delay_seconds": round(line.delay_seconds, 6),
            }
        case Closed():
            return {
                "type": "close",
                "onset_seconds": line.onset_seconds,
                "offset_seconds": line.offset_seconds,
                "onset_time": _iso(line.onset_time),
                "offset_time": _iso(line.offset_time),
                **tag_dict(line.tag),
                "reason": line.reason,
                "delay_seconds": round(line.delay_seconds, 6),
            }
        case Dropped():
            return {
                "type": "dropped",
                "start_seconds": line.start_seconds,
                "end_seconds": line.end_seconds,
            }
        case Finished():
            return {
                "type": "end",
                "duration_seconds": line.duration_seconds,
                "events": line.events,
                "gated_seconds": line.gated_seconds,
                "dropped_seconds": line.dropped_seconds,
                "held_back_seconds": round(line.held_back_seconds, 3),
                "line_delay_seconds": _delay_dict(line.line_delay),
                "patch_delay_seconds": _delay_dict(line.patch_delay),
                **({"warnings": list(line.warnings)} if line.warnings else {}),
            }


def _delay(delays: Delays) -> Delay | None:
    return Delay(delays.median_seconds, delays.worst_seconds) if delays.count else None


def _delay_dict(delay: Delay | None) -> dict[str, float] | None:
    if delay is None:
        return None
    return {"median": round(delay.median_seconds, 6), "worst": round(delay.worst_seconds, 6)}


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="milliseconds")
