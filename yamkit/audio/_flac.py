"""FLAC: libsndfile reads it, and PyAV what lies behind a spot that libsndfile does not pass.

Damage, a stream info that counts too few samples, and a FLAC behind the first one end what
libsndfile reads. Frames say their own place, in a header with a checksum, so PyAV puts each where
it belongs. The layout of a frame's header is that of RFC 9639, section 9.1.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
from typing import TYPE_CHECKING, BinaryIO

from yamkit.audio._notes import Notes
from yamkit.audio._sndfile import open_sndfile, plain_descriptor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from yamkit.audio._source import Decoded
    from yamkit.audio._window import Window

__all__ = ["open_flac"]

_STREAM_INFO = b"fLaC\x00\x00\x00\x22"
_READ_AHEAD = 1 << 14
"""Bytes that libsndfile may have read behind the last frame that it decoded; and some more."""
_AT_ONCE = 1 << 18
_LONGEST_HEADER = 16


def open_flac(
    window: Window, file: BinaryIO | None, notes: Notes
) -> tuple[Decoded, Callable[[], None]] | None:
    """Open a FLAC.

    Parameters
    ----------
    window : Window
        Begins with ``fLaC``.
    file : binary file object or None
        The file that the window shows whole, where nobody else reads it.
    notes : Notes

    Returns
    -------
    tuple of Decoded and callable, or None
        The sound and the function that closes it; None where neither library reads it.
    """
    from yamkit.audio._containers import open_container

    descriptor = None if file is None else plain_descriptor(file)
    own_notes = Notes()
    opened = open_sndfile(window, own_notes, descriptor)
    if opened is None:
        return open_container(window, None, notes)
    decoded, close = opened

    def blocks() -> Iterator[NDArray[np.float32]]:
        samples = 0
        for block in decoded.blocks:
            samples += len(block)
            yield block
        at = window.tell() if descriptor is None else os.lseek(descriptor, 0, os.SEEK_CUR)
        if not (own_notes.lines() or _goes_on(window, at, samples)):
            return
        rest = open_container(window.part(0), None, notes)
        if rest is not None:
            try:
                yield from _behind(rest[0].blocks, samples)
            finally:
                rest[1]()

    return dataclasses.replace(decoded, blocks=blocks(), notes=notes), close


def _behind(blocks: Iterator[NDArray[np.float32]], samples: int) -> Iterator[NDArray[np.float32]]:
    for block in blocks:
        kept = block[samples:] if samples else block
        samples -= min(samples, len(block))
        if len(kept):
            yield kept


def _goes_on(window: Window, at: int, samples: int) -> bool:
    """Tell whether, behind what was read, another FLAC begins or there are frames of this one."""
    window.seek(0)
    head = window.read(12)
    block_size = int.from_bytes(head[8:10], "big")
    start = max(len(head), at - _READ_AHEAD)
    held = b""
    for place in itertools.count(start, _AT_ONCE):
        window.seek(place)
        data = window.read(_AT_ONCE)
        if not data:
            return False
        data = held + data
        if _STREAM_INFO in data:
            return True
        found = data.find(b"\xff")
        while found >= 0:
            number = _sample_number(data[found : found + _LONGEST_HEADER], block_size)
            if number is not None and number >= samples:
                return True
            found = data.find(b"\xff", found + 1)
        held = data[-_LONGEST_HEADER:]
    return False


def _sample_number(head: bytes, block_size: int) -> int | None:
    """Read the place of a frame's first sample from its header; None where none begins."""
    if len(head) < 6 or head[1] & 0xFE != 0xF8 or not head[2] >> 4 or head[2] & 15 == 15:
        return None
    if head[3] >> 4 > 10 or head[3] & 1:
        return None
    first = head[4]
    more = 0 if first < 0x80 else (8 - (first ^ 0xFF).bit_length()) - 1
    if more < 0 or more > 6 or (0x80 <= first < 0xC0):
        return None
    number = first if not more else first & (0x3F >> more)
    for byte in head[5 : 5 + more]:
        number = number << 6 | byte & 0x3F
    end = 5 + more + {6: 1, 7: 2}.get(head[2] >> 4, 0) + {12: 1, 13: 2, 14: 2}.get(head[2] & 15, 0)
    if end >= len(head) or _crc8(head[:end]) != head[end]:
        return None
    return number if head[1] & 1 else number * block_size


def _crc8(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value << 1 ^ (0x107 if value & 0x80 else 0)) & 0x1FF
    return value
