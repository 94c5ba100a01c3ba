"""Headers of containers, where FFmpeg does not distinguish what they state from its guess."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yamkit.audio.formats.window import Window

__all__ = [
    "flv_seconds",
    "is_broadcast",
    "is_cut",
    "is_split_voc",
    "matroska_seconds",
]

_HEAD = 1 << 16
_ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_MATROSKA_DURATION, _MATROSKA_SCALE = b"\x44\x89", b"\x2a\xd7\xb1"
_MOST_CHUNKS = 10_000


def matroska_seconds(window: Window) -> float | None:
    """Return the stated duration of a Matroska file (RFC 9559, 5.1.2.10); None without one."""
    head = _head(window)
    at = head.find(_MATROSKA_DURATION)
    if at < 0:
        return None
    size = head[at + 2 : at + 3]
    body = head[at + 3 : at + 11]
    if size == b"\x84":
        (ticks,) = struct.unpack(">f", body[:4].ljust(4, b"\0"))
    elif size == b"\x88":
        (ticks,) = struct.unpack(">d", body.ljust(8, b"\0"))
    else:
        return None
    scale = head.find(_MATROSKA_SCALE, 0, at)
    nanoseconds = 1_000_000
    if scale >= 0:
        length = head[scale + 3] & 0x0F
        nanoseconds = int.from_bytes(head[scale + 4 : scale + 4 + length], "big")
    seconds = float(ticks) * nanoseconds / 1e9
    return seconds if 0 < seconds < 1e9 else None


def flv_seconds(window: Window) -> float | None:
    """Return the duration in the metadata of an FLV; None without one."""
    head = _head(window)
    at = head.find(b"duration\0")
    if at < 0 or at + 17 > len(head):
        return None
    (seconds,) = struct.unpack_from(">d", head, at + 9)
    return seconds if 0 < seconds < 1e9 else None


def is_broadcast(window: Window) -> bool:
    """Return whether the durations of an ASF file were never filled in."""
    head = _head(window)
    at = head.find(_ASF_FILE_PROPERTIES)
    return at < 0 or len(head) <= at + 88 or head[at + 88] & 1 == 1


def is_cut(window: Window) -> bool:
    """Return whether an AVI is shorter than it states."""
    head = _head(window, 12)
    if head[:4] != b"RIFF" or head[8:12] != b"AVI ":
        return False
    (size,) = struct.unpack("<I", head[4:8])
    return bool(0 < size < 0xFFFFFFFF and window.length < size + 8)


def is_split_voc(window: Window) -> bool:
    """Return whether the sound of a Creative Voice File is in several blocks."""
    window = window.part(0)
    at = int.from_bytes(_head(window, 22)[20:22], "little")
    for _ in range(_MOST_CHUNKS):
        window.seek(at)
        head = window.read(4)
        if len(head) < 4 or head[0] == 0:
            return False
        if head[0] == 2:
            return True
        at += 4 + int.from_bytes(head[1:], "little")
    return False


def _head(window: Window, size: int = _HEAD) -> bytes:
    return window.part(0).read(size)  # keep the position of the window
