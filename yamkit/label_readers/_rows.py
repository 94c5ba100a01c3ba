"""Rows of a CSV file whose header was checked, each with its line."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yamkit.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Row", "header", "labels", "number", "read_rows"]


@dataclass(frozen=True)
class Row:
    """A row by column, spaces stripped, and where it stands."""

    values: Mapping[str, str]
    path: Path
    line: int

    def __getitem__(self, column: str) -> str:
        return self.values[column]

    def fail(self, what: str) -> LabelError:
        """Make an error that says where."""
        return LabelError(f"{self.path}, line {self.line}: {what}")


def header(head: Sequence[str], delimiter: str = ",") -> tuple[str, ...]:
    """Split a file's first line into names of columns."""
    row = next(csv.reader(head[:1], delimiter=delimiter), [])
    return tuple(name.strip() for name in row)


def read_rows(
    path: Path, columns: Sequence[str], *, delimiter: str = ",", comments: bool = False
) -> Iterator[Row]:
    """Read a table: UTF-8, with a byte-order mark or not, any line ends, quoted fields.

    Parameters
    ----------
    path : Path
    columns : sequence of str
        That must be in the header; or, with `comments`, all columns there are.
    delimiter : str
    comments : bool
        The file has lines that begin with ``#`` instead of a header.

    Raises
    ------
    LabelError
        If the file cannot be read, is no such table, or a row has other columns than the header.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, delimiter=delimiter, skipinitialspace=True, strict=True)
            names = list(columns) if comments else [name.strip() for name in next(reader, [])]
            missing = [column for column in columns if column not in names]
            if missing:
                found = ", ".join(names) or "none"
                raise LabelError(f"{path}: no column {', '.join(missing)}; its columns: {found}")
            for cells in reader:
                if not cells or (comments and cells[0].startswith("#")):
                    continue
                stripped = [cell.strip() for cell in cells]
                row = Row(dict(zip(names, stripped, strict=False)), path, reader.line_num)
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


def labels(text: str, delimiter: str) -> tuple[str, ...]:
    """Split labels, each once, in their order."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(delimiter) if part.strip()))


def number(row: Row, column: str) -> float:
    """Read a number of seconds.

    Raises
    ------
    LabelError
        If it is none.
    """
    try:
        return float(row[column])
    except ValueError:
        raise row.fail(f"{column} {row[column]!r} is no number of seconds") from None
