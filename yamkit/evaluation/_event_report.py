"""A report on events on paper: the part that strong labels add."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from typing import TYPE_CHECKING, Any

from yamkit._util.text import aligned, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from yamkit.evaluation._events import EventReport
    from yamkit.evaluation.detection import Counts, Detection

__all__ = ["event_csv", "event_dict", "event_lines"]

_KINDS: dict[str, tuple[str, Callable[[EventReport], Detection]]] = {
    "segments": ("segment-based (1 s)", lambda report: report.segments),
    "collars": ("event-based (0.2 s)", lambda report: report.collars),
}
_FIGURES = ("precision", "recall", "f1", "error_rate")


def event_lines(names: Sequence[str], reports: Sequence[EventReport]) -> list[str]:
    """Write one report, or several side by side, and the classes of each."""
    rows = [["events", *names]]
    for title, pick in _KINDS.values():
        found = [pick(report) for report in reports]
        rows.append([f"{title} F1, all events", *(_cell(each.overall.f1) for each in found)])
        rows.append(
            [f"{title} F1, mean of the classes'", *(_cell(each.macro_f1) for each in found)]
        )
        rows.append([f"{title} error rate (substituted, missed, made up)", *map(_errors, found)])
    for key, title in (("psds_1", "PSDS 1"), ("psds_2", "PSDS 2")):
        rows.append([title, *(_cell(getattr(report, key)) for report in reports)])
    lines = aligned(rows)
    first = reports[0]
    wanted = first.parameters
    levels = f"enter at {wanted.enter:g} and leave at {wanted.leave:g}"
    if first.has_class_thresholds:
        share = wanted.leave / wanted.enter if wanted.enter > 0 else 1.0
        levels = (
            f"enter at the class's own threshold, else at {wanted.enter:g}, and leave at "
            f"{share:.3g} of it"
        )
    lines.append(f"(events {levels}; PSDS over 50 thresholds)")
    for name, report in zip(names, reports, strict=True):
        lines += ["", *_class_lines(report, name if len(reports) > 1 else "")]
    return lines


def _class_lines(report: EventReport, title: str) -> list[str]:
    held = [n for n, each in enumerate(report.collars.classes) if each.reference]
    if not held:
        return []
    width = max(len(title), *(len(report.names[n]) for n in held))
    lines = [f"{title:{width}}  events   found  segment F1  event F1"]
    for n in held:
        segments, collars = report.segments.classes[n], report.collars.classes[n]
        lines.append(
            f"{report.names[n]:{width}}{collars.reference:8}{collars.estimated:8}"
            f"{segments.f1:12.3f}{collars.f1:10.3f}"
        )
    return lines


def event_dict(report: EventReport) -> dict[str, Any]:
    """Give what the JSON file has; NaN becomes null."""
    return {
        "parameters": {
            **dataclasses.asdict(report.parameters),
            "class_thresholds": report.has_class_thresholds,
        },
        **{key: _counts(pick(report)) for key, (_, pick) in _KINDS.items()},
        "psds_1": _plain(report.psds_1),
        "psds_2": _plain(report.psds_2),
        "past_end": [dataclasses.asdict(each) for each in report.past_end],
        "classes": [
            {
                "name": name,
                **{key: _figures(pick(report).classes[n]) for key, (_, pick) in _KINDS.items()},
            }
            for n, name in enumerate(report.names)
        ],
    }


def event_csv(names: Sequence[str], reports: Sequence[EventReport]) -> str:
    """Write a row a class and system; what is undefined is empty."""
    stream = io.StringIO(newline="")
    columns = [
        f"{key}_{figure}" for key in _KINDS for figure in ("reference", "estimated", *_FIGURES)
    ]
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["system", "name", *columns])
    for name, report in zip(names, reports, strict=True):
        for n, label in enumerate(report.names):
            counts = [pick(report).classes[n] for _, pick in _KINDS.values()]
            cells = [
                _plain(getattr(each, figure))
                for each in counts
                for figure in ("reference", "estimated", *_FIGURES)
            ]
            writer.writerow([printable(name), printable(label), *cells])
    return stream.getvalue()


def _counts(found: Detection) -> dict[str, Any]:
    overall = found.overall
    return {
        **_figures(overall),
        "macro_f1": _plain(found.macro_f1),
        "substitutions": overall.substitutions,
        "deletions": overall.deletions,
        "insertions": overall.insertions,
    }


def _figures(counts: Counts) -> dict[str, Any]:
    return {
        "reference": counts.reference,
        "estimated": counts.estimated,
        "correct": counts.correct,
        **{name: _plain(getattr(counts, name)) for name in _FIGURES},
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


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
