"""Rows of a table whose header was checked, each with its line.

Columns are separated by commas, semicolons or tabs: whichever the header shows. Spreadsheets write
semicolons and decimal commas where the country does so, and rows of empty cells behind the table.
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
"""Longest time: thirty years, whose thousandths are exact in every format."""

_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


@dataclass(frozen=True)
class Row:
    """A row by column, spaces stripped, where it stands, and what separates its columns."""

    values: Mapping[str, str]
    path: Path
    line: int
    delimiter: str

    def __getitem__(self, column: str) -> str:
        return self.values[column]

    def fail(self, what: str) -> LabelError:
        """Make an error that says where."""
        return LabelError(f"{self.path}, line {self.line}: {what}")


def delimiter_of(
    head: Sequence[str], columns: Sequence[str], *, comments: bool = False
) -> str | None:
    """Tell what separates the columns of a table.

    Parameters
    ----------
    head : sequence of str
        Its first lines.
    columns : sequence of str
        That must be in the header.
    comments : bool
        The header is one of the lines that begin with ``#``, and has these columns alone.

    Returns
    -------
    str or None
        None where no line is such a header.
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
    """Read a table: UTF-8, with a byte-order mark or not, any line ends, quoted fields.

    Empty rows, and empty cells behind the last column, are passed over.

    Parameters
    ----------
    path : Path
    columns : sequence of str
        That must be in the header; or, with `comments`, all columns there are.
    delimiter : str, optional
        None: as the header shows.
    comments : bool
        The file has lines that begin with ``#`` instead of a header.

    Raises
    ------
    LabelError
        If the file cannot be read, is no such table, or a row has other columns than the header.
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
                raise LabelError(f"{path}: no column {', '.join(missing)}; its columns: {found}")
            for cells in filled:
                if comments and cells[0].startswith("#"):
                    continue
                if not any(cells[len(names) :]):
                    del cells[len(names) :]
                row = Row(dict(zip(names, cells, strict=False)), path, reader.line_num, delimiter)
                if len(cells) != len(names):
                    raise row.fail(
                        f"{len(cells)} columns, wanted {len(names)} ({delimiter.join(names)}); "
                        "quote a field that holds the delimiter"
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
    """Split labels, each once, in their order."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(delimiter) if part.strip()))


def number(row: Row, column: str) -> float:
    """Read a number of seconds, with a decimal point or comma.

    Raises
    ------
    LabelError
        If it is none.
    """
    text = row[column]
    try:
        seconds = float(text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text)
    except ValueError:
        raise row.fail(f"{column} {text!r} is no number of seconds") from None
    if _MOST_SECONDS < abs(seconds) < math.inf:
        raise row.fail(f"{column} {text!r} is more than {_MOST_SECONDS:,} seconds")
    return seconds
