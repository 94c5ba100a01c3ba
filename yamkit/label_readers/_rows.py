"""Rows of a table with a checked header, each with its line number.

Columns are separated by commas, semicolons or tabs, as the header shows. In some countries,
spreadsheets write semicolons and decimal commas, and they may append rows of empty cells.
"""

from __future__ import annotations

import csv
import itertools
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yamkit.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Row", "delimiter_of", "labels", "number", "read_rows"]

_DELIMITERS = (",", ";", "\t")
_OF_EMPTY_ROWS = ' \t,;"\r\n'
_HEAD_LINES = 5
_MOST_SECONDS = 10**9
"""Longest time, thirty years: its milliseconds are exact in every format."""

_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


@dataclass(frozen=True)
class Row:
    """Stripped values by column, the file and line of the row, and its delimiter."""

    values: Mapping[str, str]
    path: Path
    line: int
    delimiter: str

    def __getitem__(self, column: str) -> str:
        return self.values[column]

    def fail(self, what: str) -> LabelError:
        """Return an error that names the file and the line."""
        return LabelError(f"{self.path}, line {self.line}: {what}")


def delimiter_of(
    head: Sequence[str], columns: Sequence[str], *, comments: bool = False
) -> str | None:
    """Return the delimiter of the columns of a table.

    Parameters
    ----------
    head : sequence of str
        The first lines.
    columns : sequence of str
        Columns that the header must have.
    comments : bool
        The header is one of the lines that begin with ``#``, and has exactly these columns.

    Returns
    -------
    str or None
        None if no line is such a header.
    """
    if comments:
        lines = [line.lstrip("# ") for line in head if line.startswith("#")]
    else:
        lines = [line for line in head if line.strip(_OF_EMPTY_ROWS)][:1]
    for line in lines:
        for delimiter in _DELIMITERS:
            names = _names(line, delimiter)
            if names == list(columns) if comments else set(columns) <= set(names):
                return delimiter
    return None


def read_rows(
    path: Path, columns: Sequence[str], *, delimiter: str | None = None, comments: bool = False
) -> Iterator[Row]:
    """Read a table: UTF-8 with or without byte-order mark, any line ends, quoted fields.

    Empty rows, and empty cells after the last column, are skipped.

    Parameters
    ----------
    path : Path
    columns : sequence of str
        Columns that the header must have; with `comments`, all columns.
    delimiter : str, optional
        None: the delimiter of the header.
    comments : bool
        The file has lines that begin with ``#`` instead of a header.

    Raises
    ------
    LabelError
        If the file cannot be read, a column is missing, or a row has more or fewer columns than
        the header.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            if delimiter is None:
                head = list(itertools.islice(stream, _HEAD_LINES))
                delimiter = delimiter_of(head, columns, comments=comments) or ","
                stream.seek(0)
            reader = csv.reader(stream, delimiter=delimiter, skipinitialspace=True, strict=True)
            rows = ([cell.strip() for cell in cells] for cells in reader)
            filled = (cells for cells in rows if any(cells))
            names = list(columns) if comments else _without_empty_end(next(filled, []))
            missing = [column for column in columns if column not in names]
            if missing:
                found = ", ".join(names) or "none"
                raise LabelError(f"{path}: no column {', '.join(missing)}; it has: {found}")
            for cells in filled:
                if comments and cells[0].startswith("#"):
                    continue
                if not any(cells[len(names) :]):
                    del cells[len(names) :]
                row = Row(dict(zip(names, cells, strict=False)), path, reader.line_num, delimiter)
                if len(cells) != len(names):
                    raise row.fail(
                        f"{len(cells)} columns: must be {len(names)} ({delimiter.join(names)}); "
                        "quote fields that contain the delimiter"
                    )
                yield row
    except UnicodeDecodeError:
        raise LabelError(f"{path}: not UTF-8 text; save it as UTF-8") from None
    except csv.Error as error:
        raise LabelError(f"{path}, line {reader.line_num}: {error}") from None
    except OSError as error:
        raise LabelError(f"{path}: {error.strerror or 'cannot be read'}") from None


def _names(line: str, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
    return _without_empty_end([cell.strip() for cell in cells])


def _without_empty_end(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    return cells


def labels(text: str, delimiter: str) -> tuple[str, ...]:
    """Return the labels in a text, each once, in their order."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(delimiter) if part.strip()))


def number(row: Row, column: str) -> float:
    """Read a number of seconds, with a decimal point or comma.

    Raises
    ------
    LabelError
        If the text is not a number, or too large.
    """
    text = row[column]
    try:
        seconds = float(text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text)
    except ValueError:
        raise row.fail(f"{column} {text!r}: must be a number of seconds") from None
    if _MOST_SECONDS < abs(seconds) < math.inf:
        raise row.fail(f"{column} {text!r}: must be at most {_MOST_SECONDS:,} seconds")
    return seconds
