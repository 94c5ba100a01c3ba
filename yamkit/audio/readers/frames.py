"""Sound as coded frames without a container: MPEG audio, ADTS, AC-3.

Each frame states its length and duration, so the walk over them knows what is between frames: tags,
other files that were joined to the first, damage. FFmpeg's decoders, through PyAV, receive frame by
frame; a frame that cannot be decoded, or is missing, costs its own time only.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import av

from yamkit.audio._source import Decoded
from yamkit.audio.formats.frame_walk import Frame, Tag, walk
from yamkit.audio.formats.incoming import Incoming
from yamkit.audio.formats.mp3 import NO_LENGTH, Mp3Length, mp3_length
from yamkit.audio.readers.convert import MOST_SILENCE_SECONDS, in_first_layout, silence
from yamkit.audio.readers.pyav import Run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yamkit.audio._notes import Notes
    from yamkit.audio.formats.frame_walk import Junk
    from yamkit.audio.formats.frames import FrameHeader, FrameKind
    from yamkit.audio.formats.window import Window
    from yamkit.audio.readers.convert import Piece

__all__ = ["open_frames"]

_RUN_SAMPLES = 1 << 14
_NEAR = 10
"""Frames around damage whose mean size is used to estimate how many were lost."""
_SHORTEST_FRAME = 24
"""Smallest frame of an MP3, in bytes."""


@dataclass
class _Part:
    """One of the joined files, as far as it has been read."""

    start: int = 0
    length: Mp3Length = NO_LENGTH
    skip: int = 0  # samples that are still to be cut off
    frames: int = 0  # found, or known to be lost
    sizes: deque[int] = field(default_factory=lambda: deque(maxlen=_NEAR))  # of the last frames
    end: int = 0  # of the last frame
    is_cut: bool = False  # within a frame
    missing: float = math.nan  # frames lost in junk that follows, if known
    junk: int = 0  # bytes of it
    held: deque[Piece] = field(default_factory=deque)
    held_samples: int = 0


class _Decoding:
    """Decodes frames, and places silence where frames were lost."""

    def __init__(self, window: Window, kind: FrameKind, notes: Notes) -> None:
        self._window, self._kind, self._notes = window, kind, notes
        self._codec: Any = av.CodecContext.create(kind.decoder, "r")
        self._part = _Part()
        self._header: FrameHeader | None = None
        self._run = Run()
        self._layout = (0, 0)
        self._seconds = 0.0
        self._owed = 0.0  # seconds of silence, until their format is known
        self._silence_left = MOST_SILENCE_SECONDS
        self._leading = 0  # bytes before the first frame
        self.first_length = NO_LENGTH

    def pieces(self) -> Iterator[Piece]:
        """Decode all."""
        self._window.seek(0)
        incoming = Incoming(self._window)
        incoming.keep_no_more()
        for event in walk(incoming, self._kind):
            self._window.check()
            if isinstance(event, Frame):
                length = _length_of(event) if self._kind.codec == "mp3" else None
                if length is None:
                    yield from self._frame(event)
                else:
                    yield from self._next_part(event.at, length)
            elif isinstance(event, Tag):
                if self._part.frames:
                    yield from self._next_part(event.at, NO_LENGTH)
            elif self._header is None:
                self._leading += event.size
            elif event.is_cut_frame:
                self._part.is_cut = True
            else:
                yield from self._lose(self._frames_in(event))
        self._window.check()
        yield from self._end_of_part()

    def _frame(self, frame: Frame) -> Iterator[Piece]:
        part = self._part
        self._header = frame.header
        if self._leading:
            # a file that was cut anywhere begins with less than two frames of junk
            lost, self._leading = self._leading // frame.header.size, 0
            yield from self._lose(lost if lost > 1 else 0)
        part.frames += 1
        part.sizes.append(len(frame.data))
        part.end = frame.at + len(frame.data)
        try:
            found = self._codec.decode(av.Packet(frame.data))
        except (av.FFmpegError, ValueError):
            part.frames -= 1
            yield from self._lose(1)
            return
        run = self._run
        for each in found:
            if not run.fits(each):
                yield from self._taken()
                run.begin(each)
                self._layout = (each.sample_rate, each.layout.nb_channels)
                owed, self._owed = self._owed, 0.0
                yield from self._silence(owed)
            run.add(each)
        if run.samples >= _RUN_SAMPLES:
            yield from self._taken()

    def _taken(self) -> Iterator[Piece]:
        if self._run.samples:
            yield from self._accept(self._run.take())

    def _frames_in(self, junk: Junk) -> int:
        """Estimate how many frames were lost: by the length header, else by their mean size."""
        part = self._part
        if part.length.bytes and part.length.frames and math.isnan(part.missing):
            part.missing, part.junk = self._look_ahead(junk)
        if part.missing >= 0 and part.junk >= junk.size:
            lost = round(part.missing * junk.size / part.junk)
            part.missing -= lost
            part.junk -= junk.size
            return lost
        if junk.is_last or not part.sizes:
            return 0
        sizes = [*part.sizes, *self._sizes_behind(junk)]
        return round(junk.size * len(sizes) / sum(sizes))

    def _sizes_behind(self, junk: Junk) -> list[int]:
        """Return the sizes of the next frames: frame sizes may change at the damage."""
        rest = Incoming(self._window.part(junk.at + junk.size))
        rest.keep_no_more()
        sizes: list[int] = []
        for event in itertools.islice(walk(rest, self._kind), _NEAR):
            if not isinstance(event, Frame):
                break  # the junk may be long
            sizes.append(len(event.data))
        return sizes

    def _look_ahead(self, junk: Junk) -> tuple[float, int]:
        """Count the missing frames of the part, and its junk, from here on.

        The header's count is used if the part has as many bytes as the header states.
        """
        part = self._part
        found, size, end = 0, junk.size, junk.at + junk.size
        rest = Incoming(self._window.part(end))
        rest.keep_no_more()
        for event in walk(rest, self._kind):
            if isinstance(event, Tag) or _length_of(event):
                break
            if isinstance(event, Frame):
                found += 1
                end = junk.at + junk.size + event.at + len(event.data)
            else:
                size += event.size
        if abs(end - part.start - part.length.bytes) > self._most_uncertain:
            return -1.0, 0
        if part.length.frames * _SHORTEST_FRAME > part.length.bytes:
            return -1.0, 0
        return part.length.frames - part.frames - found, size

    def _lose(self, frames: int) -> Iterator[Piece]:
        """Replace lost frames by silence."""
        yield from self._taken()
        self._codec.flush_buffers()
        if not frames:
            return
        seconds = min(frames * self._frame_seconds, self._silence_left)
        self._silence_left -= seconds
        self._notes.undecodable(self._seconds + self._owed, seconds)
        self._part.frames += frames
        if self._layout == (0, 0):
            self._owed += seconds
        else:
            yield from self._silence(seconds)

    def _silence(self, seconds: float) -> Iterator[Piece]:
        for zeros in silence(round(seconds * self._layout[0]), self._layout[1]):
            yield from self._accept((self._layout, zeros))

    def _accept(self, piece: Piece) -> Iterator[Piece]:
        """Cut off the delay, and hold back what may be padding."""
        part, (layout, array) = self._part, piece
        if part.skip:
            skipped = min(part.skip, len(array))
            part.skip -= skipped
            array = array[skipped:]
        self._seconds += len(array) / layout[0]
        part.held.append((layout, array))
        part.held_samples += len(array)
        while part.held and part.held_samples - len(part.held[0][1]) >= part.length.padding:
            part.held_samples -= len(part.held[0][1])
            yield part.held.popleft()

    def _next_part(self, at: int, length: Mp3Length) -> Iterator[Piece]:
        yield from self._end_of_part()
        self._codec.flush_buffers()
        self._part = _Part(at, length, length.delay)
        if not self._seconds:
            self.first_length = length

    def _end_of_part(self) -> Iterator[Piece]:
        yield from self._taken()
        part, length = self._part, self._part.length
        left = part.held_samples
        if part.frames >= length.frames:
            left = max(0, left - length.padding)
            if part.is_cut:
                self._notes.breaks_off(self._seconds)
        elif not length.bytes or part.end - part.start < length.bytes - self._most_uncertain:
            promised = (length.frames - part.frames) * self._frame_seconds
            self._notes.breaks_off(self._seconds, self._seconds + promised)
        elif part.is_cut:
            self._notes.breaks_off(self._seconds)
        for layout, array in part.held:
            kept = array[:left]
            left -= len(kept)
            self._seconds -= (len(array) - len(kept)) / layout[0]
            if len(kept):
                yield layout, kept
        part.held.clear()

    @property
    def _most_uncertain(self) -> int:
        """Bytes by which a length header may be wrong: two frames."""
        return 2 * self._header.size if self._header else 0

    @property
    def _frame_seconds(self) -> float:
        return self._header.samples / self._header.sample_rate if self._header else 0.0


def _length_of(event: Frame | Tag | Junk) -> Mp3Length | None:
    return mp3_length(event.data, event.header) if isinstance(event, Frame) else None


def open_frames(window: Window, kind: FrameKind, notes: Notes, *, container: str = "") -> Decoded:
    """Decode a file of frames.

    Parameters
    ----------
    window : Window
    kind : FrameKind
        From `frames_begin`.
    notes : Notes
    container : str
        Container of the frames, if they are not a file.

    Raises
    ------
    DecodeError
        If no frame can be decoded.
    """
    decoding = _Decoding(window, kind, notes)
    layout, blocks = in_first_layout(decoding.pieces())
    length = decoding.first_length
    header = decoding._header
    promised = None
    if length.frames and header is not None:
        samples = length.frames * header.samples - length.delay - length.padding
        promised = samples / header.sample_rate
    return Decoded(
        *layout,
        blocks,
        notes,
        reader="PyAV",
        container=container or kind.container,
        codec=kind.codec,
        seconds_promised=promised,
    )
