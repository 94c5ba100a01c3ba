"""The journal of a run: what was finished, so that a run that was killed goes on where it stopped.

One SQLite file beside the output. A clip and all that came of it are one transaction, so after a
kill at any moment a clip is there whole or not at all. The file belongs to one run at a time. A
clip is known by its key and by the stamp of its file: see `yamkit.audio.file_stamp`.
"""

from __future__ import annotations

import contextlib
import errno
import json
import sqlite3
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from yamkit._records import DAMAGE, Record, from_record, to_record
from yamkit._replace import refuse_link
from yamkit._text import printable
from yamkit.errors import OutputError, ParameterError
from yamkit.types import ClipEnd, ClipFailure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from yamkit.types import SinkItem, TagClass

__all__ = ["Journal"]

_SCHEMA = "yamkit-journal/1"
_TABLES = {
    "about": "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "clips": "CREATE TABLE clips (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, "
    "size INTEGER NOT NULL, modified_ns INTEGER NOT NULL, failed INTEGER NOT NULL)",
    "items": "CREATE TABLE items (clip INTEGER NOT NULL, place INTEGER NOT NULL, "
    "record TEXT NOT NULL, scores BLOB, embedding BLOB, PRIMARY KEY (clip, place)) WITHOUT ROWID",
}


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
    ) -> None:
        self._path, self._classes, self._dtype = path, classes, dtype
        self._keep_items = keep_items
        self._lock = threading.Lock()
        self._number, self._place = 0, 0  # of the clip that is being written, and its next item
        with self._guard():
            for suffix in ("", "-wal", "-shm", "-journal"):
                refuse_link(path.with_name(path.name + suffix))
            self._database = sqlite3.connect(
                path, timeout=0, isolation_level=None, check_same_thread=False
            )
        try:
            with self._guard():
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
        with self._lock, self._guard():
            row = self._database.execute(
                "SELECT failed FROM clips WHERE key = ? AND size = ? AND modified_ns = ?",
                (key, *stamp),
            ).fetchone()
        return None if row is None else "failed" if row[0] else "done"

    def items(self, key: str) -> Iterator[SinkItem]:
        """Give the results of a clip again.

        Where they were not kept: its failure, or an end that has its warnings; else nothing.
        """
        place = -1
        while True:
            with self._lock, self._guard():
                rows = self._database.execute(
                    "SELECT place, record, scores, embedding FROM items WHERE clip = "
                    "(SELECT number FROM clips WHERE key = ?) AND place > ? ORDER BY place "
                    "LIMIT 256",
                    (key, place),
                ).fetchall()
            if not rows:
                return
            place = rows[-1][0]
            try:
                items = [from_record(Record(*row[1:]), self._classes, self._dtype) for row in rows]
            except DAMAGE as error:
                raise self._damaged() from error
            yield from items

    def write(self, key: str, stamp: tuple[int, int] | None, item: SinkItem) -> None:
        """Keep an item; with the last one of a clip, all of its become part of the journal.

        A clip without a stamp, such as standard input, is passed over.
        """
        if stamp is None:
            return
        with self._lock, self._guard():
            if not self._database.in_transaction:
                self._database.execute("BEGIN")
                self._start(key, stamp)
            failed = isinstance(item, ClipFailure)
            if failed and self._place:  # what came before it failed is of no use
                self._database.execute("DELETE FROM items WHERE clip = ?", (self._number,))
            if isinstance(item, ClipEnd) and not self._keep_items:
                item = replace(item, tags=(), scores=None, embedding=None, peaks=())
            if self._keep_items or failed or (isinstance(item, ClipEnd) and item.warnings):
                self._database.execute(
                    "INSERT INTO items VALUES (?, ?, ?, ?, ?)",
                    (self._number, self._place, *to_record(item)),
                )
                self._place += 1
            if isinstance(item, (ClipEnd, ClipFailure)):
                self._database.execute(
                    "UPDATE clips SET failed = ? WHERE number = ?", (failed, self._number)
                )
                self._database.execute("COMMIT")

    def finish(self) -> None:
        """Note that the run came to its end."""
        with self._lock, self._guard():
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
        database.execute("PRAGMA trusted_schema = OFF")
        # held from now on: a second run is refused, and no shared memory is needed, which a network
        # file system does not have
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("BEGIN IMMEDIATE")
        found = dict(
            database.execute(
                "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_autoindex_%'"
            ).fetchall()
        )
        if found and found != _TABLES:
            raise self._damaged()
        if found:
            about = dict(database.execute("SELECT name, value FROM about").fetchall())
            if resume:
                self._check_same(about, parameters)
            elif "finished" not in about:
                count = database.execute("SELECT count(*) FROM clips").fetchone()[0]
                if count:
                    raise ParameterError(
                        f"{printable(self._path)}: a run that was not finished, {count:,} clips "
                        "done; go on with --resume, or remove the journal to begin anew"
                    )
            if not resume:
                for table in _TABLES:
                    database.execute(f"DROP TABLE {table}")
        if not found or not resume:
            for statement in _TABLES.values():
                database.execute(statement)
            database.execute("INSERT INTO about VALUES ('schema', ?)", (_SCHEMA,))
            database.execute("INSERT INTO about VALUES ('items', ?)", (str(self._keep_items),))
            database.execute(
                "INSERT INTO about VALUES ('parameters', ?)", (json.dumps(dict(parameters)),)
            )
        database.execute("DELETE FROM about WHERE name = 'finished'")
        database.execute("COMMIT")

    def _check_same(self, about: Mapping[str, str], parameters: Mapping[str, str]) -> None:
        try:
            there = json.loads(about["parameters"])
            differing = [
                f"{name} {there.get(name)!r} there and {parameters.get(name)!r} here"
                for name in dict.fromkeys([*there, *parameters])
                if there.get(name) != parameters.get(name)
            ]
            kept = about["items"]
        except (*DAMAGE, AttributeError) as error:
            raise self._damaged() from error
        if self._keep_items and kept != "True":
            differing.append("one output a clip there and one for all here")
        if differing:
            raise ParameterError(
                f"{printable(self._path)}: the journal of another run: {', '.join(differing)}; "
                "name another output, or remove the journal to begin anew"
            )

    def _start(self, key: str, stamp: tuple[int, int]) -> None:
        """Make room for a clip; what is there of another file of its name goes."""
        row = self._database.execute("SELECT number FROM clips WHERE key = ?", (key,)).fetchone()
        if row is not None:
            self._database.execute("DELETE FROM items WHERE clip = ?", row)
            self._database.execute("DELETE FROM clips WHERE number = ?", row)
        inserted = self._database.execute(
            "INSERT INTO clips (key, size, modified_ns, failed) VALUES (?, ?, ?, 0)", (key, *stamp)
        )
        self._number, self._place = inserted.lastrowid or 0, 0

    def _damaged(self) -> OutputError:
        return OutputError(
            f"{printable(self._path)}: no journal of this version of yamkit; remove it to begin "
            "anew"
        )

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        """Say in a line what the database has to say."""
        try:
            yield
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorcode", None)
            text = str(error)
            if code == getattr(sqlite3, "SQLITE_BUSY", 5) or "locked" in text:
                text = "another run is writing it; wait for its end, or name another output"
            failure = OutputError(f"{printable(self._path)}: {text}")
            if "full" in text:
                failure.errno = errno.ENOSPC
            raise failure from None
        except (sqlite3.DatabaseError, OverflowError):
            raise self._damaged() from None
        except OSError as error:
            raise OutputError(f"{printable(self._path)}: {error.strerror or error}") from None
