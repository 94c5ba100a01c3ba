"""Decoding through libsndfile, block by block and strictly forwards.

Loaded on use, since it loads soundfile. libsndfile never receives a name: by name it would decode
any text called ``.au``, ``.snd``, ``.gsm`` or ``.vox`` as headerless sound.
"""

from __future__ import annotations

import io
import os
import re
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import soundfile

from yamkit.audio._source import Decoded, block_samples
from yamkit.audio.formats.wav import is_placeholder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from yamkit.audio._notes import Notes
    from yamkit.audio.formats.window import Window

__all__ = ["open_sndfile", "plain_descriptor"]

_SHORT = np.float32(2.0**-15)
_PLAIN = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC")
"""Formats whose 16-bit samples libsndfile returns unchanged."""
_UNKNOWN_LENGTH = 1 << 40
"""Lengths from here on mean that the length is unknown."""

# lines of libsndfile's log about a wrong size in a header
_WRONG_SIZE = re.compile(
    r"^\s*(?:data|SSND|BODY|Data Size|Riff size|riff)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE
)
_BROKEN_OFF = re.compile("file seems to be truncated|seems to be a truncated file", re.IGNORECASE)


class _ForwardSound(soundfile.SoundFile):  # type: ignore[misc]
    """A sound that is read from beginning to end.

    soundfile seeks after each read of a seekable file, which takes time and fails at the end of a
    truncated FLAC.
    """

    def seekable(self) -> bool:
        return False


def open_sndfile(
    window: Window, notes: Notes, descriptor: int | None = None
) -> tuple[Decoded, Callable[[], None]] | None:
    """Open a sound with libsndfile.

    Parameters
    ----------
    window : Window
    notes : Notes
    descriptor : int, optional
        Descriptor of the file that the window shows whole. libsndfile then reads it without calling
        Python, where an interruption could be lost.

    Returns
    -------
    tuple of Decoded and callable, or None
        The sound and the function that closes it; None if libsndfile does not know the format.
    """
    if descriptor is None:
        window.seek(0)
    else:
        os.lseek(descriptor, 0, os.SEEK_SET)
    sound = _open(window if descriptor is None else descriptor)
    window.check()
    if sound is None:
        return None
    rate = sound.samplerate
    is_known = 0 < sound.frames < _UNKNOWN_LENGTH and rate
    decoded = Decoded(
        rate,
        sound.channels,
        _blocks(sound, window, notes),
        notes,
        reader="libsndfile",
        container=sound.format,
        codec="flac" if sound.format == "FLAC" else sound.subtype.lower(),
        seconds_promised=sound.frames / rate if is_known else None,
        is_bounded=sound.subtype.startswith("PCM_"),
    )
    return decoded, sound.close


def plain_descriptor(file: BinaryIO | None) -> int | None:
    """Return the descriptor of an unbuffered file if libsndfile can use it.

    On Windows its C library may have other descriptors.
    """
    return file.fileno() if os.name == "posix" and isinstance(file, io.FileIO) else None


def _open(source: Window | int) -> Any | None:
    try:
        return _ForwardSound(source, closefd=False)
    except soundfile.LibsndfileError:
        return None


def _blocks(sound: Any, window: Window, notes: Notes) -> Iterator[NDArray[np.float32]]:
    length = block_samples(sound.channels)
    # NumPy converts them to floats several times faster than libsndfile, and as exactly
    is_short = sound.subtype == "PCM_16" and sound.format in _PLAIN
    decoded = 0
    broken = False
    samples = length
    while samples == length and not broken:  # fewer samples than requested: the end
        block = np.empty((length, sound.channels), np.int16 if is_short else np.float32)
        try:
            samples = len(sound.read(out=block))
        except soundfile.LibsndfileError:
            samples = _decoded_before_error(sound) - decoded
            broken = True
        window.check()
        if samples <= 0:
            break
        decoded += samples
        yield block[:samples] * _SHORT if is_short else block[:samples]
    _note_shortfall(sound, decoded, broken, notes)


def _decoded_before_error(sound: Any) -> int:
    try:
        return int(sound.tell())
    except soundfile.LibsndfileError:
        return 0


def _note_shortfall(sound: Any, decoded: int, broken: bool, notes: Notes) -> None:
    """Note what is missing of a sound that has been read to its end."""
    rate = sound.samplerate
    seconds = decoded / rate
    notes.has_errors = "_STATUS_" in sound.extra_info
    if decoded < sound.frames < _UNKNOWN_LENGTH:
        notes.breaks_off(seconds, sound.frames / rate)
        return
    log = sound.extra_info
    for match in _WRONG_SIZE.finditer(log):
        promised, present = int(match[1]), int(match[2])
        if present < promised and not is_placeholder(promised):
            notes.breaks_off(seconds, seconds * promised / present if seconds else None)
            return
    if broken or _BROKEN_OFF.search(log):
        notes.breaks_off(seconds)
