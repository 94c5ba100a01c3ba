"""A report on tags as lines of text, as JSON values and as CSV rows."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, Any

from yamkit._util.text import aligned, printable
from yamkit.evaluation.tags.evaluate import difference
from yamkit.evaluation.tags.metric_table import CLASS_METRICS, SET_METRICS

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from yamkit.evaluation.tags.evaluate import ClassReport, Estimate, Report

__all__ = [
    "class_csv",
    "class_dict",
    "class_lines",
    "difference_dict",
    "summary_dict",
    "summary_lines",
]

_AT_EACH_END = 5
_ALL_SHOWN = 20
"""Up to so many classes are all shown, else the `_AT_EACH_END` best and worst."""


def summary_lines(
    names: Sequence[str], reports: Sequence[Report], notes: Iterable[str] = ()
) -> list[str]:
    """Return the metrics of one system, or of several next to each other with differences.

    Parameters
    ----------
    names : sequence of str
        Of the systems.
    reports : sequence of Report
    notes : iterable of str
        Shown below the table, before the notes of the metrics.
    """
    first = reports[0]
    rows = [["", *names, *(f"{name} - {names[0]}" for name in names[1:])]]
    for metric in SET_METRICS:
        if metric.key not in first.summary:
            continue
        cells = [_cell(each.summary[metric.key]) for each in reports]
        cells += [_cell(difference(first, each, metric.key), signed=True) for each in reports[1:]]
        classes = first.summary[metric.key].classes
        over = "" if classes is None else f" over {classes}"
        rows.append([metric.title + over, *cells])
    return aligned(rows) + [f"({note})" for note in (*notes, *_notes(first))]


def _notes(report: Report) -> list[str]:
    notes = [f"threshold {report.threshold:g}; best thresholds are fitted to the same clips"]
    if report.resamples:
        count = len(next(iter(report.resamples.values())))
        notes.append(
            f"intervals: {report.confidence:.0%}, {count} bootstrap resamples of the clips"
        )
    if perfect := report.perfect_auc_classes:
        notes.append(
            f"{perfect} classes have an AUC of 1 or 0: their d-prime assumes half a wrong pair"
        )
    return notes


def _cell(estimate: Estimate, *, signed: bool = False) -> str:
    if math.isnan(estimate.value):
        return "-"
    sign = "+" if signed else ""
    text = f"{estimate.value:{sign}.4f}"
    if estimate.low is None or estimate.high is None:
        return text
    return f"{text} [{estimate.low:{sign}.4f}, {estimate.high:{sign}.4f}]"


def class_lines(report: Report, title: str) -> list[str]:
    """Return the metrics of the classes that have positives: all, or the best and the worst."""
    present = [each for each in report.classes if each.positives]
    if not present:
        return ["no scored clip has any of these classes: there is nothing to measure"]
    ranked = sorted(present, key=lambda each: (-each.metrics["average_precision"].value, each.name))
    if len(ranked) <= _ALL_SHOWN:
        groups = [("", ranked)]
    else:
        groups = [("best", ranked[:_AT_EACH_END]), ("worst", ranked[-_AT_EACH_END:])]
    width = max(len(title), *(len(each.name) for _, group in groups for each in group))
    headings = "".join(f"{each.heading:>8}" for each in CLASS_METRICS if each.heading)
    interval = f"  {'of AP':>14}" if report.resamples else ""
    lines = [f"{title:{width}}  positives{headings}{interval}"]
    for heading, group in groups:
        if heading:
            lines.append(f"{heading}:")
        lines += [_class_line(each, width) for each in group]
    return lines


def _class_line(report: ClassReport, width: int) -> str:
    values = [report.metrics[each.key].value for each in CLASS_METRICS if each.heading]
    cells = "".join(f"{value:8.3f}" if not math.isnan(value) else f"{'-':>8}" for value in values)
    precision = report.metrics["average_precision"]
    interval = "" if precision.low is None else f"  [{precision.low:.3f}, {precision.high:.3f}]"
    return f"{report.name:{width}}{report.positives:11}{cells}{interval}"


def summary_dict(report: Report) -> dict[str, Any]:
    """Return the metrics of the set by key; NaN becomes None."""
    return {key: _estimate_dict(estimate) for key, estimate in report.summary.items()}


def difference_dict(first: Report, second: Report) -> dict[str, Any]:
    """Return the differences of the metrics of the set by key, second minus first."""
    return {key: _estimate_dict(difference(first, second, key)) for key in first.summary}


def class_dict(report: ClassReport) -> dict[str, Any]:
    """Return the metrics of a class by key, and their intervals; NaN becomes None."""
    return {
        "name": report.name,
        "positives": report.positives,
        **{key: _finite(each.value) for key, each in report.metrics.items()},
        "intervals": {
            key: (each.low, each.high)
            for key, each in report.metrics.items()
            if each.low is not None
        },
    }


def class_csv(names: Sequence[str], reports: Sequence[Report]) -> str:
    """Return a CSV table with a row per system and class; undefined values are empty."""
    bounded = {
        key
        for report in reports
        for each in report.classes
        for key, estimate in each.metrics.items()
        if estimate.low is not None
    }
    rows = [
        {"system": printable(name), **_class_row(each, bounded)}
        for name, report in zip(names, reports, strict=True)
        for each in report.classes
    ]
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _class_row(report: ClassReport, bounded: Container[str]) -> dict[str, Any]:
    """Return the columns of a class; `bounded` metrics are followed by the ends of intervals."""
    row: dict[str, Any] = {"name": printable(report.name), "positives": report.positives}
    for key, estimate in report.metrics.items():
        row[key] = _finite(estimate.value)
        if key in bounded:
            row[f"{key}_low"], row[f"{key}_high"] = estimate.low, estimate.high
    return row


def _estimate_dict(estimate: Estimate) -> dict[str, Any]:
    return {
        "value": _finite(estimate.value),
        "low": estimate.low,
        "high": estimate.high,
        "classes": estimate.classes,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
