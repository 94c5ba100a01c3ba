"""From patch scores to events: when each class sounds, found while the scores arrive.

Patches overlap, so time is cut into cells of one hop: cell ``j`` is samples ``[j * hop, (j + 1) *
hop)``, and its score is the mean of the patches that cover it whole. Behind the last patch a cell
has that patch's score. An event begins with the first cell whose score reaches ``enter`` and ends
before the first whose score is below ``leave`` (a Schmitt trigger: O. H. Schmitt, "A thermionic
trigger", 1938).

The order of the steps is: cells, median filter, thresholds, joining, minimum duration. Each looks
ahead by a known number of cells and no more, so a stream gives the same events as a file, and
memory does not grow.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit.errors import ParameterError
from yamkit.types import Event, Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from yamkit.types import EventParameters, FeatureSpec, TagClass

__all__ = [
    "LEAVE_RATIO",
    "Cells",
    "ClosedEvent",
    "EventDetector",
    "Grid",
    "OnsetOrder",
    "OpenedEvent",
    "delay_seconds",
    "find_events",
]

LEAVE_RATIO = 0.6
"""What ``leave`` is of ``enter`` where nobody says."""

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
    """

    column: int
    onset_sample: int
    offset_sample: int
    score: float


def delay_seconds(grid: Grid, parameters: EventParameters) -> tuple[float, float]:
    """Tell how far behind the stream events are known, by what adds to it.

    Returns
    -------
    opened : float
        Of audio, from the start of the first cell that reaches the threshold until the event is
        known: the rest of the patch that begins with it, half the median filter, and what lacks of
        the minimum duration when the first cell is over.
    closed : float
        From the end of the last cell until the end is known: likewise, and the gap that is joined.
    """
    rate, hop = grid.sample_rate_hz, grid.hop_samples
    behind = grid.window_samples + parameters.median_cells // 2 * hop
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
    """An event that may go on: up to the last cell that reached the threshold, and since."""

    column: int
    onset_sample: int
    offset_sample: int
    score: float  # sum, or highest, up to `offset_sample`
    cells: int
    score_since: float
    cells_since: int = 0
    is_active: bool = True
    is_announced: bool = False


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
    ) -> None:
        check_parameters(parameters)
        _check_thresholds(enter, leave)
        self._hop_samples = grid.hop_samples
        self._enter, self._leave = enter, leave
        self._cells = Cells(grid, parameters.cells)
        self._read = read
        self._reduce_to_mean = _reduction("event score", parameters.score) is np.mean
        self._least_samples = _samples(parameters.min_duration_seconds, grid.sample_rate_hz)
        self._gap_samples = _samples(parameters.join_gap_seconds, grid.sample_rate_hz)
        self._median: deque[NDArray[np.floating]] = deque(maxlen=parameters.median_cells)
        self._ahead = parameters.median_cells // 2
        self._place = 0  # cells that went through the thresholds
        self._arrived = 0  # cells that came
        self._open: dict[int, _Open] = {}

    @property
    def first_open_sample(self) -> float:
        """Onset of the earliest event that is not over, announced or not; infinity if none is."""
        return min((each.onset_sample for each in self._open.values()), default=math.inf)

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
            yield from self._filter(cell, samples)

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
            yield from self._filter(cell, samples)
        while self._place < self._arrived:
            # the window is cut off at the end of the clip, as it is at its beginning
            while self._arrived - len(self._median) < self._place - self._ahead:
                self._median.popleft()
            yield from self._step(np.median(self._median, axis=0), samples)
        for column in sorted(self._open):
            yield from self._close(column)

    def _filter(
        self, cell: NDArray[np.floating], samples: int
    ) -> Iterator[OpenedEvent | ClosedEvent]:
        self._arrived += 1
        if self._read is not None:
            cell = self._read(cell[np.newaxis])[0]
        if not self._ahead:
            yield from self._step(cell, samples)
            return
        self._median.append(cell)
        if self._arrived > self._ahead:
            yield from self._step(np.median(self._median, axis=0), samples)

    def _step(
        self, scores: NDArray[np.floating], samples: int
    ) -> Iterator[OpenedEvent | ClosedEvent]:
        """Take in a cell's scores [K], in their order."""
        start = self._place * self._hop_samples
        end = min(start + self._hop_samples, samples)
        self._place += 1
        for column in sorted(self._open):
            event, score = self._open[column], float(scores[column])
            self._add(event, score)
            if score >= (self._leave if event.is_active else self._enter)[column]:
                event.is_active, event.offset_sample = True, end
                event.score, event.cells = event.score_since, event.cells + event.cells_since
                event.cells_since = 0
            else:
                event.is_active = False
                if end - event.offset_sample > self._gap_samples:
                    yield from self._close(column)
        for column in np.flatnonzero(scores >= self._enter).tolist():
            if column not in self._open:
                score = float(scores[column])
                self._open[column] = _Open(column, start, end, score, 1, score)
        for column in sorted(self._open):
            event = self._open[column]
            lasts = event.offset_sample - event.onset_sample
            if not event.is_announced and event.is_active and lasts >= self._least_samples:
                event.is_announced = True
                yield OpenedEvent(column, event.onset_sample, self._score(event))

    def _add(self, event: _Open, score: float) -> None:
        event.cells_since += 1
        if self._reduce_to_mean:
            event.score_since += score
        else:
            event.score_since = max(event.score_since, score)

    def _score(self, event: _Open) -> float:
        return event.score / event.cells if self._reduce_to_mean else event.score

    def _close(self, column: int) -> Iterator[ClosedEvent]:
        event = self._open.pop(column)
        if event.is_announced:
            yield ClosedEvent(column, event.onset_sample, event.offset_sample, self._score(event))


class OnsetOrder:
    """Puts events that are over in the order of their onsets, while they come.

    An event that goes on holds back those that began after it.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, ClosedEvent]] = []

    def update(
        self, changes: Iterator[OpenedEvent | ClosedEvent], detector: EventDetector
    ) -> Iterator[ClosedEvent]:
        """Take in what a detector gives, and give the events whose turn it is."""
        for change in changes:
            if isinstance(change, ClosedEvent):
                heapq.heappush(self._waiting, (change.onset_sample, change.column, change))
        first_open = detector.first_open_sample
        while self._waiting and self._waiting[0][0] < first_open:
            yield heapq.heappop(self._waiting)[2]


def find_events(
    grid: Grid,
    scores: NDArray[np.floating],
    samples: int,
    enter: NDArray[np.floating],
    leave: NDArray[np.floating],
    parameters: EventParameters,
) -> list[ClosedEvent]:
    """Find the events of a clip whose scores are there.

    Parameters
    ----------
    grid : Grid
    scores : ndarray, float [P, K]
        Of all its patches.
    samples : int
        Of the clip, at the model's rate.
    enter, leave, parameters
        As for `EventDetector`.

    Returns
    -------
    list of ClosedEvent
        By onset, then by column.
    """
    detector, order = EventDetector(grid, enter, leave, parameters), OnsetOrder()
    found = list(order.update(detector.update(scores, samples), detector))
    found += order.update(detector.finish(samples), detector)
    return found


def check_parameters(parameters: EventParameters) -> None:
    """Refuse what makes no sense.

    Raises
    ------
    ParameterError
    """
    _reduction("cells", parameters.cells)
    _reduction("event score", parameters.score)
    if parameters.median_cells < 1 or parameters.median_cells % 2 == 0:
        raise ParameterError(
            f"median {parameters.median_cells}: wanted an odd number of cells, 1 for no filter"
        )
    for name in ("min_duration_seconds", "join_gap_seconds"):
        value = getattr(parameters, name)
        if not 0 <= value <= _LONGEST_SECONDS:
            words = name.removesuffix("_seconds").replace("_", " ")
            raise ParameterError(f"{words} {value:g} s: wanted 0 to {_LONGEST_SECONDS:g} s")
    _check_thresholds(np.array([parameters.enter]), np.array([parameters.leave]))


_LONGEST_SECONDS = 86400.0


def _check_thresholds(enter: NDArray[np.floating], leave: NDArray[np.floating]) -> None:
    for high, low in zip(enter.tolist(), leave.tolist(), strict=True):
        if not (math.isfinite(high) and math.isfinite(low) and low <= high):
            raise ParameterError(
                f"events enter at {high:g} and leave at {low:g}: wanted two numbers, the first no "
                "less than the second"
            )


def _reduction(what: str, name: str) -> Callable[..., Any]:
    if name not in _REDUCTIONS:
        raise ParameterError(f"{what} {name!r}: wanted one of {', '.join(_REDUCTIONS)}")
    return _REDUCTIONS[name]


def _samples(seconds: float, rate: int) -> int:
    return round(seconds * rate)
