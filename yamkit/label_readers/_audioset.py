"""AudioSet's segments files: ``balanced_train_segments.csv``, ``eval_segments.csv``, ...

A list has three comment lines, the last of which names the columns, a space after each comma, and
quoted labels, as they contain commas. `_segments` knows how files are named.

The publishers' index of the 527 classes, ``class_labels_indices.csv``, gives the names of all
classes; it is read if it lies next to the list.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from yamkit.label_readers._rows import delimiter_of, labels, number, read_rows
from yamkit.label_readers._segments import segment_names
from yamkit.types import LabelledClip

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["AudioSet"]

_COLUMNS = ("YTID", "start_seconds", "end_seconds", "positive_labels")
_INDEX = "class_labels_indices.csv"


class AudioSet:
    """Reads AudioSet segments; labels are machine identifiers."""

    def recognises(self, path: Path, head: Sequence[str]) -> bool:
        """Return whether a comment names the columns."""
        return not path.is_dir() and delimiter_of(head, _COLUMNS, comments=True) is not None

    def vocabulary(self, path: Path, /) -> Mapping[str, str]:
        """Read the index next to the list: index,mid,display_name."""
        index = path.with_name(_INDEX)
        if not index.is_file():
            return {}
        rows = read_rows(index, ("mid", "display_name"))
        return {row["mid"]: row["display_name"] for row in rows}

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the segments, with start and end, as a file may be the whole video."""
        for row in read_rows(path, _COLUMNS, comments=True):
            start, end = number(row, "start_seconds"), number(row, "end_seconds")
            if not (math.isfinite(start) and math.isfinite(end)):
                raise row.fail(f"from {start} to {end} s: times must be finite")
            yield LabelledClip(
                names=segment_names(row["YTID"], start, end),
                labels=labels(row["positive_labels"], ","),
                start_seconds=start,
                end_seconds=end,
                line=row.line,
            )
