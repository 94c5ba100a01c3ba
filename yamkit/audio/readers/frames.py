"""Sound that is one coded frame behind the other, without a container: MPEG audio, ADTS, AC-3.

Each frame says its own length and duration, so the walk over them knows what lies between frames:
tags, other files that were joined to the first, damage. FFmpeg's decoders, through PyAV, get frame
by frame; a frame that cannot be decoded, or is not there, costs its own time and no other's.

The header of a frame is that of ISO/IEC 11172-3, 2.4.1.3, of 13818-7, 6.2, and of ATSC A/52, 5.4.1
and E.1.2; the length header that an MP3 may begin with is Xing's, with the delays that LAME added,
or Fraunhofer's VBRI.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import av

from yamkit.audio._source import Decoded
from yamkit.audio.formats.incoming import Incoming
from yamkit.audio.formats.tags import id3_size, is_harmless, tag_size
from yamkit.audio.readers.convert import MOST_SILENCE_SECONDS, in_first_form, silence
from yamkit.audio.readers.pyav import Run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yamkit.audio._notes import Notes
    from yamkit.audio.formats.window import Window
    from yamkit.audio.readers.convert import Piece

__all__ = ["FRAME_KINDS", "FrameKind", "behind_tags", "frames_begin", "open_frames"]

_AHEAD = 1 << 16
"""Bytes that are looked at together; no frame is longer than 8 kB."""
_RUN_SAMPLES = 1 << 14
_TAG_HEAD = 32
_NEAR = 10
"""Frames before damage whose mean size tells how many it took."""
_CHAIN = 4
"""Frames that must follow each other before the first of them is believed."""
_SHORTEST_FRAME = 24
"""Bytes of a frame of an MP3."""
_DECODER_DELAY = 529
"""Samples by which every MP3 decoder is late."""


class _Header(NamedTuple):
    key: tuple[int, ...]  # the same in all frames of a file
    size: int  # bytes
    samples: int
    sample_rate: int  # in Hz, of `samples`


_Parse = Callable[[bytes, int], "_Header | None"]
"""Reads the header at a place of some bytes; None where there is none."""


@dataclass(frozen=True)
class FrameKind:
    """A kind of frames.

    Attributes
    ----------
    container, codec : str
        As outputs name them.
    decoder : str
        FFmpeg's name of it.
    parse : callable
    sync : pattern
        What every frame begins with.
    """

    container: str
    codec: str
    decoder: str
    parse: _Parse
    sync: re.Pattern[bytes]


# --- headers of frames ---

_MPEG_1 = 3
# By the two version bits: MPEG 2.5, reserved, MPEG 2, MPEG 1.
_RATES_HZ = {0: (11025, 12000, 8000), 2: (22050, 24000, 16000), 3: (44100, 48000, 32000)}
# In kbit/s, by whether MPEG 1 and by layer.
_BIT_RATES = {
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


@functools.lru_cache(maxsize=4096)
def _mpeg_header(second: int, third: int) -> _Header | None:
    version, layer = second >> 3 & 3, 4 - (second >> 1 & 3)
    bit_rate, rate, padding = third >> 4, third >> 2 & 3, third >> 1 & 1
    if second < 0xE0 or version == 1 or layer == 4 or rate == 3 or not 0 < bit_rate < 15:
        return None
    is_first = version == _MPEG_1
    bits_per_second = 1000 * _BIT_RATES[is_first, layer][bit_rate - 1]
    sample_rate = _RATES_HZ[version][rate]
    if layer == 1:
        samples, size = 384, (12 * bits_per_second // sample_rate + padding) * 4
    else:
        samples = 1152 if is_first or layer == 2 else 576
        size = samples // 8 * bits_per_second // sample_rate + padding
    return _Header((version, layer, rate), size, samples, sample_rate)


def _parse_mpeg(layer: int) -> _Parse:
    def parse(data: bytes, at: int) -> _Header | None:
        if at + 4 > len(data) or data[at] != 0xFF:
            return None
        header = _mpeg_header(data[at + 1], data[at + 2])
        return header if header is not None and header.key[1] == layer else None

    return parse


_ADTS_RATES_HZ = (
    96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
)  # fmt: skip


def _parse_adts(data: bytes, at: int) -> _Header | None:
    if at + 7 > len(data) or data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0:
        return None
    rate = data[at + 2] >> 2 & 15
    size = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
    if rate >= len(_ADTS_RATES_HZ) or size < (7 if data[at + 1] & 1 else 9):
        return None
    key = (data[at + 1] >> 3 & 1, data[at + 2] >> 6, rate)
    return _Header(key, size, 1024 * ((data[at + 6] & 3) + 1), _ADTS_RATES_HZ[rate])


_AC3_SYNC = b"\x0b\x77"
_AC3_RATES_HZ = (48000, 44100, 32000)
_AC3_BIT_RATES = (
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640
)  # fmt: skip
_AC3_BLOCK = 256
_EAC3_BLOCKS = (1, 2, 3, 6)


def _parse_ac3(data: bytes, at: int) -> _Header | None:
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
    return _Header((data[at + 5] >> 3, rate), 2 * words, samples, sample_rate)


def _parse_eac3(data: bytes, at: int) -> _Header | None:
    if at + 6 > len(data) or data[at : at + 2] != _AC3_SYNC or not 10 < data[at + 5] >> 3 <= 16:
        return None
    if data[at + 2] >> 3:  # a stream that others depend on, or one of several
        return None
    size = 2 * (((data[at + 2] & 7) << 8 | data[at + 3]) + 1)
    rate, blocks = data[at + 4] >> 6, data[at + 4] >> 4 & 3
    if rate == 3:
        if blocks == 3:
            return None
        sample_rate, count = _AC3_RATES_HZ[blocks] // 2, 6
    else:
        sample_rate, count = _AC3_RATES_HZ[rate], _EAC3_BLOCKS[blocks]
    return _Header((data[at + 5] >> 3, sample_rate), size, count * _AC3_BLOCK, sample_rate)


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
    """Tell which kind of frames a file is made of.

    Parameters
    ----------
    window : Window
    within : int
        In how many bytes, behind ID3 tags, the first frame must begin.

    Returns
    -------
    FrameKind or None
    """
    at = behind_tags(window)
    window.seek(at)
    data = window.read(within + _AHEAD)
    ends = at + len(data) == window.length
    for kind in FRAME_KINDS:
        found = _find(data, 0, kind, ends)
        if found is not None and found <= within:
            return kind
    return None


def behind_tags(window: Window) -> int:
    """Find the end of the ID3v2 tags that a file begins with, there may be several."""
    at = 0
    while True:
        window.seek(at)
        size = id3_size(window.read(10))
        if not size:
            return at
        at += size


def _find(data: bytes, at: int, kind: FrameKind, ends: bool) -> int | None:
    """Find the first frame that others follow, or the end of the file."""
    while (sync := kind.sync.search(data, at)) is not None:
        at = sync.start()
        first = kind.parse(data, at)
        if first is not None and _is_chain(data, at, first, kind.parse, ends):
            return at
        at += 1
    return None


def _is_chain(data: bytes, at: int, first: _Header, parse: _Parse, ends: bool) -> bool:
    at += first.size
    for _ in range(_CHAIN - 1):
        if ends and at >= len(data):
            return at == len(data)
        following = parse(data, at)
        if following is None or following.key != first.key:
            return ends and is_harmless(data[at:])
        at += following.size
    return True


# --- the walk over a file ---


class _Frame(NamedTuple):
    at: int
    data: bytes
    header: _Header


class _Tag(NamedTuple):
    at: int


class _Junk(NamedTuple):
    at: int
    size: int
    is_last: bool
    is_cut_frame: bool


def _walk(incoming: Incoming, kind: FrameKind) -> Iterator[_Frame | _Tag | _Junk]:
    """Cut a file into frames, tags, and what is neither.

    Nothing is said of what is harmless at the end: tags of unknown size, and zeros.
    """
    key: tuple[int, ...] | None = None
    buffer, at, start = b"", 0, 0
    ends = False
    while True:
        if len(buffer) - at < _AHEAD // 2 and not ends:
            buffer, start, at = buffer[at:], start + at, 0
            while len(buffer) < _AHEAD and not ends:
                data = incoming.some(_AHEAD)
                buffer += data
                ends = not data
        if at >= len(buffer):
            return
        header = kind.parse(buffer, at)
        if header is not None and header.key == key and at + header.size <= len(buffer):
            yield _Frame(start + at, buffer[at : at + header.size], header)
            at += header.size
            continue
        if size := tag_size(buffer[at : at + _TAG_HEAD]):
            yield _Tag(start + at)
            rest = len(buffer) - at
            if size > rest:
                start += len(buffer) + incoming.skip(size - rest)
                buffer, at = b"", 0
            else:
                at += size
            key = None
            continue
        is_cut_frame = header is not None and header.key == key
        found = _find(buffer, at, kind, ends)
        tag = _find_tag(buffer, at)
        if tag is not None and (found is None or tag < found):
            found = tag
        elif found is not None:
            first = kind.parse(buffer, found)
            key = None if first is None else first.key
        if found is None:
            # the last bytes may begin a frame
            found = len(buffer) if ends else max(at + 1, len(buffer) - _AHEAD // 2)
        if found > at:
            is_last = ends and found == len(buffer)
            if not (is_last and is_harmless(buffer[at:])):
                yield _Junk(start + at, found - at, is_last, is_cut_frame and is_last)
        at = found


def _find_tag(data: bytes, at: int) -> int | None:
    while (at := data.find(b"ID3", at)) >= 0:
        if id3_size(data[at : at + 10]):
            return at
        at += 1
    return None


# --- the parts of a file ---


@dataclass(frozen=True)
class _Length:
    """What the length header of an MP3 says; zeros where it does not."""

    frames: int = 0
    bytes: int = 0
    delay: int = 0  # samples at the beginning that are none of the sound's
    padding: int = 0  # and at the end


_NO_LENGTH = _Length()


def _length(frame: _Frame) -> _Length | None:
    """Read the length header from the frame that holds one; None where it holds sound."""
    data = frame.data
    if data[36:40] == b"VBRI" and len(data) >= 54:
        size, frames = struct.unpack_from(">II", data, 46)
        return _Length(frames, size)
    is_mono = data[3] >> 6 == 3
    is_first = frame.header.key[0] == _MPEG_1
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
        return _Length(*values[:2])
    delay, padding = delays[0] << 4 | delays[1] >> 4, (delays[1] & 15) << 8 | delays[2]
    frames, size = values[:2]
    return _Length(frames, size, delay + _DECODER_DELAY, max(0, padding - _DECODER_DELAY))


@dataclass
class _Part:
    """One of the files that were joined, as far as it was read."""

    start: int = 0
    length: _Length = _NO_LENGTH
    skip: int = 0  # samples to be cut off yet
    frames: int = 0  # found, or known to be lost
    sizes: deque[int] = field(default_factory=lambda: deque(maxlen=_NEAR))  # of the last frames
    end: int = 0  # of the last frame
    is_cut: bool = False  # within a frame
    missing: float = math.nan  # frames lost in junk that is yet to come, where that is known
    junk: int = 0  # bytes of it
    held: deque[Piece] = field(default_factory=deque)
    held_samples: int = 0


class _Decoding:
    """Frames on their way to samples."""

    def __init__(self, window: Window, kind: FrameKind, notes: Notes) -> None:
        self._window, self._kind, self._notes = window, kind, notes
        self._codec: Any = av.CodecContext.create(kind.decoder, "r")
        self._part = _Part()
        self._header: _Header | None = None
        self._run = Run()
        self._form = (0, 0)
        self._seconds = 0.0
        self._owed = 0.0  # seconds of silence, until it is known in which form
        self._silence_left = MOST_SILENCE_SECONDS
        self._leading = 0  # bytes before the first frame
        self.first_length = _NO_LENGTH

    def pieces(self) -> Iterator[Piece]:
        """Decode all."""
        self._window.seek(0)
        incoming = Incoming(self._window)
        incoming.keep_no_more()
        for event in _walk(incoming, self._kind):
            self._window.check()
            if isinstance(event, _Frame):
                length = _length(event) if self._kind.codec == "mp3" else None
                if length is None:
                    yield from self._frame(event)
                else:
                    yield from self._next_part(event.at, length)
            elif isinstance(event, _Tag):
                if self._part.frames:
                    yield from self._next_part(event.at, _NO_LENGTH)
            elif self._header is None:
                self._leading += event.size
            elif event.is_cut_frame:
                self._part.is_cut = True
            else:
                yield from self._lose(self._frames_in(event))
        self._window.check()
        yield from self._end_of_part()

    def _frame(self, frame: _Frame) -> Iterator[Piece]:
        part = self._part
        self._header = frame.header
        if self._leading:
            # less than two frames is how a file begins that was cut anywhere
            lost, self._leading = self._leading // frame.header.size, 0
            yield from self._lose(lost if lost > 1 else 0)
        part.frames += 1
        part.sizes.append(len(frame.data))
        part.end = frame.at + len(frame.data)
        try:
            found = self._codec.decode(av.Packet(frame.data))
        except (av.FFmpegError, ValueError):
            part.frames -= 1
            yield from self._lose(1)
            return
        run = self._run
        for each in found:
            if not run.fits(each):
                yield from self._taken()
                run.begin(each)
                self._form = (each.sample_rate, each.layout.nb_channels)
                owed, self._owed = self._owed, 0.0
                yield from self._silence(owed)
            run.add(each)
        if run.samples >= _RUN_SAMPLES:
            yield from self._taken()

    def _taken(self) -> Iterator[Piece]:
        if self._run.samples:
            yield from self._accept(self._run.take())

    def _frames_in(self, junk: _Junk) -> int:
        """Estimate how many frames damage took: by the length header, else by their mean size."""
        part = self._part
        if part.length.bytes and part.length.frames and math.isnan(part.missing):
            part.missing, part.junk = self._look_ahead(junk)
        if part.missing >= 0 and part.junk >= junk.size:
            lost = round(part.missing * junk.size / part.junk)
            part.missing -= lost
            part.junk -= junk.size
            return lost
        if junk.is_last or not part.sizes:
            return 0
        sizes = [*part.sizes, *self._sizes_behind(junk)]
        return round(junk.size * len(sizes) / sum(sizes))

    def _sizes_behind(self, junk: _Junk) -> list[int]:
        """Look at the next frames: how large frames are may change where they were damaged."""
        rest = Incoming(self._window.part(junk.at + junk.size))
        rest.keep_no_more()
        sizes: list[int] = []
        for event in itertools.islice(_walk(rest, self._kind), _NEAR):
            if not isinstance(event, _Frame):
                break  # there may be much more of it
            sizes.append(len(event.data))
        return sizes

    def _look_ahead(self, junk: _Junk) -> tuple[float, int]:
        """Count what is missing in the part, and the junk in it, from here on.

        The count of the header is believed if the part is as many bytes long as the header says.
        """
        part = self._part
        found, size, end = 0, junk.size, junk.at + junk.size
        rest = Incoming(self._window.part(end))
        rest.keep_no_more()
        for event in _walk(rest, self._kind):
            if isinstance(event, _Tag) or (isinstance(event, _Frame) and _length(event)):
                break
            if isinstance(event, _Frame):
                found += 1
                end = junk.at + junk.size + event.at + len(event.data)
            else:
                size += event.size
        if abs(end - part.start - part.length.bytes) > self._most_uncertain:
            return -1.0, 0
        if part.length.frames * _SHORTEST_FRAME > part.length.bytes:
            return -1.0, 0
        return part.length.frames - part.frames - found, size

    def _lose(self, frames: int) -> Iterator[Piece]:
        """Let silence stand for frames that are lost."""
        yield from self._taken()
        self._codec.flush_buffers()
        if not frames:
            return
        seconds = min(frames * self._frame_seconds, self._silence_left)
        self._silence_left -= seconds
        self._notes.undecodable(self._seconds + self._owed, seconds)
        self._part.frames += frames
        if self._form == (0, 0):
            self._owed += seconds
        else:
            yield from self._silence(seconds)

    def _silence(self, seconds: float) -> Iterator[Piece]:
        for zeros in silence(round(seconds * self._form[0]), self._form[1]):
            yield from self._accept((self._form, zeros))

    def _accept(self, piece: Piece) -> Iterator[Piece]:
        """Cut off the delay, and hold back as much as may turn out to be padding."""
        part, (form, array) = self._part, piece
        if part.skip:
            skipped = min(part.skip, len(array))
            part.skip -= skipped
            array = array[skipped:]
        self._seconds += len(array) / form[0]
        part.held.append((form, array))
        part.held_samples += len(array)
        while part.held and part.held_samples - len(part.held[0][1]) >= part.length.padding:
            part.held_samples -= len(part.held[0][1])
            yield part.held.popleft()

    def _next_part(self, at: int, length: _Length) -> Iterator[Piece]:
        yield from self._end_of_part()
        self._codec.flush_buffers()
        self._part = _Part(at, length, length.delay)
        if not self._seconds:
            self.first_length = length

    def _end_of_part(self) -> Iterator[Piece]:
        yield from self._taken()
        part, length = self._part, self._part.length
        left = part.held_samples
        if part.frames >= length.frames:
            left = max(0, left - length.padding)
            if part.is_cut:
                self._notes.breaks_off(self._seconds)
        elif not length.bytes or part.end - part.start < length.bytes - self._most_uncertain:
            promised = (length.frames - part.frames) * self._frame_seconds
            self._notes.breaks_off(self._seconds, self._seconds + promised)
        elif part.is_cut:
            self._notes.breaks_off(self._seconds)
        for form, array in part.held:
            kept = array[:left]
            left -= len(kept)
            self._seconds -= (len(array) - len(kept)) / form[0]
            if len(kept):
                yield form, kept
        part.held.clear()

    @property
    def _most_uncertain(self) -> int:
        """Bytes by which a length header may be wrong: two frames."""
        return 2 * self._header.size if self._header else 0

    @property
    def _frame_seconds(self) -> float:
        return self._header.samples / self._header.sample_rate if self._header else 0.0


def open_frames(window: Window, kind: FrameKind, notes: Notes, *, container: str = "") -> Decoded:
    """Decode a file of frames.

    Parameters
    ----------
    window : Window
    kind : FrameKind
        As `frames_begin` finds it.
    notes : Notes
    container : str
        Where the frames lie, if not in a file of their own.

    Raises
    ------
    DecodeError
        If no frame can be decoded.
    """
    decoding = _Decoding(window, kind, notes)
    form, blocks = in_first_form(decoding.pieces())
    length = decoding.first_length
    header = decoding._header
    promised = None
    if length.frames and header is not None:
        samples = length.frames * header.samples - length.delay - length.padding
        promised = samples / header.sample_rate
    return Decoded(
        *form,
        blocks,
        notes,
        reader="PyAV",
        container=container or kind.container,
        codec=kind.codec,
        seconds_promised=promised,
    )
