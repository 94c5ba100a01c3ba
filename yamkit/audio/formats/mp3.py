"""The length header of an MP3: Xing's, with the delays that LAME added, or Fraunhofer's VBRI."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yamkit.audio.formats.frames import MPEG_1

if TYPE_CHECKING:
    from yamkit.audio.formats.frames import FrameHeader

__all__ = ["NO_LENGTH", "Mp3Length", "mp3_length"]

_DECODER_DELAY = 529
"""Samples by which every MP3 decoder is late."""


@dataclass(frozen=True)
class Mp3Length:
    """What the length header of an MP3 states; zeros for what it does not."""

    frames: int = 0
    bytes: int = 0
    delay: int = 0  # samples before the sound
    padding: int = 0  # samples after it


NO_LENGTH = Mp3Length()


def mp3_length(data: bytes, header: FrameHeader) -> Mp3Length | None:
    """Read the length header from the frame that holds one; None if the frame holds sound."""
    if data[36:40] == b"VBRI" and len(data) >= 54:
        size, frames = struct.unpack_from(">II", data, 46)
        return Mp3Length(frames, size)
    is_mono = data[3] >> 6 == 3
    is_first = header.key[0] == MPEG_1
    at = 4 + ((17 if is_mono else 32) if is_first else (9 if is_mono else 17))
    if data[at : at + 4] not in (b"Xing", b"Info"):
        return None
    flags = int.from_bytes(data[at + 4 : at + 8], "big")
    at += 8
    values = []
    for flag, size in ((1, 4), (2, 4), (4, 100), (8, 4)):
        there = size if flags & flag else 0
        values.append(int.from_bytes(data[at : at + there], "big"))
        at += there
    delays = data[at + 21 : at + 24]
    if data[at : at + 4] not in (b"LAME", b"Lavf", b"Lavc", b"GOGO") or len(delays) < 3:
        return Mp3Length(*values[:2])
    delay, padding = delays[0] << 4 | delays[1] >> 4, (delays[1] & 15) << 8 | delays[2]
    frames, size = values[:2]
    return Mp3Length(frames, size, delay + _DECODER_DELAY, max(0, padding - _DECODER_DELAY))
