"""MP3 files that do not say how long they are: a frame that says it for them.

libsndfile believes an estimate from the first frame where the usual length header is missing, and
stops there; with a variable bit rate most of the sound can be lost. Put before the file, the frame
made here claims a length beyond any file, so decoding goes on to the end.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

__all__ = ["length_frame"]

_MPEG1 = 3
_MONO = 3
_LAYER_3 = 1
# By the two version bits: MPEG 2.5, reserved, MPEG 2, MPEG 1.
_RATES_HZ = {0: (11025, 12000, 8000), 2: (22050, 24000, 16000), 3: (44100, 48000, 32000)}
_BIT_RATE = 64_000
_MANY_FRAMES = 0x7FFFFFFF
_SCAN = 256


def length_frame(file: BinaryIO, start: int) -> tuple[int, bytes] | None:
    """Make the frame that an MP3 lacks.

    Parameters
    ----------
    file : seekable binary file
        Its position is changed.
    start : int
        Where the MP3 begins in it.

    Returns
    -------
    tuple of int and bytes, or None
        The position of the file that the frame belongs before, and the frame; None where the file
        has a length header, or is no MP3.
    """
    position = start
    file.seek(position)
    tag = file.read(10)
    if len(tag) == 10 and tag[:3] == b"ID3":
        sizes = [byte & 0x7F for byte in tag[6:]]
        position += 10 + (sizes[0] << 21 | sizes[1] << 14 | sizes[2] << 7 | sizes[3])
        if tag[5] & 0x10:
            position += 10  # a footer repeats the header
        file.seek(position)
    else:
        file.seek(start)
    frame = file.read(_SCAN)
    if len(frame) < 4 or any(mark in frame for mark in (b"Xing", b"Info", b"VBRI")):
        return None
    (header,) = struct.unpack(">I", frame[:4])
    version, layer = header >> 19 & 3, header >> 17 & 3
    rate_index, mode = header >> 10 & 3, header >> 6 & 3
    if header >> 21 != 0x7FF or layer != _LAYER_3 or version not in _RATES_HZ or rate_index == 3:
        return None
    if version == _MPEG1:
        side, samples, bit_rate_index = 17 if mode == _MONO else 32, 1152, 5
    else:
        side, samples, bit_rate_index = 9 if mode == _MONO else 17, 576, 8
    length = bytearray(samples // 8 * _BIT_RATE // _RATES_HZ[version][rate_index])
    # The same header but for the bit rate, without padding and checksum.
    header = header & ~0xF200 | bit_rate_index << 12 | 1 << 16
    struct.pack_into(">I", length, 0, header)
    struct.pack_into(">4sII", length, 4 + side, b"Xing", 1, _MANY_FRAMES)
    return position, bytes(length)
