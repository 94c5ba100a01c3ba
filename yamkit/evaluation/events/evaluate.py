"""From patch scores and strong labels to a report on events."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit.evaluation.events.counts import ClipEvents, EventRow
from yamkit.evaluation.events.metric_table import DETECTION_METRICS, PSDS_METRICS
from yamkit.evaluation.events.past_end import find_past_end
from yamkit.evaluation.events.psds import intersection_counts, psds
from yamkit.scores.classes import columns_below
from yamkit.scores.detector import EventDetector
from yamkit.scores.events import find_events
from yamkit.scores.thresholds import event_thresholds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from yamkit.evaluation.events.counts import Detection
    from yamkit.evaluation.events.past_end import PastEnd
    from yamkit.evaluation.scores_file import Timeline
    from yamkit.evaluation.sets.targets import Targets
    from yamkit.scores.detector import ClosedEvent
    from yamkit.scores.grid import Grid
    from yamkit.scores.postprocessing import Postprocessing
    from yamkit.types import EventParameters, LabelledClip, TagClass

__all__ = [
    "OPERATING_POINTS",
    "EventReport",
    "EventSearch",
    "annotated_events",
    "evaluate_events",
    "match_clips",
]

OPERATING_POINTS = 50
"""Operating points of PSDS: thresholds from 0.01 to 0.99, evenly spaced."""


@dataclass(frozen=True)
class EventReport:
    """The metrics of a tagger on strong labels.

    Attributes
    ----------
    parameters : EventParameters
    has_class_thresholds : bool
        Whether classes have their own thresholds.
    names : tuple of str
        Classes that are searched for: those that labels of the set mean.
    detections : mapping of str to Detection
        By the keys of `DETECTION_METRICS`: ``segments``, segment-based with one second; and
        ``collars``, event-based, with onsets within 0.2 s and offsets within 0.2 s or half the
        event.
    psds : mapping of str to float
        By the keys of `PSDS_METRICS`, over `OPERATING_POINTS` thresholds, each used both as enter
        and as leave threshold.
    past_end : tuple of PastEnd
        Events of the list that end after their clips, including labels without a meaning.
    """

    parameters: EventParameters
    has_class_thresholds: bool
    names: tuple[str, ...]
    detections: Mapping[str, Detection]
    psds: Mapping[str, float]
    past_end: tuple[PastEnd, ...] = ()


@dataclass(frozen=True)
class EventSearch:
    """How events of the columns of a set are found in patch scores.

    Attributes
    ----------
    targets : Targets
        Only columns that a label means are searched.
    grid : Grid
    parameters : EventParameters
    postprocessing : Postprocessing
        A column whose classes have their own thresholds takes the lowest.
    classes : sequence of TagClass
        The model's classes.
    """

    targets: Targets
    grid: Grid
    parameters: EventParameters
    postprocessing: Postprocessing
    classes: Sequence[TagClass]

    @functools.cached_property
    def columns(self) -> list[int]:
        """The columns of the targets that are searched."""
        return sorted(set(self.targets.columns.values()))

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self.targets.names[column] for column in self.columns)

    @functools.cached_property
    def labels(self) -> dict[str, int]:
        """Index among the columns by label."""
        return {label: self.columns.index(column) for label, column in self.targets.columns.items()}

    @functools.cached_property
    def below(self) -> list[list[int]] | None:
        """For each column, those that mean only classes below its own; None if all are reported."""
        if not self.parameters.most_specific:
            return None
        below = columns_below(self.classes, range(len(self.classes)))
        members = [self.targets.members[column] for column in self.columns]
        reach = [{each for index in group for each in below[index]} for group in members]
        return [
            [lower for lower, group in enumerate(members) if set(group) <= reached]
            for reached in reach
        ]

    def scores(self, cells: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Turn the network's scores of cells, float [N, C], into those of the columns."""
        return self.targets.scores(self.postprocessing.apply(cells))[:, self.columns]

    def thresholds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the enter and the leave threshold of each column."""
        own = self.postprocessing.thresholds
        lowest = [
            min(
                (own[index] for index in self.targets.members[column] if index in own), default=None
            )
            for column in self.columns
        ]
        return event_thresholds(self.parameters, lowest)

    def row(self, event: ClosedEvent, column: int) -> EventRow:
        """Return an event in seconds."""
        rate = self.grid.sample_rate_hz
        return EventRow(column, event.onset_sample / rate, event.offset_sample / rate)


def evaluate_events(
    clips: Sequence[LabelledClip], timelines: Sequence[Timeline], search: EventSearch
) -> EventReport:
    """Find events in patch scores, and compare them with strong labels.

    Parameters
    ----------
    clips : sequence of LabelledClip
        With events.
    timelines : sequence of Timeline
        One per clip.
    search : EventSearch
    """
    matched = match_clips(clips, timelines, search)
    points = list(_operating_points(matched, timelines, search))
    count = len(search.names)
    return EventReport(
        parameters=search.parameters,
        has_class_thresholds=bool(search.postprocessing.thresholds),
        names=search.names,
        detections={each.key: each.compute(matched, count) for each in DETECTION_METRICS},
        psds={
            each.key: psds(
                matched,
                [intersection_counts(point, count, each.scenario) for point in points],
                count,
                each.scenario,
            )
            for each in PSDS_METRICS
        },
        past_end=find_past_end(clips, [clip.duration_seconds for clip in matched]),
    )


def match_clips(
    clips: Sequence[LabelledClip], timelines: Sequence[Timeline], search: EventSearch
) -> list[ClipEvents]:
    """Return annotated and found events of each clip, by the columns of the search."""
    enter, leave = search.thresholds()
    matched = []
    for clip, timeline in zip(clips, timelines, strict=True):
        detector = EventDetector(
            search.grid, enter, leave, search.parameters, search.scores, search.below
        )
        events = find_events(detector, timeline.scores, timeline.samples)
        matched.append(
            ClipEvents(
                annotated_events(clip, search.labels),
                [search.row(event, event.column) for event in events],
                timeline.samples / search.grid.sample_rate_hz,
            )
        )
    return matched


def _operating_points(
    matched: Sequence[ClipEvents], timelines: Sequence[Timeline], search: EventSearch
) -> Iterator[list[ClipEvents]]:
    """Return the clips with the events found at each operating point.

    All points are searched at once: the columns are repeated, with another threshold each time.
    """
    count = len(search.columns)
    levels = np.repeat((np.arange(OPERATING_POINTS) + 0.5) / OPERATING_POINTS, count)

    def scores(cells: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        return np.tile(search.scores(cells), OPERATING_POINTS)

    below = None
    if search.below is not None:
        below = [
            [column + point * count for column in lower]
            for point in range(OPERATING_POINTS)
            for lower in search.below
        ]
    by_clip: list[list[list[EventRow]]] = []
    for timeline in timelines:
        rows: list[list[EventRow]] = [[] for _ in range(OPERATING_POINTS)]
        detector = EventDetector(search.grid, levels, levels, search.parameters, scores, below)
        for event in find_events(detector, timeline.scores, timeline.samples):
            point, column = divmod(event.column, count)
            rows[point].append(search.row(event, column))
        by_clip.append(rows)
    for point in range(OPERATING_POINTS):
        yield [
            ClipEvents(clip.reference, rows[point], clip.duration_seconds)
            for clip, rows in zip(matched, by_clip, strict=True)
        ]


def annotated_events(clip: LabelledClip, columns: Mapping[str, int]) -> list[EventRow]:
    """Return the annotated events of a clip whose labels have a column."""
    return [
        EventRow(columns[event.label], event.onset_seconds, event.offset_seconds)
        for event in clip.events or ()
        if event.label in columns
    ]
