"""Many streams at once, on several threads.

One thread at a time reads a stream, patches of different streams share a batch, and results are
yielded in the order of the streams.

All workers are alike and take the most urgent task: patches for some full batches go through the
network; else the oldest stream without a reader is read on; else another stream is opened; and
where nothing can be read, the patches that wait go through in smaller batches. So the network does
not run short of patches while there are samples, and all workers share one long stream.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from yamkit.errors import YamkitError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from yamkit.types import Batch, Patches

__all__ = ["Ended", "Failed", "tag_streams"]

_Stream = TypeVar("_Stream")
_Item = TypeVar("_Item")

_MOST_AHEAD = 1024
"""Most patches that are read ahead: of the first stream, and of all others together."""
_BATCHES_IN_A_ROW = 4
"""A worker sends several batches through the network in a row: the first one finds the processor's
caches full of other data, and so does the reading after it."""
_PATIENCE_SECONDS = 2.0


@dataclass(frozen=True)
class Ended:
    """A stream has ended."""


@dataclass(frozen=True)
class Failed:
    """A stream cannot be tagged, or not to its end."""

    error: Exception


@dataclass(eq=False)
class _Lane(Generic[_Stream]):
    """A stream under way.

    What becomes of it is numbered: a batch for each piece, and last how it ended.
    """

    number: int
    stream: _Stream
    opened: ExitStack = field(default_factory=ExitStack)
    pieces: Iterator[Patches] | None = None
    reading: bool = False
    done: bool = False
    read: int = 0
    given: int = 0
    ahead: int = 0
    """Patches that were read and not yet handed out."""
    events: dict[int, Batch | Ended | Failed] = field(default_factory=dict)

    def close(self) -> None:
        """Close the stream, whose results are known or not needed."""
        with contextlib.suppress(Exception):
            self.opened.close()


def tag_streams(
    streams: Iterable[_Stream],
    read: Callable[[_Stream, ExitStack], Iterator[Patches]],
    infer: Callable[[Sequence[Patches]], Sequence[Batch]],
    report: Callable[[_Stream, Batch | Ended | Failed], Iterable[_Item]],
    *,
    jobs: int,
    batch_size: int,
    is_live: Callable[[_Stream], bool] = lambda _: False,
) -> Generator[tuple[_Stream, _Item], None, None]:
    """Tag streams with several threads; memory grows neither with their number nor their length.

    Parameters
    ----------
    streams : iterable
        Anything that `read` takes; requested one by one, as far ahead as is worthwhile.
    read : callable
        Open a stream and return its patches, piece by piece. The stack closes what it opened.
        Called and advanced by several threads, one at a time.
    infer : callable
        Return the batch of each of several pieces; called by several threads at once.
    report : callable
        Return what is yielded for a batch, or for the end of a stream. Called in the caller's
        thread, in the order of the streams: for batches in order, then once for the end.
    jobs : int
        Threads; with 1, the caller's own does all the work.
    batch_size : int
        Patches for the network at once.
    is_live : callable
        Whether a stream may block its reader: what was read goes through the network first.

    Yields
    ------
    stream : object
        In the order of `streams`.
    item : object
        What `report` returned.
    """
    return _Schedule(iter(streams), read, infer, jobs, batch_size, is_live).items(report)


class _Schedule(Generic[_Stream]):
    def __init__(
        self,
        streams: Iterator[_Stream],
        read: Callable[[_Stream, ExitStack], Iterator[Patches]],
        infer: Callable[[Sequence[Patches]], Sequence[Batch]],
        jobs: int,
        batch_size: int,
        is_live: Callable[[_Stream], bool],
    ) -> None:
        self._streams = streams
        self._read, self._infer, self._is_live = read, infer, is_live
        self._jobs, self._batch_size = jobs, batch_size
        self._most_ahead = max(_MOST_AHEAD, 2 * _BATCHES_IN_A_ROW * batch_size)
        self._lock = threading.Lock()
        self._event_due = threading.Condition(self._lock)
        self._task_due = threading.Condition(self._lock)
        self._lanes: deque[_Lane[_Stream]] = deque()
        self._readable: list[_Lane[_Stream]] = []
        self._waiting: deque[tuple[_Lane[_Stream], int, Patches]] = deque()
        self._patches_waiting = self._ahead = self._opened = 0
        self._opening = self._no_more = self._stopped = False
        self._trouble: BaseException | None = None

    # --- the caller's side ---

    def items(
        self, report: Callable[[_Stream, Batch | Ended | Failed], Iterable[_Item]]
    ) -> Generator[tuple[_Stream, _Item], None, None]:
        """Yield what is reported of the lanes, in order."""
        workers = [
            threading.Thread(target=self._work, name=f"yamkit-{number}", daemon=True)
            for number in range(self._jobs if self._jobs > 1 else 0)
        ]
        for worker in workers:
            worker.start()
        try:
            while True:
                task = None
                with self._lock:
                    while (found := self._next_event()) is None and task is None:
                        if self._trouble is not None:
                            raise self._trouble
                        if self._no_more and not self._lanes:
                            return
                        task = None if workers else self._next_task()
                        if task is None:
                            self._event_due.wait()
                if found is not None:
                    stream, event = found
                    for item in report(stream, event):
                        yield stream, item
                elif task is not None:
                    task()
        finally:
            self._stop(workers)

    def _stop(self, workers: Sequence[threading.Thread]) -> None:
        """Let the workers end after their current task, and close the streams."""
        with self._lock:
            self._stopped = True
            self._task_due.notify_all()
        for worker in workers:
            # one that waits for a pipe may never end, and holds nothing that others need
            worker.join(_PATIENCE_SECONDS)
        with self._lock:
            for lane in self._lanes:
                lane.done = True
                if not (workers and lane.reading):
                    lane.close()

    def _next_event(self) -> tuple[_Stream, Batch | Ended | Failed] | None:
        if not self._lanes:
            return None
        lane = self._lanes[0]
        event = lane.events.pop(lane.given, None)
        if event is None:
            return None
        lane.given += 1
        if isinstance(event, (Ended, Failed)):
            self._lanes.popleft()
            self._ahead -= lane.ahead
            lane.done = True
            if lane in self._readable:
                self._readable.remove(lane)
            if not lane.reading:
                lane.close()
        else:
            lane.ahead -= len(event.scores)
            self._ahead -= len(event.scores)
        self._task_due.notify()
        return lane.stream, event

    # --- the workers' side ---

    def _work(self) -> None:
        """Run tasks until there are none."""
        try:
            while (task := self._wait_for_task()) is not None:
                task()
        except BaseException as error:  # not of a stream: raised in the caller
            with self._lock:
                self._trouble = self._trouble or error
                self._event_due.notify()

    def _wait_for_task(self) -> Callable[[], None] | None:
        with self._lock:
            while not (self._stopped or (self._no_more and not self._lanes)):
                task = self._next_task()
                if task is not None:
                    self._task_due.notify()  # there may be another one
                    return task
                self._task_due.wait()
            self._task_due.notify()
            self._event_due.notify()
        return None

    def _next_task(self) -> Callable[[], None] | None:
        enough = _BATCHES_IN_A_ROW * self._batch_size
        if self._patches_waiting >= enough:
            return self._inference(enough)
        share = min(enough, max(self._batch_size, -(-self._patches_waiting // self._jobs)))
        readable = [lane for lane in self._readable if self._has_room(lane)]
        if readable:
            lane = min(readable, key=lambda each: each.number)
            if self._waiting and self._is_live(lane.stream):
                return self._inference(share)
            self._readable.remove(lane)
            lane.reading = True
            return partial(self._advance, lane)
        if not (self._opening or self._no_more) and self._has_room(None):
            self._opening = True
            return self._open
        return self._inference(share) if self._waiting else None

    def _has_room(self, lane: _Lane[_Stream] | None) -> bool:
        """Return whether a stream may be read on, or, without one, another may be opened."""
        if not self._lanes:
            return True
        first = self._lanes[0]
        if lane is first:
            return first.ahead < self._most_ahead
        # each stream counts as one patch more, which limits the number of empty ones
        return self._ahead - first.ahead + len(self._lanes) - 1 < self._most_ahead

    def _open(self) -> None:
        """Take another stream, to be read."""
        lane: _Lane[_Stream] | None = None
        trouble: Exception | None = None
        try:
            for stream in self._streams:
                lane = _Lane(self._opened, stream)
                break
        except Exception as error:
            trouble = error
        with self._lock:
            # together with the lane, or the caller might take this for the end
            self._trouble = self._trouble or trouble
            self._opening, self._no_more = False, lane is None
            if lane is not None:
                self._opened += 1
                self._lanes.append(lane)
                self._readable.append(lane)
            self._task_due.notify()
            self._event_due.notify()

    def _advance(self, lane: _Lane[_Stream]) -> None:
        """Read on: a batch, or to the end; of a live stream, what comes next."""
        pieces: list[Patches] = []
        end: Ended | Failed | None = None
        count = 0
        try:
            if lane.pieces is None:
                lane.pieces = self._read(lane.stream, lane.opened)
            while count < self._batch_size and end is None:
                piece = next(lane.pieces, None)
                if piece is None:
                    lane.opened.close()
                    end = Ended()
                else:
                    pieces.append(piece)
                    count += len(piece)
                if self._is_live(lane.stream):
                    break
        except Exception as error:
            end = Failed(error)
            lane.close()
        with self._lock:
            lane.reading = False
            if lane.done:
                lane.close()
                return
            for piece in pieces:
                self._waiting.append((lane, lane.read, piece))
                lane.read += 1
            self._patches_waiting += count
            lane.ahead += count
            self._ahead += count
            if end is None:
                self._readable.append(lane)
            else:
                self._publish(lane, lane.read, end)

    def _inference(self, most: int) -> Callable[[], None]:
        """Take pieces with at most so many patches."""
        taken: list[tuple[_Lane[_Stream], int, Patches]] = []
        count = 0
        while self._waiting and (not taken or count + len(self._waiting[0][2]) <= most):
            taken.append(self._waiting.popleft())
            count += len(taken[-1][2])
        self._patches_waiting -= count
        return partial(self._run, taken)

    def _run(self, taken: list[tuple[_Lane[_Stream], int, Patches]]) -> None:
        """Send pieces through the network, batch by batch."""
        batch: list[tuple[_Lane[_Stream], int, Patches]] = []
        count = 0
        for each in taken:
            if batch and count + len(each[2]) > self._batch_size:
                self._run_batch(batch)
                batch, count = [], 0
            batch.append(each)
            count += len(each[2])
        self._run_batch(batch)

    def _run_batch(self, batch: list[tuple[_Lane[_Stream], int, Patches]]) -> None:
        """Send pieces through the network together; if that fails, one by one."""
        events: Sequence[Batch | Failed]
        try:
            events = self._infer([piece for _, _, piece in batch])
        except YamkitError as error:
            if len(batch) > 1:
                for one in batch:
                    self._run_batch([one])
                return
            events = [Failed(error)]
        with self._lock:
            for (lane, number, _), event in zip(batch, events, strict=True):
                self._publish(lane, number, event)

    def _publish(self, lane: _Lane[_Stream], number: int, event: Batch | Ended | Failed) -> None:
        lane.events[number] = event
        if self._lanes and self._lanes[0] is lane and number == lane.given:
            self._event_due.notify()
