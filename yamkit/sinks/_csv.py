"""One tidy CSV table (RFC 4180 quoting), a row a tag.

With patches a row belongs to a patch, else to the whole clip; the two levels are never mixed.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from yamkit.schema import tag_dict
from yamkit.types import ClipEnd, ClipStart, PatchTags

if TYPE_CHECKING:
    from typing import IO

    from yamkit.types import RunInfo, SinkItem, Tag

__all__ = ["COLUMNS", "CsvSink"]

COLUMNS = ("path", "start_seconds", "end_seconds", "index", "mid", "name", "score", "model")


class CsvSink:
    """Columns `COLUMNS`; a clip that failed has no row, its error stands on stderr."""

    def open(self, run: RunInfo, stream: IO[str]) -> None:
        """Write the header."""
        self._writer = csv.writer(stream, lineterminator="\n")
        # A lone carriage return ends a line for many readers, and the writer leaves it bare.
        self._careful_writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        self._per_patch = run.per_patch
        self._path = ""
        self._model = run.model.name
        self._writer.writerow(COLUMNS)

    def write(self, item: SinkItem) -> None:
        """Write the rows of an item."""
        if isinstance(item, ClipStart):
            self._path = item.path
        elif isinstance(item, PatchTags):
            self._rows(item.start_seconds, item.end_seconds, item.tags)
        elif isinstance(item, ClipEnd) and not self._per_patch:
            self._rows(0.0, item.duration_seconds, item.tags)

    def close(self) -> None:
        """Do nothing: every row is whole."""

    def abort(self) -> None:
        """Do nothing: nothing is held."""

    def _rows(self, start: float, end: float, tags: tuple[Tag, ...]) -> None:
        writer = self._careful_writer if "\r" in self._path else self._writer
        for tag in tags:
            writer.writerow((self._path, start, end, *tag_dict(tag).values(), self._model))
