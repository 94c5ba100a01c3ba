"""WAV as it arrives: RIFF, RIFX and RF64 read once from front to back, without seeking.

For pipes, which libsndfile cannot read, and for files whose header a recorder never finished.
Integers and floats are read here; every other codec is left to libsndfile.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from yamkit.audio._source import Decoded, block_samples
from yamkit.errors import AudioFileError, DecodeError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["ENCODINGS", "Incoming", "is_placeholder", "open_pcm_stream", "open_wav_stream"]

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_SUBTYPE_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_FORMATS = {b"RIFF": "<", b"RIFX": ">", b"RF64": "<", b"BW64": "<"}
ENCODINGS = {
    "u8": ("<", False, 1),
    "s16le": ("<", False, 2),
    "s16be": (">", False, 2),
    "s24le": ("<", False, 3),
    "s24be": (">", False, 3),
    "s32le": ("<", False, 4),
    "s32be": (">", False, 4),
    "f32le": ("<", True, 4),
    "f32be": (">", True, 4),
    "f64le": ("<", True, 8),
    "f64be": (">", True, 8),
}
"""Encodings of samples without a header: byte order, whether floats, bytes of a value."""

_LONGEST_FORMAT = 4096
_LONGEST_HEADER = 1 << 20
_IN_DS64 = 0xFFFFFFFF


class Incoming:
    """A binary stream that is read forwards and can give back what was read of its header.

    Parameters
    ----------
    file : binary file object
        Only its ``read1`` or ``read`` is called.
    """

    def __init__(self, file: BinaryIO) -> None:
        # read1 gives what is there; read would wait until all that was asked for has arrived.
        self._read = getattr(file, "read1", file.read)
        self.header = bytearray()
        self._keeping = True

    def keep_no_more(self) -> None:
        """Forget the header: the stream will not be given back."""
        self._keeping = False
        self.header.clear()

    def some(self, size: int) -> bytes:
        """Read 1 to `size` bytes, as many as there are; none at the end.

        Raises
        ------
        AudioFileError
            If the stream does not wait for data.
        """
        data = self._read(size)
        if data is None:
            raise AudioFileError("the stream is in non-blocking mode; wanted one that waits")
        if not isinstance(data, bytes):
            raise AudioFileError(f"the stream gives {type(data).__name__}; wanted binary mode")
        if self._keeping:
            self.header += data
        return data

    def exactly(self, size: int) -> bytes:
        """Read `size` bytes; fewer only at the end."""
        data = b""
        while len(data) < size and (more := self.some(size - len(data))):
            data += more
        return data


@dataclass(frozen=True)
class _Format:
    order: str
    is_float: bool
    channels: int
    sample_rate: int
    width: int  # bytes of one value


def is_placeholder(size: int) -> bool:
    """Tell whether a 32-bit size is what programs write when they do not know it yet.

    Zero, about 2 GiB (sox, arecord) and about 4 GiB (ffmpeg).
    """
    return size == 0 or 0x7FFF0000 <= size <= 0x80000FFF or 0xFFFF0000 <= size <= 0xFFFFFFFF


def open_wav_stream(incoming: Incoming) -> Decoded | None:
    """Read the header of a WAV and decode what follows.

    A size that is a placeholder means all that comes, without end if need be.

    Parameters
    ----------
    incoming : Incoming
        At its beginning.

    Returns
    -------
    Decoded or None
        None where the stream is no WAV or holds another codec; its header is kept then.
    """
    order = _FORMATS.get(incoming.exactly(4))
    size, form = incoming.exactly(4), incoming.exactly(4)
    if order is None or form != b"WAVE":
        return None
    (riff_size,) = struct.unpack(f"{order}I", size)
    format_: _Format | None = None
    data_size_64 = 0
    position = 12
    while len(head := incoming.exactly(8)) == 8:
        (chunk_size,) = struct.unpack(f"{order}I", head[4:])
        position += 8
        if head[:4] == b"data":
            if format_ is None:
                return None
            if chunk_size == _IN_DS64:
                chunk_size = data_size_64 or chunk_size
            elif chunk_size == 0 and not is_placeholder(riff_size) and riff_size + 8 > position:
                return Decoded(format_.sample_rate, format_.channels, iter(()))
            incoming.keep_no_more()
            promised = None if is_placeholder(chunk_size) or chunk_size >> 62 else chunk_size
            blocks = _blocks(incoming, format_, promised)
            return Decoded(format_.sample_rate, format_.channels, blocks)
        padded = chunk_size + chunk_size % 2
        if head[:4] == b"fmt " and 16 <= chunk_size <= _LONGEST_FORMAT:
            format_ = _parse_format(incoming.exactly(padded), order)
            if format_ is None:
                return None
            incoming.keep_no_more()
        elif head[:4] == b"ds64" and 28 <= chunk_size <= _LONGEST_FORMAT:
            (data_size_64,) = struct.unpack_from("<Q", incoming.exactly(padded).ljust(28), 8)
        elif format_ is None and padded > _LONGEST_HEADER - position:
            return None
        else:
            _skip(incoming, padded)
        position += padded
    return None


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
    order, is_float, width = ENCODINGS[encoding]
    incoming.keep_no_more()
    format_ = _Format(order, is_float, channels, sample_rate, width)
    return Decoded(sample_rate, channels, _blocks(incoming, format_, None)).check()


def _skip(incoming: Incoming, size: int) -> None:
    while size and (data := incoming.some(min(size, 1 << 16))):
        size -= len(data)


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
    widths = {_PCM: (1, 2, 3, 4), _FLOAT: (4, 8)}.get(tag, ())
    if width not in widths or not 8 * (width - 1) < bits <= 8 * width:
        return None
    return _Format(order, tag == _FLOAT, channels, sample_rate, width)


def _blocks(
    incoming: Incoming, format_: _Format, promised: int | None
) -> Iterator[NDArray[np.float32]]:
    """Decode `promised` bytes, or all that come."""
    frame_size = format_.channels * format_.width
    longest = block_samples(format_.channels) * frame_size
    decoded = 0
    rest = b""
    unread = promised
    while data := incoming.some(longest if unread is None else min(longest, unread)):
        if unread is not None:
            unread -= len(data)
        data = rest + data
        whole = len(data) // frame_size * frame_size
        rest = data[whole:]
        if whole:
            yield _to_float(data[:whole], format_)
            decoded += whole // frame_size
        if unread == 0:
            return
    if promised is not None:
        raise DecodeError(f"truncated: {decoded} of {promised // frame_size} samples decoded")


def _to_float(data: bytes, format_: _Format) -> NDArray[np.float32]:
    """Convert whole samples to float32 with full scale at 1, as libsndfile does."""
    order, width = format_.order, format_.width
    if format_.is_float:
        with np.errstate(over="ignore"):
            values = np.frombuffer(data, f"{order}f{width}").astype(np.float32)
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
