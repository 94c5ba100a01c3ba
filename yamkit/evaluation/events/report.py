"""A report on events as lines of text, as JSON values and as a CSV table."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from typing import TYPE_CHECKING, Any

from yamkit._util.text import aligned, printable
from yamkit.evaluation.events.metric_table import COUNT_METRICS, DETECTION_METRICS, PSDS_METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yamkit.evaluation.events.counts import Counts, Detection
    from yamkit.evaluation.events.evaluate import EventReport

__all__ = ["event_csv", "event_dict", "event_lines"]


def event_lines(names: Sequence[str], reports: Sequence[EventReport]) -> list[str]:
    """Return the metrics of one system or several next to each other, and of their classes."""
    rows = [["events", *names]]
    for metric in DETECTION_METRICS:
        found = [report.detections[metric.key] for report in reports]
        rows.append([f"{metric.title} F1, all events", *(_cell(each.overall.f1) for each in found)])
        rows.append(
            [f"{metric.title} F1, mean of the classes'", *(_cell(each.macro_f1) for each in found)]
        )
        rows.append(
            [
                f"{metric.title} error rate (substitutions, deletions, insertions)",
                *map(_errors, found),
            ]
        )
    for psds_metric in PSDS_METRICS:
        cells = [_cell(report.psds[psds_metric.key]) for report in reports]
        rows.append([psds_metric.title, *cells])
    lines = [*aligned(rows), f"(events {_levels(reports[0])}; PSDS over 50 thresholds)"]
    for name, report in zip(names, reports, strict=True):
        lines += ["", *_class_lines(report, name if len(reports) > 1 else "")]
    return lines


def _levels(report: EventReport) -> str:
    """Return at which thresholds events begin and end."""
    enter, leave = report.parameters.enter, report.parameters.leave
    if not report.has_class_thresholds:
        return f"enter at {enter:g} and leave at {leave:g}"
    share = report.parameters.leave_ratio
    return f"enter at the class's own threshold, else at {enter:g}, and leave at {share:.3g} of it"


def _class_lines(report: EventReport, title: str) -> list[str]:
    """Return a line for each annotated class."""
    events = report.detections["collars"].classes
    annotated = [n for n, each in enumerate(events) if each.reference]
    if not annotated:
        return []
    width = max(len(title), *(len(report.names[n]) for n in annotated))
    headings = "".join(f"  {metric.heading}" for metric in DETECTION_METRICS)
    lines = [f"{title:{width}}  events   found{headings}"]
    for n in annotated:
        cells = "".join(
            f"{report.detections[metric.key].classes[n].f1:{len(metric.heading) + 2}.3f}"
            for metric in DETECTION_METRICS
        )
        lines.append(
            f"{report.names[n]:{width}}{events[n].reference:8}{events[n].estimated:8}{cells}"
        )
    return lines


def event_dict(report: EventReport) -> dict[str, Any]:
    """Return the content of the JSON file; NaN becomes None."""
    return {
        "parameters": {
            **dataclasses.asdict(report.parameters),
            "class_thresholds": report.has_class_thresholds,
        },
        **{key: _detection_dict(found) for key, found in report.detections.items()},
        **{key: _finite(value) for key, value in report.psds.items()},
        "past_end": [dataclasses.asdict(each) for each in report.past_end],
        "classes": [
            {
                "name": name,
                **{key: _count_dict(found.classes[n]) for key, found in report.detections.items()},
            }
            for n, name in enumerate(report.names)
        ],
    }


def event_csv(names: Sequence[str], reports: Sequence[EventReport]) -> str:
    """Return a CSV table with a row per system and class; undefined values are empty."""
    columns = ("reference", "estimated", *COUNT_METRICS)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(
        ["system", "name"]
        + [f"{metric.key}_{column}" for metric in DETECTION_METRICS for column in columns]
    )
    for name, report in zip(names, reports, strict=True):
        for n, label in enumerate(report.names):
            counts = [report.detections[metric.key].classes[n] for metric in DETECTION_METRICS]
            cells = [_finite(getattr(each, column)) for each in counts for column in columns]
            writer.writerow([printable(name), printable(label), *cells])
    return stream.getvalue()


def _detection_dict(found: Detection) -> dict[str, Any]:
    overall = found.overall
    return {
        **_count_dict(overall),
        "macro_f1": _finite(found.macro_f1),
        "substitutions": overall.substitutions,
        "deletions": overall.deletions,
        "insertions": overall.insertions,
    }


def _count_dict(counts: Counts) -> dict[str, Any]:
    return {
        "reference": counts.reference,
        "estimated": counts.estimated,
        "correct": counts.correct,
        **{name: _finite(getattr(counts, name)) for name in COUNT_METRICS},
    }


def _errors(found: Detection) -> str:
    counts = found.overall
    if not counts.reference:
        return "-"
    parts = (counts.substitutions, counts.deletions, counts.insertions)
    shares = ", ".join(f"{part / counts.reference:.2f}" for part in parts)
    return f"{counts.error_rate:.4f} ({shares})"


def _cell(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
