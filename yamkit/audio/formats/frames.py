"""Frames of MPEG audio, ADTS and AC-3: their headers, and where a file of frames begins.

Headers follow ISO/IEC 11172-3, 2.4.1.3, 13818-7, 6.2, and ATSC A/52, 5.4.1 and E.1.2.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from yamkit.audio.formats.tags import id3_size, is_harmless

if TYPE_CHECKING:
    from yamkit.audio.formats.window import Window

__all__ = [
    "AHEAD",
    "FRAME_KINDS",
    "MPEG_1",
    "FrameHeader",
    "FrameKind",
    "behind_tags",
    "find_frames",
    "frames_begin",
]

AHEAD = 1 << 16
"""Bytes that are examined together; no frame is longer than 8 kB."""

_CHAIN = 4
"""Consecutive frames that are needed to believe the first of them."""


class FrameHeader(NamedTuple):
    """What the header of a frame states.

    Attributes
    ----------
    key : tuple of int
        The same in all frames of a file.
    size : int
        Bytes of the frame.
    samples : int
    sample_rate : int
        In Hz.
    """

    key: tuple[int, ...]
    size: int
    samples: int
    sample_rate: int


_Parse = Callable[[bytes, int], "FrameHeader | None"]
"""Reads the header at a place in some bytes; returns None if there is none."""


@dataclass(frozen=True)
class FrameKind:
    """A kind of frames.

    Attributes
    ----------
    container, codec : str
        Names in outputs.
    decoder : str
        FFmpeg's name of the decoder.
    parse : callable
        Reads a header.
    sync : pattern
        Beginning of every frame.
    """

    container: str
    codec: str
    decoder: str
    parse: _Parse
    sync: re.Pattern[bytes]


MPEG_1 = 3
# by the two version bits: MPEG 2.5, reserved, MPEG 2, MPEG 1.
_RATES_HZ = {0: (11025, 12000, 8000), 2: (22050, 24000, 16000), 3: (44100, 48000, 32000)}
# in kbit/s, by whether MPEG 1 and by layer
_BIT_RATES = {
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


@functools.lru_cache(maxsize=4096)
def _mpeg_header(second: int, third: int) -> FrameHeader | None:
    version, layer = second >> 3 & 3, 4 - (second >> 1 & 3)
    bit_rate, rate, padding = third >> 4, third >> 2 & 3, third >> 1 & 1
    if second < 0xE0 or version == 1 or layer == 4 or rate == 3 or not 0 < bit_rate < 15:
        return None
    is_first = version == MPEG_1
    bits_per_second = 1000 * _BIT_RATES[is_first, layer][bit_rate - 1]
    sample_rate = _RATES_HZ[version][rate]
    if layer == 1:
        samples, size = 384, (12 * bits_per_second // sample_rate + padding) * 4
    else:
        samples = 1152 if is_first or layer == 2 else 576
        size = samples // 8 * bits_per_second // sample_rate + padding
    return FrameHeader((version, layer, rate), size, samples, sample_rate)


def _parse_mpeg(layer: int) -> _Parse:
    def parse(data: bytes, at: int) -> FrameHeader | None:
        if at + 4 > len(data) or data[at] != 0xFF:
            return None
        header = _mpeg_header(data[at + 1], data[at + 2])
        return header if header is not None and header.key[1] == layer else None

    return parse


_ADTS_RATES_HZ = (
    96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
)  # fmt: skip


def _parse_adts(data: bytes, at: int) -> FrameHeader | None:
    if at + 7 > len(data) or data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0:
        return None
    rate = data[at + 2] >> 2 & 15
    size = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
    if rate >= len(_ADTS_RATES_HZ) or size < (7 if data[at + 1] & 1 else 9):
        return None
    key = (data[at + 1] >> 3 & 1, data[at + 2] >> 6, rate)
    return FrameHeader(key, size, 1024 * ((data[at + 6] & 3) + 1), _ADTS_RATES_HZ[rate])


_AC3_SYNC = b"\x0b\x77"
_AC3_RATES_HZ = (48000, 44100, 32000)
_AC3_BIT_RATES = (
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640
)  # fmt: skip
_AC3_BLOCK = 256
_EAC3_BLOCKS = (1, 2, 3, 6)


def _parse_ac3(data: bytes, at: int) -> FrameHeader | None:
    if at + 6 > len(data) or data[at : at + 2] != _AC3_SYNC or data[at + 5] >> 3 > 10:
        return None
    rate, code = data[at + 4] >> 6, data[at + 4] & 63
    if rate == 3 or code >= 2 * len(_AC3_BIT_RATES):
        return None
    sample_rate = _AC3_RATES_HZ[rate]
    samples = 6 * _AC3_BLOCK
    words = 1000 * _AC3_BIT_RATES[code >> 1] * samples // (16 * sample_rate)
    if sample_rate == 44100:
        words += code & 1
    return FrameHeader((data[at + 5] >> 3, rate), 2 * words, samples, sample_rate)


def _parse_eac3(data: bytes, at: int) -> FrameHeader | None:
    if at + 6 > len(data) or data[at : at + 2] != _AC3_SYNC or not 10 < data[at + 5] >> 3 <= 16:
        return None
    if data[at + 2] >> 3:  # a dependent stream, or one of several
        return None
    size = 2 * (((data[at + 2] & 7) << 8 | data[at + 3]) + 1)
    rate, blocks = data[at + 4] >> 6, data[at + 4] >> 4 & 3
    if rate == 3:
        if blocks == 3:
            return None
        sample_rate, count = _AC3_RATES_HZ[blocks] // 2, 6
    else:
        sample_rate, count = _AC3_RATES_HZ[rate], _EAC3_BLOCKS[blocks]
    return FrameHeader((data[at + 5] >> 3, sample_rate), size, count * _AC3_BLOCK, sample_rate)


_MPEG = re.compile(rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff][\x10-\xef]")
_ADTS = re.compile(rb"\xff[\xf0\xf1\xf8\xf9]")
_AC3 = re.compile(re.escape(_AC3_SYNC))
FRAME_KINDS = (
    FrameKind("MP3", "mp3", "mp3float", _parse_mpeg(3), _MPEG),
    FrameKind("MP2", "mp2", "mp2float", _parse_mpeg(2), _MPEG),
    FrameKind("MP1", "mp1", "mp1float", _parse_mpeg(1), _MPEG),
    FrameKind("ADTS", "aac", "aac", _parse_adts, _ADTS),
    FrameKind("AC-3", "ac3", "ac3", _parse_ac3, _AC3),
    FrameKind("E-AC-3", "eac3", "eac3", _parse_eac3, _AC3),
)


def frames_begin(window: Window, within: int = 0) -> FrameKind | None:
    """Return the kind of frames of a file; None if it does not consist of frames.

    Parameters
    ----------
    window : Window
    within : int
        Number of bytes after ID3 tags in which the first frame must begin.

    Returns
    -------
    FrameKind or None
    """
    at = behind_tags(window)
    window.seek(at)
    data = window.read(within + AHEAD)
    ends = at + len(data) == window.length
    for kind in FRAME_KINDS:
        found = find_frames(data, 0, kind, ends)
        if found is not None and found <= within:
            return kind
    return None


def behind_tags(window: Window) -> int:
    """Return the end of the ID3v2 tags that a file begins with."""
    at = 0
    while True:
        window.seek(at)
        size = id3_size(window.read(10))
        if not size:
            return at
        at += size


def find_frames(data: bytes, at: int, kind: FrameKind, ends: bool) -> int | None:
    """Return the place of the first frame that others follow, or the end of the file (`ends`)."""
    while (sync := kind.sync.search(data, at)) is not None:
        at = sync.start()
        first = kind.parse(data, at)
        if first is not None and _is_chain(data, at, first, kind.parse, ends):
            return at
        at += 1
    return None


def _is_chain(data: bytes, at: int, first: FrameHeader, parse: _Parse, ends: bool) -> bool:
    at += first.size
    for _ in range(_CHAIN - 1):
        if ends and at >= len(data):
            return at == len(data)
        following = parse(data, at)
        if following is None or following.key != first.key:
            return ends and is_harmless(data[at:])
        at += following.size
    return True
