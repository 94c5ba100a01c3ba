"""Reports on labelled sets: one text for people, JSON and CSV for programs, and a folder of all."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from typing import TYPE_CHECKING, Any

from yamkit import __version__
from yamkit._util.replace import replaced
from yamkit._util.text import inert, printable
from yamkit._util.trees import make_folders
from yamkit.errors import OutputError
from yamkit.evaluation.events.past_end import past_end_lines
from yamkit.evaluation.events.report import event_csv, event_dict, event_lines
from yamkit.evaluation.plots import can_plot, classes_to_name, plot_confusion, plot_curves
from yamkit.evaluation.systems import file_names, system_names
from yamkit.evaluation.tags.report import (
    class_csv,
    class_dict,
    class_lines,
    difference_dict,
    summary_dict,
    summary_lines,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from yamkit.evaluation.events.evaluate import EventReport
    from yamkit.evaluation.set_report import SetReport

__all__ = [
    "as_dict",
    "as_json_text",
    "as_text",
    "make_folder",
    "write_report",
]

_EXAMPLES = 6


def as_text(reports: Sequence[SetReport]) -> str:
    """Return a text on one system or several: coverage, then metrics, then classes, then events."""
    names = _names(reports)
    lines = [*_coverage_lines(reports[0]), ""]
    lines += summary_lines(names, [each.report for each in reports], _notes(reports))
    for name, each in zip(names, reports, strict=True):
        lines += ["", *class_lines(each.report, name if len(reports) > 1 else "")]
    if (events := _events(reports)) is not None:
        lines += ["", *event_lines(names, events)]
    return "\n".join(printable(line) for line in lines) + "\n"


def _names(reports: Sequence[SetReport]) -> list[str]:
    return system_names([each.system for each in reports])


def _events(reports: Sequence[SetReport]) -> list[EventReport] | None:
    """Return the reports on events; None unless labels are strong."""
    return [each.events for each in reports if each.events is not None] or None


def _notes(reports: Sequence[SetReport]) -> list[str]:
    """Return notes on how all systems computed their scores."""
    selections = {_selection(each.system) for each in reports}
    notes = [note for note in selections if note and len(selections) == 1]
    if reports[0].system.get("score_kind") == "calibrated":
        notes.append("scores are calibrated for the classes in the calibration")
    return notes


def _selection(system: Mapping[str, str]) -> str:
    """Return a note on the channel and the sound stream, if they were selected."""
    channel, stream = system.get("channel", "mix"), system.get("stream", "default")
    parts = [] if channel == "mix" else [f"channel {channel}"]
    parts += [] if stream == "default" else [f"sound stream {stream}"]
    return f"only {' of '.join(parts)} of every file is evaluated" if parts else ""


def _coverage_lines(item: SetReport) -> list[str]:
    covered, report = item.coverage, item.report
    pending = f", {len(covered.pending)} not scored yet" if covered.pending else ""
    with_positives = len(report.classes) - len(report.without_positives)
    lines = [
        f"{item.labels} ({item.layout}): {covered.listed} clips listed, {covered.found} found, "
        f"{covered.scored} scored, {len(covered.failed)} failed{pending}",
        f"{with_positives} of {len(report.classes)} classes have positives, "
        f"{report.unlabelled_clips} clips have no label",
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
    lines += _listed("labels without a class, with their number of clips", unmapped, separator="; ")
    return lines


def _listed(title: str, items: Sequence[str], separator: str = ", ") -> list[str]:
    if not items:
        return []
    more = [f"and {len(items) - _EXAMPLES} more"] if len(items) > _EXAMPLES else []
    return [f"  {title}: {separator.join([*items[:_EXAMPLES], *more])}"]


def as_dict(reports: Sequence[SetReport]) -> dict[str, Any]:
    """Return the content of the JSON file, schema ``yamkit-eval/1``; NaN becomes None."""
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
        "coverage": _coverage_dict(first),
        "systems": [
            {
                "name": name,
                **each.system,
                "classes_with_perfect_auc": each.report.perfect_auc_classes,
                "summary": summary_dict(each.report),
                "classes": [class_dict(entry) for entry in each.report.classes],
                **({} if each.events is None else {"events": event_dict(each.events)}),
            }
            for name, each in zip(names, reports, strict=True)
        ],
        "differences": [
            {
                "from": names[0],
                "to": name,
                "summary": difference_dict(first.report, each.report),
            }
            for name, each in zip(names[1:], reports[1:], strict=True)
        ],
    }


def _coverage_dict(item: SetReport) -> dict[str, Any]:
    covered, report = item.coverage, item.report
    return {
        "listed": covered.listed,
        "found": covered.found,
        "scored": covered.scored,
        "unlabelled": report.unlabelled_clips,
        "missing": list(covered.missing),
        "failed": dict(covered.failed),
        "pending": list(covered.pending),
        "warned": {key: list(texts) for key, texts in covered.warned.items()},
        "unmapped_labels": [dataclasses.asdict(each) for each in covered.unmapped],
        "classes_without_positives": list(report.without_positives),
        "classes_without_negatives": list(report.without_negatives),
    }


def as_json_text(reports: Sequence[SetReport]) -> str:
    """Return `as_dict` as the text of a JSON file."""
    document = as_dict(reports)
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def make_folder(folder: Path) -> None:
    """Create the folder of a report if it does not exist.

    Raises
    ------
    OutputError
        If it cannot be created.
    """
    try:
        make_folders(folder)
    except OSError as error:
        raise OutputError(f"{printable(folder)}: {error.strerror or 'cannot be created'}") from None


def write_report(reports: Sequence[SetReport], folder: Path) -> None:
    """Write a report as text, JSON and CSV, with pictures if matplotlib is installed.

    The files appear only when all of them are complete.

    Raises
    ------
    OutputError
        If the folder or a file cannot be written.
    """
    texts = {
        "report.txt": as_text(reports),
        "report.json": as_json_text(reports),
        "classes.csv": class_csv(_names(reports), [each.report for each in reports]),
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
