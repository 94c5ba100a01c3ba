"""Opening a source: a path, bytes, a stream or a file object is passed to its decoder."""

from __future__ import annotations

import io
import os
import stat
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from yamkit.audio._files import display_path
from yamkit.audio._notes import Notes
from yamkit.audio._source import AudioSource, Decoded, source_name
from yamkit.audio._uris import is_uri, open_uri
from yamkit.audio.formats.incoming import Incoming
from yamkit.audio.readers.choose import read
from yamkit.audio.readers.wav import open_wav
from yamkit.errors import AudioFileError, DecodeError, ParameterError

__all__ = ["open_audio"]


def open_audio(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO,
    *,
    stream: int | None = None,
) -> AudioSource:
    """Open a sound file, one in memory, a stream or a binary file object.

    The content decides about the format; `AudioSource.decoded` names the reader.

    A stream that cannot seek, such as a pipe, is decoded while it arrives if it is a WAV of
    integers, floats, mu-law or A-law. Any other is first copied to an unnamed temporary file.

    Parameters
    ----------
    source : path, bytes-like or binary file object
        ``"-"`` is standard input; a name with ``://`` is opened by fsspec, which the extra
        ``remote`` installs. Bytes are the content of a file. A file object is read from its
        position on and left open; its position afterwards is undefined.
    stream : int, optional
        Number of the sound stream, from 1, in a container with several; None for the default
        stream, else the first.

    Returns
    -------
    AudioSource
        To be closed.

    Raises
    ------
    AudioFileError
        If there is no such file, or it cannot be read.
    DecodeError
        If it is not a sound file, or there is no such stream.
    ParameterError
        If `source` has another type.
    """
    with ExitStack() as stack:
        file: BinaryIO
        if isinstance(source, (str, os.PathLike)):
            path = os.fsdecode(source)
            name = display_path(path)
            file = _standard_input() if source == "-" else stack.enter_context(_open_file(path))
        elif isinstance(source, (bytes, bytearray, memoryview)):
            file, name = io.BytesIO(source), f"<{type(source).__name__}>"
        elif hasattr(source, "read"):
            file = source
            name = _object_name(file)
        else:
            raise ParameterError(
                f"source {type(source).__name__}: must be a path, bytes or a binary file object"
            )
        try:
            decoded = _decode(file, file is not source, stream, stack).check()
        except DecodeError as error:
            raise DecodeError(f"{source_name(name)}: {error}") from error
        except OSError as error:
            raise AudioFileError(f"{source_name(name)}: {error.strerror or error}") from error
        return AudioSource(name, decoded, stack.pop_all().close)


def _decode(file: BinaryIO, is_ours: bool, stream: int | None, stack: ExitStack) -> Decoded:
    """Find the decoder; the stack closes what it opens."""
    if not _is_seekable(file):
        incoming = Incoming(file)
        decoded = open_wav(incoming, Notes())
        if decoded is not None:
            return decoded
        file, is_ours = _spooled(incoming, stack), True
    start = file.tell()
    head = file.read(1)
    if not isinstance(head, bytes):
        raise ParameterError(
            f"file object that returns {type(head).__name__}: must be opened as 'rb'"
        )
    if not head:
        raise DecodeError("is empty" if not start else f"is empty after byte {start}")
    decoded, close = read(file, start, is_ours, stream)
    stack.callback(close)
    return decoded


def _is_seekable(file: Any) -> bool:
    try:
        return bool(file.seekable())
    except AttributeError:
        return hasattr(file, "seek") and hasattr(file, "tell")


def _spooled(incoming: Incoming, stack: ExitStack) -> BinaryIO:
    """Copy a stream to an unnamed temporary file on disk."""
    try:
        spool = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        incoming.give_back()
        while data := incoming.some(1 << 20):
            spool.write(data)
        spool.flush()
        file: BinaryIO = stack.enter_context(io.FileIO(spool.fileno(), closefd=False))
        file.seek(0)
    except AudioFileError:
        raise
    except OSError as error:
        raise AudioFileError(
            f"cannot be copied to a temporary file in {tempfile.gettempdir()}: "
            f"{error.strerror or error}; TMPDIR sets another folder"
        ) from error
    return file


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
    if is_uri(path):
        return open_uri(path)
    name = display_path(path)
    try:
        kind = os.stat(path).st_mode  # noqa: PTH116  (a third of the time to open a file)
        if stat.S_ISDIR(kind):
            raise AudioFileError(f"{name} is a directory, not a sound file")
        if stat.S_ISCHR(kind) or stat.S_ISBLK(kind):
            raise AudioFileError(f"{name} is a device, not a sound file")
        return Path(path).open("rb")
    except AudioFileError:
        raise
    except FileNotFoundError as error:
        if Path(path).is_symlink():
            target = display_path(Path(path).readlink())
            raise AudioFileError(f"{name}: is a link to {target}, which does not exist") from error
        raise AudioFileError(f"{name}: no such file") from error
    except PermissionError as error:
        raise AudioFileError(f"{name}: no permission to read it") from error
    except (OSError, ValueError) as error:
        raise AudioFileError(f"{name}: {getattr(error, 'strerror', None) or error}") from error
