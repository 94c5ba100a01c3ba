"""FLAC: read by libsndfile, and frame by frame after the place where libsndfile stops.

libsndfile stops at damage, after the samples of a stream info that counts too few, and before
another FLAC. Frames state their place in a header with a checksum, so the frames that follow are
found and placed; FFmpeg's decoder, through PyAV, checks each of them. The layout of the stream info
is that of RFC 9639, section 8.2.
"""

from __future__ import annotations

import dataclasses
import os
import re
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from yamkit.audio._notes import Notes
from yamkit.audio.formats.flac import LONGEST_HEADER, frame_header
from yamkit.audio.readers.convert import MOST_SILENCE_SECONDS, in_layout, silence
from yamkit.audio.readers.sndfile import open_sndfile, plain_descriptor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from yamkit.audio._source import Decoded
    from yamkit.audio.formats.window import Window
    from yamkit.audio.readers.convert import Layout, Piece

__all__ = ["open_flac"]

_INFO_SIZE = 34
_MARK = b"fLaC\x00\x00\x00\x22"
_BEGINNING = re.compile(re.escape(_MARK) + rb"|\xff[\xf8\xf9][\x10-\xfe][\x00-\xaf]", re.DOTALL)
_READ_AHEAD = 1 << 14
"""Bytes that libsndfile may have read beyond the last frame that it decoded, with a margin."""
_AT_ONCE = 1 << 18
_LONGEST_FRAME = (1 << 21) + (1 << 10)
"""Bytes of a frame with the most samples, channels and bits, and its header."""
_LONGEST_OVERLAP_SECONDS = 10.0
"""Frames that go back by more belong to another FLAC."""
_MOST_FALSE_HEADERS = 3
"""Most false headers within a frame."""


def open_flac(
    window: Window, file: BinaryIO | None, notes: Notes
) -> tuple[Decoded, Callable[[], None]] | None:
    """Open a FLAC.

    Parameters
    ----------
    window : Window
        Begins with ``fLaC``.
    file : binary file object or None
        The file that the window shows whole, if only this reader uses it.
    notes : Notes

    Returns
    -------
    tuple of Decoded and callable, or None
        The sound and the function that closes it; None if no reader can open it.
    """
    descriptor = plain_descriptor(file)
    own_notes = Notes()  # frames that libsndfile skips may be found later
    opened = open_sndfile(window, own_notes, descriptor)
    if opened is None:
        from yamkit.audio.readers.containers import open_container

        return open_container(window, None, notes)
    decoded, close = opened
    layout = (decoded.sample_rate, decoded.channels)

    def blocks() -> Iterator[NDArray[np.float32]]:
        samples = 0
        for block in decoded.blocks:
            samples += len(block)
            yield block
        at = window.tell() if descriptor is None else os.lseek(descriptor, 0, os.SEEK_CUR)
        if own_notes.has_errors:
            # libsndfile muted a frame with a wrong checksum: find which one
            for _ in _Rest(window, 0, 0, layout, notes).blocks():
                pass
            yield from _Rest(window, at, samples, layout, Notes()).blocks()
        else:
            yield from _Rest(window, at, samples, layout, notes).blocks()

    return dataclasses.replace(decoded, blocks=blocks(), notes=notes), close


class _Mark(NamedTuple):
    """The beginning of a FLAC."""

    at: int
    info: bytes


class _Header(NamedTuple):
    """The beginning of a frame."""

    at: int
    sample: int
    samples: int


class _Rest:
    """The part after what libsndfile decoded.

    Parameters
    ----------
    window : Window
    at : int
        Place up to which libsndfile read.
    samples : int
        Number of samples that it decoded.
    layout : Layout
        Format of the output.
    notes : Notes
    """

    def __init__(self, window: Window, at: int, samples: int, layout: Layout, notes: Notes) -> None:
        self._window, self._target, self._notes = window, layout, notes
        self._start = at
        self._at = max(0, at - _READ_AHEAD)
        self._layout = layout
        self._base = 0.0  # seconds before this FLAC
        self._position = samples  # in this FLAC
        self._has_failed = False  # to decode the last frame
        self._has_jumped = False
        self._is_behind = False  # after all that libsndfile decoded
        window.seek(0)
        self._take(window.read(len(_MARK) + _INFO_SIZE)[len(_MARK) :])

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Decode the rest."""
        return in_layout(self._pieces(), self._target)

    def _pieces(self) -> Iterator[Piece]:
        waiting: list[_Mark | _Header] = []
        found = self._beginnings()
        while True:
            while len(waiting) <= _MOST_FALSE_HEADERS and (each := next(found, None)) is not None:
                waiting.append(each)
            if not waiting:
                break
            first = waiting.pop(0)
            if isinstance(first, _Mark):
                self._note_end()
                self._base += self._position / self._layout[0]
                self._position = 0
                self._take(first.info)
                continue
            end = first.sample + first.samples
            if not self._is_behind and first.at < self._start and end <= self._position:
                self._is_behind = end == self._position
                continue  # libsndfile decoded it
            ends = [each.at for each in waiting]
            if len(waiting) < _MOST_FALSE_HEADERS:
                ends.append(self._window.length)
            yield from self._frame(first, ends)
        self._note_end()

    def _frame(self, header: _Header, ends: list[int]) -> Iterator[Piece]:
        """Decode a frame that ends at one of the given places, if it is whole."""
        import av

        from yamkit.audio.readers.pyav import piece_of

        for end in ends:
            self._window.seek(header.at)
            data = self._window.read(min(end - header.at, _LONGEST_FRAME))
            self._window.check()
            codec: Any = av.CodecContext.create("flac", "r")
            codec.extradata = self._info
            codec.options = {"err_detect": "crccheck+explode"}
            try:
                frames = codec.decode(av.Packet(data))
            except (av.FFmpegError, ValueError):
                continue
            for frame in frames:
                layout, samples = piece_of(frame)
                if layout == self._layout:
                    yield from self._place(header, samples)
            self._has_failed = False
            return
        self._has_failed = True

    def _place(self, header: _Header, samples: NDArray[np.float32]) -> Iterator[Piece]:
        gap, rate = header.sample - self._position, self._layout[0]
        is_behind, self._is_behind = self._is_behind or header.at >= self._start, True
        if gap < 0 and is_behind:
            if header.sample == 0 or -gap > _LONGEST_OVERLAP_SECONDS * rate:
                # another FLAC with a damaged beginning
                self._note_end()
                self._base -= gap / rate
                self._position, self._promised, gap = header.sample, 0, 0
            else:
                self._notes.repeated(self._seconds + gap / rate, min(len(samples), -gap) / rate)
        if gap > MOST_SILENCE_SECONDS * self._layout[0]:
            if not self._has_jumped:
                self._notes.jumps_too_far(self._seconds, gap / self._layout[0])
            self._has_jumped, gap = True, 0
        if gap > 0:
            self._notes.undecodable(self._seconds, gap / self._layout[0])
            self._position += gap
            for zeros in silence(gap, self._layout[1]):
                yield self._layout, zeros
        kept = samples[max(0, -gap) :]
        self._position += len(kept)
        yield self._layout, kept

    def _take(self, info: bytes) -> None:
        """Read the stream info of a FLAC."""
        self._info = info
        bits = int.from_bytes(info[10:18].ljust(8, b"\0"), "big")
        self._layout = (bits >> 44 or self._target[0], (bits >> 41 & 7) + 1)
        self._promised = bits & 0xFFFFFFFFF

    def _note_end(self) -> None:
        if self._position < self._promised:
            self._notes.breaks_off(self._seconds, self._base + self._promised / self._layout[0])
        elif self._has_failed and not self._promised:
            self._notes.breaks_off(self._seconds)

    @property
    def _seconds(self) -> float:
        return self._base + self._position / self._layout[0]

    def _beginnings(self) -> Iterator[_Mark | _Header]:
        """Yield the places where a FLAC or a frame with a correct checksum begins."""
        at, block_size = self._at, _block_size(self._info)
        while at < self._window.length:
            self._window.seek(at)
            data = self._window.read(_AT_ONCE + LONGEST_HEADER + len(_MARK) + _INFO_SIZE)
            behind = at + _AT_ONCE
            for found in _BEGINNING.finditer(data):
                place = found.start()
                if place >= _AT_ONCE:
                    break
                if at + place == 0:
                    continue  # libsndfile read it
                if found[0] == _MARK:
                    info = data[place + len(_MARK) : place + len(_MARK) + _INFO_SIZE]
                    yield _Mark(at + place, info)
                    block_size = _block_size(info)
                    behind = _behind_metadata(self._window, at + place)
                    break
                header = frame_header(data[place : place + LONGEST_HEADER], block_size)
                if header is not None:
                    yield _Header(at + place, *header)
            at = behind


def _block_size(info: bytes) -> int:
    return int.from_bytes(info[2:4], "big")


def _behind_metadata(window: Window, at: int) -> int:
    """Return the place of the first frame of a FLAC, after its metadata."""
    at += 4
    while True:
        window.seek(at)
        head = window.read(4)
        if len(head) < 4:
            return window.length
        at += 4 + int.from_bytes(head[1:], "big")
        if head[0] & 0x80:
            return at
