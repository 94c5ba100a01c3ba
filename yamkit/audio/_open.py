"""Opening a source: which decoder a path, a stream or a file object goes to, and why not."""

from __future__ import annotations

import importlib.util
import os
import stat
import sys
import tempfile
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, BinaryIO

from yamkit.audio._files import AV_SUFFIXES, display_path
from yamkit.audio._source import AudioSource, Decoded, spoken
from yamkit.audio._wav_stream import Incoming, open_wav_stream
from yamkit.errors import AudioError, AudioFileError, DecodeError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["open_audio"]

_NO_SOUND = "not a sound file of a known format, or too damaged to begin with"

# Beginnings of formats that need PyAV: offset and bytes.
_AV_MAGIC = (
    (4, b"ftyp"),
    (4, b"moov"),
    (0, b"\x1a\x45\xdf\xa3"),  # Matroska, WebM
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),  # WMA
    (8, b"AVI "),
    (0, b"#!AMR"),
    (0, b"FLV\x01"),
    (0, b"MAC "),
    (0, b"wvpk"),
    (0, b"TTA1"),
    (0, b"\x0b\x77"),  # AC-3
    (0, b"\x00\x00\x01\xba"),  # MPEG
)
_HEAD = 16


def open_audio(source: str | os.PathLike[str] | BinaryIO) -> AudioSource:
    """Open a sound file, a stream or a binary file object.

    Formats are told by content. What libsndfile reads is read by it; AAC, M4A, WebM and the sound
    of video files (the first sound stream) by PyAV, where the extra ``av`` is installed.

    A stream that cannot seek, such as a pipe, is decoded while it arrives if it is a WAV of
    integers or floats. Anything else on it is first copied to an unnamed temporary file.

    Parameters
    ----------
    source : path or binary file object
        ``"-"`` is standard input. A file object is read from its position on, left open, and its
        position afterwards is undefined.

    Returns
    -------
    AudioSource
        To be closed.

    Raises
    ------
    AudioFileError
        If there is no such file, or the system does not give it.
    DecodeError
        If it is no sound, or needs PyAV, which is not installed.
    ParameterError
        If `source` is neither a path nor a binary file object.
    """
    with ExitStack() as stack:
        if isinstance(source, (str, os.PathLike)):
            path = os.fspath(source)
            name = display_path(path)
            file = _standard_input() if path == "-" else stack.enter_context(_open_file(path))
        elif hasattr(source, "read"):
            file = source
            path = name = _object_name(file)
        else:
            raise ParameterError(
                f"a {type(source).__name__} as source: wanted a path or a binary file object"
            )
        try:
            decoded = _decode(file, os.path.splitext(path)[1].lower(), stack)
            return AudioSource(name, decoded, stack.pop_all().close)
        except DecodeError as error:
            raise
        except OSError as error:
            raise AudioFileError(f"{spoken(name)}: {error}") from error


def _object_name(file: Any) -> str:
    name = getattr(file, "name", None)
    return display_path(name) if isinstance(name, str) else f"<{type(file).__name__}>"


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise AudioFileError("standard input is closed")
    if sys.stdin.isatty():
        raise AudioFileError("standard input is a terminal; pipe a sound file into it")
    return sys.stdin.buffer


def _open_file(path: str) -> BinaryIO:
    name = display_path(path)
    try:
        kind = os.stat(path).st_mode
        if stat.S_ISDIR(kind):
            raise AudioFileError(f"{name} is a directory, not a sound file")
        if stat.S_ISCHR(kind) or stat.S_ISBLK(kind):
            raise AudioFileError(f"{name} is a device, not a sound file")
        return open(path, "rb")
    except AudioFileError:
        raise
    except FileNotFoundError as error:
        if os.path.islink(path):
            target = display_path(os.readlink(path))
            raise AudioFileError(f"{name}: a link to {target}, which does not exist") from error
        raise AudioFileError(f"{name}: no such file") from error
    except PermissionError as error:
        raise AudioFileError(f"{name}: no permission to read it") from error
    except (OSError, ValueError) as error:
        raise AudioFileError(f"{name}: {getattr(error, 'strerror', None) or error}") from error
