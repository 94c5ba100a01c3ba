"""Opening a source: which decoder a path, a stream or a file object goes to, and why not."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from yamkit.audio._files import display_path
from yamkit.audio._source import AudioSource, Decoded, spoken
from yamkit.audio._uris import is_uri, open_uri
from yamkit.audio._wav_stream import Incoming, open_wav_stream
from yamkit.errors import AudioFileError, DecodeError, ParameterError
from yamkit.suffixes import AV_SUFFIXES

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


def open_audio(
    source: str | os.PathLike[str] | BinaryIO, *, stream: int | None = None
) -> AudioSource:
    """Open a sound file, a stream or a binary file object.

    Formats are told by content. What libsndfile reads is read by it; AAC, M4A, WebM and the sound
    of video files (the first sound stream) by PyAV, where the extra ``av`` is installed.

    A stream that cannot seek, such as a pipe, is decoded while it arrives if it is a WAV of
    integers or floats. Anything else on it is first copied to an unnamed temporary file.

    Parameters
    ----------
    source : path or binary file object
        ``"-"`` is standard input; a name with ``://`` is opened by fsspec, where the extra
        ``remote`` is installed. A file object is read from its position on, left open, and its
        position afterwards is undefined.
    stream : int, optional
        Number of the sound stream, from 1; None for the default one.

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
        If `source` is neither a path nor a binary file object, or has no such sound stream.
    """
    with ExitStack() as stack:
        file: BinaryIO
        if isinstance(source, (str, os.PathLike)):
            path = os.fsdecode(source)
            name = display_path(path)
            file = _standard_input() if path == "-" else stack.enter_context(_open_file(path))
        elif hasattr(source, "read"):
            file = source
            path = name = _object_name(file)
        else:
            raise ParameterError(
                f"a {type(source).__name__} as source: wanted a path or a binary file object"
            )
        if stream not in (None, 1):
            raise ParameterError(f"{spoken(name)}: stream {stream}: only the first can be heard")
        try:
            decoded = _decode(file, file is not source, Path(path).suffix.lower(), stack).check()
        except DecodeError as error:
            raise DecodeError(f"{spoken(name)}: {error}") from error
        except OSError as error:
            raise AudioFileError(f"{spoken(name)}: {error.strerror or error}") from error
        return AudioSource(name, decoded, stack.pop_all().close)


def _decode(file: BinaryIO, is_ours: bool, suffix: str, stack: ExitStack) -> Decoded:
    """Find the decoder; what it opens is closed by the stack."""
    if not _is_seekable(file):
        incoming = Incoming(file)
        decoded = open_wav_stream(incoming)
        if decoded is not None:
            return decoded
        file, is_ours = _spooled(incoming, stack), True
    start = file.tell()
    head = file.read(_HEAD)
    if not isinstance(head, bytes):
        raise ParameterError(f"a file object that gives {type(head).__name__}: open it as 'rb'")
    if not head:
        raise DecodeError("is empty" if not start else f"holds nothing after byte {start}")

    from yamkit.audio._sndfile import open_sndfile

    opened = open_sndfile(file, start, is_ours)
    if opened is None:
        # A recorder that was stopped leaves a header that says nothing of the length.
        file.seek(start)
        decoded = open_wav_stream(Incoming(file))
        if decoded is not None:
            return decoded
        opened = _open_with_av(file, start, head, suffix)
    decoded, close = opened
    stack.callback(close)
    return decoded


def _open_with_av(
    file: BinaryIO, start: int, head: bytes, suffix: str
) -> tuple[Decoded, Callable[[], None]]:
    try:
        from yamkit.audio._av_source import open_av
    except ImportError as error:
        if not _needs_av(head, suffix):
            raise DecodeError(_NO_SOUND) from error
        raise DecodeError(
            "a format that needs PyAV, which is not installed: pip install 'yamkit[av]'"
        ) from error
    opened = open_av(file, start)
    if opened is None:
        raise DecodeError(_NO_SOUND)
    return opened


def _needs_av(head: bytes, suffix: str) -> bool:
    is_adts = len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0
    return (
        is_adts
        or any(head.startswith(magic, offset) for offset, magic in _AV_MAGIC)
        or suffix in AV_SUFFIXES
    )


def _is_seekable(file: Any) -> bool:
    try:
        return bool(file.seekable())
    except AttributeError:
        return hasattr(file, "seek") and hasattr(file, "tell")


def _spooled(incoming: Incoming, stack: ExitStack) -> BinaryIO:
    """Copy a stream to a temporary file, on disk, without a name."""
    try:
        spool = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        spool.write(incoming.header)
        incoming.keep_no_more()
        while data := incoming.some(1 << 20):
            spool.write(data)
        spool.seek(0)
    except AudioFileError:
        raise
    except OSError as error:
        raise AudioFileError(
            f"cannot be copied to a temporary file in {tempfile.gettempdir()}: "
            f"{error.strerror or error}; TMPDIR chooses another folder"
        ) from error
    return spool


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
            raise AudioFileError(f"{name}: a link to {target}, which does not exist") from error
        raise AudioFileError(f"{name}: no such file") from error
    except PermissionError as error:
        raise AudioFileError(f"{name}: no permission to read it") from error
    except (OSError, ValueError) as error:
        raise AudioFileError(f"{name}: {getattr(error, 'strerror', None) or error}") from error
