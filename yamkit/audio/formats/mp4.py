"""Boxes of plain MP4 files (M4A, MOV, 3GP): one sound track, its codec and its edit list.

ISO/IEC 14496-12. Only what is surely read as FFmpeg reads it is accepted: one sound track of AAC LC
or ALAC, not in fragments, with at most an empty edit and one other.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yamkit.audio.formats.mp4_tables import (
    Box,
    SampleTables,
    UnclearError,
    check_tables,
    need,
    read_exactly,
    table_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yamkit.audio.formats.window import Window

__all__ = ["Mp4Sound", "mp4_sound"]

_MOST_BOXES = 10_000
_MOST_DESCRIPTION_BYTES = 1 << 16
_MOST_READ_BYTES = 1 << 18
_MOST_TRACKS = 100

_TAG = re.compile(rb"iTunSMPB(?:.{16} ?[0-9A-Fa-f]+ ([0-9A-Fa-f]{1,8}) )?", re.DOTALL)
_LONGEST_TAG = 64

_AT_TOP = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"udta", b"uuid", b"meta"}
_WITHOUT_SOUND = {b"vide", b"text", b"sbtl", b"tmcd"}
"""Handlers of other tracks that are accepted."""
_RATES = (
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
)  # fmt: skip


@dataclass(frozen=True)
class Mp4Sound:
    """The sound of a plain MP4 file.

    Attributes
    ----------
    codec : str
        FFmpeg's name.
    extradata : bytes
        Configuration of the decoder.
    ticks_per_second : int
        The sample rate too.
    first_tick : int
        Time stamp of the first packet.
    start_tick : int
        Where the sound begins; earlier samples are discarded.
    end_tick : int or None
        Packets that begin here or later are discarded.
    duration : int
        In ticks.
    tables : SampleTables
    """

    codec: str
    extradata: bytes
    ticks_per_second: int
    first_tick: int
    start_tick: int
    end_tick: int | None
    duration: int
    tables: SampleTables


def mp4_sound(window: Window) -> Mp4Sound:
    """Read the sound track of a plain MP4 file.

    Raises
    ------
    UnclearError, struct.error, IndexError
        If FFmpeg should read the file.
    """
    tops = list(_boxes(window, 0, window.length, is_top=True))
    need(all(box.name in _AT_TOP for box in tops))
    movie = list(_boxes(window, *_only(tops, b"moov")[1:]))
    names = {box.name for box in movie}
    need(not names & {b"mvex", b"cmov"} and b"mvhd" in names)
    tracks = [box for box in movie if box.name == b"trak"]
    need(len(tracks) <= _MOST_TRACKS)
    found = []
    for track in tracks:
        handler = _handler(window, track)
        if handler == b"soun":
            found.append(track)
        else:
            need(handler in _WITHOUT_SOUND)
    need(len(found) == 1)
    per_second, _ = _header(window, _only(movie, b"mvhd"))
    sound = _track(window, found[0], per_second)
    for box in [*movie, *_boxes(window, *found[0][1:])]:
        if box.name in (b"udta", b"meta"):
            # FFmpeg prefers the priming in this tag to that in the edit list
            priming = _tagged_priming(window, box)
            need(priming is None or priming == sound.start_tick - sound.first_tick)
    return sound


def _tagged_priming(window: Window, box: Box) -> int | None:
    """Return how many samples an iTunes tag says to cut; None without a tag."""
    for at in range(box.start, box.end, _MOST_READ_BYTES):
        length = min(_MOST_READ_BYTES + _LONGEST_TAG, box.end - at)
        found = _TAG.search(read_exactly(window, at, length))
        if found is not None:
            return int(found[1] or b"-1", 16)
    return None


def _handler(window: Window, track: Box) -> bytes:
    media = _only(list(_boxes(window, *track[1:])), b"mdia")
    handler = _only(list(_boxes(window, *media[1:])), b"hdlr")
    return read_exactly(window, handler.start + 8, 4)


def _track(window: Window, box: Box, movie_ticks_per_second: int) -> Mp4Sound:
    parts = list(_boxes(window, *box[1:]))
    media = list(_boxes(window, *_only(parts, b"mdia")[1:]))
    per_second, duration = _header(window, _only(media, b"mdhd"))
    information = list(_boxes(window, *_only(media, b"minf")[1:]))
    _check_is_whole(window, _only(information, b"dinf"))
    boxes = list(_boxes(window, *_only(information, b"stbl")[1:]))
    names = {box.name for box in boxes}
    need(not names & {b"ctts", b"stz2", b"senc", b"saiz"} and len({b"stco", b"co64"} & names) == 1)
    codec, extradata, rate = _description(window, _only(boxes, b"stsd"))
    # FFmpeg cuts samples at places in ticks
    need(rate == per_second)
    is_wide = b"co64" in names
    sizes = _only(boxes, b"stsz")
    need(read_exactly(window, sizes.start + 4, 4) == bytes(4))
    tables = SampleTables(
        durations=table_in(window, _only(boxes, b"stts"), 2),
        runs=table_in(window, _only(boxes, b"stsc"), 3),
        sizes=table_in(window, sizes, skipped=8),
        offsets=table_in(window, _only(boxes, b"co64" if is_wide else b"stco"), 1, 4 + 4 * is_wide),
    )
    total = check_tables(window, tables)
    need(duration > 0)
    duration, late, before, end = min(duration, total), 0, 0, None
    if any(part.name == b"edts" for part in parts):
        lists = list(_boxes(window, *_only(parts, b"edts")[1:]))
        late, before, length = _edits(window, _only(lists, b"elst"))
        late, length = (_rescaled(n, per_second, movie_ticks_per_second) for n in (late, length))
        # FFmpeg searches one second before an edit
        need(length > 0 and before < per_second)
        end = late + length
        duration = min(duration, length)
    return Mp4Sound(codec, extradata, per_second, late - before, late, end, duration, tables)


def _rescaled(ticks: int, per_second: int, from_per_second: int) -> int:
    return (2 * ticks * per_second + from_per_second) // (2 * from_per_second)


def _header(window: Window, box: Box) -> tuple[int, int]:
    """Return ticks per second, and duration, of a movie or a media header."""
    version = read_exactly(window, box.start, 1)[0]
    need(version <= 1)
    at, layout = (20, ">IQ") if version else (12, ">II")
    fields = read_exactly(window, box.start + at, struct.calcsize(layout))
    per_second, duration = struct.unpack(layout, fields)
    need(0 < per_second < 1 << 31 and duration < 1 << (62 if version else 31))
    return per_second, duration


def _edits(window: Window, box: Box) -> tuple[int, int, int]:
    """Return the delay of the sound, the ticks that are cut before it, and its duration."""
    version = read_exactly(window, box.start, 1)[0]
    need(version <= 1)
    layout = ">Qqi" if version else ">Iii"
    length = struct.calcsize(layout)
    (count,) = struct.unpack(">I", read_exactly(window, box.start + 4, 4))
    need(count in (1, 2) and 8 + count * length <= box.end - box.start)
    rows = list(struct.iter_unpack(layout, read_exactly(window, box.start + 8, count * length)))
    late = rows.pop(0)[0] if count == 2 and rows[0][1] == -1 else 0
    ((duration, before, rate),) = rows if len(rows) == 1 else ((0, -1, 0),)
    need(rate == 1 << 16 and before >= 0 and 0 < duration < 1 << 40 and late < 1 << 40)
    return late, before, duration


def _check_is_whole(window: Window, box: Box) -> None:
    """Check that the sound is in this file."""
    references = _only(list(_boxes(window, *box[1:])), b"dref")
    (count,) = struct.unpack(">I", read_exactly(window, references.start + 4, 4))
    need(count == 1 and references.end >= references.start + 20)
    need(read_exactly(window, references.start + 19, 1)[0] & 1 == 1)


def _description(window: Window, box: Box) -> tuple[str, bytes, int]:
    """Return codec, extradata for FFmpeg, and sample rate."""
    need(box.end - box.start <= _MOST_DESCRIPTION_BYTES)
    (count,) = struct.unpack(">I", read_exactly(window, box.start + 4, 4))
    entry = next(_boxes(window, box.start + 8, box.end), None)
    if count != 1 or entry is None:
        raise UnclearError
    reference, version = struct.unpack(">6xHH", read_exactly(window, entry.start, 10))
    need(reference == 1 and version <= 1)
    parts = list(_boxes(window, entry.start + 28 + 16 * version, entry.end))
    if any(part.name == b"wave" for part in parts):
        parts = list(_boxes(window, *_only(parts, b"wave")[1:], is_wave=True))
    if entry.name == b"mp4a":
        own = _only(parts, b"esds")
        return "aac", *_aac(read_exactly(window, own.start, own.end - own.start))
    if entry.name == b"alac":
        own = _only(parts, b"alac")
        need(own.end - own.start == 28)
        extradata = read_exactly(window, own.start - 8, 36)
        return "alac", extradata, int.from_bytes(extradata[-4:], "big")
    raise UnclearError


def _aac(body: bytes) -> tuple[bytes, int]:
    """Return the configuration of AAC LC from an esds box (ISO/IEC 14496-1, 7.2.6)."""
    es = _descriptor(body[4:], 3)
    need(es[2] == 0)  # no further fields
    decoder = _descriptor(es[3:], 4)
    need(decoder[0] == 0x40)
    config = _descriptor(decoder[13:], 5)
    first = int.from_bytes(config[:2], "big")
    kind, rate, channels, rest = first >> 11, first >> 7 & 15, first >> 3 & 15, first & 7
    # FFmpeg reads other kinds, frame lengths and extensions
    need(kind == 2 and rate < len(_RATES) and 1 <= channels <= 7 and rest == 0)
    need(config[2:] in (b"", b"\x56\xe5\x00"))
    return config, _RATES[rate]


def _descriptor(data: bytes, tag: int) -> bytes:
    """Return the body of a descriptor."""
    need(data[0] == tag)
    size, at = 0, 1
    while True:
        size = size << 7 | data[at] & 0x7F
        at += 1
        if not data[at - 1] & 0x80:
            break
        need(at <= 4)
    need(at + size <= len(data))
    return data[at : at + size]


def _boxes(
    window: Window, at: int, end: int, *, is_top: bool = False, is_wave: bool = False
) -> Iterator[Box]:
    for _ in range(_MOST_BOXES):
        # QuickTime ends some lists with zeros
        if at == end or (is_wave and at + 4 >= end):
            return
        size, name = struct.unpack(">I4s", read_exactly(window, at, 8))
        start = at + 8
        if size == 1:
            (size,) = struct.unpack(">Q", read_exactly(window, start, 8))
            start += 8
        elif size == 0 and is_top:
            size = end - at
        at += size
        # the reader notices sound that was cut off
        if at < start or (at > end and not (is_top and name == b"mdat")):
            raise UnclearError
        yield Box(name, start, min(at, end))
        at = min(at, end)
    raise UnclearError


def _only(boxes: list[Box], name: bytes) -> Box:
    found = [box for box in boxes if box.name == name]
    need(len(found) == 1)
    return found[0]
