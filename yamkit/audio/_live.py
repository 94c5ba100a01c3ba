"""Streams that are decoded while they arrive: standard input, with a header or as raw samples.

yamkit reads WAV of integers, floats, mu-law and A-law; FFmpeg's demuxers read other formats that
can be decoded from front to back. The first bytes select the demuxer, not a trial: raw samples
could pass for coded sound.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO

from yamkit.audio._notes import Notes
from yamkit.audio._source import AudioSource
from yamkit.audio.formats.beginnings import claimed_format, demuxer_of
from yamkit.audio.formats.frames import frames_begin
from yamkit.audio.formats.incoming import Incoming
from yamkit.audio.formats.tags import id3_size
from yamkit.audio.formats.window import Window
from yamkit.audio.readers.wav import open_pcm_stream, open_wav
from yamkit.errors import AudioFileError, DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from yamkit.audio._source import Decoded

__all__ = ["open_live"]

_FRAMES = {
    "MP1": "mp3",
    "MP2": "mp3",
    "MP3": "mp3",
    "ADTS": "aac",
    "AC-3": "ac3",
    "E-AC-3": "eac3",
}
"""Demuxers of sound without a container."""

_TS_PACKET = 188
_LOOKS = (1 << 11, 1 << 12, 1 << 13)
"""Bytes that are searched for frames without a container; more only if fewer are not enough."""

_REMEDY = "FFmpeg turns what it reads into WAV: ffmpeg -i FILE -f wav - | yamkit listen -"


def open_live(
    encoding: str | None = None,
    sample_rate: int | None = None,
    channels: int = 1,
    stream: BinaryIO | None = None,
) -> AudioSource:
    """Open a stream that is decoded as it arrives, and may never end.

    Parameters
    ----------
    encoding : str, optional
        Encoding of samples without a header, one of `ENCODINGS`; None if the stream has a header.
    sample_rate : int, optional
        Sample rate in Hz of samples without a header.
    channels : int
        Number of channels of samples without a header.
    stream : binary file object, optional
        By default standard input, without a buffer, so that available bytes are read at once, and a
        waiting thread holds no lock that the end of the process needs.

    Returns
    -------
    AudioSource
        To be closed.

    Raises
    ------
    AudioFileError
        If standard input is closed or a terminal.
    DecodeError
        If the format cannot be decoded while it arrives, or rate or channels are out of range.
    ParameterError
        If the encoding is unknown.
    """
    with ExitStack() as stack:
        if stream is None:
            if sys.stdin is None:
                raise AudioFileError("standard input is closed")
            if sys.stdin.isatty():
                raise AudioFileError("standard input is a terminal; pipe sound into it")
            stream = stack.enter_context(
                os.fdopen(sys.stdin.fileno(), "rb", buffering=0, closefd=False)
            )
        incoming = Incoming(stream)
        if encoding is None:
            try:
                decoded, close = _open(incoming)
                stack.callback(close)
                decoded = decoded.check()
            except DecodeError as error:
                raise DecodeError(f"standard input: {error}") from None
        else:
            decoded = open_pcm_stream(incoming, encoding, sample_rate or 0, channels)
        return AudioSource("-", decoded, stack.pop_all().close)


def _open(incoming: Incoming) -> tuple[Decoded, Callable[[], None]]:
    notes = Notes()
    decoded = open_wav(incoming, notes)
    if decoded is not None:
        return decoded, lambda: None
    incoming.give_back()
    head = incoming.peek(12)
    if not head:
        raise DecodeError("is empty")
    while tag := id3_size(incoming.peek(10)):
        incoming.skip(tag)
    demuxer, name = _demuxer(incoming), claimed_format(head)
    if demuxer is None:
        reason = (
            f"begins as {name} file, which cannot be decoded while it arrives"
            if name
            else "has no format that can be decoded while it arrives; raw samples require "
            "--encoding and --sample-rate"
        )
        raise DecodeError(f"{reason}; {_REMEDY}")
    from yamkit.audio.readers.containers import open_arriving

    try:
        return open_arriving(incoming, demuxer, notes)
    except DecodeError as error:
        reason = f"begins as {name} file; {error}" if name else str(error)
        if demuxer == "mov":
            reason += "; its index may be at its end"
        raise DecodeError(f"{reason}; {_REMEDY}") from error


def _demuxer(incoming: Incoming) -> str | None:
    """Return FFmpeg's name of the demuxer for what follows; None if there is none."""
    head = incoming.peek(12)
    if demuxer := demuxer_of(head):
        return demuxer
    if head[:1] == b"G" and incoming.peek(_TS_PACKET + 1)[_TS_PACKET:] == b"G":
        return "mpegts"
    for size in _LOOKS:
        ahead = incoming.peek(size)
        kind = frames_begin(Window(io.BytesIO(ahead), 0), size)
        if kind is not None:
            return _FRAMES[kind.container]
        if len(ahead) < size:
            break
    return None
