"""WAV as chunks (RIFF, RIFX, RF64, BW64): the codec, the data, whether its sizes are right."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, NamedTuple

from yamkit.audio.formats.pcm import PcmFormat
from yamkit.errors import DecodeError

if TYPE_CHECKING:
    from yamkit.audio.formats.window import Window

__all__ = [
    "KNOWN_CHUNKS",
    "MOST_CHUNKS",
    "ORDERS",
    "SECTOR",
    "CodedData",
    "WavLayout",
    "chunks_at_end",
    "endless",
    "is_chunk",
    "is_placeholder",
    "parse_format",
    "wav_layout",
]

ORDERS = {b"RIFF": "<", b"RIFX": ">", b"RF64": "<", b"BW64": "<"}
"""Byte order by the first four bytes."""

KNOWN_CHUNKS = frozenset(
    name.ljust(4)
    for name in b"fmt data fact LIST cue smpl inst plst note labl ltxt bext iXML PEAK JUNK junk "
    b"FLLR id3 ID3 PAD pad LGWV guan wamd minf elm1 elmo regn umid DGDA afsp cart axml chna dbmd "
    b"levl link r64m ds64 strc acid DISP SAUR ResU _PMX bxml sxml tlst slnt wavl qlty mext cset "
    b"trkn".split()
)

MOST_CHUNKS = 100_000
"""Most chunks before the sound, and after it."""

SECTOR = 4096
"""Most zeros after the last chunk, with which some recorders fill a sector."""

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_LAWS = {6: "alaw", 7: "mulaw"}
"""Format tags of 8-bit samples with logarithmic steps."""

_SUBTYPE_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_CHUNK_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9_ \-]{3}")
_LONGEST_UNKNOWN_CHUNK = 1 << 24


class CodedData(NamedTuple):
    """The data of a WAV whose codec is neither PCM, floats, mu-law nor A-law.

    Attributes
    ----------
    tag : int
        Format tag.
    start, end : int
        Where the data is.
    """

    tag: int
    start: int
    end: int


class WavLayout(NamedTuple):
    """What the chunks of a WAV state.

    Attributes
    ----------
    coded : CodedData or None
        None for a codec that `parse_format` knows, and without any data.
    is_plain : bool
        Whether the sizes in the header are right, so that any reader reads all of the sound: one
        ``data`` chunk, no chunk cut or without its padding, nothing but chunks after it. False
        where `coded` is not None.
    """

    coded: CodedData | None
    is_plain: bool


def wav_layout(window: Window) -> WavLayout:
    """Walk the chunks of a WAV.

    Raises
    ------
    DecodeError
        If there are too many chunks before the sound.
    """
    magic = window.read_at(0, 12)[:4]
    order = ORDERS.get(magic)
    if order is None:
        return WavLayout(None, is_plain=False)
    is_plain = magic in (b"RIFF", b"RIFX")
    tag, at, has_data = 0, 12, False
    for _ in range(MOST_CHUNKS):
        head = window.read_at(at, 8)
        name = head[:4]
        if len(head) < 8 or (has_data and name not in KNOWN_CHUNKS):
            return WavLayout(None, is_plain and has_data and _is_blank(window, at))
        (size,) = struct.unpack(f"{order}I", head[4:])
        start, end = at + 8, at + 8 + size
        if name == b"fmt " and size >= 16 and not has_data:
            tag = _format_tag(window.read_at(start, min(size, 40)), order)
        if name == b"data":
            if not has_data and tag not in (0, _PCM, _FLOAT, *_LAWS):
                is_open = is_placeholder(size)
                end = window.length if is_open else min(end, window.length)
                return WavLayout(CodedData(tag, start, end), is_plain=False)
            is_plain = is_plain and not has_data
            has_data = True
        is_padded = end >= window.length or size % 2 == 0 or window.read_at(end, 1) == b"\0"
        is_plain = is_plain and name in KNOWN_CHUNKS and end <= window.length and is_padded
        if has_data and not is_plain:
            return WavLayout(None, is_plain=False)
        at = end + size % 2
    if not has_data:
        # FFmpeg and libsndfile would walk on, through zeros for instance
        raise endless()
    return WavLayout(None, is_plain=False)


def endless() -> DecodeError:
    """Return the error for a WAV with too many chunks before its sound."""
    return DecodeError(f"has {MOST_CHUNKS} chunks before any sound")


def is_placeholder(size: int) -> bool:
    """Return whether a 32-bit size is what programs write before they know the size.

    Zero, about 2 GiB (sox, arecord) and about 4 GiB (ffmpeg).
    """
    return size == 0 or 0x7FFF0000 <= size <= 0x80000FFF or 0xFFFF0000 <= size <= 0xFFFFFFFF


def is_chunk(name: bytes, size: int) -> bool:
    """Return whether a name and a size are likely to be those of a chunk."""
    if name in KNOWN_CHUNKS:
        return True
    return _CHUNK_NAME.fullmatch(name) is not None and size <= _LONGEST_UNKNOWN_CHUNK


def parse_format(chunk: bytes, order: str) -> PcmFormat | None:
    """Read a ``fmt`` chunk; return None for any codec but PCM, floats, mu-law and A-law."""
    if len(chunk) < 16:
        return None
    tag, channels, sample_rate, _, frame_size, bits = struct.unpack_from(f"{order}HHIIHH", chunk)
    if tag == _EXTENSIBLE and len(chunk) >= 40:
        tag = struct.unpack_from(f"{order}H", chunk, 24)[0]
        tail = chunk[26:40] if order == "<" else _SUBTYPE_TAIL
        if tail != _SUBTYPE_TAIL:
            return None
    if not channels or frame_size % channels:
        return None
    width = frame_size // channels
    widths = {_PCM: (1, 2, 3, 4), _FLOAT: (4, 8), **dict.fromkeys(_LAWS, (1,))}.get(tag, ())
    if width not in widths or not 8 * (width - 1) < bits <= 8 * width:
        return None
    return PcmFormat(order, tag == _FLOAT, channels, sample_rate, width, _LAWS.get(tag, ""))


def chunks_at_end(data: bytes, order: str) -> int:
    """Return where the chunks begin that end where `data` does; its length if there are none."""
    seen: set[int] = set()  # places from which chunks do not lead to the end
    for found in re.finditer(b"|".join(map(re.escape, KNOWN_CHUNKS)), data):
        at = found.start()
        while at not in seen and at + 8 <= len(data) and data[at : at + 4] in KNOWN_CHUNKS:
            seen.add(at)
            (size,) = struct.unpack_from(f"{order}I", data, at + 4)
            at += 8 + size + size % 2
        if at in (len(data), len(data) + 1):
            return found.start()
    return len(data)


def _format_tag(body: bytes, order: str) -> int:
    body = body.ljust(2, b"\0")
    (tag,) = struct.unpack_from(f"{order}H", body)
    if tag == _EXTENSIBLE and len(body) >= 26:
        (tag,) = struct.unpack_from(f"{order}H", body, 24)
    return int(tag)


def _is_blank(window: Window, at: int) -> bool:
    """Return whether only some zeros follow."""
    return window.length - at <= SECTOR and not any(window.read_at(at, SECTOR))
