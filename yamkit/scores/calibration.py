"""Calibration: from scores to probabilities, and thresholds for single classes, kept as CSV.

A score of 0.4 means one thing for speech and another for a drip. A calibration, fitted to labelled
sounds by ``yamkit calibrate``, maps the scores of each class it has to how often they were right
(J. Platt, "Probabilistic outputs for support vector machines", 1999; B. Zadrozny, C. Elkan,
"Transforming classifier scores into accurate multiclass probability estimates", KDD 2002). The maps
only ever rise, so they change no ranking within a class.
"""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from yamkit._util.replace import replaced
from yamkit._util.text import delimiter_of, printable
from yamkit.errors import CalibrationError, IncompatibleError, ParameterError
from yamkit.scores.classes import MOST_CHARACTERS, class_finder
from yamkit.scores.thresholds import check_threshold

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from yamkit.types import TagClass

__all__ = [
    "METHODS",
    "Calibration",
    "ClassCalibration",
    "logits",
    "read_calibration",
    "read_class_list",
    "read_class_words",
    "read_thresholds",
    "write_calibration",
]

METHODS = ("platt", "isotonic")
"""How the map of a class is fitted."""

_SCHEMA = "yamkit-calibration/1"
_MOST_OF_HEADER = 65_536
"""Characters in which a header is looked for: the CSV reader refuses longer cells."""

_MOST_BYTES = 1 << 26
_MOST_OF_LINE = 1 << 18
"""Characters: the parameters of a class are one cell."""
_LARGEST = 1e9
"""Of a parameter: far beyond any that a fit gives."""
_SMALLEST_STEP = 1e-12
"""Between the scores of an isotonic map: float32 has no smaller one above 1e-5."""
_STEEPEST = 700.0
"""The logistic function of this is 0 or 1 in float64, and of more its exponential overflows."""
_SMALLEST = 1e-7
"""Scores are kept so far from 0 and 1 before their logits are taken."""

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


@dataclass(frozen=True)
class ClassCalibration:
    """The map of one class.

    Attributes
    ----------
    index : int
        Of the class.
    mid, name : str
    label : str
        Of the set it was fitted to.
    method : str
        ``platt``: parameters a, b of ``1 / (1 + exp(-(a * logit(score) + b)))``, a >= 0.
        ``isotonic``: scores, ascending, and behind them the value at each, between which it is
        linear. ``raw``: none, there were too few positives or negatives.
    positives, negatives : int
        Clips or cells it was fitted to.
    threshold : float or None
        Of calibrated scores; None where it is raw.
    parameters : tuple of float
    precision, recall, f1 : float or None
        At the threshold, cross-validated.
    brier_raw, brier_calibrated : float or None
        Mean squared difference between score and truth, cross-validated.
    """

    index: int
    mid: str
    name: str
    label: str
    method: str
    positives: int
    negatives: int
    threshold: float | None = None
    parameters: tuple[float, ...] = ()
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    brier_raw: float | None = None
    brier_calibrated: float | None = None

    def apply(self, scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Map scores of this class, of any shape."""
        values = np.asarray(scores, np.float64)
        if self.method == "platt":
            slope, offset = self.parameters
            steep = np.clip(slope * logits(values) + offset, -_STEEPEST, _STEEPEST)
            return np.asarray(1 / (1 + np.exp(-steep)))
        if self.method == "isotonic":
            half = len(self.parameters) // 2
            return np.interp(values, self.parameters[:half], self.parameters[half:])
        return values


@dataclass(frozen=True)
class Calibration:
    """The maps of a model's classes.

    Attributes
    ----------
    model, model_sha256 : str
        The model whose scores it is for.
    unit : str
        What it was fitted to: ``clip`` or ``cell``.
    aggregate : str
        How patches became the score of the unit: ``mean`` or ``max``.
    classes : tuple of ClassCalibration
        At most one for a class.
    channel, stream : str
        What of the files was heard, as ``yamkit calibrate`` was told: ``mix`` or a number, and
        ``default`` or a number. It is noted alone: scores of other channels may be calibrated.
    """

    model: str
    model_sha256: str
    unit: str
    aggregate: str
    classes: tuple[ClassCalibration, ...]
    channel: str = "mix"
    stream: str = "default"

    @property
    def sha256(self) -> str:
        """Of all that it holds."""
        return hashlib.sha256(_text(self).encode()).hexdigest()

    @property
    def thresholds(self) -> dict[int, float]:
        """Threshold by class index, of the classes that have one."""
        return {
            entry.index: entry.threshold for entry in self.classes if entry.threshold is not None
        }

    @property
    def raw(self) -> tuple[str, ...]:
        """Names of the classes that had too few examples."""
        return tuple(entry.name for entry in self.classes if entry.method == "raw")

    def apply(self, scores: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Map scores [N, C]; those of classes it does not have stay as they are."""
        mapped = np.array(scores)
        for entry in self.classes:
            if entry.method != "raw":
                mapped[:, entry.index] = entry.apply(mapped[:, entry.index])
        return mapped

    def check(self, sha256: str, classes: int, aggregate: str | None = None) -> None:
        """Refuse scores that it was not fitted to.

        Parameters
        ----------
        sha256 : str
            Of the model.
        classes : int
            That it has.
        aggregate : str, optional
            How patches become scores of clips, where these are calibrated.

        Raises
        ------
        IncompatibleError
        """
        if self.model_sha256 != sha256:
            raise IncompatibleError(
                f"the calibration was fitted to another model, {printable(self.model)} "
                f"({printable(self.model_sha256[:12])}), and this one is {sha256[:12]}; fit one to "
                "it: yamkit calibrate"
            )
        most = max((entry.index for entry in self.classes), default=0)
        if most >= classes:
            raise IncompatibleError(
                f"the calibration has a class {most}, and the model has {classes} classes"
            )
        if self.unit == "clip" and aggregate not in (None, self.aggregate):
            raise IncompatibleError(
                f"the calibration was fitted to the {printable(self.aggregate)} of patches, and "
                f"this is their {aggregate}; use --aggregate {printable(self.aggregate)}"
            )


def logits(scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Give ``ln(score / (1 - score))``, of scores a hair away from 0 and 1."""
    values = np.clip(np.asarray(scores, np.float64), _SMALLEST, 1 - _SMALLEST)
    return np.asarray(np.log(values) - np.log1p(-values))


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write a calibration: beside its place, then renamed.

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
        If it is no calibration.
    """
    columns = ("schema", "index", "method", "parameters", "threshold")
    rows = [row for _, row in _rows(path, _read_text(path), columns)]
    place = printable(Path(path))
    try:
        first = rows[0]
        if {row["schema"] for row in rows} != {_SCHEMA}:
            raise ValueError("another schema")
        common = [
            (row["model"], row["model_sha256"], row["unit"], row["aggregate"]) for row in rows
        ]
        heard = {(row.get("channel", "mix"), row.get("stream", "default")) for row in rows}
        if len(set(common)) > 1 or len(heard) > 1 or first["unit"] not in ("clip", "cell"):
            raise ValueError("rows of several calibrations")
        classes = tuple(_class(row) for row in rows)
        if len({entry.index for entry in classes}) < len(classes):
            raise ValueError("a class twice")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise CalibrationError(
            f"{place}: no calibration of this version of yamkit ({error}); make one with yamkit "
            "calibrate"
        ) from None
    return Calibration(*common[0], classes, *heard.pop())


def read_thresholds(path: str | os.PathLike[str], classes: Sequence[TagClass]) -> dict[int, float]:
    """Read thresholds of single classes: a CSV file with ``threshold`` and ``name`` or ``mid``.

    A calibration is such a file. A row without a threshold is left out.

    Parameters
    ----------
    path : path-like
    classes : sequence of TagClass
        The model's; a name may stand for a subtree, see `yamkit.scores.classes.find_classes`.

    Returns
    -------
    dict of int to float
        Threshold by class index; of several rows for a class the last counts.

    Raises
    ------
    CalibrationError
        If it is no such file.
    ParameterError
        If a class is none of the model's.
    """
    rows = _rows(path, _read_text(path), ("threshold",))
    if not rows or not _word_columns(rows[0][1]):
        raise CalibrationError(f"{printable(Path(path))}: no row with mid or name and threshold")
    given = [row for row in _class_rows(path, rows) if row.threshold is not None]
    return _thresholds(given, _indices(path, given, classes))


def read_class_list(
    path: str | os.PathLike[str], classes: Sequence[TagClass]
) -> tuple[tuple[int, ...], dict[int, float]]:
    """Read a list of classes, which may give some of them thresholds.

    Parameters
    ----------
    path : path-like
        A class a line; or a CSV file with a header of ``name``, ``mid`` or ``index`` and perhaps
        ``threshold``, as `read_thresholds` reads it.
    classes : sequence of TagClass
        The model's.

    Returns
    -------
    chosen : tuple of int
        Indices, ascending.
    thresholds : dict of int to float
        By class index, of the classes that have one.

    Raises
    ------
    CalibrationError
        If it is no such file.
    ParameterError
        If a class is none of the model's.
    """
    rows = _read_words(path)
    found = _indices(path, rows, classes)
    chosen = tuple(sorted({index for indices in found for index in indices}))
    return chosen, _thresholds(rows, found)


def read_class_words(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Read the words of a list of classes alone, as they stand there; see `read_class_list`.

    Raises
    ------
    CalibrationError
        If it is no such file.
    """
    return tuple(row.word for row in _read_words(path))


class _ClassRow(NamedTuple):
    line: int
    word: str
    threshold: float | None


_WORD_COLUMNS = ("mid", "name", "index")


def _word_columns(names: Iterable[str]) -> list[str]:
    there = set(names)
    return [name for name in _WORD_COLUMNS if name in there]


def _read_words(path: str | os.PathLike[str]) -> list[_ClassRow]:
    place, text = Path(path), _read_text(path)
    head = text[:_MOST_OF_HEADER].partition("\n")[0].strip()
    names = next(csv.reader([head], delimiter=delimiter_of(head)), [])
    if _word_columns(map(str.strip, names)):
        found = _class_rows(path, _rows(path, text, ()))
    else:
        lines = enumerate(map(str.strip, text.splitlines()), start=1)
        found = [_class_row(place, number, line, None) for number, line in lines if line]
    if not found:
        raise CalibrationError(f"{printable(place)}: lists no class")
    return found


def _class_rows(
    path: str | os.PathLike[str], rows: Sequence[tuple[int, Mapping[str, str]]]
) -> list[_ClassRow]:
    """Give the rows of a CSV file in which a class or a threshold stands."""
    place = printable(Path(path))
    found = []
    for number, row in rows:
        columns = _word_columns(row)
        word = next(filter(None, ((row[column] or "").strip() for column in columns)), "")
        text = (row.get("threshold") or "").strip()
        if not word and not text:
            continue
        threshold = None
        if text:
            try:
                threshold = _real(text)
            except ValueError:
                raise CalibrationError(
                    f"{place}, line {number}: threshold {printable(text)!r}; wanted a number"
                ) from None
            try:
                check_threshold("threshold", threshold)
            except ParameterError as error:
                raise CalibrationError(f"{place}, line {number}: {error}") from None
        found.append(_class_row(Path(path), number, word, threshold))
    return found


def _class_row(path: Path, number: int, word: str, threshold: float | None) -> _ClassRow:
    _check_length(path, number, word, MOST_CHARACTERS)
    return _ClassRow(number, word, threshold)


def _check_length(path: Path, number: int, text: str, most: int) -> None:
    if len(text) > most:
        raise CalibrationError(
            f"{printable(path)}, line {number}: {len(text):,} characters; wanted at most {most:,}"
        )


def _indices(
    path: str | os.PathLike[str], rows: Sequence[_ClassRow], classes: Sequence[TagClass]
) -> list[tuple[int, ...]]:
    """Give the indices that each row means."""
    found, find = [], class_finder(classes)
    for row in rows:
        try:
            found.append(find(row.word))
        except ParameterError as error:
            raise ParameterError(f"{printable(Path(path))}, line {row.line}: {error}") from None
    return found


def _thresholds(rows: Sequence[_ClassRow], found: Sequence[tuple[int, ...]]) -> dict[int, float]:
    """Give the thresholds of rows that have one by the indices that they mean."""
    return {
        index: row.threshold
        for row, indices in zip(rows, found, strict=True)
        for index in indices
        if row.threshold is not None
    }


def _read_text(path: str | os.PathLike[str]) -> str:
    place = Path(path)
    try:
        if place.stat().st_size > _MOST_BYTES:
            raise CalibrationError(f"{printable(place)}: more than {_MOST_BYTES} bytes")
        return place.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise CalibrationError(f"{printable(place)}: not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise CalibrationError(f"{printable(place)}: {reason}") from None


def _rows(
    path: str | os.PathLike[str], text: str, columns: Sequence[str]
) -> list[tuple[int, dict[str, str]]]:
    """Give the rows of a CSV file by column, each with the number of its last line."""
    place, lines = Path(path), io.StringIO(text, newline="")
    delimiter = delimiter_of(lines.readline())
    lines.seek(0)
    for number, line in enumerate(lines, start=1):
        _check_length(place, number, line, _MOST_OF_LINE)
    lines.seek(0)
    reader = csv.DictReader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise CalibrationError(f"{printable(place)}: no CSV file ({error})") from None
    count = len(reader.fieldnames)
    for number, row in rows:
        if None in row or None in row.values():  # how DictReader gives too many and too few
            raise CalibrationError(
                f"{printable(place)}, line {number}: wanted {count} cells, one for each column"
            )
    missing = [name for name in columns if name not in reader.fieldnames]
    if missing:
        found = ", ".join(map(printable, reader.fieldnames)) or "none"
        raise CalibrationError(
            f"{printable(place)}: no column {', '.join(missing)}; its columns: {found}"
        )
    return rows


def _class(row: Mapping[str, str]) -> ClassCalibration:
    parameters = tuple(_real(number) for number in row["parameters"].split())
    method = row["method"]
    if any(abs(number) > _LARGEST for number in parameters):
        raise ValueError(f"parameters beyond {_LARGEST:g}")
    if method == "platt":
        if len(parameters) != 2 or parameters[0] < 0:
            raise ValueError("platt takes two parameters, the first at least 0")
    elif method == "isotonic":
        half = len(parameters) // 2
        knots, values = parameters[:half], parameters[half:]
        is_sound = half > 0 and len(values) == half and values[0] >= 0 and values[-1] <= 1
        is_sound = is_sound and knots[0] >= 0 and knots[-1] <= 1
        is_sound = is_sound and all(b - a >= _SMALLEST_STEP for a, b in itertools.pairwise(knots))
        if not is_sound or list(knots) != sorted(set(knots)) or list(values) != sorted(values):
            raise ValueError("isotonic takes scores and values that rise")
    elif method != "raw" or parameters:
        raise ValueError(f"method {method!r}")
    index = _count(row["index"])
    return ClassCalibration(
        index,
        row["mid"],
        row["name"],
        row["label"],
        method,
        _count(row["positives"]),
        _count(row["negatives"]),
        _share(row["threshold"]),
        parameters,
        *(_share(row[name]) for name in COLUMNS[9:14]),
    )


_REAL = re.compile(
    r"[+-]?(\d{1,40}\.?\d{0,40}|\.\d{1,40})(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE
)
_COUNT = re.compile(r"\d{1,12}", re.ASCII)


def _real(text: str) -> float:
    """Read a number as programs write it; Python itself takes ``0_1`` and ``nan``, too."""
    if not _REAL.fullmatch(text):
        raise ValueError(f"number {text!r:.40}")
    return float(text)


def _count(text: str) -> int:
    if not _COUNT.fullmatch(text):
        raise ValueError(f"number {text!r:.40}")
    return int(text)


def _share(text: str) -> float | None:
    if not text:
        return None
    number = _real(text)
    if not 0 <= number <= 1:
        raise ValueError(f"number {text!r:.40}, wanted 0 to 1")
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
