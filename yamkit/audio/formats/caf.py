"""CAF as chunks (Apple Core Audio Format): damage, and a file that was joined."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yamkit.audio.formats.window import Window

__all__ = ["CafChunk", "caf_chunks", "has_broken_packets", "second_caf"]

_FIRST_CHUNK = 8
_MOST_CHUNKS = 10_000
_PACKET_TABLE_HEAD = 24
_MOST_TABLE_BYTES = 1 << 24
_LONG_NUMBER = re.compile(rb"[\x80-\xff]{5}")


class CafChunk(NamedTuple):
    """A chunk.

    Attributes
    ----------
    name : bytes
    start : int
        Place of its body.
    size : int
        Bytes of its body; negative if it extends to the end of the file.
    """

    name: bytes
    start: int
    size: int


def caf_chunks(window: Window) -> Iterator[CafChunk]:
    """Walk the chunks of a CAF; one that extends to the end of the file is the last."""
    at = _FIRST_CHUNK
    for _ in range(_MOST_CHUNKS):
        head = window.read_at(at, 12)
        if len(head) < 12:
            return
        name, size = struct.unpack(">4sq", head)
        yield CafChunk(name, at + 12, size)
        if size < 0:
            return
        at += 12 + size


def second_caf(window: Window) -> int | None:
    """Return the place of a CAF that was joined to the first one; None if there is none."""
    chunks, end = caf_chunks(window), _FIRST_CHUNK
    while True:
        ahead = window.read_at(end, 5)
        for padding in range(2):
            if ahead[padding : padding + 4] == b"caff":
                return end + padding
        chunk = next(chunks, None)
        if chunk is None or chunk.size < 0:
            return None
        end = chunk.start + chunk.size


def has_broken_packets(window: Window) -> bool:
    """Return whether the packet table of a CAF has a number that is too long.

    libsndfile would write to the terminal.
    """
    window = window.part(0)
    for name, start, size in caf_chunks(window):
        if name == b"pakt":
            size = max(0, min(size, _MOST_TABLE_BYTES))
            table = window.read_at(start + _PACKET_TABLE_HEAD, size)
            return _LONG_NUMBER.search(table) is not None
    return False
