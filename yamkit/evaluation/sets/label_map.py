"""Label maps: which classes of a model each category of a labelled set means."""

from __future__ import annotations

import csv
import io
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from yamkit._util.text import delimiter_of, printable
from yamkit.errors import LabelError

if TYPE_CHECKING:
    import os

__all__ = ["LabelMap", "built_in_label_map", "read_label_map"]

LabelMap = dict[str, tuple[str, ...]]
"""Names or machine identifiers of classes by category."""


def read_label_map(path: str | os.PathLike[str]) -> LabelMap:
    """Read a label map: a CSV file with the columns ``category`` and ``mid`` or ``name``.

    Several rows may have the same category: its score is the highest of its classes' scores.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    LabelError
        If the file cannot be read or is not a label map.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise LabelError(f"{printable(path)}: not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise LabelError(f"{printable(path)}: {error.strerror or 'cannot be read'}") from None
    return _parse(text, printable(path))


def built_in_label_map(layout: str) -> LabelMap | None:
    """Return the map that yamkit has for a layout; None if it has none."""
    file = files("yamkit") / "data" / "label_maps" / f"{layout}.csv"
    return _parse(file.read_text(encoding="utf-8"), layout) if file.is_file() else None


def _parse(text: str, where: str) -> LabelMap:
    meanings: dict[str, list[str]] = {}
    try:
        lines = io.StringIO(text, newline="")
        delimiter = delimiter_of(lines.readline())
        lines.seek(0)
        reader = csv.DictReader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
        columns = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = columns
        second = next((name for name in ("mid", "name") if name in columns), None)
        if "category" not in columns or second is None:
            raise LabelError(
                f"{where}: must have the columns category and mid, or category and name; it has: "
                f"{', '.join(map(printable, columns))}"
            )
        for row in reader:
            category, meaning = (row["category"] or "").strip(), (row[second] or "").strip()
            if not category and not meaning:  # spreadsheets leave empty rows
                continue
            if not category or not meaning:
                raise LabelError(f"{where}, line {reader.line_num}: no category or no {second}")
            meanings.setdefault(category, []).append(meaning)
    except csv.Error as error:
        raise LabelError(f"{where}: not a CSV file ({error})") from None
    if not meanings:
        raise LabelError(f"{where}: the label map is empty")
    return {category: tuple(meaning) for category, meaning in meanings.items()}
