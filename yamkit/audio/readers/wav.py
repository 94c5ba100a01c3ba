"""WAV read once from front to back, without seeking: RIFF, RIFX, RF64 and BW64.

Samples are integers, floats, or 8 bits by one of telephony's two laws (ITU-T G.711).

For pipes, which libsndfile cannot read, and for files whose sizes are not those of what is there:
several ``data`` chunks, WAVs one behind the other, chunks of odd size without their padding, sizes
that wrapped at 4 GiB or were never written. Every other codec is left to other readers.
"""

from __future__ import annotations

import functools
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit.audio._notes import Notes
from yamkit.audio._source import Decoded, block_samples
from yamkit.audio.formats.incoming import LONGEST_HEADER
from yamkit.audio.formats.tags import begins_tag
from yamkit.audio.readers.convert import converted
from yamkit.errors import DecodeError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from yamkit.audio.formats.incoming import Incoming
    from yamkit.audio.formats.window import Window

__all__ = [
    "ENCODINGS",
    "is_placeholder",
    "is_plain_wav",
    "open_pcm_stream",
    "open_wav",
    "wav_codec",
]

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_SUBTYPE_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_FORMATS = {b"RIFF": "<", b"RIFX": ">", b"RF64": "<", b"BW64": "<"}
ENCODINGS: dict[str, tuple[str, bool, int, str]] = {
    "u8": ("<", False, 1, ""),
    "s16le": ("<", False, 2, ""),
    "s16be": (">", False, 2, ""),
    "s24le": ("<", False, 3, ""),
    "s24be": (">", False, 3, ""),
    "s32le": ("<", False, 4, ""),
    "s32be": (">", False, 4, ""),
    "f32le": ("<", True, 4, ""),
    "f32be": (">", True, 4, ""),
    "f64le": ("<", True, 8, ""),
    "f64be": (">", True, 8, ""),
    "mulaw": ("<", False, 1, "mulaw"),
    "alaw": ("<", False, 1, "alaw"),
}
"""Encodings of samples without a header: byte order, whether floats, bytes of a value, law."""

_LAWS = {6: "alaw", 7: "mulaw"}
"""Format tags of 8-bit samples whose steps are logarithmic."""

_KNOWN_CHUNKS = frozenset(
    name.ljust(4)
    for name in b"fmt data fact LIST cue smpl inst plst note labl ltxt bext iXML PEAK JUNK junk "
    b"FLLR id3 ID3 PAD pad LGWV guan wamd minf elm1 elmo regn umid DGDA afsp cart axml chna dbmd "
    b"levl link r64m ds64 strc acid DISP SAUR ResU _PMX bxml sxml tlst slnt wavl qlty mext cset "
    b"trkn".split()
)
_CHUNK_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9_ \-]{3}")

_LONGEST_FORMAT = 4096
_LONGEST_STRANGE_CHUNK = 1 << 24
_LONGEST_LEAD = 1 << 28
"""Bytes of chunks before the sound."""
_MOST_CHUNKS = 100_000
"""Before a sound, and behind it."""
_AT_ONCE = 1 << 16
_LONGEST_TAIL = 1 << 17
"""In how many last bytes chunks are looked for, behind sound of a size that nobody knows."""
_SECTOR = 4096
"""Most zeros behind the last chunk, with which some recorders fill a sector up."""
_IN_DS64 = 0xFFFFFFFF


@dataclass(frozen=True)
class _Format:
    order: str
    is_float: bool
    channels: int
    sample_rate: int
    width: int  # bytes of one value
    law: str = ""

    @property
    def frame_size(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * self.width


@dataclass(frozen=True)
class _Sound:
    """A ``data`` chunk that is about to begin."""

    format: _Format
    size: int | None
    """Bytes, as the header says; None where it leaves that open."""


def is_placeholder(size: int) -> bool:
    """Tell whether a 32-bit size is what programs write when they do not know it yet.

    Zero, about 2 GiB (sox, arecord) and about 4 GiB (ffmpeg).
    """
    return size == 0 or 0x7FFF0000 <= size <= 0x80000FFF or 0xFFFF0000 <= size <= 0xFFFFFFFF


def open_wav(incoming: Incoming, notes: Notes) -> Decoded | None:
    """Read the header of a WAV and decode what follows.

    A size that is a placeholder means all that comes, without end if need be.

    Parameters
    ----------
    incoming : Incoming
        At its beginning.
    notes : Notes

    Returns
    -------
    Decoded or None
        None where the stream is no WAV or holds another codec; it can be given back then.
    """
    sound = _header(incoming)
    if sound is None:
        return None
    incoming.keep_no_more()
    format_ = sound.format
    bytes_per_second = format_.frame_size * format_.sample_rate
    return Decoded(
        format_.sample_rate,
        format_.channels,
        _blocks(incoming, sound, notes),
        notes,
        reader="yamkit",
        container="WAV",
        codec=_name(format_),
        seconds_promised=sound.size / bytes_per_second if sound.size and bytes_per_second else None,
    )


def open_pcm_stream(incoming: Incoming, encoding: str, sample_rate: int, channels: int) -> Decoded:
    """Decode samples that come without a header.

    Parameters
    ----------
    incoming : Incoming
    encoding : str
        One of `ENCODINGS`.
    sample_rate, channels : int

    Raises
    ------
    ParameterError
        If the encoding is none of these.
    DecodeError
        If rate or channels make no sense.
    """
    if encoding not in ENCODINGS:
        raise ParameterError(f"encoding {encoding!r}: wanted one of {', '.join(ENCODINGS)}")
    order, is_float, width, law = ENCODINGS[encoding]
    incoming.keep_no_more()
    format_ = _Format(order, is_float, channels, sample_rate, width, law)
    blocks = _pcm(_all(incoming), format_)
    return Decoded(
        sample_rate, channels, blocks, Notes(), reader="yamkit", container="none", codec=encoding
    ).check()


def is_plain_wav(window: Window) -> bool:
    """Tell whether the sizes of a WAV are those of what is there, so that any reader reads it all.

    One ``data`` chunk, no chunk cut or without its padding, nothing but chunks behind it.
    """
    window.seek(0)
    head = window.read(12)
    order = _FORMATS.get(head[:4])
    if order is None or head[:4] == b"RF64" or head[:4] == b"BW64":
        return False
    at, sounds = 12, 0
    for _ in range(_MOST_CHUNKS):
        if at >= window.length:
            return sounds == 1
        window.seek(at)
        head = window.read(8)
        if len(head) < 8 or head[:4] not in _KNOWN_CHUNKS:
            return sounds == 1 and _is_blank(window, at)
        (size,) = struct.unpack(f"{order}I", head[4:])
        sounds += head[:4] == b"data"
        at += 8 + size
        if at > window.length:
            return False
        if size % 2 and at < window.length:
            window.seek(at)
            if window.read(1) != b"\0":
                return False
            at += 1
    return False


def wav_codec(window: Window) -> tuple[int, int, int] | None:
    """Find a codec that is none of `open_wav`'s, with the place of its data.

    Returns
    -------
    tuple of int, or None
        Format tag, and where its ``data`` begins and ends; None where there is none.

    Raises
    ------
    DecodeError
        If there is no end of chunks before the sound.
    """
    window.seek(0)
    head = window.read(12)
    order = _FORMATS.get(head[:4])
    tag, at = 0, 12
    for _ in range(_MOST_CHUNKS):
        window.seek(at)
        head = window.read(8)
        if order is None or len(head) < 8:
            return None
        (size,) = struct.unpack(f"{order}I", head[4:])
        if head[:4] == b"fmt " and size >= 16:
            body = window.read(min(size, 40)).ljust(2, b"\0")
            (tag,) = struct.unpack_from(f"{order}H", body)
            if tag == _EXTENSIBLE and len(body) >= 26:
                (tag,) = struct.unpack_from(f"{order}H", body, 24)
        elif head[:4] == b"data":
            end = min(at + 8 + size, window.length)
            if is_placeholder(size):
                end = window.length
            return None if tag in (0, _PCM, _FLOAT, *_LAWS) else (tag, at + 8, end)
        at += 8 + size + size % 2
    # FFmpeg and libsndfile would walk on, through zeros for instance
    raise _endless()


# --- headers and chunks ---


def _header(incoming: Incoming) -> _Sound | None:
    """Read from the first byte of a WAV to its first ``data``.

    Raises
    ------
    DecodeError
        If there is no end of chunks before it.
    """
    order = _FORMATS.get(incoming.exactly(4))
    size, form = incoming.exactly(4), incoming.exactly(4)
    if order is None or form != b"WAVE":
        return None
    (riff_size,) = struct.unpack(f"{order}I", size)
    start = incoming.position
    format_: _Format | None = None
    data_size_64 = 0
    for _ in range(_MOST_CHUNKS):
        head = incoming.exactly(8)
        if len(head) < 8:
            return None
        (size_,) = struct.unpack(f"{order}I", head[4:])
        if head[:4] == b"data":
            if format_ is None:
                return None
            position = incoming.position - start + 4
            if size_ == _IN_DS64:
                size_ = data_size_64 or size_
            elif size_ == 0 and not is_placeholder(riff_size) and riff_size > position:
                return _Sound(format_, 0)
            open_ended = is_placeholder(size_) or size_ >> 62
            return _Sound(format_, None if open_ended else size_)
        if format_ is None and size_ > LONGEST_HEADER - (incoming.position - start):
            return None
        if head[:4] == b"fmt " and 16 <= size_ <= _LONGEST_FORMAT:
            format_ = _parse_format(incoming.exactly(size_), order)
            if format_ is None:
                return None
        elif not _is_chunk(head[:4], size_):
            return None
        elif head[:4] == b"ds64" and 28 <= size_ <= _LONGEST_FORMAT:
            (data_size_64,) = struct.unpack_from("<Q", incoming.exactly(size_).ljust(28, b"\0"), 8)
        else:
            incoming.skip(size_)
        _skip_padding(incoming, size_)
        if incoming.position - start > _LONGEST_LEAD:
            raise DecodeError(f"no sound in its first {incoming.position - start} bytes")
    raise _endless()


def _endless() -> DecodeError:
    return DecodeError(f"{_MOST_CHUNKS} chunks, none of which is sound")


def _following(incoming: Incoming, sound: _Sound) -> _Sound | None:
    """Pass over the chunks behind a ``data`` chunk, up to the next sound; None at the end."""
    size = sound.size or 0
    for _ in range(_MOST_CHUNKS):
        _skip_padding(incoming, size)
        head = incoming.peek(12)
        if head[:4] in _FORMATS and head[8:] == b"WAVE":
            return _header(incoming)
        if len(head) < 8:
            return None
        (size,) = struct.unpack(f"{sound.format.order}I", head[4:8])
        if not _is_chunk(head[:4], size):
            return None
        incoming.exactly(8)
        if head[:4] == b"data":
            return _Sound(sound.format, None if is_placeholder(size) else size)
        incoming.skip(size)
    return None


def _goes_on(incoming: Incoming, sound: _Sound) -> bool:
    """Tell whether more than chunks, or some zeros up to the end, follows a ``data`` chunk."""
    for padding in range(1 + (sound.size or 0) % 2):
        head = incoming.peek(padding + 12)[padding:]
        if len(head) < 8 or (head[:4] in _FORMATS and head[8:] == b"WAVE"):
            return False
        (size,) = struct.unpack(f"{sound.format.order}I", head[4:8])
        if _is_chunk(head[:4], size):
            return False
    ahead = incoming.peek(_SECTOR + 1)
    return not begins_tag(ahead) and (len(ahead) > _SECTOR or any(ahead))


def _is_chunk(name: bytes, size: int) -> bool:
    if name in _KNOWN_CHUNKS:
        return True
    return _CHUNK_NAME.fullmatch(name) is not None and size <= _LONGEST_STRANGE_CHUNK


def _skip_padding(incoming: Incoming, size: int) -> None:
    """Take the byte behind a chunk of odd size, where the writer did not forget it."""
    if size % 2:
        ahead = incoming.peek(5)
        if ahead[1:] in _KNOWN_CHUNKS or ahead[:4] not in _KNOWN_CHUNKS | set(_FORMATS):
            incoming.exactly(1)


def _chunks_at_end(data: bytes, order: str) -> int:
    """Find where the chunks begin that end where `data` does; its length where there are none."""
    seen: set[int] = set()  # places from which chunks do not lead to the end
    for found in re.finditer(b"|".join(map(re.escape, _KNOWN_CHUNKS)), data):
        at = found.start()
        while at not in seen and at + 8 <= len(data) and data[at : at + 4] in _KNOWN_CHUNKS:
            seen.add(at)
            (size,) = struct.unpack_from(f"{order}I", data, at + 4)
            at += 8 + size + size % 2
        if at in (len(data), len(data) + 1):
            return found.start()
    return len(data)


def _is_blank(window: Window, at: int) -> bool:
    """Tell whether nothing but some zeros follows."""
    window.seek(at)
    return window.length - at <= _SECTOR and not any(window.read(_SECTOR))


def _parse_format(chunk: bytes, order: str) -> _Format | None:
    """Read a ``fmt`` chunk; None where its codec is none of ours."""
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
    return _Format(order, tag == _FLOAT, channels, sample_rate, width, _LAWS.get(tag, ""))


# --- samples ---


def _blocks(incoming: Incoming, first: _Sound, notes: Notes) -> Iterator[NDArray[np.float32]]:
    """Decode a sound and all that follow it, in the form of the first."""
    rate, channels = first.format.sample_rate, first.format.channels
    samples = 0
    sound: _Sound | None = first
    while sound is not None:
        here = sound.format
        found = _pcm(_data(incoming, sound, notes, samples / rate), here)
        for block in converted(found, (here.sample_rate, here.channels), (rate, channels)):
            samples += len(block)
            yield block
        sound = _following(incoming, sound)


def _data(incoming: Incoming, sound: _Sound, notes: Notes, start_seconds: float) -> Iterator[bytes]:
    """Give the bytes of a ``data`` chunk, and those behind it that are no chunk."""
    if sound.size is None:
        yield from _all(incoming)
        return
    bytes_per_second = sound.format.frame_size * sound.format.sample_rate
    promised = start_seconds + sound.size / bytes_per_second
    unread = sound.size
    while unread and (data := incoming.some(min(_AT_ONCE, unread))):
        unread -= len(data)
        yield data
    if unread:
        notes.breaks_off(promised - unread / bytes_per_second, promised)
    elif _goes_on(incoming, sound):
        more = 0
        for data in _up_to_chunks(incoming, sound.format.order):
            more += len(data)
            yield data
        notes.goes_on(promised, more / bytes_per_second)


def _all(incoming: Incoming) -> Iterator[bytes]:
    while data := incoming.some(_AT_ONCE):
        yield data


def _up_to_chunks(incoming: Incoming, order: str) -> Iterator[bytes]:
    """Give all that comes, but for chunks at the very end."""
    held = b""
    while data := incoming.some(_AT_ONCE):
        held += data
        yield held[:-_LONGEST_TAIL]
        held = held[-_LONGEST_TAIL:]
    yield held[: _chunks_at_end(held, order)]


def _pcm(pieces: Iterator[bytes], format_: _Format) -> Iterator[NDArray[np.float32]]:
    """Turn bytes, cut anywhere, into whole samples."""
    frame_size = format_.frame_size
    longest = block_samples(format_.channels) * frame_size
    rest = b""
    for piece in pieces:
        data = rest + piece
        whole = len(data) // frame_size * frame_size
        rest = data[whole:]
        for start in range(0, whole, longest):
            yield _to_float(data[start : min(start + longest, whole)], format_)


def _to_float(data: bytes, format_: _Format) -> NDArray[np.float32]:
    """Convert whole samples to float32 with full scale at 1, as libsndfile does."""
    order, width = format_.order, format_.width
    if format_.is_float:
        with np.errstate(over="ignore"):
            values = np.frombuffer(data, f"{order}f{width}").astype(np.float32)
    elif format_.law:
        values = _law_table(format_.law)[np.frombuffer(data, np.uint8)]
    elif width == 1:
        values = (np.frombuffer(data, np.uint8).astype(np.float32) - 128) * np.float32(2**-7)
    else:
        if width == 3:
            # Into the upper three bytes of 32-bit integers; the lowest is zero.
            wide = np.zeros((len(data) // 3, 4), np.uint8)
            wide[:, slice(1, 4) if order == "<" else slice(0, 3)] = np.frombuffer(
                data, np.uint8
            ).reshape(-1, 3)
            integers = wide.view(f"{order}i4")[:, 0]
            scale = 2.0**-31
        else:
            integers = np.frombuffer(data, f"{order}i{width}")
            scale = 2.0 ** (1 - 8 * width)
        values = integers.astype(np.float32) * np.float32(scale)
    return values.reshape(-1, format_.channels)


@functools.cache
def _law_table(law: str) -> NDArray[np.float32]:
    """Give the sample of each byte, float32 [256], as FFmpeg decodes it."""
    import av

    codec: Any = av.CodecContext.create(f"pcm_{law}", "r")
    codec.sample_rate, codec.layout = 8000, "mono"
    (frame,) = codec.decode(av.Packet(bytes(range(256))))
    table: NDArray[np.float32] = frame.to_ndarray()[0].astype(np.float32) * np.float32(2.0**-15)
    return table


def _name(format_: _Format) -> str:
    """Name a codec as FFmpeg does."""
    if format_.law:
        return f"pcm_{format_.law}"
    if format_.width == 1:
        return "pcm_u8"
    kind = "f" if format_.is_float else "s"
    return f"pcm_{kind}{8 * format_.width}{'le' if format_.order == '<' else 'be'}"
