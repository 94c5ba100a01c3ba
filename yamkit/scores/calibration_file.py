"""Calibration files: a CSV file with one row per class."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

from yamkit._util.numbers import real_number, whole_number
from yamkit._util.replace import replaced
from yamkit._util.text import printable
from yamkit.errors import CalibrationError
from yamkit.scores._csv import read_rows, read_text
from yamkit.scores.calibration import Calibration, ClassCalibration

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

__all__ = ["calibration_sha256", "read_calibration", "write_calibration"]

_SCHEMA = "yamkit-calibration/1"

_LARGEST = 1e9
"""Largest absolute value of a parameter: far beyond any fitted one."""
_SMALLEST_STEP = 1e-12
"""Between the scores of an isotonic map: above 1e-5, float32 has no smaller step."""

COLUMNS = (
    "index",
    "mid",
    "name",
    "label",
    "method",
    "positives",
    "negatives",
    "threshold",
    "parameters",
    "precision",
    "recall",
    "f1",
    "brier_raw",
    "brier_calibrated",
    "unit",
    "aggregate",
    "model",
    "model_sha256",
    "schema",
    "channel",
    "stream",
)


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write a calibration to a file, which appears only once it is complete.

    Raises
    ------
    CalibrationError
        If it cannot be written.
    """
    try:
        with replaced(path) as fresh:
            fresh.write_text(_text(calibration), encoding="utf-8", newline="")
    except OSError as error:
        reason = error.strerror or "cannot be written"
        raise CalibrationError(f"{printable(path)}: {reason}") from None


def read_calibration(path: str | os.PathLike[str]) -> Calibration:
    """Read what `write_calibration` wrote.

    Raises
    ------
    CalibrationError
        If the file is not a calibration.
    """
    columns = ("schema", "index", "method", "parameters", "threshold")
    rows = [row for _, row in read_rows(path, read_text(path), columns)]
    place = printable(Path(path))
    try:
        first = rows[0]
        if {row["schema"] for row in rows} != {_SCHEMA}:
            raise ValueError(f"schema is not {_SCHEMA}")
        common = [
            (row["model"], row["model_sha256"], row["unit"], row["aggregate"]) for row in rows
        ]
        origins = {(row.get("channel", "mix"), row.get("stream", "default")) for row in rows}
        if len(set(common)) > 1 or len(origins) > 1 or first["unit"] not in ("clip", "cell"):
            raise ValueError("rows of different calibrations")
        classes = tuple(_class(row) for row in rows)
        if len({entry.index for entry in classes}) < len(classes):
            raise ValueError("duplicate class")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise CalibrationError(
            f"{place}: not a calibration that this version of yamkit reads ({error}): make one "
            "with yamkit calibrate"
        ) from None
    return Calibration(*common[0], classes, *origins.pop())


def calibration_sha256(calibration: Calibration) -> str:
    """Return the SHA-256 of the file that `write_calibration` writes."""
    return hashlib.sha256(_text(calibration).encode()).hexdigest()


def _class(row: Mapping[str, str]) -> ClassCalibration:
    parameters = tuple(_real(number) for number in row["parameters"].split())
    method = row["method"]
    if any(abs(number) > _LARGEST for number in parameters):
        raise ValueError(f"parameter larger than {_LARGEST:g}")
    if method == "platt":
        if len(parameters) != 2 or parameters[0] < 0:
            raise ValueError("platt requires two parameters, the first at least 0")
    elif method == "isotonic":
        half = len(parameters) // 2
        knots, values = parameters[:half], parameters[half:]
        is_sound = half > 0 and len(values) == half and values[0] >= 0 and values[-1] <= 1
        is_sound = is_sound and knots[0] >= 0 and knots[-1] <= 1
        is_sound = is_sound and all(b - a >= _SMALLEST_STEP for a, b in itertools.pairwise(knots))
        if not is_sound or list(knots) != sorted(set(knots)) or list(values) != sorted(values):
            raise ValueError("isotonic requires ascending scores and values")
    elif method != "raw" or parameters:
        raise ValueError(f"invalid method {method!r:.40}")
    index = _count(row["index"])
    return ClassCalibration(
        index,
        row["mid"],
        row["name"],
        row["label"],
        method,
        _count(row["positives"]),
        _count(row["negatives"]),
        _fraction(row["threshold"]),
        parameters,
        *(_fraction(row[name]) for name in COLUMNS[9:14]),
    )


def _real(text: str) -> float:
    number = real_number(text)
    if number is None:
        raise ValueError(f"invalid number {text!r:.40}")
    return number


def _count(text: str) -> int:
    number = whole_number(text)
    if number is None or number < 0:
        raise ValueError(f"invalid number {text!r:.40}")
    return number


def _fraction(text: str) -> float | None:
    if not text:
        return None
    number = _real(text)
    if not 0 <= number <= 1:
        raise ValueError(f"number {text!r:.40} is not between 0 and 1")
    return number


def _text(calibration: Calibration) -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    common = (
        calibration.unit,
        calibration.aggregate,
        printable(calibration.model),
        calibration.model_sha256,
        _SCHEMA,
        calibration.channel,
        calibration.stream,
    )
    for entry in calibration.classes:
        writer.writerow(
            (
                entry.index,
                printable(entry.mid),
                printable(entry.name),
                printable(entry.label),
                entry.method,
                entry.positives,
                entry.negatives,
                entry.threshold,
                " ".join(map(repr, entry.parameters)),
                entry.precision,
                entry.recall,
                entry.f1,
                entry.brier_raw,
                entry.brier_calibrated,
                *common,
            )
        )
    return stream.getvalue()
