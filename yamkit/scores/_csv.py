"""CSV files from strangers, read within limits and with errors that name the line."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from yamkit._util.text import delimiter_of, printable
from yamkit.errors import CalibrationError

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

__all__ = ["check_length", "read_rows", "read_text"]

_MOST_BYTES = 1 << 26
_MOST_OF_LINE = 1 << 18
"""Characters; the parameters of a class of a calibration are one cell."""


def read_text(path: str | os.PathLike[str]) -> str:
    """Return the text of a file.

    Raises
    ------
    CalibrationError
        If it cannot be read, is too large or is not UTF-8.
    """
    place = Path(path)
    try:
        if place.stat().st_size > _MOST_BYTES:
            raise CalibrationError(f"{printable(place)}: larger than {_MOST_BYTES:,} bytes")
        return place.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise CalibrationError(f"{printable(place)}: not UTF-8 text: save it as UTF-8") from None
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise CalibrationError(f"{printable(place)}: {reason}") from None


def read_rows(
    path: str | os.PathLike[str], text: str, columns: Sequence[str]
) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a CSV file, each with the number of its last line.

    Parameters
    ----------
    path : path-like
        Path of the file, for messages.
    text : str
        Content of the file.
    columns : sequence of str
        Columns that the file must have.

    Raises
    ------
    CalibrationError
        If the text is not such a table.
    """
    place, lines = Path(path), io.StringIO(text, newline="")
    delimiter = delimiter_of(lines.readline())
    lines.seek(0)
    for number, line in enumerate(lines, start=1):
        check_length(place, number, line, _MOST_OF_LINE)
    lines.seek(0)
    reader = csv.DictReader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise CalibrationError(f"{printable(place)}: not a CSV file ({error})") from None
    count = len(reader.fieldnames)
    for number, row in rows:
        if None in row or None in row.values():  # how DictReader marks too many and too few cells
            raise CalibrationError(
                f"{printable(place)}, line {number}: must have {count} cells, one per column"
            )
    missing = [name for name in columns if name not in reader.fieldnames]
    if missing:
        found = ", ".join(map(printable, reader.fieldnames)) or "none"
        raise CalibrationError(
            f"{printable(place)}: no column {', '.join(missing)}; its columns: {found}"
        )
    return rows


def check_length(path: Path, number: int, text: str, most: int) -> None:
    """Check that a text in a line of a file has at most `most` characters.

    Raises
    ------
    CalibrationError
    """
    if len(text) > most:
        raise CalibrationError(
            f"{printable(path)}, line {number}: {len(text):,} characters: must be at most {most:,}"
        )
