"""Writes one SQLite database: built in a temporary file, copied to the stream when it is whole."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import tempfile
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from yamkit.types import ClipEnd, ClipFailure, ClipStart, Event, PatchTags

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from yamkit.types import RunInfo, SinkItem, Tag

__all__ = ["SqliteSink"]

# Made at the end, when that costs least: what people look for.
_INDEXES = """
CREATE INDEX clip_tags_by_class ON clip_tags (class, score);
CREATE INDEX clip_tags_by_clip ON clip_tags (clip, rank);
CREATE INDEX patch_tags_by_class ON patch_tags (class, score);
CREATE INDEX patch_tags_by_clip ON patch_tags (clip, start_seconds);
CREATE INDEX events_by_class ON events (class, score);
CREATE INDEX events_by_clip ON events (clip, onset_seconds);
CREATE INDEX clips_by_path ON clips (path);
"""


class SqliteSink:
    """The output format; see `yamkit.plugin.Sink` for the order of calls.

    The stream may be a pipe, and SQLite needs a file that it can seek in. What is in memory does
    not grow with the corpus.
    """

    def open(self, run: RunInfo, stream: IO[bytes]) -> None:
        """Begin a database, and say what the run is."""
        self._stream = stream
        self._clip = 0
        self._is_open = False
        self._classes: set[int] = set()
        self._folder = tempfile.TemporaryDirectory(prefix="yamkit-sqlite-")
        self._path = Path(self._folder.name) / "tags.db"
        self._database = sqlite3.connect(self._path)
        # a file that is thrown away when anything goes wrong needs no journal
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.executescript((files("yamkit_sqlite") / "_schema.sql").read_text("utf-8"))
        self._insert("run", list(_flat(asdict(run))))

    def write(self, item: SinkItem) -> None:
        """Write one item; of those that are not known here nothing is written."""
        if isinstance(item, ClipStart):
            self._begin(item.path, item.sample_rate, item.channels)
        elif isinstance(item, PatchTags):
            span = (self._clip, item.start_seconds, item.end_seconds)
            self._insert("patch_tags", [(*span, *row) for row in self._ranked(item.tags)])
        elif isinstance(item, Event):
            ((_, number, score),) = self._ranked([item.tag])
            span = (self._clip, item.onset_seconds, item.offset_seconds)
            self._insert("events", [(*span, number, score)])
        elif isinstance(item, ClipEnd):
            self._insert("clip_tags", [(self._clip, *row) for row in self._ranked(item.tags)])
            self._insert("warnings", [(self._clip, warning) for warning in item.warnings])
            self._finish("duration_seconds = ?, patches = ?", item.duration_seconds, item.patches)
        elif isinstance(item, ClipFailure):
            if not self._is_open:  # it could not even be opened
                self._begin(item.path, None, None)
            self._finish("error_type = ?, error = ?", item.type, item.message)

    def close(self) -> None:
        """End: complete the database, and copy it."""
        try:
            self._database.executescript(_INDEXES)
            self._database.execute("PRAGMA optimize")
            self._database.commit()
            self._database.close()
            with self._path.open("rb") as database:
                shutil.copyfileobj(database, self._stream)
        finally:
            self.abort()

    def abort(self) -> None:
        """Give up: remove the temporary file."""
        with contextlib.suppress(sqlite3.Error):
            self._database.close()
        self._folder.cleanup()

    def _begin(self, path: str, sample_rate_hz: int | None, channels: int | None) -> None:
        self._clip += 1
        self._is_open = True
        row = (self._clip, path, sample_rate_hz, channels, None, None, None, None)
        self._insert("clips", [row])

    def _finish(self, columns: str, *values: object) -> None:
        statement = f"UPDATE clips SET {columns} WHERE clip = ?"  # noqa: S608  # columns of ours
        self._database.execute(statement, (*values, self._clip))
        self._database.commit()
        self._is_open = False

    def _ranked(self, tags: Sequence[Tag]) -> list[tuple[int, int, float]]:
        """Give rank, class and score of tags, and name the classes that are new."""
        new = {tag.index: tag for tag in tags if tag.index not in self._classes}
        self._classes.update(new)
        self._insert("classes", [(tag.index, tag.mid, tag.name) for tag in new.values()])
        return [(rank, tag.index, tag.score) for rank, tag in enumerate(tags, start=1)]

    def _insert(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Insert rows; whatever a stranger named goes in as a value, never as text of SQL."""
        if rows:
            places = ", ".join("?" * len(rows[0]))
            statement = f"INSERT INTO {table} VALUES ({places})"  # noqa: S608  # tables of ours
            self._database.executemany(statement, rows)


def _flat(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Give values by keys such as ``model.name``; lists are JSON."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, (list, tuple)):
            yield prefix + key, json.dumps(value)
        else:
            yield prefix + key, value
