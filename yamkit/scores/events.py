"""From patch scores to events: when each class sounds, found while the scores arrive.

Patches overlap, so time is cut into cells of one hop: cell ``j`` is samples ``[j * hop, (j + 1) *
hop)``, and its score is the mean of the patches that cover it whole. Behind the last patch a cell
has that patch's score. An event is a longest run of cells whose scores reach ``leave``, of which
one at least reaches ``enter`` (double thresholding: J. Canny, "A computational approach to edge
detection", 1986; for sounds Q. Kong et al., "Sound event detection of weakly labelled data with
CNN-Transformer and automatic threshold optimization", 2020).

The order of the steps is: cells, median filter, thresholds, joining, minimum duration. That an
event is there is known once a cell reaches ``enter``; its onset may lie before that cell. What is
kept is a few numbers a class, so a stream gives the same events as a file, and memory does not
grow.

Where only the most specific classes are wanted, a class has no event while a class below it has
one: what lies above is cut off where the event below begins, and left out if it had not reached
``enter`` before. Behind that event it has to reach ``enter`` anew. An event is not taken back once
it is over, so one below it that turns out to overlap with its end begins behind that end.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit._util.bounds import MAX_MEDIAN_CELLS, MAX_SPAN_SECONDS
from yamkit.errors import ParameterError
from yamkit.scores.thresholds import check_threshold
from yamkit.types import LEAVE_RATIO, Event, Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from yamkit.types import EventParameters, FeatureSpec, TagClass

__all__ = [
    "Cells",
    "ClosedEvent",
    "EventDetector",
    "Grid",
    "OnsetOrder",
    "OpenedEvent",
    "delay_seconds",
    "find_events",
    "thresholds",
]

_REDUCTIONS: dict[str, Callable[..., Any]] = {"mean": np.mean, "max": np.max}
"""How several scores become one, of a cell or of an event."""


@dataclass(frozen=True)
class Grid:
    """Where patches and cells lie.

    Attributes
    ----------
    hop_samples : int
        From one patch to the next; the length of a cell.
    window_samples : int
        Of a patch.
    sample_rate_hz : int
        The model's.
    """

    hop_samples: int
    window_samples: int
    sample_rate_hz: int

    @classmethod
    def of(cls, features: FeatureSpec) -> Grid:
        """Give the grid of a model's features."""
        return cls(
            features.patch_hop_samples, features.patch_window_samples, features.sample_rate_hz
        )

    @property
    def patches_per_cell(self) -> int:
        """Patches that cover a cell whole; 1 where the hop is longer than the window."""
        return max(1, self.window_samples // self.hop_samples)

    def samples_of(self, samples: int, sample_rate: int) -> int:
        """Count a clip's samples at the model's rate, as a resampler does."""
        return samples * self.sample_rate_hz // sample_rate

    def event(self, found: ClosedEvent, entry: TagClass) -> Event:
        """Turn places into times, and name the class."""
        return Event(
            found.onset_sample / self.sample_rate_hz,
            found.offset_sample / self.sample_rate_hz,
            Tag(entry.index, entry.mid, entry.name, found.score),
        )


@dataclass(frozen=True)
class OpenedEvent:
    """An event began, and has lasted for the minimum duration.

    Attributes
    ----------
    column : int
        Of the scores.
    onset_sample : int
        At the model's rate.
    score : float
        Of its cells so far.
    """

    column: int
    onset_sample: int
    score: float


@dataclass(frozen=True)
class ClosedEvent:
    """An event that is over.

    Attributes
    ----------
    column : int
        Of the scores.
    onset_sample, offset_sample : int
        At the model's rate: 0 <= onset < offset <= samples of the clip.
    score : float
        Mean or maximum of its cells.
    is_replaced : bool
        Whether it ends because an event of a class below it began. If that began no later, the
        event is void: its offset is its onset.
    """

    column: int
    onset_sample: int
    offset_sample: int
    score: float
    is_replaced: bool = False

    @property
    def is_void(self) -> bool:
        """Whether nothing is left of it."""
        return self.offset_sample == self.onset_sample


def delay_seconds(grid: Grid, parameters: EventParameters) -> tuple[float, float]:
    """Tell how far behind the stream events are known, by what adds to it.

    Returns
    -------
    opened : float
        Of audio, from the start of the first cell that reaches ``enter`` until the event is known:
        the patch that begins with it, half the median filter, and what lacks of the minimum
        duration when that cell is over, if it is the event's first.
    closed : float
        From the end of the last cell until the end is known: likewise, and the gap that is joined;
        longer where scores above ``leave`` go on behind such a gap, and may reach ``enter``.
    """
    rate, hop = grid.sample_rate_hz, grid.hop_samples
    window = grid.window_samples
    behind = (window if hop <= window else hop + window) + parameters.median_cells // 2 * hop
    least = -(-_samples(parameters.min_duration_seconds, rate) // hop)
    gap = _samples(parameters.join_gap_seconds, rate) // hop
    return (behind + max(0, least - 1) * hop) / rate, (behind + gap * hop) / rate


class Cells:
    """Scores of cells, as those of patches come.

    Parameters
    ----------
    grid : Grid
    reduction : {"mean", "max"}
        How the patches that cover a cell become its score.

    Raises
    ------
    ParameterError
        If `reduction` is neither.
    """

    def __init__(self, grid: Grid, reduction: str = "mean") -> None:
        self._hop_samples = grid.hop_samples
        self._reduce = _reduction("cells", reduction)
        self._patches: deque[NDArray[np.float64]] = deque(maxlen=grid.patches_per_cell)
        self._cells = 0

    def update(self, scores: NDArray[np.floating]) -> Iterator[NDArray[np.float64]]:
        """Take in the scores of more patches.

        Parameters
        ----------
        scores : ndarray [B, K]

        Yields
        ------
        ndarray, float64 [K]
            Of each cell that begins with one of these patches.
        """
        for patch in scores.astype(np.float64):
            self._patches.append(patch)
            yield self._next()

    def finish(self, samples: int) -> Iterator[NDArray[np.float64]]:
        """Give the cells that begin behind the start of the last patch.

        Parameters
        ----------
        samples : int
            Of the clip, at the model's rate.

        Yields
        ------
        ndarray, float64 [K]
        """
        most, patches = self._patches.maxlen or 1, self._cells
        while self._patches and self._cells * self._hop_samples < samples:
            covering = max(1, patches + most - 1 - self._cells)
            while len(self._patches) > covering:
                self._patches.popleft()
            yield self._next()

    def _next(self) -> NDArray[np.float64]:
        self._cells += 1
        scores: NDArray[np.float64] = self._reduce(np.stack(self._patches), axis=0)
        return scores


@dataclass
class _Open:
    """An event that may go on: up to the last of its cells, and since."""

    column: int
    onset_sample: int
    offset_sample: int
    score: float  # sum, or highest, up to `offset_sample`
    cells: int
    score_since: float
    cells_since: int = 0
    is_active: bool = True
    is_announced: bool = False
    above: dict[int, _Open] = field(default_factory=dict)
    """Events of classes above it, by column, as they were before its onset."""


class EventDetector:
    """Finds the events of one clip or stream, while its scores arrive.

    Parameters
    ----------
    grid : Grid
    enter, leave : ndarray, float [K]
        Thresholds of each column.
    parameters : EventParameters
        Its thresholds are not looked at.
    read : callable, optional
        Turns scores of cells [1, C] into those of the columns [1, K]; None where they are the same.
    below : sequence of sequence of int, optional
        Of each column, the columns of all classes below it, so that a column has no event while
        one below it has; None where columns do not depend on each other.

    Raises
    ------
    ParameterError
        If a parameter is out of its range, or a column is left above where it is entered.
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
        _check_thresholds(enter, leave)
        self._hop_samples = grid.hop_samples
        self._enter, self._leave = enter, leave
        self._cells = Cells(grid, parameters.cells)
        self._read = read
        self._is_mean = _reduction("event score", parameters.score) is np.mean
        self._least_samples = _samples(parameters.min_duration_seconds, grid.sample_rate_hz)
        self._gap_samples = _samples(parameters.join_gap_seconds, grid.sample_rate_hz)
        self._median: deque[NDArray[np.floating]] = deque(maxlen=parameters.median_cells)
        self._ahead = parameters.median_cells // 2
        self._ready: deque[NDArray[np.floating]] = deque()  # filtered cells
        self._place = 0  # cells that went through the thresholds
        self._arrived = 0  # cells that came
        self._open: dict[int, _Open] = {}
        # of the cells up to now that reach `leave`, one behind the other: number and score
        self._run_cells = np.zeros(len(enter), np.int64)
        self._run_scores = np.zeros(len(enter), np.float64)
        self._is_ordered = below is not None
        self._below = [()] * len(enter) if below is None else below
        self._ranks = [(len(lower), column) for column, lower in enumerate(self._below)]
        self._above: list[list[int]] = [[] for _ in enter]
        for column, lower in enumerate(self._below):
            for each in lower:
                self._above[each].append(column)
        # of the runs that last, events of classes above as they were when the run began
        self._before_runs: dict[int, dict[int, _Open]] = {}

    @property
    def first_open_sample(self) -> int:
        """Earliest onset of an event that is not over, or may turn out to be one."""
        longest = int(self._run_cells.max(initial=0))
        runs_begin = (self._place - longest) * self._hop_samples
        return min([runs_begin, *(each.onset_sample for each in self._open.values())])

    def update(
        self, scores: NDArray[np.floating], samples: int
    ) -> Iterator[OpenedEvent | ClosedEvent]:
        """Take in the scores of more patches.

        Parameters
        ----------
        scores : ndarray, float [B, C]
            Of consecutive patches.
        samples : int
            Of the clip at the model's rate, as many as are known to be there: at least up to the
            end of the last patch, but for zeros that complete it.

        Yields
        ------
        OpenedEvent or ClosedEvent
        """
        for cell in self._cells.update(scores):
            self._filter(cell)
        while self._ready and (self._place + 1) * self._hop_samples <= samples:
            yield from self._step(self._ready.popleft(), samples)

    def finish(self, samples: int) -> Iterator[OpenedEvent | ClosedEvent]:
        """End the clip: what is open is closed.

        Parameters
        ----------
        samples : int
            Of the clip at the model's rate.

        Yields
        ------
        OpenedEvent or ClosedEvent
        """
        for cell in self._cells.finish(samples):
            self._filter(cell)
        for left in range(min(self._ahead, self._arrived), 0, -1):
            # the window is cut off at the end of the clip, as it is at its beginning
            while len(self._median) > self._ahead + left:
                self._median.popleft()
            self._ready.append(np.median(self._median, axis=0))
        while self._ready:
            yield from self._step(self._ready.popleft(), samples)
        for column in sorted(self._open):
            yield from self._close(column)
        self._run_cells[:] = 0

    def _filter(self, cell: NDArray[np.floating]) -> None:
        """Read a cell and send it through the median filter."""
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
        """Take in a cell's scores [K], in their order."""
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
        # classes below come first: they decide about those above
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
        """Tell whether a class below sounds."""
        return any(
            below in self._open and self._open[below].is_announced for below in self._below[column]
        )

    def _change(
        self, column: int, scores: NDArray[np.floating], end: int
    ) -> Iterator[OpenedEvent | ClosedEvent]:
        """Let a column's event go on, end, or begin with the next cell."""
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
        """Open an event with all cells of the run that reached ``enter``."""
        cells, score = int(self._run_cells[column]), float(self._run_scores[column])
        onset = (self._place - cells) * self._hop_samples
        above = self._before_runs.get(column, {})
        self._open[column] = _Open(column, onset, end, score, cells, score, above=above)

    def _replace_above(self, event: _Open) -> Iterator[ClosedEvent]:
        """End the events of classes above: what is left is what they were before the onset."""
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
        """Let what has not been told of classes below begin no earlier than an event has ended."""
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
        """Let an open event have the next cell, or close it."""
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


class OnsetOrder:
    """Puts events that are over in the order of their onsets, while they come.

    An event that goes on, and scores above ``leave`` that may become one, hold back those that
    began after them: memory grows with the number of events held back.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, ClosedEvent]] = []

    def update(
        self, changes: Iterator[OpenedEvent | ClosedEvent], detector: EventDetector
    ) -> Iterator[ClosedEvent]:
        """Take in what a detector gives, and give the events whose turn it is."""
        for change in changes:
            if isinstance(change, ClosedEvent) and not change.is_void:
                heapq.heappush(self._waiting, (change.onset_sample, change.column, change))
        first_open = detector.first_open_sample
        while self._waiting and self._waiting[0][0] < first_open:
            yield heapq.heappop(self._waiting)[2]


def find_events(
    detector: EventDetector, scores: NDArray[np.floating], samples: int
) -> list[ClosedEvent]:
    """Find the events of a clip whose scores are there.

    Parameters
    ----------
    detector : EventDetector
        That has seen nothing yet.
    scores : ndarray, float [P, C]
        Of all patches of the clip.
    samples : int
        Of the clip, at the model's rate.

    Returns
    -------
    list of ClosedEvent
        By onset, then by column.
    """
    order = OnsetOrder()
    found = list(order.update(detector.update(scores, samples), detector))
    found += order.update(detector.finish(samples), detector)
    return found


def thresholds(
    parameters: EventParameters, own: Sequence[float | None]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the thresholds of several columns.

    A column with a threshold of its own is entered there, and left at that threshold times what
    ``leave`` is of ``enter``.

    Parameters
    ----------
    parameters : EventParameters
    own : sequence of float or None
        Of each column, K of them; None for those that have no threshold of their own.

    Returns
    -------
    enter, leave : ndarray, float64 [K]
    """
    ratio = parameters.leave / parameters.enter if parameters.enter > 0 else LEAVE_RATIO
    enter = [parameters.enter if level is None else level for level in own]
    leave = [parameters.leave if level is None else level * ratio for level in own]
    return np.array(enter, np.float64), np.array(leave, np.float64)


def check_parameters(parameters: EventParameters) -> None:
    """Refuse what makes no sense.

    Raises
    ------
    ParameterError
    """
    _reduction("cells", parameters.cells)
    _reduction("event score", parameters.score)
    if not 1 <= parameters.median_cells <= MAX_MEDIAN_CELLS or parameters.median_cells % 2 == 0:
        raise ParameterError(
            f"median {parameters.median_cells}: wanted an odd number of cells, 1 for no filter, at "
            f"most {MAX_MEDIAN_CELLS}"
        )
    for name in ("min_duration_seconds", "join_gap_seconds"):
        value = getattr(parameters, name)
        if not 0 <= value <= MAX_SPAN_SECONDS:
            words = name.removesuffix("_seconds").replace("_", " ")
            raise ParameterError(f"{words} {value:g} s: wanted 0 to {MAX_SPAN_SECONDS:g} s")
    check_threshold("enter", parameters.enter)
    check_threshold("leave", parameters.leave)
    _check_thresholds(np.array([parameters.enter]), np.array([parameters.leave]))


def _check_thresholds(enter: NDArray[np.floating], leave: NDArray[np.floating]) -> None:
    wrong = np.flatnonzero(~(np.isfinite(enter) & np.isfinite(leave) & (leave <= enter)))
    if len(wrong):
        high, low = float(enter[wrong[0]]), float(leave[wrong[0]])
        raise ParameterError(
            f"events enter at {high:g} and leave at {low:g}: wanted two numbers, the first no less "
            "than the second"
        )


def _reduction(what: str, name: str) -> Callable[..., Any]:
    if name not in _REDUCTIONS:
        raise ParameterError(f"{what} {name!r}: wanted one of {', '.join(_REDUCTIONS)}")
    return _REDUCTIONS[name]


def _samples(seconds: float, rate: int) -> int:
    return round(seconds * rate)
