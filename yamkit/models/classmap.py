"""The class map: CSV with the header ``index,mid,display_name``, one row a class, in order.

AudioSet publishes this format. The number of rows is the number of classes of a model.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from typing import TYPE_CHECKING

from yamkit._util.text import delimiter_of
from yamkit.errors import BundleError
from yamkit.types import TagClass

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MAX_CLASS_MAP_BYTES", "format_class_map", "parse_class_map"]

MAX_CLASS_MAP_BYTES = 4 * 2**20
"""Largest class map that is read."""

_HEADER = ["index", "mid", "display_name"]


def parse_class_map(data: bytes, where: str) -> tuple[TagClass, ...]:
    """Read a class map.

    Parameters
    ----------
    data : bytes
        CSV in UTF-8, with or without a byte order mark. Semicolons or tabs instead of commas,
        spaces around cells and empty rows are accepted.
    where : str
        Name of the file in messages.

    Returns
    -------
    tuple of TagClass
        At least one, in the order of the network's outputs.

    Raises
    ------
    BundleError
        If the data is not a class map.
    """
    try:
        text = data.decode("utf-8-sig")
        lines = io.StringIO(text, newline="")
        mark = delimiter_of(text.partition("\n")[0])
        reader = csv.reader(lines, delimiter=mark, skipinitialspace=True, strict=True)
        rows = [row for row in ([cell.strip() for cell in cells] for cells in reader) if any(row)]
    except UnicodeDecodeError:
        raise BundleError(f"{where}: a class map must be UTF-8 text") from None
    except csv.Error as error:
        raise BundleError(f"{where}: not CSV: {error}") from None
    if not rows or rows[0] != _HEADER:
        raise BundleError(f"{where}: the first line of a class map must be {','.join(_HEADER)}")
    if len(rows) == 1:
        raise BundleError(f"{where}: the class map is empty")
    return tuple(_class(index, row, where) for index, row in enumerate(rows[1:]))


def format_class_map(classes: Iterable[TagClass]) -> bytes:
    """Return a class map as CSV; the same classes always give the same bytes."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADER)
    writer.writerows((row.index, row.mid, row.name) for row in classes)
    return text.getvalue().encode()


def _class(index: int, row: list[str], where: str) -> TagClass:
    if len(row) != len(_HEADER):
        raise BundleError(f"{where}: class {index} has {len(row)} fields, not {len(_HEADER)}")
    number, mid, name = row
    if number != str(index):
        raise BundleError(f"{where}: index {number!r:.40}: must be {index}")
    if not name:
        raise BundleError(f"{where}: class {index} has no display_name")
    # terminals run control characters as commands
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in mid + name):
        raise BundleError(f"{where}: class {index} contains control characters")
    return TagClass(index, mid, name)
