"""Writes one SQLite database: built in a temporary file, then copied to the stream."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from contextlib import ExitStack, closing, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import IO, TYPE_CHECKING

from yamkit.errors import OutputError
from yamkit.types import ClipEnd, ClipFailure, ClipStart, Event, PatchTags

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from yamkit.types import RunInfo, SinkItem, Tag

__all__ = ["SqliteSink"]

_CLASS = "INSERT INTO classes VALUES (?, ?, ?)"
_CLIP = "INSERT INTO clips VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_WARNING = "INSERT INTO warnings VALUES (?, ?)"
_CLIP_TAG = "INSERT INTO clip_tags VALUES (?, ?, ?, ?)"
_PATCH_TAG = "INSERT INTO patch_tags VALUES (?, ?, ?, ?, ?, ?)"
_EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, ?)"

_BATCH_ROWS = 10_000
"""Rows of a transaction; fewer are slower, and more are not faster."""


class SqliteSink:
    """The output format; see `yamkit.plugin.Sink` for the order of calls.

    The stream may be a pipe, but SQLite needs a file in which it can seek. Memory does not grow
    with the corpus.
    """

    def open(self, run: RunInfo, stream: IO[bytes]) -> None:
        """Create the database, and write the row of the run."""
        self._stream = stream
        self._start: ClipStart | None = None
        self._clip_id = 1
        self._classes: set[int] = set()
        self._pending = 0
        with ExitStack() as held, _temporary_files():
            folder = held.enter_context(tempfile.TemporaryDirectory(prefix="yamkit-sqlite-"))
            self._path = Path(folder) / "tags.db"
            self._database = held.enter_context(closing(sqlite3.connect(self._path)))
            # a file that is deleted after an error needs no journal
            self._database.execute("PRAGMA journal_mode = OFF")
            self._database.execute("PRAGMA synchronous = OFF")
            self._database.executescript(_script("_schema.sql"))
            row = _run_row(run)
            places = ", ".join("?" * len(row))
            self._insert(f"INSERT INTO runs VALUES ({places})", [row])  # noqa: S608  # only ?
            self._held = held.pop_all()

    def write(self, item: SinkItem) -> None:
        """Write one item; items of unknown types are ignored."""
        with _temporary_files():
            if isinstance(item, ClipStart):
                self._start = item
            elif isinstance(item, PatchTags):
                place = (self._clip_id, item.start_seconds, item.end_seconds)
                self._insert(_PATCH_TAG, [(*place, *row) for row in self._ranked(item.tags)])
            elif isinstance(item, Event):
                ((number, _, score),) = self._ranked([item.tag])
                place = (self._clip_id, item.onset_seconds, item.offset_seconds)
                self._insert(_EVENT, [(*place, number, score)])
            elif isinstance(item, ClipEnd):
                tags = self._ranked(item.tags)
                self._insert(_CLIP_TAG, [(self._clip_id, *row) for row in tags])
                self._insert(_WARNING, [(self._clip_id, warning) for warning in item.warnings])
                assert self._start is not None
                self._end(self._start.path, item.duration_seconds, item.patches, None, None)
            elif isinstance(item, ClipFailure):
                self._end(item.path, None, None, item.type, item.message)

    def close(self) -> None:
        """Complete the database, and copy it."""
        with self._held:
            with _temporary_files():
                self._database.executescript(_script("_indexes.sql"))
                self._database.close()
            with self._path.open("rb") as database:
                shutil.copyfileobj(database, self._stream)

    def abort(self) -> None:
        """Remove the temporary file."""
        self._held.close()

    def _end(self, path: str, *rest: object) -> None:
        """Write the row of a clip; if it could not be opened, it has no rate and no channels."""
        start = self._start
        sound = (None, None) if start is None else (start.sample_rate, start.channels)
        self._insert(_CLIP, [(self._clip_id, path, *sound, *rest)])
        self._start = None
        self._clip_id += 1

    def _ranked(self, tags: Sequence[Tag]) -> list[tuple[int, int, float]]:
        """Return class, rank and score of tags, and insert classes that are new."""
        new = {tag.index: tag for tag in tags if tag.index not in self._classes}
        self._classes.update(new)
        self._insert(_CLASS, [(tag.index, tag.mid, tag.name) for tag in new.values()])
        return [(tag.index, rank, tag.score) for rank, tag in enumerate(tags, start=1)]

    def _insert(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Insert rows; names are values of a statement, never part of its text."""
        self._database.executemany(statement, rows)
        self._pending += len(rows)
        if self._pending >= _BATCH_ROWS:
            self._database.commit()
            self._pending = 0


def _run_row(run: RunInfo) -> tuple[object, ...]:
    """Return the values of `runs`, in the order of its columns."""
    model, parameters, events = run.model, run.parameters, run.parameters.events
    return (
        1,
        run.yamkit,
        model.name,
        model.version,
        model.sha256,
        model.source,
        model.classes,
        run.backend,
        run.frontend,
        run.resampler,
        run.provider,
        parameters.aggregate,
        parameters.hop_seconds,
        parameters.threshold,
        parameters.top,
        parameters.score_kind,
        parameters.calibration or None,
        parameters.class_thresholds or None,
        None if parameters.classes is None else json.dumps(parameters.classes),
        parameters.roll_up,
        None if events is None else events.enter,
        None if events is None else events.leave,
        None if events is None else events.cells,
        None if events is None else events.score,
        None if events is None else events.median_cells,
        None if events is None else events.min_duration_seconds,
        None if events is None else events.join_gap_seconds,
        run.per_patch,
        *run.shard,
        str(parameters.channel),
        parameters.stream,
    )


def _script(name: str) -> str:
    return (files("yamkit_sqlite") / name).read_text("utf-8")


@contextmanager
def _temporary_files() -> Iterator[None]:
    """Name the temporary folder in errors; the core knows only the path of the output."""
    try:
        yield
    except sqlite3.OperationalError as error:
        folder = tempfile.gettempdir()
        message = f"cannot build a database in {folder}: {error}; set TMPDIR to another folder"
        raise OutputError(message) from error
