"""Decoding through libsndfile, block by block and strictly forwards.

Loaded on use, since it loads soundfile. libsndfile is shown content only, never a name: by name
it takes any text called ``.au``, ``.snd``, ``.gsm`` or ``.vox`` for headerless sound.
"""

from __future__ import annotations

import io
import os
import re
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import soundfile

from yamkit.audio._mp3 import length_frame
from yamkit.audio._ogg import breaks_off
from yamkit.audio._source import Decoded, block_samples
from yamkit.audio._wav_stream import is_placeholder
from yamkit.audio._window import Window
from yamkit.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

__all__ = ["open_sndfile"]

_SHORT = np.float32(2.0**-15)
_PLAIN = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC")
"""Formats whose 16-bit samples libsndfile gives as they stand in the file."""
_UNKNOWN_LENGTH = 1 << 40
"""From here on a length means that nobody knows it; `length_frame` claims more, too."""

# Lines of libsndfile's log where the size in a header is not the size of what follows.
_WRONG_SIZE = re.compile(
    r"^\s*(?:data|SSND|BODY|Data Size|Riff size|riff)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE
)
_BROKEN_OFF = re.compile("file seems to be truncated|seems to be a truncated file", re.IGNORECASE)


class _ForwardSound(soundfile.SoundFile):  # type: ignore[misc]
    """A sound that is read from its beginning to its end.

    soundfile seeks after each read of a seekable file, which costs time, moves MP3 by rounding
    errors, and fails at the end of what a truncated FLAC holds.
    """

    def seekable(self) -> bool:
        return False


def open_sndfile(
    file: BinaryIO, start: int, is_ours: bool
) -> tuple[Decoded, Callable[[], None]] | None:
    """Open a seekable file with libsndfile.

    Parameters
    ----------
    file : seekable binary file
        To be kept open; its position is undefined from now on.
    start : int
        Where the sound begins in it.
    is_ours : bool
        Whether nobody else reads the file. Then libsndfile may read its descriptor, without a
        detour through Python, in which an interruption could get lost.

    Returns
    -------
    tuple of Decoded and callable, or None
        The sound and the function that closes it; None where libsndfile does not know the
        format, or takes a WAV to be empty.
    """
    # Before libsndfile moves the position below the file's buffer.
    is_cut = breaks_off(file, start)
    missing = length_frame(file, start)
    window = Window(file, *missing) if missing else Window(file, start)
    descriptor = _plain_descriptor(file) if is_ours and not start and not missing else None
    if descriptor is None:
        sound = _open(window)
        window.check()
    else:
        # The buffer above the descriptor must find it where it left it.
        position = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, 0, os.SEEK_SET)
        sound = _open(descriptor)
        if sound is None:
            os.lseek(descriptor, position, os.SEEK_SET)
    if sound is None:
        return None
    return Decoded(sound.samplerate, sound.channels, _blocks(sound, window, is_cut)), sound.close


def _plain_descriptor(file: BinaryIO) -> int | None:
    """Give the descriptor of a file, where libsndfile can use it.

    On Windows its C library may have descriptors of its own.
    """
    raw = getattr(file, "raw", None)
    return raw.fileno() if os.name == "posix" and isinstance(raw, io.FileIO) else None


def _open(source: Window | int) -> Any | None:
    try:
        sound = _ForwardSound(source, closefd=False)
    except soundfile.LibsndfileError:
        return None
    if sound.format in ("WAV", "WAVEX", "RF64") and sound.frames == 0:
        sound.close()
        return None
    return sound


def _blocks(sound: Any, window: Window, is_cut: bool) -> Iterator[NDArray[np.float32]]:
    length = block_samples(sound.channels)
    # NumPy turns them into floats several times as fast as libsndfile, and as exactly.
    is_short = sound.subtype == "PCM_16" and sound.format in _PLAIN
    decoded = 0
    broken = False
    samples = length
    while samples == length and not broken:  # less than was asked for is the end
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
    reason = _shortfall(sound, decoded, is_cut)
    if reason is None and broken:
        reason = f"damaged: decoding stopped after {decoded} samples"
    if reason is not None:
        raise DecodeError(reason)


def _decoded_before_error(sound: Any) -> int:
    try:
        return int(sound.tell())
    except soundfile.LibsndfileError:
        return 0


def _shortfall(sound: Any, decoded: int, is_cut: bool) -> str | None:
    """Say what is missing of a sound that has been read to its end."""
    if decoded < sound.frames < _UNKNOWN_LENGTH:
        return f"truncated or damaged: {decoded} of {sound.frames} samples decoded"
    log = sound.extra_info
    for match in _WRONG_SIZE.finditer(log):
        promised, present = int(match[1]), int(match[2])
        if present < promised and not is_placeholder(promised):
            return (
                f"truncated: the header promises {promised} bytes, {present} are there; "
                f"{decoded} samples decoded"
            )
    if is_cut or _BROKEN_OFF.search(log):
        return f"truncated: {decoded} samples decoded"
    return None
