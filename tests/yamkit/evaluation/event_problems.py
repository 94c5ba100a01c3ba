"""Random clips with annotated and found events: at, across and past edges, duplicate, overlapping.

Only ``random.random`` is used, which returns the same numbers in every version of Python. The tests
use these problems, and so does `make_event_metrics`, which runs sed_eval and psds_eval on them.
"""

from __future__ import annotations

import math
import random
from typing import Any

from yamkit.evaluation.events.collars import collar_based
from yamkit.evaluation.events.counts import ClipEvents, EventRow
from yamkit.evaluation.events.segments import segment_based

CLASSES = ("a", "b", "c")
PROBLEMS = 200
POINTS = 4
"""Operating points of a problem; each is worse than the one before."""

Row = tuple[str, float, float]
"""Class, onset and offset in seconds."""


class _Source(random.Random):
    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.random()

    def one_of(self, items: Any) -> Any:
        return items[int(self.random() * len(items))]

    def happens(self, chance: float) -> bool:
        return self.random() < chance


def _event(source: _Source, duration: float) -> tuple[float, float]:
    """Draw onset and offset, often at an edge of the clip or of a segment."""
    length = source.between(0.05, 0.5 * duration)
    kind = source.random()
    if kind < 0.1:  # from the very start
        onset, offset = 0.0, length
    elif kind < 0.2:  # to the very end
        onset, offset = duration - length, duration
    elif kind < 0.3:  # over the end
        onset, offset = duration - 0.5 * length, duration + 0.5 * length
    elif kind < 0.35:  # past the end
        onset = duration + source.one_of([0.0, source.between(0, 3)])
        offset = onset + length
    elif kind < 0.4:  # all of the clip and more
        onset, offset = 0.0, duration * source.one_of([1.0, 1.5])
    elif kind < 0.5:  # at edges of segments
        onset = float(int(source.between(0, duration - 1)))
        offset = onset + source.one_of([1.0, 2.0])
    else:
        onset = source.between(0, duration - length)
        offset = onset + length
    onset, offset = round(onset, 3), round(offset, 3)
    return onset, max(offset, round(onset + 0.05, 3))


def _annotated(source: _Source, duration: float) -> list[Row]:
    rows: list[Row] = []
    for label in CLASSES:
        while source.happens(0.6):
            rows.append((label, *_event(source, duration)))
            if source.happens(0.15):  # written twice
                rows.append(rows[-1])
    return rows


def _found(source: _Source, rows: list[Row], duration: float, sloppiness: float) -> list[Row]:
    """Blur annotated events: shifted, missed, confused, inserted, duplicated."""
    found: list[Row] = []
    for label, onset, offset in rows:
        if source.happens(0.5 * sloppiness):
            continue
        own = source.one_of(CLASSES) if source.happens(0.4 * sloppiness) else label
        start = max(0.0, round(onset + source.between(-0.5, 0.5) * sloppiness, 3))
        end = round(offset + source.between(-1, 1) * sloppiness, 3)
        found.append((own, start, max(end, round(start + 0.05, 3))))
        if source.happens(0.1):
            found.append(found[-1])
    while source.happens(0.6 * sloppiness):
        found.append((source.one_of(CLASSES), *_event(source, duration)))
    return found


def problem(seed: int) -> dict[str, Any]:
    """Draw clips: ``durations``, ``reference`` rows of each, and ``points`` with rows of each."""
    source = _Source(seed)
    durations = [round(source.between(3, 20), 3) for _ in range(3)]
    durations[0] = float(int(durations[0]))  # a whole number of segments
    reference = [_annotated(source, duration) for duration in durations]
    if not any(reference):
        reference[0].append((CLASSES[0], 0.5, 1.5))
    points = [
        [
            _found(source, rows, duration, (point + 0.5) / POINTS)
            for rows, duration in zip(reference, durations, strict=True)
        ]
        for point in range(POINTS)
    ]
    return {"durations": durations, "reference": reference, "points": points}


def by_sed_eval(given: dict[str, Any], point: int) -> dict[str, Any]:
    """Return sed_eval's metrics of an operating point."""
    import dcase_util
    import sed_eval

    segments = sed_eval.sound_event.SegmentBasedMetrics(list(CLASSES), time_resolution=1.0)
    events = sed_eval.sound_event.EventBasedMetrics(
        list(CLASSES), t_collar=0.2, percentage_of_length=0.5, event_matching_type="optimal"
    )

    def container(rows: list[Row]) -> Any:
        return dcase_util.containers.MetaDataContainer(
            [
                {"filename": "x", "event_label": label, "onset": onset, "offset": offset}
                for label, onset, offset in rows
            ]
        )

    for rows, found, duration in zip(
        given["reference"], given["points"][point], given["durations"], strict=True
    ):
        segments.evaluate(container(rows), container(found), evaluated_length_seconds=duration)
        events.evaluate(container(rows), container(found))
    answer = {}
    for name, metric in (("segment", segments), ("event", events)):
        overall, by_class = metric.results_overall_metrics(), metric.results_class_wise_metrics()
        answer[name] = {
            "f1": float(overall["f_measure"]["f_measure"]),
            "precision": float(overall["f_measure"]["precision"]),
            "recall": float(overall["f_measure"]["recall"]),
            "error_rate": float(overall["error_rate"]["error_rate"]),
            "substitution_rate": float(overall["error_rate"]["substitution_rate"]),
            "class_f1": [float(by_class[label]["f_measure"]["f_measure"]) for label in CLASSES],
        }
    return answer


def clips(given: dict[str, Any], point: int) -> list[ClipEvents]:
    """Return the clips with the events found at an operating point, as yamkit takes them."""

    def rows(listed: list[Row]) -> list[EventRow]:
        return [EventRow(CLASSES.index(label), onset, offset) for label, onset, offset in listed]

    return [
        ClipEvents(rows(reference), rows(found), duration)
        for reference, found, duration in zip(
            given["reference"], given["points"][point], given["durations"], strict=True
        )
    ]


def by_yamkit(given: dict[str, Any], point: int) -> dict[str, Any]:
    """Return yamkit's metrics in the format of `by_sed_eval`.

    If nothing was found, precision and F1 are undefined in sed_eval and 0 in yamkit; if nothing was
    annotated, the error rate is 0 in sed_eval and undefined in yamkit.
    """
    answer = {}
    for name, metric in (("segment", segment_based), ("event", collar_based)):
        found = metric(clips(given, point), len(CLASSES))
        counts, was_found = found.overall, bool(found.overall.estimated)
        answer[name] = {
            "f1": counts.f1 if was_found else math.nan,
            "precision": counts.precision if was_found else math.nan,
            "recall": counts.recall,
            "error_rate": counts.error_rate if counts.reference else 0.0,
            "substitution_rate": counts.substitutions / max(counts.reference, 1),
            "class_f1": [each.f1 if each.estimated else math.nan for each in found.classes],
        }
    return answer


def differences(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Return the metrics that differ; NaN may be written as None."""
    different = []
    for kind, figures in found.items():
        for name, value in figures.items():
            own, other = (
                [math.nan if each is None else each for each in (x if isinstance(x, list) else [x])]
                for x in (value, expected[kind][name])
            )
            if not all(
                math.isclose(a, b, abs_tol=1e-9) or (math.isnan(a) and math.isnan(b))
                for a, b in zip(own, other, strict=True)
            ):
                different.append(f"{kind} {name}: {own}, expected {other}")
    return different
