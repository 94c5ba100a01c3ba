"""The SQLite file of a journal: its tables, and the checks before it is trusted.

The file may be of unknown origin. It is opened for writing only once its tables are known to be
those of a journal.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sqlite3
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_from_bytes

from yamkit._util.replace import refuse_link
from yamkit._util.text import printable
from yamkit.errors import OutputError, ParameterError
from yamkit.run.checks import DAMAGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = [
    "SCHEMA",
    "TABLES",
    "JournalSummary",
    "journal_errors",
    "open_database",
    "read_head",
    "read_parameters",
    "read_summary",
    "remove_journal",
]

SCHEMA = "yamkit-journal/1"
TABLES = {
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


@dataclass(frozen=True)
class JournalSummary:
    """What a journal says about its run.

    Attributes
    ----------
    parameters : dict of str to str
        Everything that results depend on.
    done, failed : int
        Clips that were tagged, and those that failed.
    has_items : bool
        Whether it holds results, and not only which clips are done.
    is_finished : bool
        Whether the run was finished.
    size_bytes : int
        Of the file.
    """

    parameters: dict[str, str]
    done: int
    failed: int
    has_items: bool
    is_finished: bool
    size_bytes: int


def read_summary(path: Path) -> JournalSummary:
    """Return what a journal holds.

    Raises
    ------
    OutputError
        If the file is not a journal, cannot be read, or another process is writing it.
    """
    with journal_errors(path):
        if not _is_there(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        _check_foreign(path)
        database = _connect(path, "rw")
        with contextlib.closing(database):
            database.execute("PRAGMA query_only = ON")
            database.execute("PRAGMA locking_mode = EXCLUSIVE")  # as the run does
            head = read_head(database)
            counts = dict(database.execute("SELECT failed, count(*) FROM clips GROUP BY failed"))
            return JournalSummary(
                read_parameters(head),
                counts.get(0, 0),
                counts.get(1, 0),
                head["items"] == "True",
                "finished" in head,
                path.stat().st_size,
            )


def remove_journal(path: Path) -> None:
    """Remove a journal, and the files that SQLite keeps next to it.

    Raises
    ------
    OutputError
        As `read_summary`, or if it cannot be removed.
    """
    read_summary(path)
    with journal_errors(path):
        for suffix in ("", *_SIDE_FILES):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def open_database(path: Path) -> sqlite3.Connection:
    """Open the database of a journal for writing; create it where there is none."""
    if _is_there(path):
        _check_foreign(path)
    return _connect(path, "rwc")


def _is_there(path: Path) -> bool:
    """Return whether there is a file that is not empty; refuse a link, a folder or a device."""
    for suffix in ("", *_SIDE_FILES):
        refuse_link(path.with_name(path.name + suffix))
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("not a regular file")
    return found.st_size > 0


def _check_foreign(path: Path) -> None:
    """Check that a file has the tables of a journal, without changing it or its folder.

    The tables are written to the file itself before SQLite logs anything next to it.
    """
    database = _connect(path, "ro&immutable=1")
    with contextlib.closing(database):
        _check_tables(database)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    place = path.absolute().as_posix()
    root = "" if place.startswith("/") else "/"  # a drive has none; SQLite takes no host
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
    """Refuse a database with other tables, or with anything else, such as triggers."""
    expected: set[tuple[str, str, str | None]] = {
        ("table", name, sql) for name, sql in TABLES.items()
    }
    expected |= {("index", name, None) for name in _AUTOINDEXES}
    found = database.execute(
        "SELECT type, name, sql FROM sqlite_master LIMIT ?", (len(expected) + 1,)
    ).fetchall()
    if set(found) != expected:
        raise ValueError("other tables")


def read_head(database: sqlite3.Connection) -> dict[str, str]:
    """Return the names and values of a journal's head, once its tables are checked."""
    _check_tables(database)
    head = dict(database.execute("SELECT name, value FROM about LIMIT ?", (_ROWS_AT_ONCE,)))
    if head["schema"] != SCHEMA or head["items"] not in ("True", "False"):
        raise ValueError("another schema")
    read_parameters(head)
    return head


def read_parameters(head: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters in a head."""
    found = json.loads(head["parameters"])
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise TypeError("not parameters")
    return found


@contextlib.contextmanager
def journal_errors(path: Path) -> Iterator[None]:
    """Turn errors of the database and of the system into `OutputError`, in one line."""
    try:
        yield
    except (OutputError, ParameterError):
        raise
    except sqlite3.OperationalError as error:
        text = str(error)
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            text = "another run is writing it; wait until it ends, or name another output"
        failure = OutputError(f"{printable(path)}: {text}")
        if code == sqlite3.SQLITE_FULL:
            failure.errno = errno.ENOSPC
        raise failure from None
    except (sqlite3.DatabaseError, *DAMAGE):
        raise OutputError(
            f"{printable(path)}: not a journal of this version of yamkit; remove it to start over"
        ) from None
    except OSError as error:
        raise OutputError(f"{printable(path)}: {error.strerror or error}") from None
