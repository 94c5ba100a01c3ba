"""One tidy CSV table (RFC 4180 quoting), a row a tag.

With patches a row belongs to a patch, with events to an event, else to the whole clip; levels are
never mixed. ``aggregate`` tells what the score is of the scores of a clip's patches or an event's
cells.

Warnings of a clip are joined by ``; ``. They are known at its end, when rows of patches and events
are written: there, and where a clip has no tag, they stand in a row of the clip without a tag.
Where a clip fails behind rows of its, such a row says so.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from yamkit.schema import tag_dict
from yamkit.types import ClipEnd, ClipFailure, ClipStart, Event, PatchTags

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import IO

    from yamkit.types import RunInfo, SinkItem, Tag

__all__ = ["COLUMNS", "CsvSink"]

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
    """Columns `COLUMNS`; a clip that fails at once has no row, its error stands on stderr."""

    def open(self, run: RunInfo, stream: IO[str]) -> None:
        """Write the header."""
        self._writer = csv.writer(stream, lineterminator="\n")
        # A lone carriage return ends a line for many readers, and the writer leaves it bare.
        self._careful_writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        self._path = ""
        self._has_rows = False
        parameters = run.parameters
        self._of_clips = not run.per_patch and parameters.events is None
        aggregate = parameters.aggregate if self._of_clips else ""
        if parameters.events is not None:
            aggregate = parameters.events.score
        self._about = (
            run.model.name,
            aggregate,
            parameters.score_kind,
            parameters.channel,
            parameters.stream,
        )
        self._writer.writerow(COLUMNS)

    def write(self, item: SinkItem) -> None:
        """Write the rows of an item."""
        if isinstance(item, ClipStart):
            self._path, self._has_rows = item.path, False
        elif isinstance(item, PatchTags):
            self._rows(item.start_seconds, item.end_seconds, map(_fields, item.tags))
        elif isinstance(item, Event):
            self._rows(item.onset_seconds, item.offset_seconds, [_fields(item.tag)])
        elif isinstance(item, ClipEnd):
            rows = [_fields(tag) for tag in item.tags] if self._of_clips else []
            if item.warnings and not rows:
                rows = [_NO_TAG]
            self._rows(0.0, item.duration_seconds, rows, "; ".join(item.warnings))
            self._has_rows = False
        elif isinstance(item, ClipFailure) and self._has_rows:
            self._rows(None, None, [_NO_TAG], f"incomplete: {item.message}")
            self._has_rows = False

    def close(self) -> None:
        """Do nothing: every row is whole."""

    def abort(self) -> None:
        """Do nothing: nothing is held."""

    def _rows(
        self,
        start: float | None,
        end: float | None,
        tags: Iterable[Sequence[object]],
        warnings: str = "",
    ) -> None:
        writer = self._careful_writer if "\r" in self._path + warnings else self._writer
        for fields in tags:
            writer.writerow((self._path, start, end, *fields, *self._about, warnings))
            self._has_rows = True


_NO_TAG = (None, None, None, None)


def _fields(tag: Tag) -> Sequence[object]:
    return tuple(tag_dict(tag).values())
