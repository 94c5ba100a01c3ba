"""Sound of plain MP4 files (M4A, MOV, 3GP), read by their sample tables (ISO/IEC 14496-12).

FFmpeg's demuxer keeps 75 bytes of every packet, which are 120 MB for ten hours of AAC; here the
tables are read as decoding goes on. Only what is surely read as FFmpeg reads it is read here: one
sound track of AAC LC or ALAC, not in fragments, with at most an empty edit and one other.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import re
import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import av
import numpy as np

from yamkit.audio._source import Decoded
from yamkit.audio.readers.convert import in_first_form
from yamkit.audio.readers.placing import Track, pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from yamkit.audio._notes import Notes
    from yamkit.audio.formats.window import Window

__all__ = ["open_mp4"]

_FORMAT = "mov,mp4,m4a,3gp,3g2,mj2"
"""FFmpeg's name of the container."""

_MOST_BOXES = 10_000
_MOST_DESCRIPTION_BYTES = 1 << 16
_MOST_SAMPLE_BYTES = 1 << 18
_MOST_READ_BYTES = 1 << 18
_MOST_TICKS = 1 << 16
"""Longest time between two samples."""
_MOST_TRACKS = 100
_ROWS = 4096
"""Rows of a table that are read at once."""

_TAG = re.compile(rb"iTunSMPB(?:.{16} ?[0-9A-Fa-f]+ ([0-9A-Fa-f]{1,8}) )?", re.DOTALL)
_LONGEST_TAG = 64

_AT_TOP = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"udta", b"uuid", b"meta"}
_WITHOUT_SOUND = {b"vide", b"text", b"sbtl", b"tmcd"}
"""Handlers of tracks that may stand beside the sound."""
_RATES = (
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
)  # fmt: skip


class _UnclearError(Exception):
    """What is left to FFmpeg."""


class _Box(NamedTuple):
    name: bytes
    start: int  # of the body
    end: int


class _Table(NamedTuple):
    """Rows of big-endian integers in the file."""

    start: int
    rows: int
    columns: int = 1
    width: int = 4  # bytes of an integer


class _Tables(NamedTuple):
    """Where the samples of a track, which are its packets, are in time and in the file."""

    durations: _Table  # samples, ticks of each
    runs: _Table  # first chunk, samples in each, description
    sizes: _Table
    offsets: _Table  # of chunks


@dataclass(frozen=True)
class _Sound:
    codec: str
    extradata: bytes
    ticks_per_second: int  # which is the sample rate
    first_tick: int  # time stamp of the first packet
    start_tick: int  # where the sound begins: what lies before is not heard
    end_tick: int | None  # what begins here or later is not heard either
    duration: int  # ticks
    tables: _Tables


def open_mp4(window: Window, notes: Notes) -> tuple[Decoded, Callable[[], None]] | None:
    """Open the sound of a plain MP4 file.

    Parameters
    ----------
    window : Window
    notes : Notes

    Returns
    -------
    tuple of Decoded and callable, or None
        The sound and the function that closes it; None for what is to be read by `open_container`.

    Raises
    ------
    DecodeError
        If nothing can be decoded.
    """
    window = window.part(0)
    try:
        sound = _sound(window)
    except (_UnclearError, struct.error, IndexError):
        window.check()
        return None
    window.check()
    codec: Any = av.CodecContext.create(sound.codec, "r")
    codec.extradata = sound.extradata
    tick = 1 / sound.ticks_per_second
    track = Track(
        codec,
        _readable(_packets(window, sound)),
        tick,
        start_seconds=sound.start_tick * tick,
        promised_seconds=(sound.start_tick + sound.duration) * tick,
        is_cut_before_start=True,
        end_seconds=math.inf if sound.end_tick is None else sound.end_tick * tick,
    )
    form, blocks = in_first_form(pieces(track, notes))
    decoded = Decoded(
        *form,
        blocks,
        notes,
        reader="PyAV",
        container=_FORMAT,
        codec=sound.codec,
        streams=1,
        stream=1,
        seconds_promised=track.promised_seconds,
    )
    return decoded, lambda: None


# --- packets ---


def _readable(packets: Iterator[Any]) -> Iterator[Any]:
    """End where the tables can no longer be read, though they could be when they were checked."""
    with contextlib.suppress(_UnclearError):
        yield from packets


def _packets(window: Window, sound: _Sound) -> Iterator[Any]:
    """Give packets, and of one that the end of the file cuts, what there is of it."""
    time_base = Fraction(1, sound.ticks_per_second)
    durations = _durations(window, sound.tables.durations)
    tick = sound.first_tick
    for offset, sizes in _stretches(window, sound.tables):
        window.seek(offset)
        data = memoryview(window.read(sum(sizes)))
        window.check()
        at = 0
        for size, duration in zip(sizes, durations):  # noqa: B905 -- there are more durations
            if sound.end_tick is not None and tick >= sound.end_tick:
                return
            if at < len(data):
                packet = av.Packet(bytes(data[at : at + size]))
                packet.pts = packet.dts = tick
                packet.duration, packet.time_base = duration, time_base
                yield packet
            at += size
            tick += duration


def _durations(window: Window, table: _Table) -> Iterator[int]:
    for count, ticks in _each(window, table):
        yield from itertools.repeat(ticks, count)


def _stretches(window: Window, tables: _Tables) -> Iterator[tuple[int, list[int]]]:
    """Give places of samples that lie one behind the other, and the sizes of each."""
    sizes = itertools.chain.from_iterable(_each(window, tables.sizes))
    for (offset,), count in zip(  # noqa: B905 -- runs are as many as chunks
        _each(window, tables.offsets), _counts(window, tables)
    ):
        stretch: list[int] = []
        at, length = offset, 0
        for size in itertools.islice(sizes, count):
            if stretch and length + size > _MOST_READ_BYTES:
                yield at, stretch
                at, stretch, length = at + length, [], 0
            stretch.append(size)
            length += size
        yield at, stretch


def _counts(window: Window, tables: _Tables) -> Iterator[int]:
    """Give the number of samples of each chunk."""
    last = (tables.offsets.rows + 1, 0, 0)
    runs = itertools.chain(_each(window, tables.runs), [last])
    first, count, _ = next(runs)
    for following, next_count, _ in runs:
        yield from itertools.repeat(count, following - first)
        first, count = following, next_count


# --- tables ---


def _pieces(window: Window, table: _Table) -> Iterator[NDArray[np.int64]]:
    """Read a table, [rows, columns], piece by piece."""
    row = table.columns * table.width
    for first in range(0, table.rows, _ROWS):
        rows = min(_ROWS, table.rows - first)
        window.seek(table.start + first * row)
        data = window.read(rows * row)
        window.check()
        if len(data) < rows * row:
            raise _UnclearError
        values = np.frombuffer(data, f">u{table.width}").astype(np.int64)
        if values.min() < 0:  # 64 bits
            raise _UnclearError
        yield values.reshape(-1, table.columns)


def _each(window: Window, table: _Table) -> Iterator[list[int]]:
    for piece in _pieces(window, table):
        yield from piece.tolist()


def _table(window: Window, box: _Box, columns: int = 1, width: int = 4, skipped: int = 4) -> _Table:
    """Find the rows of a table, behind version, flags and other bytes that are skipped."""
    (rows,) = struct.unpack(">I", _read(window, box.start + skipped, 4))
    table = _Table(box.start + skipped + 4, rows, columns, width)
    if not 0 < rows * columns * width <= box.end - table.start:
        raise _UnclearError
    return table


def _check_tables(window: Window, tables: _Tables) -> int:
    """Make sure that tables agree; give the sum of all durations."""
    samples = tables.sizes.rows
    for piece in _pieces(window, tables.sizes):
        _need(piece.min() > 0 and piece.max() <= _MOST_SAMPLE_BYTES)
    total = timed = 0
    for piece in _pieces(window, tables.durations):
        counts, ticks = piece.T
        _need(counts.min() > 0 and ticks.min() > 0 and ticks.max() <= _MOST_TICKS)
        _need(counts.max() <= samples)
        timed += int(counts.sum())
        total += int((counts * ticks).sum())
    _need(timed == samples)
    # FFmpeg takes one sample as long as one tick for raw sound
    _need(total > samples)
    chunks, end, placed, before = tables.offsets.rows, 1, 0, 0
    for first, count, description in _each(window, tables.runs):
        is_first = not before
        _need(first == 1 if is_first else end < first <= chunks)
        _need(0 < count <= samples and description == 1)
        placed += before * (first - end)
        end, before = first, count
    _need(placed + before * (chunks + 1 - end) == samples)
    return total


# --- boxes ---


def _sound(window: Window) -> _Sound:
    tops = list(_boxes(window, 0, window.length, is_top=True))
    _need(all(box.name in _AT_TOP for box in tops))
    movie = list(_boxes(window, *_only(tops, b"moov")[1:]))
    names = {box.name for box in movie}
    _need(not names & {b"mvex", b"cmov"} and b"mvhd" in names)
    tracks = [box for box in movie if box.name == b"trak"]
    _need(len(tracks) <= _MOST_TRACKS)
    found = []
    for track in tracks:
        handler = _handler(window, track)
        if handler == b"soun":
            found.append(track)
        else:
            _need(handler in _WITHOUT_SOUND)
    _need(len(found) == 1)
    per_second, _ = _header(window, _only(movie, b"mvhd"))
    sound = _track(window, found[0], per_second)
    for box in [*movie, *_boxes(window, *found[0][1:])]:
        if box.name in (b"udta", b"meta"):
            # FFmpeg prefers the priming in this tag to that in the edit list
            priming = _tagged_priming(window, box)
            _need(priming is None or priming == sound.start_tick - sound.first_tick)
    return sound


def _tagged_priming(window: Window, box: _Box) -> int | None:
    """Read how many samples are to be cut by a tag of iTunes; None where there is none."""
    for at in range(box.start, box.end, _MOST_READ_BYTES):
        length = min(_MOST_READ_BYTES + _LONGEST_TAG, box.end - at)
        found = _TAG.search(_read(window, at, length))
        if found is not None:
            return int(found[1] or b"-1", 16)
    return None


def _handler(window: Window, track: _Box) -> bytes:
    media = _only(list(_boxes(window, *track[1:])), b"mdia")
    handler = _only(list(_boxes(window, *media[1:])), b"hdlr")
    return _read(window, handler.start + 8, 4)


def _track(window: Window, box: _Box, movie_ticks_per_second: int) -> _Sound:
    parts = list(_boxes(window, *box[1:]))
    media = list(_boxes(window, *_only(parts, b"mdia")[1:]))
    per_second, duration = _header(window, _only(media, b"mdhd"))
    information = list(_boxes(window, *_only(media, b"minf")[1:]))
    _check_is_whole(window, _only(information, b"dinf"))
    boxes = list(_boxes(window, *_only(information, b"stbl")[1:]))
    names = {box.name for box in boxes}
    _need(not names & {b"ctts", b"stz2", b"senc", b"saiz"} and len({b"stco", b"co64"} & names) == 1)
    codec, extradata, rate = _description(window, _only(boxes, b"stsd"))
    # FFmpeg cuts by samples, at places that are given in ticks
    _need(rate == per_second)
    is_wide = b"co64" in names
    sizes = _only(boxes, b"stsz")
    _need(_read(window, sizes.start + 4, 4) == bytes(4))
    tables = _Tables(
        durations=_table(window, _only(boxes, b"stts"), 2),
        runs=_table(window, _only(boxes, b"stsc"), 3),
        sizes=_table(window, sizes, skipped=8),
        offsets=_table(window, _only(boxes, b"co64" if is_wide else b"stco"), 1, 4 + 4 * is_wide),
    )
    total = _check_tables(window, tables)
    _need(duration > 0)
    duration, late, before, end = min(duration, total), 0, 0, None
    if any(part.name == b"edts" for part in parts):
        lists = list(_boxes(window, *_only(parts, b"edts")[1:]))
        late, before, heard = _edits(window, _only(lists, b"elst"))
        late, heard = (_rescaled(n, per_second, movie_ticks_per_second) for n in (late, heard))
        # FFmpeg looks back for a second before an edit
        _need(heard > 0 and before < per_second)
        end = late + heard
        duration = min(duration, heard)
    return _Sound(codec, extradata, per_second, late - before, late, end, duration, tables)


def _rescaled(ticks: int, per_second: int, from_per_second: int) -> int:
    return (2 * ticks * per_second + from_per_second) // (2 * from_per_second)


def _header(window: Window, box: _Box) -> tuple[int, int]:
    """Read ticks in a second, and duration, of a movie or a media header."""
    version = _read(window, box.start, 1)[0]
    _need(version <= 1)
    at, layout = (20, ">IQ") if version else (12, ">II")
    fields = _read(window, box.start + at, struct.calcsize(layout))
    per_second, duration = struct.unpack(layout, fields)
    _need(0 < per_second < 1 << 31 and duration < 1 << (62 if version else 31))
    return per_second, duration


def _edits(window: Window, box: _Box) -> tuple[int, int, int]:
    """Read how late the sound begins and how long it is, and, in its ticks, what is cut before."""
    version = _read(window, box.start, 1)[0]
    _need(version <= 1)
    layout = ">Qqi" if version else ">Iii"
    length = struct.calcsize(layout)
    (count,) = struct.unpack(">I", _read(window, box.start + 4, 4))
    _need(count in (1, 2) and 8 + count * length <= box.end - box.start)
    rows = list(struct.iter_unpack(layout, _read(window, box.start + 8, count * length)))
    late = rows.pop(0)[0] if count == 2 and rows[0][1] == -1 else 0
    ((heard, before, rate),) = rows if len(rows) == 1 else ((0, -1, 0),)
    _need(rate == 1 << 16 and before >= 0 and 0 < heard < 1 << 40 and late < 1 << 40)
    return late, before, heard


def _check_is_whole(window: Window, box: _Box) -> None:
    """Make sure that the sound is in this file."""
    references = _only(list(_boxes(window, *box[1:])), b"dref")
    (count,) = struct.unpack(">I", _read(window, references.start + 4, 4))
    _need(count == 1 and references.end >= references.start + 20)
    _need(_read(window, references.start + 19, 1)[0] & 1 == 1)


def _description(window: Window, box: _Box) -> tuple[str, bytes, int]:
    """Read codec, extradata for FFmpeg, and sample rate."""
    _need(box.end - box.start <= _MOST_DESCRIPTION_BYTES)
    (count,) = struct.unpack(">I", _read(window, box.start + 4, 4))
    entry = next(_boxes(window, box.start + 8, box.end), None)
    if count != 1 or entry is None:
        raise _UnclearError
    reference, version = struct.unpack(">6xHH", _read(window, entry.start, 10))
    _need(reference == 1 and version <= 1)
    parts = list(_boxes(window, entry.start + 28 + 16 * version, entry.end))
    if any(part.name == b"wave" for part in parts):
        parts = list(_boxes(window, *_only(parts, b"wave")[1:], is_wave=True))
    if entry.name == b"mp4a":
        own = _only(parts, b"esds")
        return "aac", *_aac(_read(window, own.start, own.end - own.start))
    if entry.name == b"alac":
        own = _only(parts, b"alac")
        _need(own.end - own.start == 28)
        extradata = _read(window, own.start - 8, 36)
        return "alac", extradata, int.from_bytes(extradata[-4:], "big")
    raise _UnclearError


def _aac(body: bytes) -> tuple[bytes, int]:
    """Read the configuration of AAC LC from an esds box (ISO/IEC 14496-1, 7.2.6)."""
    es = _descriptor(body[4:], 3)
    _need(es[2] == 0)  # no further fields
    decoder = _descriptor(es[3:], 4)
    _need(decoder[0] == 0x40)
    config = _descriptor(decoder[13:], 5)
    first = int.from_bytes(config[:2], "big")
    kind, rate, channels, rest = first >> 11, first >> 7 & 15, first >> 3 & 15, first & 7
    # other kinds, frames and extensions than those of AAC LC are left to FFmpeg
    _need(kind == 2 and rate < len(_RATES) and 1 <= channels <= 7 and rest == 0)
    _need(config[2:] in (b"", b"\x56\xe5\x00"))
    return config, _RATES[rate]


def _descriptor(data: bytes, tag: int) -> bytes:
    """Give the body of a descriptor."""
    _need(data[0] == tag)
    size, at = 0, 1
    while True:
        size = size << 7 | data[at] & 0x7F
        at += 1
        if not data[at - 1] & 0x80:
            break
        _need(at <= 4)
    _need(at + size <= len(data))
    return data[at : at + size]


def _boxes(
    window: Window, at: int, end: int, *, is_top: bool = False, is_wave: bool = False
) -> Iterator[_Box]:
    for _ in range(_MOST_BOXES):
        # QuickTime ends some lists with zeros
        if at == end or (is_wave and at + 4 >= end):
            return
        size, name = struct.unpack(">I4s", _read(window, at, 8))
        start = at + 8
        if size == 1:
            (size,) = struct.unpack(">Q", _read(window, start, 8))
            start += 8
        elif size == 0 and is_top:
            size = end - at
        at += size
        # sound that was cut off is missed when it is read
        if at < start or (at > end and not (is_top and name == b"mdat")):
            raise _UnclearError
        yield _Box(name, start, min(at, end))
        at = min(at, end)
    raise _UnclearError


def _only(boxes: list[_Box], name: bytes) -> _Box:
    found = [box for box in boxes if box.name == name]
    _need(len(found) == 1)
    return found[0]


def _read(window: Window, at: int, size: int) -> bytes:
    window.seek(at)
    data = window.read(size)
    _need(len(data) == size)
    return data


def _need(holds: object) -> None:
    if not holds:
        raise _UnclearError
