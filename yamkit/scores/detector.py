"""The detector of events: double thresholding of the scores of cells, while they arrive.

An event of a class is a longest run of cells whose scores reach ``leave``, at least one of which
reaches ``enter`` (double thresholding: J. Canny, "A computational approach to edge detection",
1986; for sounds Q. Kong et al., "Sound event detection of weakly labelled data with CNN-Transformer
and automatic threshold optimization", 2020).

The steps are, in this order: scores of cells, median filter, thresholds, joining, minimum duration.
An event is certain once a cell reaches ``enter``; its onset may lie before that cell. The state is
a few numbers per class, so a stream gives the same events as a file, and memory does not grow.

With ``most_specific``, a class has no event while a class below it has one: the event of the upper
class ends where the event below starts, and is dropped if it had not reached ``enter`` before that.
After the event below, the upper class must reach ``enter`` again. An event that has ended is not
taken back: an event below that turns out to overlap with its end starts after that end.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from yamkit.scores.event_parameters import check_parameters, span_samples
from yamkit.scores.grid import Cells, find_reduction
from yamkit.scores.thresholds import check_threshold_pairs
from yamkit.types import Event, Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from yamkit.scores.grid import Grid
    from yamkit.types import EventParameters, TagClass

__all__ = ["ClosedEvent", "EventDetector", "OpenedEvent"]


@dataclass(frozen=True)
class OpenedEvent:
    """An event that has started and has lasted for the minimum duration.

    Attributes
    ----------
    column : int
        Column of the scores.
    onset_sample : int
        At the model's rate.
    score : float
        Mean or maximum of its cells so far.
    """

    column: int
    onset_sample: int
    score: float


@dataclass(frozen=True)
class ClosedEvent:
    """An event that has ended.

    Attributes
    ----------
    column : int
        Column of the scores.
    onset_sample, offset_sample : int
        At the model's rate: 0 <= onset < offset <= samples of the clip.
    score : float
        Mean or maximum of its cells.
    is_replaced : bool
        Whether it ended because an event of a class below it started. If that event started no
        later, this one is void: its offset is its onset.
    """

    column: int
    onset_sample: int
    offset_sample: int
    score: float
    is_replaced: bool = False

    @property
    def is_void(self) -> bool:
        """Whether its duration is zero."""
        return self.offset_sample == self.onset_sample

    def to_event(self, sample_rate_hz: int, entry: TagClass) -> Event:
        """Return it with times in seconds, as an event of the class `entry`."""
        return Event(
            self.onset_sample / sample_rate_hz,
            self.offset_sample / sample_rate_hz,
            Tag(entry.index, entry.mid, entry.name, self.score),
        )


@dataclass
class _Open:
    """An event that may continue."""

    column: int
    onset_sample: int
    offset_sample: int
    score: float  # sum or maximum of its cells up to `offset_sample`
    cells: int
    score_since: float  # the same, up to the current cell
    cells_since: int = 0  # cells after `offset_sample`
    is_active: bool = True
    is_announced: bool = False
    above: dict[int, _Open] = field(default_factory=dict)
    """Events of the classes above it, by column, as they were before its onset."""


class EventDetector:
    """Finds the events of one clip or stream while its scores arrive.

    Parameters
    ----------
    grid : Grid
    enter, leave : ndarray, float [K]
        Thresholds of each column.
    parameters : EventParameters
        `enter` and `leave` take the place of its thresholds.
    read : callable, optional
        Turns scores of cells [1, C] into those of the columns [1, K]; None if they are the same.
    below : sequence of sequence of int, optional
        For each column, the columns of all classes below it: a column has no event while one of
        them has. None if the columns are independent.

    Raises
    ------
    ParameterError
        If a parameter is out of its range, or a leave threshold exceeds its enter threshold.
    """

    def __init__(
        self,
        grid: Grid,
        enter: NDArray[np.floating],
        leave: NDArray[np.floating],
        parameters: EventParameters,
        read: Callable[[NDArray[np.floating]], NDArray[np.floating]] | None = None,
        below: Sequence[Sequence[int]] | None = None,
    ) -> None:
        check_parameters(parameters)
        check_threshold_pairs(enter, leave)
        self._hop_samples = grid.hop_samples
        self._enter, self._leave = enter, leave
        self._cells = Cells(grid, parameters.cells)
        self._read = read
        self._is_mean = find_reduction("event score", parameters.score) is np.mean
        self._least_samples = span_samples(parameters.min_duration_seconds, grid.sample_rate_hz)
        self._gap_samples = span_samples(parameters.join_gap_seconds, grid.sample_rate_hz)
        self._median: deque[NDArray[np.floating]] = deque(maxlen=parameters.median_cells)
        self._ahead = parameters.median_cells // 2
        self._ready: deque[NDArray[np.floating]] = deque()  # filtered cells
        self._place = 0  # cells compared with the thresholds
        self._arrived = 0
        self._open: dict[int, _Open] = {}
        # length and score of the run of cells up to now that reach `leave`
        self._run_cells = np.zeros(len(enter), np.int64)
        self._run_scores = np.zeros(len(enter), np.float64)
        self._is_ordered = below is not None
        self._below = [()] * len(enter) if below is None else below
        self._ranks = [(len(lower), column) for column, lower in enumerate(self._below)]
        self._above: list[list[int]] = [[] for _ in enter]
        for column, lower in enumerate(self._below):
            for each in lower:
                self._above[each].append(column)
        # events of the classes above each current run, as they were when the run started
        self._before_runs: dict[int, dict[int, _Open]] = {}

    @property
    def first_open_sample(self) -> int:
        """Earliest onset of an event that is open or may still open."""
        longest = int(self._run_cells.max(initial=0))
        runs_begin = (self._place - longest) * self._hop_samples
        return min([runs_begin, *(each.onset_sample for each in self._open.values())])

    def update(
        self, scores: NDArray[np.floating], samples: int
    ) -> Iterator[OpenedEvent | ClosedEvent]:
        """Add the scores of further patches.

        Parameters
        ----------
        scores : ndarray, float [B, C]
            Scores of consecutive patches.
        samples : int
            Length of the clip so far, at the model's rate: at least up to the end of the last
            patch, not counting the zeros that pad it.

        Yields
        ------
        OpenedEvent or ClosedEvent
        """
        for cell in self._cells.update(scores):
            self._filter(cell)
        while self._ready and (self._place + 1) * self._hop_samples <= samples:
            yield from self._step(self._ready.popleft(), samples)

    def finish(self, samples: int) -> Iterator[OpenedEvent | ClosedEvent]:
        """End the clip, and close the open events.

        Parameters
        ----------
        samples : int
            Length of the clip at the model's rate.

        Yields
        ------
        OpenedEvent or ClosedEvent
        """
        for cell in self._cells.finish(samples):
            self._filter(cell)
        for left in range(min(self._ahead, self._arrived), 0, -1):
            # the filter is shorter at the end of the clip, as it is at the start
            while len(self._median) > self._ahead + left:
                self._median.popleft()
            self._ready.append(np.median(self._median, axis=0))
        while self._ready:
            yield from self._step(self._ready.popleft(), samples)
        for column in sorted(self._open):
            yield from self._close(column)
        self._run_cells[:] = 0

    def _filter(self, cell: NDArray[np.floating]) -> None:
        """Convert the scores of a cell to those of the columns, and apply the median filter."""
        self._arrived += 1
        if self._read is not None:
            cell = self._read(cell[np.newaxis])[0]
        if not self._ahead:
            self._ready.append(cell)
            return
        self._median.append(cell)
        if self._arrived > self._ahead:
            self._ready.append(np.median(self._median, axis=0))

    def _step(
        self, scores: NDArray[np.floating], samples: int
    ) -> Iterator[OpenedEvent | ClosedEvent]:
        """Compare the next cell's scores [K] with the thresholds."""
        end = min((self._place + 1) * self._hop_samples, samples)
        self._place += 1
        stays = scores >= self._leave
        self._run_cells = np.where(stays, self._run_cells + 1, 0)
        more = self._run_scores + scores if self._is_mean else np.maximum(self._run_scores, scores)
        self._run_scores = np.where(stays, more, 0.0)
        for column in np.flatnonzero(self._run_cells == 1).tolist() if self._is_ordered else ():
            self._before_runs[column] = {
                above: replace(self._open[above])
                for above in self._above[column]
                if above in self._open
            }
        changing = {*self._open, *np.flatnonzero(scores >= self._enter).tolist()}
        # classes below come first, since they decide on those above
        for column in sorted(changing, key=self._ranks.__getitem__):
            if not self._below[column] or not self._is_covered(column):
                yield from self._change(column, scores, end)
        covered = [
            above
            for column, event in self._open.items()
            if event.is_announced
            for above in self._above[column]
        ]
        self._run_cells[covered] = 0
        self._run_scores[covered] = 0

    def _is_covered(self, column: int) -> bool:
        """Return whether a class below has an event."""
        return any(
            below in self._open and self._open[below].is_announced for below in self._below[column]
        )

    def _change(
        self, column: int, scores: NDArray[np.floating], end: int
    ) -> Iterator[OpenedEvent | ClosedEvent]:
        """Continue, end or start a column's event with the next cell."""
        if column in self._open:
            yield from self._go_on(column, scores, end)
        if column not in self._open and scores[column] >= self._enter[column]:
            self._enter_at(column, end)
        event = self._open.get(column)
        if event is None or event.is_announced or not event.is_active:
            return
        if event.offset_sample - event.onset_sample >= self._least_samples:
            event.is_announced = True
            yield from self._replace_above(event)
            yield OpenedEvent(column, event.onset_sample, self._score(event))

    def _enter_at(self, column: int, end: int) -> None:
        """Open an event with all cells of the run that has reached ``enter``."""
        cells, score = int(self._run_cells[column]), float(self._run_scores[column])
        onset = (self._place - cells) * self._hop_samples
        above = self._before_runs.get(column, {})
        self._open[column] = _Open(column, onset, end, score, cells, score, above=above)

    def _replace_above(self, event: _Open) -> Iterator[ClosedEvent]:
        """Close the events of the classes above, as they were before the onset."""
        for above in self._above[event.column]:
            ended = self._open.pop(above, None)
            if ended is None:
                continue
            left = event.above.get(above)
            if left is not None and left.onset_sample == ended.onset_sample and left.is_announced:
                yield self._closed(left, is_replaced=True)
            elif ended.is_announced:
                void = replace(ended, offset_sample=ended.onset_sample)
                yield self._closed(void, is_replaced=True)

    def _begin_anew_below(self, event: _Open, scores: NDArray[np.floating], end: int) -> None:
        """Move unreported onsets of the classes below to the end of an event that has ended."""
        for column in self._below[event.column]:
            opened = self._open.get(column)
            begins = (self._place - int(self._run_cells[column])) * self._hop_samples
            if opened is not None:
                begins = opened.onset_sample
            if begins >= event.offset_sample:
                continue
            self._open.pop(column, None)
            stays = bool(scores[column] >= self._leave[column])
            self._run_cells[column] = stays
            self._run_scores[column] = scores[column] if stays else 0.0
            if scores[column] >= self._enter[column]:
                self._enter_at(column, end)

    def _go_on(self, column: int, scores: NDArray[np.floating], end: int) -> Iterator[ClosedEvent]:
        """Add the next cell to an open event, or close it."""
        score = float(scores[column])
        event, cells = self._open[column], int(self._run_cells[column])
        event.cells_since += 1
        if self._is_mean:
            event.score_since += score
        else:
            event.score_since = max(event.score_since, score)
        next_onset = (self._place - cells) * self._hop_samples if cells else end
        if not (event.is_active and cells):
            event.is_active = False
            if next_onset - event.offset_sample > self._gap_samples:
                yield from self._close(column)
                if event.is_announced:
                    self._begin_anew_below(event, scores, end)
                return
            if score < self._enter[column]:
                return
        event.is_active, event.offset_sample = True, end
        event.score, event.cells = event.score_since, event.cells + event.cells_since
        event.cells_since = 0

    def _score(self, event: _Open) -> float:
        return event.score / event.cells if self._is_mean else event.score

    def _close(self, column: int) -> Iterator[ClosedEvent]:
        event = self._open.pop(column)
        if event.is_announced:
            yield self._closed(event)

    def _closed(self, event: _Open, is_replaced: bool = False) -> ClosedEvent:
        score = self._score(event)
        return ClosedEvent(
            event.column, event.onset_sample, event.offset_sample, score, is_replaced
        )
