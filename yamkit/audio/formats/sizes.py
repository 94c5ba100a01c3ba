"""Wrong sizes in the headers of AIFF, AU, CAF, Wave64 and coded WAV.

After a recorder was stopped, or if a size did not fit its field, there is more sound than the
header states. libsndfile trusts the header, so it receives one with the correct size.
"""

from __future__ import annotations

import functools
import re
import struct
from typing import TYPE_CHECKING, NamedTuple

from yamkit.audio.formats.caf import caf_chunks
from yamkit.audio.formats.tags import begins_tag
from yamkit.audio.formats.wav import is_placeholder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from yamkit.audio._notes import Notes
    from yamkit.audio.formats.window import Window

__all__ = ["right_sizes"]

_CHUNK_NAME = re.compile(rb"[A-Za-z(][A-Za-z0-9_)\- ]{2}[A-Za-z0-9_)\- ]")
_BLANK = 4096
"""Most zeros after a sound that are not sound."""
_MOST_CHUNKS = 10_000

_W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_W64_DATA = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")
_W64_TAILS = {bytes.fromhex("f3acd3118cd100c04f8edb8a"), bytes.fromhex("2e91cf11a5d628db04c10000")}
_AU_BYTES = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}


class _Sound(NamedTuple):
    """The sound of a file, by its header."""

    start: int
    size: int  # bytes
    is_open: bool  # the header does not state the size
    bytes_per_second: float  # 0 if unknown
    patches: Callable[[int], list[tuple[int, bytes]]]  # by the correct size


def right_sizes(window: Window, notes: Notes) -> list[tuple[int, bytes]]:
    """Return the bytes of a header that must change so that all of the sound is read.

    Parameters
    ----------
    window : Window
    notes : Notes
        Receives a note if sound follows after the end that the header states.

    Returns
    -------
    list of tuple of int and bytes
        Places and bytes; empty if the header is correct, or of another format.
    """
    head = window.read_at(0, 16)
    find = next((find for magic, find in _FORMATS.items() if head.startswith(magic)), None)
    try:
        sound = None if find is None else find(window)
    except struct.error:  # the header is cut
        return []
    if sound is None or sound.start >= window.length:
        return []
    there = window.length - sound.start
    if head.startswith(b"caff") and sound.size > there and sound.bytes_per_second:
        # libsndfile does not report it
        notes.breaks_off(there / sound.bytes_per_second, sound.size / sound.bytes_per_second)
    if not sound.is_open and (sound.size >= there or _is_over(window, sound, head)):
        return []
    if not sound.is_open and sound.bytes_per_second:
        end = sound.size / sound.bytes_per_second
        more = (there - sound.size) / sound.bytes_per_second
        notes.goes_on(end, more)
    return sound.patches(there)


def _is_over(window: Window, sound: _Sound, head: bytes) -> bool:
    """Return whether chunks, tags or only zeros follow the sound."""
    end = sound.start + sound.size
    ahead = window.read_at(end, _BLANK + 1)
    if len(ahead) < 8 or begins_tag(ahead) or (len(ahead) <= _BLANK and not any(ahead)):
        return True
    if head.startswith(_W64_RIFF):
        aligned = ahead[-end % 8 :]
        return len(aligned) < 24 or aligned[4:16] in _W64_TAILS
    if head.startswith((b".snd", b"dns.")):
        return False
    return any(_CHUNK_NAME.fullmatch(ahead[at : at + 4]) for at in range(1 + sound.size % 2))


def _aiff(window: Window) -> _Sound | None:
    bytes_per_second = 0.0
    frame_size = comm = 0
    for name, at, size in _chunks(window, ">"):
        if name == b"COMM":
            comm = at
            channels, _, bits = struct.unpack(">hIh", window.read_at(at, 8))
            exponent, mantissa = struct.unpack(">HQ", window.read_at(at + 8, 10))
            frame_size = channels * -(-bits // 8)
            rate = mantissa * 2.0 ** (min(exponent & 0x7FFF, 16446) - 16446)
            if 0 < rate < 1e9:
                bytes_per_second = frame_size * rate
        elif name == b"SSND":
            is_open = size <= 8 or is_placeholder(size)
            patches = functools.partial(_aiff_patches, at, comm, frame_size)
            return _Sound(at, size, is_open, bytes_per_second, patches)
    return None


def _aiff_patches(at: int, comm: int, frame_size: int, there: int) -> list[tuple[int, bytes]]:
    there = min(there, 0xFFFFFFFF - at)
    found = [(4, struct.pack(">I", at + there - 8)), (at - 4, struct.pack(">I", there))]
    if frame_size > 0:
        found.append((comm + 2, struct.pack(">I", max(0, there - 8) // frame_size)))
    return found


def _wav(window: Window) -> _Sound | None:
    order = "<" if window.read_at(0, 4) == b"RIFF" else ">"
    bytes_per_second = 0.0
    for name, at, size in _chunks(window, order):
        if name == b"fmt ":
            (bytes_per_second,) = struct.unpack(f"{order}8xI", window.read_at(at, 12))
        elif name == b"data":
            patches = functools.partial(_wav_patches, order, at)
            return _Sound(at, size, is_placeholder(size), float(bytes_per_second), patches)
    return None


def _wav_patches(order: str, at: int, there: int) -> list[tuple[int, bytes]]:
    sizes = (4, at + there - 8), (at - 4, there)
    return [(place, struct.pack(f"{order}I", min(size, 0xFFFFFFFE))) for place, size in sizes]


def _au(window: Window) -> _Sound:
    order = ">" if window.read_at(0, 4) == b".snd" else "<"
    start, size, encoding, rate, channels = struct.unpack(f"{order}5I", window.read_at(4, 20))
    return _Sound(
        start,
        size,
        size == 0xFFFFFFFF or size == 0,
        float(_AU_BYTES.get(encoding, 0) * rate * channels),
        lambda there: [(8, struct.pack(f"{order}I", min(there, 0xFFFFFFFE)))],
    )


def _caf(window: Window) -> _Sound | None:
    bytes_per_second = 0.0
    for name, at, size in caf_chunks(window):
        if name == b"desc":
            rate, _, _, packet_bytes, packet_frames = struct.unpack(
                ">d4sIII", window.read_at(at, 24)
            )
            if packet_frames and 0 < rate < 1e9:
                bytes_per_second = rate * packet_bytes / packet_frames
        elif name == b"data":
            patches = functools.partial(_caf_patches, at)
            return _Sound(at, max(size, 0), size < 0, bytes_per_second, patches)
    return None


def _caf_patches(at: int, there: int) -> list[tuple[int, bytes]]:
    return [(at - 8, struct.pack(">q", there))]


def _w64(window: Window) -> _Sound | None:
    at, bytes_per_second = 40, 0.0
    for _ in range(_MOST_CHUNKS):
        name = window.read_at(at, 16)
        (size,) = struct.unpack("<Q", window.read_at(at + 16, 8))
        if name[:4] == b"fmt ":
            (bytes_per_second,) = struct.unpack("<8xI4x", window.read_at(at + 24, 16))
        elif name == _W64_DATA:
            at += 24
            is_open = size <= 24 or size >> 62 > 0
            patches = functools.partial(_w64_patches, at)
            return _Sound(at, max(0, size - 24), is_open, float(bytes_per_second), patches)
        if size < 24:
            return None
        at += size + -size % 8
    return None


def _w64_patches(at: int, there: int) -> list[tuple[int, bytes]]:
    return [(16, struct.pack("<Q", at + there)), (at - 8, struct.pack("<Q", there + 24))]


def _chunks(window: Window, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Walk the chunks of an IFF or a RIFF: names, places and sizes."""
    at = 12
    for _ in range(_MOST_CHUNKS):
        head = window.read_at(at, 8)
        if len(head) < 8:
            return
        name, size = struct.unpack(f"{order}4sI", head)
        yield name, at + 8, size
        at += 8 + size + size % 2


_FORMATS = {
    b"RIFF": _wav,
    b"RIFX": _wav,
    b"FORM": _aiff,
    b".snd": _au,
    b"dns.": _au,
    b"caff": _caf,
    _W64_RIFF: _w64,
}
