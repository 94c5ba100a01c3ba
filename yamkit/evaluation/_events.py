"""From timelines and strong labels to a report on events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit.evaluation._past_end import find_past_end
from yamkit.evaluation.detection import (
    PSDS_1,
    PSDS_2,
    ClipEvents,
    EventRow,
    collar_based,
    intersection_counts,
    psds,
    segment_based,
)
from yamkit.scores.classes import columns_below
from yamkit.scores.detector import EventDetector
from yamkit.scores.events import find_events
from yamkit.scores.thresholds import event_thresholds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from yamkit.evaluation._past_end import PastEnd
    from yamkit.evaluation.detection import Detection
    from yamkit.evaluation.scoring import Timeline
    from yamkit.evaluation.targets import Targets
    from yamkit.scores.detector import ClosedEvent
    from yamkit.scores.grid import Grid
    from yamkit.scores.postprocessing import Postprocessing
    from yamkit.types import EventParameters, LabelledClip, TagClass

__all__ = ["POINTS", "EventReport", "annotated", "evaluate_events", "match_clips"]

POINTS = 50
"""Operating points of PSDS: thresholds from 0.01 to 0.99, evenly spaced."""


@dataclass(frozen=True)
class EventReport:
    """What a tagger reaches on strong labels.

    Attributes
    ----------
    parameters : EventParameters
    has_class_thresholds : bool
        Whether some classes have a threshold of their own.
    names : tuple of str
        Classes that labels of the set mean: the others are not looked for.
    segments : Detection
        Segment-based, of one second.
    collars : Detection
        Event-based: onsets within 0.2 s, offsets within 0.2 s or half the event.
    psds_1, psds_2 : float
        Over `POINTS` operating points, entered and left at one threshold.
    past_end : tuple of PastEnd
        Events of the list that end after their clips, whatever their labels mean.
    """

    parameters: EventParameters
    has_class_thresholds: bool
    names: tuple[str, ...]
    segments: Detection
    collars: Detection
    psds_1: float
    psds_2: float
    past_end: tuple[PastEnd, ...] = ()


def evaluate_events(
    clips: Sequence[LabelledClip],
    timelines: Sequence[Timeline],
    targets: Targets,
    grid: Grid,
    parameters: EventParameters,
    postprocessing: Postprocessing,
    classes: Sequence[TagClass],
) -> EventReport:
    """Find events in timelines, and compare them with strong labels.

    Parameters
    ----------
    clips : sequence of LabelledClip
        With events.
    timelines : sequence of Timeline
        Of each clip.
    targets : Targets
    grid : Grid
    parameters : EventParameters
    postprocessing : Postprocessing
        A column whose classes have thresholds of their own takes the lowest.
    classes : sequence of TagClass
        The model's.
    """
    places = sorted(set(targets.columns.values()))
    names = tuple(targets.names[place] for place in places)
    below = _below(targets, places, classes) if parameters.most_specific else None
    held = match_clips(clips, timelines, targets, grid, parameters, postprocessing, below)
    points = list(
        _points(held, timelines, targets, places, grid, parameters, postprocessing, below)
    )
    psds_1, psds_2 = (
        psds(
            held,
            [intersection_counts(each, len(names), scenario) for each in points],
            len(names),
            scenario,
        )
        for scenario in (PSDS_1, PSDS_2)
    )
    return EventReport(
        parameters,
        bool(postprocessing.thresholds),
        names,
        segment_based(held, len(names)),
        collar_based(held, len(names)),
        psds_1,
        psds_2,
        find_past_end(clips, [clip.duration_seconds for clip in held]),
    )


def match_clips(
    clips: Sequence[LabelledClip],
    timelines: Sequence[Timeline],
    targets: Targets,
    grid: Grid,
    parameters: EventParameters,
    postprocessing: Postprocessing,
    below: Sequence[Sequence[int]] | None = None,
) -> list[ClipEvents]:
    """Put annotated events beside those that are found; columns are those that labels mean."""
    places = sorted(set(targets.columns.values()))
    columns = {label: places.index(place) for label, place in targets.columns.items()}
    own = [_lowest_threshold(targets.members[place], postprocessing) for place in places]
    enter, leave = event_thresholds(parameters, own)

    def read(cells: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        return targets.scores(postprocessing.apply(cells))[:, places]

    found = []
    for clip, timeline in zip(clips, timelines, strict=True):
        detector = EventDetector(grid, enter, leave, parameters, read, below)
        events = find_events(detector, timeline.scores, timeline.samples)
        found.append(
            ClipEvents(
                annotated(clip, columns),
                [_row(event, grid) for event in events],
                timeline.samples / grid.sample_rate_hz,
            )
        )
    return found


def _points(
    held: Sequence[ClipEvents],
    timelines: Sequence[Timeline],
    targets: Targets,
    places: Sequence[int],
    grid: Grid,
    parameters: EventParameters,
    postprocessing: Postprocessing,
    below: Sequence[Sequence[int]] | None,
) -> Iterator[list[ClipEvents]]:
    """Give the clips with what is found at each operating point."""
    count = len(places)
    levels = np.repeat((np.arange(POINTS) + 0.5) / POINTS, count)

    def read(cells: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        return np.tile(targets.scores(postprocessing.apply(cells))[:, places], POINTS)

    if below is not None:
        below = [
            [column + point * count for column in lower]
            for point in range(POINTS)
            for lower in below
        ]
    by_clip: list[list[list[EventRow]]] = []
    for timeline in timelines:
        rows: list[list[EventRow]] = [[] for _ in range(POINTS)]
        detector = EventDetector(grid, levels, levels, parameters, read, below)
        for event in find_events(detector, timeline.scores, timeline.samples):
            point, column = divmod(event.column, count)
            row = _row(event, grid)
            rows[point].append(EventRow(column, row.onset_seconds, row.offset_seconds))
        by_clip.append(rows)
    for point in range(POINTS):
        yield [
            ClipEvents(clip.reference, rows[point], clip.duration_seconds)
            for clip, rows in zip(held, by_clip, strict=True)
        ]


def _below(targets: Targets, places: Sequence[int], classes: Sequence[TagClass]) -> list[list[int]]:
    """Give for each column those that mean nothing but classes below its own."""
    under = columns_below(classes, range(len(classes)))
    reach = [
        {each for index in targets.members[place] for each in under[index]} for place in places
    ]
    means = [set(targets.members[place]) for place in places]
    return [
        [lower for lower in range(len(places)) if means[lower] <= reach[column]]
        for column in range(len(places))
    ]


def _lowest_threshold(members: Sequence[int], postprocessing: Postprocessing) -> float | None:
    own = [
        postprocessing.thresholds[index] for index in members if index in postprocessing.thresholds
    ]
    return min(own, default=None)


def annotated(clip: LabelledClip, columns: Mapping[str, int]) -> list[EventRow]:
    """Give the events of labels that mean something."""
    return [
        EventRow(columns[event.label], event.onset_seconds, event.offset_seconds)
        for event in clip.events or ()
        if event.label in columns
    ]


def _row(event: ClosedEvent, grid: Grid) -> EventRow:
    rate = grid.sample_rate_hz
    return EventRow(event.column, event.onset_sample / rate, event.offset_sample / rate)
