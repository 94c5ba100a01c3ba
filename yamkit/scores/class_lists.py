"""Files that list classes, or thresholds of classes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yamkit._util.numbers import real_number
from yamkit._util.text import delimiter_of, printable
from yamkit.errors import CalibrationError, ParameterError
from yamkit.scores._csv import check_length, read_rows, read_text
from yamkit.scores.classes import MOST_CHARACTERS, class_finder
from yamkit.scores.thresholds import check_threshold

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from yamkit.types import TagClass

__all__ = ["read_class_list", "read_class_words", "read_thresholds"]

_MOST_OF_HEADER = 65_536
"""Characters in which a header is searched: the CSV reader refuses longer cells."""

_WORD_COLUMNS = ("mid", "name", "index")


def read_thresholds(path: str | os.PathLike[str], classes: Sequence[TagClass]) -> dict[int, float]:
    """Read thresholds by class: a CSV file with ``threshold``, and ``name``, ``mid`` or ``index``.

    A calibration is such a file. Rows without a threshold are skipped.

    Parameters
    ----------
    path : path-like
    classes : sequence of TagClass
        The model's. A name may mean a subtree, see `yamkit.scores.classes.find_classes`.

    Returns
    -------
    dict of int to float
        Thresholds by class index; the last of several rows for a class counts.

    Raises
    ------
    CalibrationError
        If the file is not such a table.
    ParameterError
        If the model has no such class.
    """
    rows = read_rows(path, read_text(path), ("threshold",))
    if not rows or not _word_columns(rows[0][1]):
        raise CalibrationError(
            f"{printable(Path(path))}: no row with mid, name or index and threshold"
        )
    given = [row for row in _class_rows(path, rows) if row.threshold is not None]
    return _thresholds(given, _indices(path, given, classes))


def read_class_list(
    path: str | os.PathLike[str], classes: Sequence[TagClass]
) -> tuple[tuple[int, ...], dict[int, float]]:
    """Read a list of classes, some of which may have a threshold.

    Parameters
    ----------
    path : path-like
        One class per line; or a CSV file with a column ``name``, ``mid`` or ``index``, and
        optionally ``threshold``, as for `read_thresholds`.
    classes : sequence of TagClass
        The model's.

    Returns
    -------
    chosen : tuple of int
        Indices, ascending.
    thresholds : dict of int to float
        Thresholds by class index, without the classes that have none.

    Raises
    ------
    CalibrationError
        If the file is not such a table.
    ParameterError
        If the model has no such class.
    """
    rows = _read_words(path)
    found = _indices(path, rows, classes)
    chosen = tuple(sorted({index for indices in found for index in indices}))
    return chosen, _thresholds(rows, found)


def read_class_words(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Read the words of a list of classes without looking them up; see `read_class_list`.

    Raises
    ------
    CalibrationError
        If the file is not such a list.
    """
    return tuple(row.word for row in _read_words(path))


class _ClassRow(NamedTuple):
    line: int
    word: str
    threshold: float | None


def _word_columns(names: Iterable[str]) -> list[str]:
    there = set(names)
    return [name for name in _WORD_COLUMNS if name in there]


def _read_words(path: str | os.PathLike[str]) -> list[_ClassRow]:
    place, text = Path(path), read_text(path)
    head = text[:_MOST_OF_HEADER].partition("\n")[0].strip()
    names = next(csv.reader([head], delimiter=delimiter_of(head)), [])
    if _word_columns(map(str.strip, names)):
        found = _class_rows(path, read_rows(path, text, ()))
    else:
        lines = enumerate(map(str.strip, text.splitlines()), start=1)
        found = [_class_row(place, number, line, None) for number, line in lines if line]
    if not found:
        raise CalibrationError(f"{printable(place)}: lists no classes")
    return found


def _class_rows(
    path: str | os.PathLike[str], rows: Sequence[tuple[int, Mapping[str, str]]]
) -> list[_ClassRow]:
    """Return the rows of a CSV file that have a class or a threshold."""
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
            threshold = real_number(text)
            if threshold is None:
                raise CalibrationError(
                    f"{place}, line {number}: threshold {printable(text)!r}: must be a number "
                    "between 0 and 1"
                )
            try:
                check_threshold("threshold", threshold)
            except ParameterError as error:
                raise CalibrationError(f"{place}, line {number}: {error}") from None
        found.append(_class_row(Path(path), number, word, threshold))
    return found


def _class_row(path: Path, number: int, word: str, threshold: float | None) -> _ClassRow:
    check_length(path, number, word, MOST_CHARACTERS)
    return _ClassRow(number, word, threshold)


def _indices(
    path: str | os.PathLike[str], rows: Sequence[_ClassRow], classes: Sequence[TagClass]
) -> list[tuple[int, ...]]:
    """Return the class indices that each row means."""
    found, find = [], class_finder(classes)
    for row in rows:
        try:
            found.append(find(row.word))
        except ParameterError as error:
            raise ParameterError(f"{printable(Path(path))}, line {row.line}: {error}") from None
    return found


def _thresholds(rows: Sequence[_ClassRow], found: Sequence[tuple[int, ...]]) -> dict[int, float]:
    """Return the thresholds by class index, from rows and the indices that they mean."""
    return {
        index: row.threshold
        for row, indices in zip(rows, found, strict=True)
        for index in indices
        if row.threshold is not None
    }
