"""The choice of the reader of a file, by its content.

libsndfile where it is exact and complete; yamkit's reader for WAVs with wrong sizes; the walk over
frames for MPEG audio and ADTS; the sample tables of plain MP4s; PyAV for every other container.
"""

from __future__ import annotations

import dataclasses
import io
from typing import TYPE_CHECKING, Any, BinaryIO

from yamkit.audio._notes import Notes
from yamkit.audio.formats.beginnings import claimed_format
from yamkit.audio.formats.frames import behind_tags, frames_begin
from yamkit.audio.formats.incoming import Incoming
from yamkit.audio.formats.joined import second_file
from yamkit.audio.formats.wav import wav_layout
from yamkit.audio.formats.window import Window
from yamkit.audio.readers.convert import converted
from yamkit.audio.readers.wav import open_wav
from yamkit.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from yamkit.audio._source import Decoded

    Opened = tuple[Decoded, Callable[[], None]]

__all__ = ["read"]

_WAV = (b"RIFF", b"RIFX", b"RF64", b"BW64")
_STARTS_WITHIN = 1 << 16
"""Bytes before the first whole frame of a file that begins within a frame."""

_MP4 = (b"ftyp", b"moov", b"mdat")

_MOST_FAILURES = 100
"""Most consecutive joined files of which nothing can be decoded."""

# beginnings of files that only PyAV reads: offset and bytes
_CONTAINERS = (
    (0, b"\x1a\x45\xdf\xa3"),  # Matroska, WebM
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),  # ASF, WMA
    (8, b"AVI "),
    (0, b"#!AMR"),
    (0, b"FLV\x01"),
    (0, b"MAC "),
    (0, b"wvpk"),
    (0, b"TTA1"),
    (0, b"\x00\x00\x01\xba"),  # MPEG
)
_HEAD = 64


def read(file: Any, start: int, is_ours: bool, stream: int | None) -> Opened:
    """Choose the reader of a seekable file, and open it.

    Parameters
    ----------
    file : seekable binary file
        Must stay open; its position is undefined afterwards.
    start : int
        Where the sound begins in it.
    is_ours : bool
        Whether only the reader uses the file.
    stream : int or None
        Number of the sound stream, from 1; None for the default.

    Returns
    -------
    tuple of Decoded and callable
        The sound and the function that closes it.

    Raises
    ------
    DecodeError
        If no reader can open it, with the reason.
    """
    if is_ours and isinstance(raw := getattr(file, "raw", None), io.FileIO):
        file = raw  # a buffer would not notice when libsndfile moves the descriptor
    window = Window(file, start)
    opened = _open_all(window, file if is_ours and not start else None, stream, Notes())
    window.check()
    if opened is None:
        window.seek(0)
        if name := claimed_format(window.read(12)):
            raise DecodeError(
                f"begins as {name} file, but is cut off or damaged before any sound "
                f"({window.length} bytes)"
            )
        raise DecodeError("not a sound file of a known format, or too damaged")
    decoded = opened[0]
    if stream is not None and not 1 <= stream <= decoded.streams:
        opened[1]()
        raise DecodeError(f"no sound stream {stream}; it has {decoded.streams}")
    return opened


def _open_all(
    window: Window, file: BinaryIO | None, stream: int | None, notes: Notes
) -> Opened | None:
    """Open a file and the files that were joined to it."""
    head, first, rest = _apart(window)
    opened = _opened(first, file if rest is None else None, head, stream, notes)
    if opened is None or rest is None:
        return opened
    decoded, close = opened
    blocks = _joined(decoded, rest, stream)
    # joined files may contain floats
    changes: dict[str, Any] = {"seconds_promised": None, "is_bounded": False}
    return dataclasses.replace(decoded, blocks=blocks, **changes), close


def _apart(window: Window) -> tuple[bytes, Window, Window | None]:
    """Return the first bytes, the first file, and the files that were joined to it."""
    window.seek(0)
    head = window.read(_HEAD)
    window.check()
    second = second_file(window, head) if len(head) == _HEAD else None
    if second is None:
        return head, window, None
    return head, window.part(0, second), window.part(second)


def _joined(
    decoded: Decoded, rest: Window | None, stream: int | None
) -> Iterator[NDArray[np.float32]]:
    """Yield the sound of a file and of the files that were joined to it, in one format."""
    layout, notes = (decoded.sample_rate, decoded.channels), decoded.notes
    samples = 0
    for block in decoded.blocks:
        samples += len(block)
        yield block
    failures = 0
    while rest is not None and failures < _MOST_FAILURES:
        failures += 1
        head, window, rest = _apart(rest)
        seconds = samples / layout[0]
        own_notes = Notes(seconds)
        try:
            opened = _opened(window, None, head, stream, own_notes)
        except DecodeError:
            opened = None
        if opened is None:
            notes.unreadable(seconds, "a file that was joined")
            continue
        following, close = opened
        here = (following.sample_rate, following.channels)
        try:
            following.check()
            for block in converted(following.blocks, here, layout):
                failures = 0
                samples += len(block)
                yield block
        except DecodeError:
            notes.unreadable(samples / layout[0], "a file that was joined")
        finally:
            close()
            notes.take(own_notes)


def _opened(
    window: Window, file: BinaryIO | None, head: bytes, stream: int | None, notes: Notes
) -> Opened | None:
    if head[:4] in _WAV and head[8:12] == b"WAVE":
        return _open_wav(window, file, stream, notes)
    if head[:4] == b"OggS":
        from yamkit.audio.readers.ogg import open_ogg

        return open_ogg(window, file, stream, notes)
    if head[4:8] in _MP4:
        from yamkit.audio.readers.mp4 import open_mp4

        return open_mp4(window, notes) or _with_pyav(window, stream, notes)
    if any(head.startswith(magic, offset) for offset, magic in _CONTAINERS):
        return _with_pyav(window, stream, notes)
    if head[:4] == b"fLaC":
        from yamkit.audio.readers.flac import open_flac

        return open_flac(window, file, notes)
    if head[:3] == b"ID3" or head[:1] == b"\xff" or head[:2] == b"\x0b\x77":
        return _open_mpeg(window, stream, notes)
    if head.startswith(b"Creative Voice File"):
        from yamkit.audio.formats.headers import is_split_voc

        if is_split_voc(window):  # libsndfile would decode the heads of further blocks as sound
            return _with_pyav(window, stream, notes)
    if head[:4] == b"caff":
        from yamkit.audio.formats.caf import has_broken_packets

        if has_broken_packets(window):
            return _with_pyav(window, stream, notes)
    opened = _with_libsndfile(window, file, notes) or _with_pyav(window, stream, notes)
    if opened is not None and opened[0].container in ("aac", "mp3"):
        opened[1]()
        return _open_frames(window, _STARTS_WITHIN, notes)
    return opened


def _open_mpeg(window: Window, stream: int | None, notes: Notes) -> Opened | None:
    """Open what may be MPEG audio, without libsndfile, whose decoder writes to the terminal."""
    begin = behind_tags(window)
    window.seek(begin)
    if begin and window.read(4) == b"fLaC":
        from yamkit.audio.readers.flac import open_flac

        return open_flac(window.part(begin), None, notes)
    return _open_frames(window, _STARTS_WITHIN, notes) or _with_pyav(window, stream, notes)


def _open_wav(
    window: Window, file: BinaryIO | None, stream: int | None, notes: Notes
) -> Opened | None:
    layout = wav_layout(window)
    if layout.coded is None:
        if layout.is_plain:
            opened = _with_libsndfile(window, file, notes, is_right=True)
            if opened is not None:
                return opened
        window.seek(0)
        decoded = open_wav(Incoming(window), notes)
        if decoded is not None:
            return decoded, lambda: None
    else:
        from yamkit.audio.readers.wav_coded import is_mpeg, open_coded

        opened = open_coded(window, layout.coded, notes)
        if opened is not None:
            return opened
        if is_mpeg(layout.coded.tag):
            return _with_pyav(window, stream, notes)
    return _with_libsndfile(window, file, notes) or _with_pyav(window, stream, notes)


def _open_frames(window: Window, within: int, notes: Notes) -> Opened | None:
    from yamkit.audio.readers.frames import open_frames

    kind = frames_begin(window, within)
    return None if kind is None else (open_frames(window, kind, notes), lambda: None)


def _with_libsndfile(
    window: Window, file: BinaryIO | None, notes: Notes, *, is_right: bool = False
) -> Opened | None:
    from yamkit.audio.formats.sizes import right_sizes
    from yamkit.audio.readers.sndfile import open_sndfile, plain_descriptor

    patches = [] if is_right else right_sizes(window, notes)
    descriptor = None if patches else plain_descriptor(file)
    return open_sndfile(window.patched(patches), notes, descriptor)


def _with_pyav(window: Window, stream: int | None, notes: Notes) -> Opened | None:
    from yamkit.audio.readers.containers import open_container

    return open_container(window, stream, notes)
