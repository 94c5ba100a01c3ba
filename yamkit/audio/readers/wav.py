"""WAV read once from front to back, without seeking.

For pipes, which libsndfile cannot read, and for files whose sizes are wrong: several ``data``
chunks, WAVs one after the other, chunks of odd size without padding, sizes that wrapped at 4 GiB or
were never written. Only PCM, floats, mu-law and A-law are read here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yamkit.audio._notes import Notes
from yamkit.audio._source import Decoded
from yamkit.audio.formats.incoming import LONGEST_HEADER
from yamkit.audio.formats.pcm import ENCODINGS, PcmFormat
from yamkit.audio.formats.tags import begins_tag
from yamkit.audio.formats.wav import (
    KNOWN_CHUNKS,
    MOST_CHUNKS,
    ORDERS,
    SECTOR,
    chunks_at_end,
    endless,
    is_chunk,
    is_placeholder,
    parse_format,
)
from yamkit.audio.readers.convert import converted
from yamkit.audio.readers.pcm import decode_pcm
from yamkit.errors import DecodeError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from yamkit.audio.formats.incoming import Incoming

__all__ = ["open_pcm_stream", "open_wav"]

_LONGEST_FORMAT = 4096
_LONGEST_LEAD = 1 << 28
"""Most bytes of chunks before the sound."""
_AT_ONCE = 1 << 16
_LONGEST_TAIL = 1 << 17
"""Bytes at the end that are searched for chunks, after sound of unknown size."""
_IN_DS64 = 0xFFFFFFFF


@dataclass(frozen=True)
class _Sound:
    """A ``data`` chunk whose body follows."""

    format: PcmFormat
    size: int | None
    """Bytes by the header; None if it does not state them."""


def open_wav(incoming: Incoming, notes: Notes) -> Decoded | None:
    """Read the header of a WAV and decode what follows.

    If the size is a placeholder, everything that follows is sound, perhaps without end.

    Parameters
    ----------
    incoming : Incoming
        At its beginning.
    notes : Notes

    Returns
    -------
    Decoded or None
        None if the stream is not a WAV or has another codec; it can then be given back.
    """
    sound = _header(incoming)
    if sound is None:
        return None
    incoming.keep_no_more()
    pcm = sound.format
    bytes_per_second = pcm.frame_size * pcm.sample_rate
    return Decoded(
        pcm.sample_rate,
        pcm.channels,
        _blocks(incoming, sound, notes),
        notes,
        reader="yamkit",
        container="WAV",
        codec=pcm.codec,
        seconds_promised=sound.size / bytes_per_second if sound.size and bytes_per_second else None,
    )


def open_pcm_stream(incoming: Incoming, encoding: str, sample_rate: int, channels: int) -> Decoded:
    """Decode samples without a header.

    Parameters
    ----------
    incoming : Incoming
    encoding : str
        One of `ENCODINGS`.
    sample_rate, channels : int

    Raises
    ------
    ParameterError
        If the encoding is unknown.
    DecodeError
        If rate or channels are out of range.
    """
    if encoding not in ENCODINGS:
        raise ParameterError(f"encoding {encoding!r}: must be one of {', '.join(ENCODINGS)}")
    order, is_float, width, law = ENCODINGS[encoding]
    incoming.keep_no_more()
    pcm = PcmFormat(order, is_float, channels, sample_rate, width, law)
    blocks = decode_pcm(_all(incoming), pcm)
    return Decoded(
        sample_rate, channels, blocks, Notes(), reader="yamkit", container="none", codec=encoding
    ).check()


# --- headers and chunks ---


def _header(incoming: Incoming) -> _Sound | None:
    """Read from the first byte of a WAV to its first ``data``.

    Raises
    ------
    DecodeError
        If there are too many chunks before it.
    """
    order = ORDERS.get(incoming.exactly(4))
    size, kind = incoming.exactly(4), incoming.exactly(4)
    if order is None or kind != b"WAVE":
        return None
    (riff_size,) = struct.unpack(f"{order}I", size)
    start = incoming.position
    pcm: PcmFormat | None = None
    data_size_64 = 0
    for _ in range(MOST_CHUNKS):
        head = incoming.exactly(8)
        if len(head) < 8:
            return None
        (size_,) = struct.unpack(f"{order}I", head[4:])
        if head[:4] == b"data":
            if pcm is None:
                return None
            position = incoming.position - start + 4
            if size_ == _IN_DS64:
                size_ = data_size_64 or size_
            elif size_ == 0 and not is_placeholder(riff_size) and riff_size > position:
                return _Sound(pcm, 0)
            open_ended = is_placeholder(size_) or size_ >> 62
            return _Sound(pcm, None if open_ended else size_)
        if pcm is None and size_ > LONGEST_HEADER - (incoming.position - start):
            return None
        if head[:4] == b"fmt " and 16 <= size_ <= _LONGEST_FORMAT:
            pcm = parse_format(incoming.exactly(size_), order)
            if pcm is None:
                return None
        elif not is_chunk(head[:4], size_):
            return None
        elif head[:4] == b"ds64" and 28 <= size_ <= _LONGEST_FORMAT:
            (data_size_64,) = struct.unpack_from("<Q", incoming.exactly(size_).ljust(28, b"\0"), 8)
        else:
            incoming.skip(size_)
        _skip_padding(incoming, size_)
        if incoming.position - start > _LONGEST_LEAD:
            raise DecodeError(f"no sound in its first {incoming.position - start} bytes")
    raise endless()


def _following(incoming: Incoming, sound: _Sound) -> _Sound | None:
    """Skip the chunks after a ``data`` chunk, up to the next sound; return None at the end."""
    size = sound.size or 0
    for _ in range(MOST_CHUNKS):
        _skip_padding(incoming, size)
        head = incoming.peek(12)
        if head[:4] in ORDERS and head[8:] == b"WAVE":
            return _header(incoming)
        if len(head) < 8:
            return None
        (size,) = struct.unpack(f"{sound.format.order}I", head[4:8])
        if not is_chunk(head[:4], size):
            return None
        incoming.exactly(8)
        if head[:4] == b"data":
            return _Sound(sound.format, None if is_placeholder(size) else size)
        incoming.skip(size)
    return None


def _goes_on(incoming: Incoming, sound: _Sound) -> bool:
    """Return whether sound follows a ``data`` chunk, rather than chunks, tags or some zeros."""
    for padding in range(1 + (sound.size or 0) % 2):
        head = incoming.peek(padding + 12)[padding:]
        if len(head) < 8 or (head[:4] in ORDERS and head[8:] == b"WAVE"):
            return False
        (size,) = struct.unpack(f"{sound.format.order}I", head[4:8])
        if is_chunk(head[:4], size):
            return False
    ahead = incoming.peek(SECTOR + 1)
    return not begins_tag(ahead) and (len(ahead) > SECTOR or any(ahead))


def _skip_padding(incoming: Incoming, size: int) -> None:
    """Read the padding after a chunk of odd size, unless the writer omitted it."""
    if size % 2:
        ahead = incoming.peek(5)
        if ahead[1:] in KNOWN_CHUNKS or ahead[:4] not in KNOWN_CHUNKS | set(ORDERS):
            incoming.exactly(1)


# --- samples ---


def _blocks(incoming: Incoming, first: _Sound, notes: Notes) -> Iterator[NDArray[np.float32]]:
    """Decode a sound and all that follow it, in the format of the first."""
    rate, channels = first.format.sample_rate, first.format.channels
    samples = 0
    sound: _Sound | None = first
    while sound is not None:
        here = sound.format
        found = decode_pcm(_data(incoming, sound, notes, samples / rate), here)
        for block in converted(found, (here.sample_rate, here.channels), (rate, channels)):
            samples += len(block)
            yield block
        sound = _following(incoming, sound)


def _data(incoming: Incoming, sound: _Sound, notes: Notes, start_seconds: float) -> Iterator[bytes]:
    """Yield the bytes of a ``data`` chunk, and those after it that are not chunks."""
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
    """Yield everything that follows, except chunks at the very end."""
    held = b""
    while data := incoming.some(_AT_ONCE):
        held += data
        yield held[:-_LONGEST_TAIL]
        held = held[-_LONGEST_TAIL:]
    yield held[: chunks_at_end(held, order)]
