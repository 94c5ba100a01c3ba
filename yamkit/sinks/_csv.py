"""One tidy CSV table (RFC 4180 quoting), a row a tag.

With patches a row belongs to a patch, with events to an event, else to the whole clip; levels are
never mixed. ``aggregate`` tells what the score is of the scores of a clip's patches or an event's
cells.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from yamkit.schema import tag_dict
from yamkit.types import ClipEnd, ClipStart, Event, PatchTags

if TYPE_CHECKING:
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
)


class CsvSink:
    """Columns `COLUMNS`; a clip that failed has no row, its error stands on stderr."""

    def open(self, run: RunInfo, stream: IO[str]) -> None:
        """Write the header."""
        self._writer = csv.writer(stream, lineterminator="\n")
        # A lone carriage return ends a line for many readers, and the writer leaves it bare.
        self._careful_writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        self._path = ""
        parameters = run.parameters
        self._of_clips = not run.per_patch and parameters.events is None
        aggregate = parameters.aggregate if self._of_clips else ""
        if parameters.events is not None:
            aggregate = parameters.events.score
        self._about = (run.model.name, aggregate, parameters.score_kind)
        self._writer.writerow(COLUMNS)

    def write(self, item: SinkItem) -> None:
        """Write the rows of an item."""
        if isinstance(item, ClipStart):
            self._path = item.path
        elif isinstance(item, PatchTags):
            self._rows(item.start_seconds, item.end_seconds, item.tags)
        elif isinstance(item, Event):
            self._rows(item.onset_seconds, item.offset_seconds, (item.tag,))
        elif isinstance(item, ClipEnd) and self._of_clips:
            self._rows(0.0, item.duration_seconds, item.tags)

    def close(self) -> None:
        """Do nothing: every row is whole."""

    def abort(self) -> None:
        """Do nothing: nothing is held."""

    def _rows(self, start: float, end: float, tags: tuple[Tag, ...]) -> None:
        writer = self._careful_writer if "\r" in self._path else self._writer
        for tag in tags:
            writer.writerow((self._path, start, end, *tag_dict(tag).values(), *self._about))
