"""Changes bytes at random, and what holds them: archives, tables, databases, numbers in text."""

from __future__ import annotations

import contextlib
import io
import random
import re
import sqlite3
import struct
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

__all__ = ["MOST_BYTES", "mutated"]

MOST_BYTES = 2**19

_TOKENS = [
    b"\0", b"\n", b"\r\n", b'"', b"'", b",", b";", b"\t", b"=", b"[", b"]", b"{", b"}", b"#", b".",
    b"\x1b[31m", b"\x7f", b"\xc2\x9b", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xb2\x80", b"../", b"-",
    b"nan", b"inf", b"-inf", b"1e999", b"-1", b"0x", b"1_0", b"true", b"null", b"0" * 5000,
    b"RIFF", b"RF64", b"data", b"fmt ", b"ds64", b"LIST", b"fLaC", b"OggS", b"ID3", b"moov",
    b"mdat", b"stts", b"\x93NUMPY", b"'shape': (", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"TREE",
    b"SNOD", b"HEAP", b"path,labels\n",
]  # fmt: skip
_NUMBERS = [0, 1, 2, 127, 128, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**64 - 1]
_WORDS = [
    b"0", b"-1", b"1", b"2", b"65536", b"4294967295", b"9223372036854775807", b"1000000000000",
    b"1e308", b"1e-308", b"nan", b"inf", b"0x10", b"1_0", b"0.1e", b"9" * 400, b"9" * 5000,
]  # fmt: skip
_VALUES = [
    None, 0, 1, -1, 2**63 - 1, float("nan"), float("inf"), 1e308, "", "x", b"\xed\xa0\x80",
    "a\x1b\n", "[" * 5000, '{"a": 1}', "[1, 2]", "true", b"", b"\0" * 7, bytes(4096),
]  # fmt: skip


def mutated(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Change a file in one to eight ways.

    Parameters
    ----------
    data : bytes
    others : sequence of bytes
        Files of the same kind, to take pieces of.
    chance : random.Random
        Decides all: the same state gives the same bytes.
    """
    if chance.random() < 0.5:
        for magic, change in ((b"PK\3\4", _archive), (b"SQLite format 3\0", _database)):
            if data.startswith(magic):
                with contextlib.suppress(*_UNREADABLE):
                    return change(data, others, chance)[:MOST_BYTES]
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5, 8))):
        data = chance.choice(_CHANGES)(data, others, chance)[:MOST_BYTES]
    return data


_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    sqlite3.Error,
    OSError,
    ValueError,
    RuntimeError,
    EOFError,
    LookupError,
)


def _place(data: bytes, chance: random.Random) -> int:
    """Choose a place: often in the header, where little does much."""
    end = min(len(data), 512) if chance.random() < 0.5 else len(data)
    return chance.randint(0, end)


def _flip(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    if not data:
        return data
    changed = bytearray(data)
    changed[min(_place(data, chance), len(data) - 1)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _overwrite(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    at = _place(data, chance)
    new = chance.choice((chance.randbytes(chance.randint(1, 16)), chance.choice(_TOKENS)))
    return data[:at] + new + data[at + len(new) :]


def _number(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    at, size = _place(data, chance), chance.choice((1, 2, 4, 8))
    at -= at % chance.choice((1, size))
    value = chance.choice(_NUMBERS) + chance.choice((-1, 0, 0, 1))
    new = struct.pack(">Q", value % 2**64)[-size:]
    return data[:at] + (new if chance.random() < 0.5 else new[::-1]) + data[at + size :]


def _insert(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    at = _place(data, chance)
    return data[:at] + chance.choice(_TOKENS) * chance.choice((1, 1, 1, 2, 40, 3000)) + data[at:]


def _delete(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    at = _place(data, chance)
    return data[:at] + data[at + chance.choice((1, 2, 4, 16, 256, len(data))) :]


def _repeat(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    at, size = _place(data, chance), chance.choice((1, 2, 8, 64, 1024))
    return data[:at] + data[at : at + size] * chance.choice((2, 3, 50, 2000)) + data[at + size :]


def _splice(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    other = chance.choice(others)
    return data[: _place(data, chance)] + other[_place(other, chance) :]


def _word(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Exchange a number that stands in text."""
    found = list(re.finditer(rb"-?\d+(?:\.\d+)?", data[:65536]))
    if not found:
        return data
    number = chance.choice(found)
    return data[: number.start()] + chance.choice(_WORDS) + data[number.end() :]


def _lines(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Move, double or drop a line, or a cell of it."""
    mark = chance.choice((b"\n", b"\n", b",", b"\t"))
    pieces = data.split(mark)
    at, to = chance.randrange(len(pieces)), chance.randrange(len(pieces))
    piece = pieces.pop(at)
    pieces[to:to] = [piece] * chance.choice((0, 1, 2, 500))
    return mark.join(pieces)


_CHANGES = [_flip, _overwrite, _number, _insert, _delete, _repeat, _splice, _word, _lines]


def _archive(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Change a member, its name or its compression, and leave the archive itself sound."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = []
        for info in archive.infolist():
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError("others unpack without a bound")
            with archive.open(info) as member:
                members.append((info.filename, member.read(MOST_BYTES)))
    at = chance.randrange(len(members))
    name, content = members[at]
    for _ in range(chance.choice((0, 1, 1, 3))):
        content = chance.choice(_CHANGES)(content, [each for _, each in members], chance)
    if chance.random() < 0.1:
        name += chance.choice(("x", "/", "\\", "\x1b", "é", "x" * 300))
    members[at] = name, content[:MOST_BYTES]
    if chance.random() < 0.1:
        members.insert(at, chance.choice(members))
    methods = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w") as archive:
        warnings.simplefilter("ignore")  # a name twice
        for place, (name, content) in enumerate(members):
            entry = zipfile.ZipInfo(name)
            method = chance.choice(methods) if place == at else zipfile.ZIP_STORED
            archive.writestr(entry, content, method)
    changed = stream.getvalue()
    return changed if chance.random() < 0.8 else _flip(changed, others, chance)


def _database(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Set a cell to something else, and leave the database itself sound."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "d"
        path.write_bytes(data)
        database = sqlite3.connect(path, isolation_level=None)
        with contextlib.closing(database):
            tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            table = chance.choice(sorted(name for (name,) in tables))
            rows = database.execute(f'SELECT rowid, * FROM "{table}" LIMIT 50')
            columns = [each[0] for each in rows.description[1:]]
            numbers = [row[0] for row in rows]
            if numbers:
                column, value = chance.choice(columns), chance.choice(_VALUES)
                database.execute(
                    f'UPDATE OR REPLACE "{table}" SET "{column}" = ? WHERE rowid = ?',
                    (value, chance.choice(numbers)),
                )
        return path.read_bytes()
