"""Coded sound in a WAV that libsndfile does not read: MPEG audio, ADTS, and raw AAC.

A WAV does not state where a coded frame ends. Frames of MPEG audio and ADTS state it; raw AAC does
not, and FFmpeg's decoder finds the ends only if it receives all of it at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yamkit.audio._source import Decoded
from yamkit.audio.formats.frames import frames_begin
from yamkit.audio.readers.convert import in_first_layout
from yamkit.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from yamkit.audio._notes import Notes
    from yamkit.audio.formats.wav import CodedData
    from yamkit.audio.formats.window import Window
    from yamkit.audio.readers.convert import Piece

__all__ = ["is_mpeg", "open_coded"]

_FRAMED = {0x50, 0x55, 0xFF, 0x1600, 0x1602, 0x1610, 0x706D, 0xA106}
_RAW_AAC = {0xFF, 0x706D, 0xA106}
_MOST_BYTES = 1 << 22
"""Most bytes of raw AAC: about four minutes, 100 MB of samples."""


def is_mpeg(tag: int) -> bool:
    """Return whether a format tag is that of MPEG audio or AAC."""
    return tag in _FRAMED


def open_coded(
    window: Window, coded: CodedData, notes: Notes
) -> tuple[Decoded, Callable[[], None]] | None:
    """Open the data of a WAV of MPEG audio or AAC.

    Parameters
    ----------
    window : Window
        The WAV.
    coded : CodedData
        Its codec and data.
    notes : Notes

    Returns
    -------
    tuple of Decoded and callable, or None
        None for other codecs.

    Raises
    ------
    DecodeError
        If it is raw AAC that cannot be decoded.
    """
    if not is_mpeg(coded.tag):
        return None
    from yamkit.audio.readers.frames import open_frames

    data = window.part(coded.start, coded.end)
    kind = frames_begin(data)
    if kind is not None:
        decoded = open_frames(data, kind, notes, container="WAV")
    elif coded.tag in _RAW_AAC:
        decoded = _open_raw_aac(window, data, notes)
    else:
        return None
    return decoded, lambda: None


def _open_raw_aac(window: Window, data: Window, notes: Notes) -> Decoded:
    import av

    from yamkit.audio.readers.pyav import piece_of

    window.seek(0)
    head = window.read(4096)
    config = b""
    if (at := head.find(b"fmt ")) >= 0:
        size = int.from_bytes(head[at + 24 : at + 26], "little")
        config = head[at + 26 : at + 26 + size]
    reason = "AAC in a WAV without the lengths of its frames"
    if data.length > _MOST_BYTES:
        raise DecodeError(f"{reason}; more than {_MOST_BYTES >> 20} MB of it cannot be decoded")
    codec: Any = av.CodecContext.create("aac", "r")
    codec.extradata = config or None
    data.seek(0)
    try:
        frames = codec.decode(av.Packet(data.read(data.length)))
    except (av.FFmpegError, ValueError) as error:
        raise DecodeError(f"{reason}, and cannot be decoded") from error
    data.check()

    def pieces() -> Iterator[Piece]:
        for frame in frames:
            yield piece_of(frame)

    layout, blocks = in_first_layout(pieces())
    return Decoded(*layout, blocks, notes, reader="PyAV", container="WAV", codec="aac")
