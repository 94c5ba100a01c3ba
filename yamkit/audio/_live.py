"""Streams that are heard while they arrive: standard input as WAV or as bare samples."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO

from yamkit.audio._incoming import Incoming
from yamkit.audio._notes import Notes
from yamkit.audio._source import AudioSource
from yamkit.audio._wav import open_pcm_stream, open_wav
from yamkit.errors import AudioFileError, DecodeError

if TYPE_CHECKING:
    from yamkit.audio._source import Decoded

__all__ = ["open_live"]


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
        Of samples without a header, one of `ENCODINGS`; None: the stream is a WAV.
    sample_rate : int, optional
        In Hz, of samples without a header.
    channels : int
        Likewise.
    stream : binary file object, optional
        None: standard input, read without a buffer, so that nobody waits for what is there, and a
        thread that waits for more holds nothing that the end of the process needs.

    Returns
    -------
    AudioSource
        To be closed.

    Raises
    ------
    AudioFileError
        If standard input is closed or a terminal.
    DecodeError
        If the stream is no WAV, or rate and channels make no sense.
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
        decoded: Decoded | None
        if encoding is None:
            decoded = open_wav(incoming, Notes())
            if decoded is None:
                raise DecodeError(
                    "standard input: no WAV; for samples without a header: --encoding s16le "
                    "--sample-rate 16000 --channels 1"
                )
            try:
                decoded = decoded.check()
            except DecodeError as error:
                raise DecodeError(f"standard input: {error}") from None
        else:
            decoded = open_pcm_stream(incoming, encoding, sample_rate or 0, channels)
        return AudioSource("-", decoded, stack.pop_all().close)
