"""The journal of a run: what was finished, so that a run that was killed goes on where it stopped.

One SQLite file beside the output. A clip and all that came of it are one transaction, so after a
kill at any moment a clip is there whole or not at all. The file belongs to one run at a time. A
clip is known by its key and by the stamp of its file: see `yamkit.audio.file_stamp`.

A file that is there may be anybody's. It is opened for writing once its tables are known to be
those of a journal, and what is read from it is checked as the words of a stranger.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sqlite3
import stat
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote_from_bytes

from yamkit._util.replace import refuse_link
from yamkit._util.text import printable
from yamkit.errors import OutputError, ParameterError
from yamkit.run.records import DAMAGE, ItemOrder, Record, from_record, to_record
from yamkit.types import ClipEnd, ClipFailure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from yamkit.types import SinkItem, TagClass

__all__ = ["About", "Journal", "read_about", "remove_journal"]

_SCHEMA = "yamkit-journal/1"
_TABLES = {
    "about": "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "clips": "CREATE TABLE clips (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, "
    "size INTEGER NOT NULL, modified_ns INTEGER NOT NULL, failed INTEGER NOT NULL)",
    "items": "CREATE TABLE items (clip INTEGER NOT NULL, place INTEGER NOT NULL, "
    "record TEXT NOT NULL, scores BLOB, embedding BLOB, PRIMARY KEY (clip, place)) WITHOUT ROWID",
}


_AUTOINDEXES = {"sqlite_autoindex_about_1", "sqlite_autoindex_clips_1"}
_SIDE_FILES = ("-wal", "-shm", "-journal")
_MOST_BYTES = 1 << 24
"""Of a value; a record holds the tags of a patch at most, or a clip's warnings."""
_ROWS_AT_ONCE = 16
_SHOWN = 60
"""Characters of a parameter in a message."""


@dataclass(frozen=True)
class About:
    """What a journal says of its run.

    Attributes
    ----------
    parameters : dict of str to str
        All that results depend on.
    done, failed : int
        Clips that were tagged, and those that failed.
    has_items : bool
        Whether it holds results, and not only that they are there.
    is_finished : bool
        Whether the run came to its end.
    size_bytes : int
        Of the file.
    """

    parameters: dict[str, str]
    done: int
    failed: int
    has_items: bool
    is_finished: bool
    size_bytes: int


def read_about(path: Path) -> About:
    """Tell what a journal holds.

    Raises
    ------
    OutputError
        If the file is no journal, cannot be read, or belongs to a run that goes on.
    """
    with _guard(path):
        if not _is_there(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        _check_foreign(path)
        database = _connect(path, "rw")
        with contextlib.closing(database):
            database.execute("PRAGMA query_only = ON")
            database.execute("PRAGMA locking_mode = EXCLUSIVE")  # as the run does
            about = _read_head(database)
            counts = dict(database.execute("SELECT failed, count(*) FROM clips GROUP BY failed"))
            return About(
                _parameters(about),
                counts.get(0, 0),
                counts.get(1, 0),
                about["items"] == "True",
                "finished" in about,
                path.stat().st_size,
            )


def remove_journal(path: Path) -> None:
    """Remove a journal, and what SQLite keeps beside it.

    Raises
    ------
    OutputError
        As `read_about`, or if it cannot be removed.
    """
    read_about(path)
    with _guard(path):
        for suffix in ("", *_SIDE_FILES):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


class Journal:
    """What was finished of a run.

    Parameters
    ----------
    path : Path
        Of the file; it is made where there is none.
    parameters : mapping of str to str
        All that results depend on.
    classes : sequence of TagClass
        The model's.
    dtype : str
        Of arrays that come with results.
    resume : bool
        Go on with a journal that is there, rather than begin anew.
    keep_items : bool
        Whether results are kept, and not only that they are there, failures and warnings.
    arrays : mapping of str to int, optional
        Names and lengths of the arrays that come with results; None where these are unknown.
    per_patch : bool
        Whether they come with patches, rather than with the end of a clip.

    Raises
    ------
    ParameterError
        If the journal is of a run with other parameters, or, without `resume`, of one that was not
        finished.
    OutputError
        If the file is no journal, belongs to a run that goes on, or cannot be written.
    """

    def __init__(
        self,
        path: Path,
        parameters: Mapping[str, str],
        classes: Sequence[TagClass],
        *,
        dtype: str = "float16",
        resume: bool = False,
        keep_items: bool = True,
        arrays: Mapping[str, int] | None = None,
        per_patch: bool = False,
    ) -> None:
        self._path, self._classes, self._dtype = path, classes, dtype
        self._keep_items = keep_items
        self._arrays, self._per_patch = arrays, per_patch
        self._lock = threading.Lock()
        self._number, self._place = 0, 0  # of the clip that is being written, and its next item
        with _guard(path):
            if _is_there(path):
                _check_foreign(path)
            self._database = _connect(path, "rwc")
        try:
            with _guard(path):
                self._begin(parameters, resume)
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def state(self, key: str, stamp: tuple[int, int]) -> str | None:
        """Tell whether a clip is ``done`` or ``failed``; None where neither, or another file."""
        with self._lock, _guard(self._path):
            row = self._database.execute(
                "SELECT failed FROM clips WHERE key = ? AND size = ? AND modified_ns = ?",
                (key, *stamp),
            ).fetchone()
            if row is not None and row[0] not in (0, 1):
                raise ValueError("neither done nor failed")
        return None if row is None else "failed" if row[0] else "done"

    def items(self, key: str) -> Iterator[SinkItem]:
        """Give the results of a clip again.

        Where they were not kept: its failure, or an end that has its warnings; else nothing.
        """
        check = ItemOrder(len(self._classes), self._keep_items, self._arrays, self._per_patch)
        place = -1
        with self._lock, _guard(self._path):
            number = self._number_of(key)
        while number is not None:
            with self._lock, _guard(self._path):
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
                    items.append(from_record(Record(*record), self._classes, self._dtype))
                    check.add(items[-1])
                if not rows:
                    check.end()
            if not rows:
                return
            yield from items

    def write(self, key: str, stamp: tuple[int, int] | None, item: SinkItem) -> None:
        """Keep an item; with the last one of a clip, all of its become part of the journal.

        A clip without a stamp, such as standard input, is passed over.
        """
        if stamp is None:
            return
        if isinstance(item, ClipEnd) and not self._keep_items:
            item = replace(item, tags=(), scores=None, embedding=None, peaks=())
        record = to_record(item)
        with self._lock, _guard(self._path):
            if not self._database.in_transaction:
                self._database.execute("BEGIN")
                self._start(key, stamp)
            failed = isinstance(item, ClipFailure)
            if failed and self._place:  # what came before it failed is of no use
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
        """Note that the run came to its end."""
        with self._lock, _guard(self._path):
            self._database.execute("INSERT OR REPLACE INTO about VALUES ('finished', 'yes')")

    def close(self) -> None:
        """Close the file; a clip that was not finished is forgotten."""
        with contextlib.suppress(sqlite3.Error):
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
        with contextlib.suppress(sqlite3.Error):
            self._database.close()

    def _begin(self, parameters: Mapping[str, str], resume: bool) -> None:
        database = self._database
        # held from now on: a second run is refused, and no shared memory is needed, which a network
        # file system does not have
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        is_new = not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if is_new:
            # into the file itself, before anything is logged beside it: see `_check_foreign`
            database.execute("BEGIN IMMEDIATE")
            for statement in _TABLES.values():
                database.execute(statement)
            self._write_head(parameters)
            database.execute("COMMIT")
        about = _read_head(database)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("BEGIN IMMEDIATE")
        if resume:
            self._check_same(about, parameters)
        elif "finished" not in about:
            count = database.execute("SELECT count(*) FROM clips").fetchone()[0]
            if count:
                raise ParameterError(
                    f"{printable(self._path)}: a run that was not finished, {count:,} clips "
                    "done; go on with --resume, or begin anew: yamkit journal clean "
                    f"{printable(self._path)}"
                )
        if not resume:
            for table in _TABLES:
                database.execute(f"DELETE FROM {table}")  # noqa: S608  # a table of ours
            self._write_head(parameters)
        database.execute("DELETE FROM about WHERE name = 'finished'")
        database.execute("COMMIT")

    def _write_head(self, parameters: Mapping[str, str]) -> None:
        head = {
            "schema": _SCHEMA,
            "items": str(self._keep_items),
            "parameters": json.dumps(dict(parameters)),
        }
        self._database.executemany("INSERT INTO about VALUES (?, ?)", head.items())

    def _check_same(self, about: Mapping[str, str], parameters: Mapping[str, str]) -> None:
        earlier = _parameters(about)
        differing = [
            f"{printable(name):.{_SHOWN}} {_shown(earlier.get(name))} there and "
            f"{_shown(parameters.get(name))} here"
            for name in dict.fromkeys([*parameters, *earlier])
            if earlier.get(name) != parameters.get(name)
        ]
        if about["items"] != str(self._keep_items):
            outputs = ("one output a clip", "one for all")
            there, here = outputs if self._keep_items else outputs[::-1]
            differing.append(f"{there} there and {here} here")
        if differing:
            more = f" and {len(differing) - 5} more" if len(differing) > 5 else ""
            raise ParameterError(
                f"{printable(self._path)}: the journal of another run: "
                f"{', '.join(differing[:5])}{more}; name another output, or begin anew: yamkit "
                f"journal clean {printable(self._path)}"
            )

    def _number_of(self, key: str) -> int | None:
        row = self._database.execute("SELECT number FROM clips WHERE key = ?", (key,)).fetchone()
        return None if row is None else row[0]

    def _start(self, key: str, stamp: tuple[int, int]) -> None:
        """Make room for a clip; what is there of another file of its name goes."""
        number = self._number_of(key)
        if number is not None:
            self._database.execute("DELETE FROM items WHERE clip = ?", (number,))
            self._database.execute("DELETE FROM clips WHERE number = ?", (number,))
        inserted = self._database.execute(
            "INSERT INTO clips (key, size, modified_ns, failed) VALUES (?, ?, ?, 0)", (key, *stamp)
        )
        self._number, self._place = inserted.lastrowid or 0, 0


def _is_there(path: Path) -> bool:
    """Tell whether there is a file that is not empty; refuse links, and what is no file."""
    for suffix in ("", *_SIDE_FILES):
        refuse_link(path.with_name(path.name + suffix))
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("no file")
    return found.st_size > 0


def _check_foreign(path: Path) -> None:
    """See that a file has the tables of a journal, without a change to it or to its folder.

    The tables come into the file itself before anything is logged beside it.
    """
    database = _connect(path, "ro&immutable=1")
    with contextlib.closing(database):
        _check_tables(database)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    place = path.absolute().as_posix()
    root = "" if place.startswith("/") else "/"  # none before a drive; SQLite wants no host
    database = sqlite3.connect(
        f"file://{root}{quote_from_bytes(os.fsencode(place))}?mode={mode}",
        uri=True,
        timeout=0,
        isolation_level=None,
        check_same_thread=False,
    )
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_BYTES)
    database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    database.text_factory = _decoded
    database.execute("PRAGMA trusted_schema = OFF")
    return database


def _decoded(data: bytes) -> str:
    return data.decode("utf-8")


def _check_tables(database: sqlite3.Connection) -> None:
    """Refuse a database with other tables, or with anything beside them, such as triggers."""
    wanted: set[tuple[str, str, str | None]] = {
        ("table", name, sql) for name, sql in _TABLES.items()
    }
    wanted |= {("index", name, None) for name in _AUTOINDEXES}
    found = database.execute(
        "SELECT type, name, sql FROM sqlite_master LIMIT ?", (len(wanted) + 1,)
    ).fetchall()
    if set(found) != wanted:
        raise ValueError("other tables")


def _read_head(database: sqlite3.Connection) -> dict[str, str]:
    """Read what a journal says of itself, once its tables are known."""
    _check_tables(database)
    about = dict(database.execute("SELECT name, value FROM about LIMIT ?", (_ROWS_AT_ONCE,)))
    if about["schema"] != _SCHEMA or about["items"] not in ("True", "False"):
        raise ValueError("another schema")
    _parameters(about)
    return about


def _parameters(about: Mapping[str, Any]) -> dict[str, str]:
    found = json.loads(about["parameters"])
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise TypeError("not parameters")
    return found


def _shown(value: str | None) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."


@contextlib.contextmanager
def _guard(path: Path) -> Iterator[None]:
    """Say in a line what the database has to say, or that the file is no journal."""
    try:
        yield
    except (OutputError, ParameterError):
        raise
    except sqlite3.OperationalError as error:
        text = str(error)
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            text = "another run is writing it; wait for its end, or name another output"
        failure = OutputError(f"{printable(path)}: {text}")
        if code == sqlite3.SQLITE_FULL:
            failure.errno = errno.ENOSPC
        raise failure from None
    except (sqlite3.DatabaseError, *DAMAGE):
        raise OutputError(
            f"{printable(path)}: no journal of this version of yamkit; remove it to begin anew"
        ) from None
    except OSError as error:
        raise OutputError(f"{printable(path)}: {error.strerror or error}") from None
