"""The journal of a run: what was finished, so that an interrupted or killed run can be resumed.

A clip and its results are one transaction, so after a kill at any moment the journal holds a clip
whole or not at all. A journal belongs to one run at a time. A clip is identified by its key and the
stamp of its file: see `yamkit.audio.file_stamp`. What is read is checked, since the file may be
of unknown origin.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from yamkit._util.text import path_text, printable
from yamkit._util.trees import make_folders
from yamkit.audio import file_stamp
from yamkit.errors import OutputError, ParameterError
from yamkit.run.checks import ItemOrder
from yamkit.run.info import fingerprint
from yamkit.run.journal_file import (
    SCHEMA,
    TABLES,
    journal_errors,
    open_database,
    read_head,
    read_parameters,
)
from yamkit.run.records import Record, from_record, to_record
from yamkit.types import ClipEnd, ClipFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from yamkit.run.checks import ItemLayout
    from yamkit.run.clips import Clip
    from yamkit.run.places import Places
    from yamkit.types import RunInfo, SinkItem

__all__ = ["Journal", "NoJournal", "open_journal"]

_ROWS_AT_ONCE = 16
_SHOWN = 60
"""Characters of a parameter in a message."""


def open_journal(
    places: Places,
    run: RunInfo,
    layout: ItemLayout,
    *,
    resume: bool,
    retry_failed: bool,
    is_corpus: bool,
) -> Journal | NoJournal:
    """Open the journal of a run's outputs, or one that keeps nothing where the run needs none.

    Parameters
    ----------
    places : Places
    run : RunInfo
    layout : ItemLayout
        Of the run's items.
    resume : bool
        Whether to resume an earlier run.
    retry_failed : bool
        The same, and tag the clips that failed again.
    is_corpus : bool
        Whether to keep a journal of files without being asked.

    Raises
    ------
    ParameterError
        If a run to standard output is to be resumed; and as `Journal`.
    OutputError
        If the folder of the journal cannot be made; and as `Journal`.
    """
    path = places.journal
    if not (resume or retry_failed or (is_corpus and path is not None)):
        return NoJournal()
    if path is None:
        raise ParameterError("--resume requires --output; standard output has no journal")
    try:
        make_folders(path.parent)
    except OSError as error:
        folder = printable(path.parent)
        raise OutputError(f"cannot write {folder}: {error.strerror}") from None
    return Journal(
        path,
        fingerprint(run),
        layout,
        resume=resume or retry_failed,
        retry_failed=retry_failed,
        keep_items=not places.per_clip,
        are_there=places.are_there,
    )


class NoJournal:
    """A journal that keeps nothing: every clip is tagged."""

    path: Path | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def lacks(self, clip: Clip) -> bool:  # noqa: ARG002
        """Return whether a clip is to be tagged."""
        return True

    def recorded(self, clip: Clip) -> Iterator[SinkItem]:  # noqa: ARG002
        """Yield the results that were recorded of a clip."""
        return iter(())

    def record(self, clip: Clip, item: SinkItem) -> None:
        """Record an item of a clip."""

    def finish(self) -> None:
        """Record that the run is finished."""

    def close(self) -> None:
        """Close the file."""


class Journal(NoJournal):
    """What was finished of a run, in a file.

    Parameters
    ----------
    path : Path
        Of the file; it is created where there is none.
    parameters : mapping of str to str
        Everything that results depend on.
    layout : ItemLayout
        Of the run's items.
    resume : bool
        Resume the run of an existing journal, rather than start over.
    retry_failed : bool
        Tag the clips that failed again.
    keep_items : bool
        Whether to keep results, and not only which clips are done, failures and warnings.
    are_there : callable
        Whether the own outputs of a clip, by its path, still exist.

    Raises
    ------
    ParameterError
        If the journal belongs to a run with other parameters, or, without `resume`, to one that was
        not finished.
    OutputError
        If the file is not a journal, another process is writing it, or it cannot be written.
    """

    path: Path

    def __init__(
        self,
        path: Path,
        parameters: Mapping[str, str],
        layout: ItemLayout,
        *,
        resume: bool = False,
        retry_failed: bool = False,
        keep_items: bool = True,
        are_there: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self.path, self._layout = path, layout
        self._keep_items, self._retry_failed = keep_items, retry_failed
        self._are_there = are_there
        self._lock = threading.Lock()
        self._number, self._place = 0, 0  # of the clip that is being written, and its next item
        with journal_errors(path):
            self._database = open_database(path)
        try:
            with journal_errors(path):
                self._begin(parameters, resume)
        except BaseException:
            self._database.close()
            raise

    def lacks(self, clip: Clip) -> bool:
        """Return whether a clip is to be tagged, and set its stamp if so.

        It is if it is new, if its file has changed, or if its own outputs are gone.
        """
        stamp = file_stamp(clip.path)
        state = None if stamp is None else self.state(_key(clip), stamp)
        is_lacking = self._retry_failed if state == "failed" else True
        if state == "done":
            is_lacking = not self._are_there(clip.path)
        if is_lacking:
            clip.stamp = stamp
        return is_lacking

    def recorded(self, clip: Clip) -> Iterator[SinkItem]:
        """Yield the results that were recorded of a clip; see `items`."""
        return self.items(_key(clip))

    def record(self, clip: Clip, item: SinkItem) -> None:
        """Record an item of a clip; see `write`."""
        self.write(_key(clip), clip.stamp, item)
        if isinstance(item, (ClipEnd, ClipFailure)):
            clip.stamp = None  # there may be millions of clips

    def state(self, key: str, stamp: tuple[int, int]) -> str | None:
        """Return ``done`` or ``failed``; None for a clip that is neither, or another file."""
        with self._lock, journal_errors(self.path):
            row = self._database.execute(
                "SELECT failed FROM clips WHERE key = ? AND size = ? AND modified_ns = ?",
                (key, *stamp),
            ).fetchone()
            if row is not None and row[0] not in (0, 1):
                raise ValueError("neither done nor failed")
        return None if row is None else "failed" if row[0] else "done"

    def items(self, key: str) -> Iterator[SinkItem]:
        """Yield the results of a clip.

        Where they were not kept: its failure, or an end with its warnings; else nothing.
        """
        layout = self._layout
        check = ItemOrder(layout, self._keep_items)
        place = -1
        with self._lock, journal_errors(self.path):
            number = self._number_of(key)
        while number is not None:
            with self._lock, journal_errors(self.path):
                rows = self._database.execute(
                    "SELECT place, record, scores, embedding FROM items WHERE clip = ? AND "
                    "place > ? ORDER BY place LIMIT ?",
                    (number, place, _ROWS_AT_ONCE),
                ).fetchall()
                items = []
                for new_place, *record in rows:
                    if type(new_place) is not int or new_place <= place:
                        raise ValueError("places out of order")
                    place = new_place
                    item = from_record(Record(*record), layout.classes, layout.dtype)
                    check.add(item)
                    items.append(item)
                if not rows:
                    check.end()
            if not rows:
                return
            yield from items

    def write(self, key: str, stamp: tuple[int, int] | None, item: SinkItem) -> None:
        """Write an item; the last one of a clip commits all its items to the journal.

        A clip without a stamp, such as standard input, is skipped.
        """
        if stamp is None:
            return
        if isinstance(item, ClipEnd) and not self._keep_items:
            item = replace(item, tags=(), scores=None, embedding=None, peaks=())
        record = to_record(item)
        with self._lock, journal_errors(self.path):
            if not self._database.in_transaction:
                self._database.execute("BEGIN")
                self._start(key, stamp)
            failed = isinstance(item, ClipFailure)
            if failed and self._place:  # the items before a failure are useless
                self._database.execute("DELETE FROM items WHERE clip = ?", (self._number,))
            if self._keep_items or failed or (isinstance(item, ClipEnd) and item.warnings):
                self._database.execute(
                    "INSERT INTO items VALUES (?, ?, ?, ?, ?)",
                    (self._number, self._place, *record),
                )
                self._place += 1
            if isinstance(item, (ClipEnd, ClipFailure)):
                self._database.execute(
                    "UPDATE clips SET failed = ? WHERE number = ?", (failed, self._number)
                )
                self._database.execute("COMMIT")

    def finish(self) -> None:
        """Record that the run is finished."""
        with self._lock, journal_errors(self.path):
            self._database.execute("INSERT OR REPLACE INTO about VALUES ('finished', 'yes')")

    def close(self) -> None:
        """Close the file; an unfinished clip is dropped."""
        with contextlib.suppress(sqlite3.Error):
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
        with contextlib.suppress(sqlite3.Error):
            self._database.close()

    def _begin(self, parameters: Mapping[str, str], resume: bool) -> None:
        database = self._database
        # from now on a second run is refused, and SQLite needs no shared memory, which network file
        # systems lack
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        is_new = not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if is_new:
            # to the file itself, before SQLite logs next to it: a later check reads only the file
            database.execute("BEGIN IMMEDIATE")
            for statement in TABLES.values():
                database.execute(statement)
            self._write_head(parameters)
            database.execute("COMMIT")
        head = read_head(database)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("BEGIN IMMEDIATE")
        if resume:
            self._check_same(head, parameters)
        elif "finished" not in head:
            count = database.execute("SELECT count(*) FROM clips").fetchone()[0]
            if count:
                raise ParameterError(
                    f"{printable(self.path)}: the run is not finished, {count:,} clips done; "
                    "continue with --resume, or start over: yamkit journal clean "
                    f"{printable(self.path)}"
                )
        if not resume:
            for table in TABLES:
                database.execute(f"DELETE FROM {table}")  # noqa: S608  # a name of this module
            self._write_head(parameters)
        database.execute("DELETE FROM about WHERE name = 'finished'")
        database.execute("COMMIT")

    def _write_head(self, parameters: Mapping[str, str]) -> None:
        head = {
            "schema": SCHEMA,
            "items": str(self._keep_items),
            "parameters": json.dumps(dict(parameters)),
        }
        self._database.executemany("INSERT INTO about VALUES (?, ?)", head.items())

    def _check_same(self, head: Mapping[str, str], parameters: Mapping[str, str]) -> None:
        earlier = read_parameters(head)
        differing = [
            f"{printable(name):.{_SHOWN}} is {_shown(earlier.get(name))} in the journal and "
            f"{_shown(parameters.get(name))} here"
            for name in dict.fromkeys([*parameters, *earlier])
            if earlier.get(name) != parameters.get(name)
        ]
        if head["items"] != str(self._keep_items):
            outputs = ("one output for each clip", "one output for all clips")
            there, here = outputs if self._keep_items else outputs[::-1]
            differing.append(f"the journal has {there}, this run {here}")
        if differing:
            more = f" and {len(differing) - 5} more" if len(differing) > 5 else ""
            raise ParameterError(
                f"{printable(self.path)}: belongs to another run: "
                f"{', '.join(differing[:5])}{more}; name another output, or start over: yamkit "
                f"journal clean {printable(self.path)}"
            )

    def _number_of(self, key: str) -> int | None:
        row = self._database.execute("SELECT number FROM clips WHERE key = ?", (key,)).fetchone()
        return None if row is None else row[0]

    def _start(self, key: str, stamp: tuple[int, int]) -> None:
        """Insert a clip; remove what was recorded of another file of its name."""
        number = self._number_of(key)
        if number is not None:
            self._database.execute("DELETE FROM items WHERE clip = ?", (number,))
            self._database.execute("DELETE FROM clips WHERE number = ?", (number,))
        inserted = self._database.execute(
            "INSERT INTO clips (key, size, modified_ns, failed) VALUES (?, ?, ?, 0)", (key, *stamp)
        )
        self._number, self._place = inserted.lastrowid or 0, 0


def _shown(value: str | None) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."


def _key(clip: Clip) -> str:
    return clip.key or path_text(clip.path)
