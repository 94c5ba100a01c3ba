"""A set's reports on paper: text for people, JSON and CSV for programs."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import json
import math
from typing import TYPE_CHECKING, Any

from yamkit import __version__
from yamkit._util.replace import replaced
from yamkit._util.text import aligned, inert, printable
from yamkit._util.trees import make_folders
from yamkit.errors import OutputError
from yamkit.evaluation._evaluate import METRICS, difference
from yamkit.evaluation._event_report import event_csv, event_dict, event_lines
from yamkit.evaluation._past_end import past_end_lines
from yamkit.evaluation._plots import can_plot, classes_to_name, plot_confusion, plot_curves
from yamkit.evaluation._systems import file_names, system_names

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence
    from pathlib import Path

    from yamkit.evaluation._evaluate import ClassReport, Figure
    from yamkit.evaluation._events import EventReport
    from yamkit.evaluation._set import SetReport

__all__ = [
    "as_csv",
    "as_dict",
    "as_json_text",
    "as_text",
    "make_folder",
    "write_report",
]

_LISTED = 6
_SHOWN = 5
_EXTREMES = 20
"""Classes shown: all of them up to so many, else the worst and the best `_SHOWN`."""


def as_text(reports: Sequence[SetReport]) -> str:
    """Write one report, or several side by side: coverage first, then figures, then classes."""
    first = reports[0]
    lines = [*_coverage(first), ""]
    lines += _table(reports)
    for name, each in zip(_names(reports), reports, strict=True):
        lines += ["", *_classes(each, name if len(reports) > 1 else "")]
    if (events := _events(reports)) is not None:
        lines += ["", *event_lines(_names(reports), events)]
    return "\n".join(printable(line) for line in lines) + "\n"


def _names(reports: Sequence[SetReport]) -> list[str]:
    return system_names([each.system for each in reports])


def _events(reports: Sequence[SetReport]) -> list[EventReport] | None:
    """Give what there is about events; None where labels are not strong."""
    found = [each.events for each in reports if each.events is not None]
    return found or None


def _coverage(item: SetReport) -> list[str]:
    covered, report = item.coverage, item.report
    pending = f", {len(covered.pending)} not scored yet" if covered.pending else ""
    held = len(report.classes) - len(report.without_positives)
    lines = [
        f"{item.labels} ({item.layout}): {covered.listed} clips listed, {covered.found} found, "
        f"{covered.scored} scored, {len(covered.failed)} failed{pending}",
        f"{held} of {len(report.classes)} classes have positives, {report.unlabelled_clips} clips "
        "have no label",
    ]
    lines += _listed("missing", covered.missing)
    lines += _listed("failed", [f"{key}: {reason}" for key, reason in covered.failed.items()])
    lines += _listed("not scored yet", covered.pending)
    warned = [f"{key}: {'; '.join(warnings)}" for key, warnings in covered.warned.items()]
    lines += _listed(f"with warnings ({len(warned)})", warned)
    if item.events is not None:
        lines += past_end_lines(item.events.past_end)
    unmapped = [
        f"{each.name} {each.label} ({each.clips})" if each.name else f"{each.label} ({each.clips})"
        for each in covered.unmapped
    ]
    lines += _listed("labels that mean nothing here, with their clips", unmapped, separator="; ")
    return lines


def _listed(title: str, items: Sequence[str], separator: str = ", ") -> list[str]:
    if not items:
        return []
    more = [f"and {len(items) - _LISTED} more"] if len(items) > _LISTED else []
    return [f"  {title}: {separator.join([*items[:_LISTED], *more])}"]


def _table(reports: Sequence[SetReport]) -> list[str]:
    names = _names(reports)
    several = len(reports) > 1
    rows = [["", *names, *([f"{name} - {names[0]}" for name in names[1:]] if several else [])]]
    for key, title in METRICS.items():
        if key not in reports[0].report.summary:
            continue
        figures = [each.report.summary[key] for each in reports]
        cells = [_figure(figure) for figure in figures]
        cells += [
            _figure(difference(reports[0].report, each.report, key), signed=True)
            for each in reports[1:]
        ]
        counted = figures[0].classes
        note = "" if counted is None else f" over {counted}"
        rows.append([title + note, *cells])
    lines = aligned(rows)
    report = reports[0].report
    heard = {_heard(each.system) for each in reports}
    lines += [f"({note})" for note in heard if note and len(heard) == 1]
    if reports[0].system.get("score_kind") == "calibrated":
        lines.append("(scores are calibrated, of those classes that the calibration has)")
    notes = [f"threshold {report.threshold:g}; best thresholds are fitted to these very clips"]
    if report.resamples:
        count = len(next(iter(report.resamples.values())))
        notes.append(
            f"intervals: {report.confidence:.0%}, {count} bootstrap resamples of the clips"
        )
    if report.perfect_auc_classes:
        notes.append(
            f"{report.perfect_auc_classes} classes have an AUC of 1 or 0: their d-prime is that of "
            "half a pair away"
        )
    return lines + [f"({note})" for note in notes]


def _heard(system: Mapping[str, str]) -> str:
    """Say what of the files a system heard, where that was chosen."""
    channel, stream = system.get("channel", "mix"), system.get("stream", "default")
    parts = [] if channel == "mix" else [f"channel {channel}"]
    parts += [] if stream == "default" else [f"sound stream {stream}"]
    return f"{' of '.join(parts)} of every file is heard" if parts else ""


def _figure(figure: Figure, *, signed: bool = False) -> str:
    if math.isnan(figure.value):
        return "-"
    text = f"{figure.value:+.4f}" if signed else f"{figure.value:.4f}"
    if figure.low is None or figure.high is None:
        return text
    ends = (
        f"{figure.low:+.4f}, {figure.high:+.4f}"
        if signed
        else f"{figure.low:.4f}, {figure.high:.4f}"
    )
    return f"{text} [{ends}]"


def _classes(item: SetReport, title: str) -> list[str]:
    held = [each for each in item.report.classes if each.positives]
    if not held:
        return ["no scored clip has any of these classes: there is nothing to measure"]
    ranked = sorted(held, key=lambda each: (-each.average_precision, each.name))
    if len(ranked) <= _EXTREMES:
        groups = [("", ranked)]
    else:
        groups = [("best", ranked[:_SHOWN]), ("worst", ranked[-_SHOWN:])]
    width = max(len(title), *(len(each.name) for _, group in groups for each in group))
    interval = f"  {'of AP':>14}" if item.report.resamples else ""
    head = f"{title:{width}}  positives      AP     AUC      d'  lwlrap      F1{interval}"
    lines = [head]
    for title, group in groups:
        if title:
            lines.append(f"{title}:")
        lines += [_class_line(each, width) for each in group]
    return lines


def _class_line(each: ClassReport, width: int) -> str:
    numbers = (each.average_precision, each.auc, each.d_prime, each.lwlrap, each.f1)
    cells = "".join(
        f"{number:8.3f}" if not math.isnan(number) else f"{'-':>8}" for number in numbers
    )
    ends = each.intervals.get("average_precision")
    interval = f"  [{ends[0]:.3f}, {ends[1]:.3f}]" if ends else ""
    return f"{each.name:{width}}{each.positives:11}{cells}{interval}"


def as_dict(reports: Sequence[SetReport]) -> dict[str, Any]:
    """Give the reports as the JSON file has them, schema ``yamkit-eval/1``; NaN becomes null."""
    first = reports[0]
    names = _names(reports)
    return {
        "schema": "yamkit-eval/1",
        "yamkit": __version__,
        "labels": first.labels,
        "layout": first.layout,
        "threshold": first.report.threshold,
        "confidence": first.report.confidence,
        "resamples": len(next(iter(first.report.resamples.values()), ())),
        "coverage": {
            "listed": first.coverage.listed,
            "found": first.coverage.found,
            "scored": first.coverage.scored,
            "unlabelled": first.report.unlabelled_clips,
            "missing": list(first.coverage.missing),
            "failed": dict(first.coverage.failed),
            "pending": list(first.coverage.pending),
            "warned": {key: list(texts) for key, texts in first.coverage.warned.items()},
            "unmapped_labels": [dataclasses.asdict(each) for each in first.coverage.unmapped],
            "classes_without_positives": list(first.report.without_positives),
            "classes_without_negatives": list(first.report.without_negatives),
        },
        "systems": [
            {
                "name": name,
                **each.system,
                "classes_with_perfect_auc": each.report.perfect_auc_classes,
                "summary": {key: _plain(value) for key, value in each.report.summary.items()},
                "classes": [_plain(entry) for entry in each.report.classes],
                **({} if each.events is None else {"events": event_dict(each.events)}),
            }
            for name, each in zip(names, reports, strict=True)
        ],
        "differences": [
            {
                "from": names[0],
                "to": name,
                "summary": {
                    key: _plain(difference(first.report, each.report, key))
                    for key in first.report.summary
                },
            }
            for name, each in zip(names[1:], reports[1:], strict=True)
        ],
    }


def as_json_text(reports: Sequence[SetReport]) -> str:
    """Give `as_dict` as the text of a JSON file."""
    document = as_dict(reports)
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def make_folder(folder: Path) -> None:
    """Make the folder of a report, where it is not there.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    try:
        make_folders(folder)
    except OSError as error:
        raise OutputError(f"{printable(folder)}: {error.strerror or 'cannot be made'}") from None


def write_report(reports: Sequence[SetReport], folder: Path) -> None:
    """Write all forms of a report, and pictures where matplotlib is installed.

    The files appear when all of them are whole.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    texts = {
        "report.txt": as_text(reports),
        "report.json": as_json_text(reports),
        "classes.csv": as_csv(reports),
    }
    if (events := _events(reports)) is not None:
        texts["events.csv"] = event_csv(_names(reports), events)
    make_folder(folder)
    try:
        with contextlib.ExitStack() as stack:

            def fresh(name: str) -> Path:
                return stack.enter_context(replaced(folder / name))

            for name, text in texts.items():
                fresh(name).write_text(inert(text), encoding="utf-8", errors="backslashreplace")
            if can_plot():
                _write_pictures(reports, fresh)
    except OSError as error:
        raise OutputError(f"{printable(folder)}: {error.strerror or 'cannot be written'}") from None


def _write_pictures(reports: Sequence[SetReport], fresh: Callable[[str], Path]) -> None:
    if not reports[0].truth.any():
        return
    systems = [item.system for item in reports]
    named = classes_to_name(reports[0])
    for item, curves, table in zip(
        reports,
        file_names("precision-recall", systems, ".png"),
        file_names("confusion", systems, ".png"),
        strict=True,
    ):
        plot_curves(item, fresh(curves), named)
        if "top_1_accuracy" in item.report.summary:
            plot_confusion(item, fresh(table))


def _plain(value: Figure | ClassReport) -> dict[str, Any]:
    return {
        key: None if isinstance(number, float) and not math.isfinite(number) else number
        for key, number in dataclasses.asdict(value).items()
    }


def as_csv(reports: Sequence[SetReport]) -> str:
    """Write a row a class and system; what is undefined is empty."""
    bounded = {key for each in reports for entry in each.report.classes for key in entry.intervals}
    rows = [
        {"system": printable(name), **_flat(entry, bounded)}
        for name, each in zip(_names(reports), reports, strict=True)
        for entry in each.report.classes
    ]
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _flat(entry: ClassReport, bounded: Container[str]) -> dict[str, Any]:
    """Give a class as a row: figures, some followed by the ends of their intervals."""
    row: dict[str, Any] = {}
    for name, value in _plain(entry).items():
        if name != "intervals":
            row[name] = printable(value) if isinstance(value, str) else value
        if name in bounded:
            row[f"{name}_low"], row[f"{name}_high"] = entry.intervals.get(name, (None, None))
    return row
