"""One tidy CSV table (RFC 4180 quoting), one row per tag.

A row is a tag of a patch in runs with patches, of an event in runs with events, otherwise of a
clip. ``aggregate`` is how the score was computed from the patches of a clip or the cells of an
event.

Warnings of a clip are joined by ``; ``. They are known only at its end, after the rows of patches
and events; these runs, and clips without a tag, have a separate row for them. So has a clip that
fails after its first rows.

Control characters in names become escapes, so a row is one line.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from yamkit.schema import printable, tag_dict
from yamkit.types import ClipEnd, ClipFailure, ClipStart, Event, PatchTags

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import IO

    from yamkit.types import RunInfo, SinkItem, Tag

__all__ = ["COLUMNS", "CsvSink", "SpreadsheetSink"]

COLUMNS = (
    "path",
    "start_seconds",
    "end_seconds",
    "index",
    "mid",
    "name",
    "score",
    "model",
    "aggregate",
    "score_kind",
    "channel",
    "stream",
    "warnings",
)


class CsvSink:
    """The columns `COLUMNS`; a clip that fails before its first row has none."""

    def open(self, run: RunInfo, stream: IO[str]) -> None:
        """Write the header."""
        self._writer = csv.writer(stream, lineterminator="\n")
        self._path = ""
        self._has_rows = False
        parameters = run.parameters
        self._per_clip = not run.per_patch and parameters.events is None
        aggregate = parameters.aggregate if self._per_clip else ""
        if parameters.events is not None:
            aggregate = parameters.events.score
        self._run_cells = (
            self.cell(run.model.name),
            aggregate,
            parameters.score_kind,
            parameters.channel,
            parameters.stream,
        )
        self._writer.writerow(COLUMNS)

    def write(self, item: SinkItem) -> None:
        """Write the rows of an item."""
        if isinstance(item, ClipStart):
            self._path, self._has_rows = self.cell(item.path), False
        elif isinstance(item, PatchTags):
            self._rows(item.start_seconds, item.end_seconds, map(self._fields, item.tags))
        elif isinstance(item, Event):
            self._rows(item.onset_seconds, item.offset_seconds, [self._fields(item.tag)])
        elif isinstance(item, ClipEnd):
            rows = [self._fields(tag) for tag in item.tags] if self._per_clip else []
            if item.warnings and not rows:
                rows = [_NO_TAG]
            self._rows(0.0, item.duration_seconds, rows, self.cell("; ".join(item.warnings)))
            self._has_rows = False
        elif isinstance(item, ClipFailure) and self._has_rows:
            self._rows(None, None, [_NO_TAG], self.cell(f"incomplete: {item.message}"))
            self._has_rows = False

    def cell(self, text: str) -> str:
        """Return text as it is written in a cell."""
        return printable(text)

    def close(self) -> None:
        """Do nothing: every row is complete."""

    def abort(self) -> None:
        """Do nothing: there is nothing to release."""

    def _rows(
        self,
        start: float | None,
        end: float | None,
        tags: Iterable[Sequence[object]],
        warnings: str = "",
    ) -> None:
        for fields in tags:
            self._writer.writerow((self._path, start, end, *fields, *self._run_cells, warnings))
            self._has_rows = True

    def _fields(self, tag: Tag) -> Sequence[object]:
        index, mid, name, score = tag_dict(tag).values()
        return index, self.cell(mid), self.cell(name), score


class SpreadsheetSink(CsvSink):
    """The same table for spreadsheets: they recognise UTF-8, and see no cell as a formula."""

    def open(self, run: RunInfo, stream: IO[str]) -> None:
        """Write a byte order mark and the header."""
        stream.write("\N{BYTE ORDER MARK}")
        super().open(run, stream)

    def cell(self, text: str) -> str:
        """Put an apostrophe before text that a spreadsheet would compute."""
        shown = super().cell(text)
        return f"'{shown}" if shown.lstrip().startswith(_FORMULA_STARTS) else shown


_FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""From OWASP's page on CSV injection; the last four are full-width forms of the first."""

_NO_TAG = (None, None, None, None)
