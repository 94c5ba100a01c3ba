"""Samples placed by the time stamps of their packets.

A gap becomes silence, repeated sound is used once, and a packet that cannot be decoded costs its
own time only. A jump is accepted if the time stamps of the next frames agree.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import av

from yamkit.audio._source import block_samples
from yamkit.audio.readers.convert import MOST_SILENCE_SECONDS, silence
from yamkit.audio.readers.pyav import Run, piece_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from yamkit.audio._notes import Notes
    from yamkit.audio.readers.convert import Layout, Piece

__all__ = ["Track", "pieces"]

_LONGEST_OVERLAP_SECONDS = 10.0
"""Time stamps that go back by more are those of a new recording."""
_LONGEST_ARRIVING_OVERLAP_SECONDS = 1.0
"""Likewise in a live stream, where a programme may follow another at any time."""
_MOST_DRIFT_SECONDS = 0.05
"""Largest difference between the clock of a container and the samples that is not corrected."""
_LEAST_SHORTFALL_SECONDS = 0.1
_LEAST_LATENESS_SECONDS = 0.1
"""Delay of the sound from which on it is noted."""
_WITNESSES = 4
"""Frames after a jump that must agree with it."""


@dataclass(frozen=True)
class Track:
    """A sound stream of a container.

    Attributes
    ----------
    codec : av.CodecContext
    packets : iterator of av.Packet or None
        None stands for data that cannot be read.
    tick_seconds : float
        Unit of time stamps.
    origin_seconds : float
        Time stamp at which the recording begins.
    start_seconds : float or None
        When the stream begins by its time stamps; may be before its first frame.
    promised_seconds : float or None
        Duration that the container states.
    jitter_seconds : float
        Jitter of the time stamps of intact files.
    may_repeat : bool
        Whether intact packets may have equal time stamps.
    gaps_are_damage : bool
        Whether gaps are always data that could not be read.
    is_cut : bool
        Whether the container is cut off.
    is_cut_before_start : bool
        Whether samples before `start_seconds` are discarded.
    end_seconds : float or None
        When the stream ends by its time stamps; infinity if only the durations of packets are
        known. The last packet is used up to its duration, and up to this end if that is within it.
        None if the end is not cut here.
    is_arriving : bool
        Whether samples are yielded at once, rather than combined.
    """

    codec: Any
    packets: Iterator[Any]
    tick_seconds: float
    origin_seconds: float = 0.0
    start_seconds: float | None = None
    promised_seconds: float | None = None
    jitter_seconds: float = 0.0
    may_repeat: bool = False
    gaps_are_damage: bool = False
    is_cut: bool = False
    is_cut_before_start: bool = False
    end_seconds: float | None = None
    is_arriving: bool = False


def pieces(track: Track, notes: Notes) -> Iterator[Piece]:
    """Decode a stream.

    Parameters
    ----------
    track : Track
    notes : Notes
        Receives what is missing, damaged or repeated.

    Yields
    ------
    Piece
    """
    return _Placing(track, notes).pieces()


@dataclass
class _Frame:
    """A decoded frame, and its place by its time stamp."""

    layout: Layout
    samples: NDArray[np.float32]
    stamp: float | None  # seconds
    follows_damage: bool

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.samples) / self.layout[0]


class _Placing:
    def __init__(self, track: Track, notes: Notes) -> None:
        self._track, self._notes = track, notes
        self._codec, self._tick = track.codec, track.tick_seconds
        self._run = Run()
        self._waiting: deque[_Frame] = deque()
        self._layout: Layout = (0, 0)
        self._is_begun = False
        self._least = 0.0
        self._position = 0.0  # seconds that were yielded
        self._offset = -track.origin_seconds  # from time stamps to places
        self._drift = 0.0  # of time stamps against the samples, too small to correct
        self._skip = 0.0  # seconds that are repeated
        self._first_stamp = 0.0  # before the offset
        self._last_packet = (0, 0)  # start and end, in ticks
        self._end_stamp: float | None = None  # of the sound, once the last packet is reached
        self._failed_until: float | None = None  # end of packets that could not be decoded
        self._silence_left = MOST_SILENCE_SECONDS

    def pieces(self) -> Iterator[Piece]:
        """Decode all."""
        run = self._run
        longest = 0
        for packet in itertools.chain(self._packets(), [_END]):
            for frame in self._decoded(packet):
                if self._goes_on(frame):
                    run.add(frame)
                    if run.samples >= longest:
                        yield run.take()
                    continue
                if run.samples:
                    yield run.take()
                layout, samples = piece_of(frame)
                stamp = None if frame.pts is None else frame.pts * self._tick + self._offset
                damage, self._failed_until = self._failed_until is not None, None
                if stamp is not None and self._track.is_cut_before_start and not self._is_begun:
                    before = self._before_start(stamp, layout)
                    samples, stamp = samples[before:], stamp + before / layout[0]
                if stamp is not None and self._end_stamp is not None:
                    samples = samples[: self._before_end(stamp, layout)]
                if len(samples):
                    self._waiting.append(_Frame(layout, samples, stamp, damage))
                    yield from self._placed()
                run.begin(frame)
                longest = 0 if self._track.is_arriving else block_samples(layout[1]) // 2
        if run.samples:
            yield run.take()
        yield from self._placed(is_end=True)
        yield from self._end()

    # --- decoding ---

    def _packets(self) -> Iterator[Any]:
        """Yield packets; if the end is to be cut, find it before the last one."""
        end = self._track.end_seconds
        if end is None:
            yield from self._track.packets
            return
        for packet, following in itertools.pairwise(itertools.chain(self._track.packets, [_END])):
            if following is _END and packet is not None and packet.pts is not None:
                start = packet.pts * self._tick
                stops = [start + packet.duration * self._tick] if packet.duration else []
                stops += [end] if start < end < math.inf else []
                self._end_stamp = min(stops, default=None)
            yield packet

    def _decoded(self, packet: Any) -> list[Any]:
        if packet is None:
            self._failed_until = self._position
            return []
        if packet is _END:
            packet = None
        elif not self._track.may_repeat and self._is_there(packet):
            return []
        try:
            frames: list[Any] = self._codec.decode(packet)
        except (av.FFmpegError, ValueError):
            if packet is not None and packet.pts is not None:
                end = packet.pts + (packet.duration or 0)
                self._failed_until = end * self._tick + self._offset
            return []
        return frames

    def _is_there(self, packet: Any) -> bool:
        """Return whether most of a packet's time belongs to the one before it, and note it."""
        start, duration = packet.pts, packet.duration
        if start is None or not duration or duration <= 2:
            return False
        last_start, last_end = self._last_packet
        if last_start <= start and last_end - start > duration / 2:
            self._notes.repeated(start * self._tick + self._offset, duration * self._tick)
            return True
        self._last_packet = start, start + duration
        return False

    # --- time ---

    def _goes_on(self, frame: Any) -> bool:
        """Return whether a frame directly follows the last one, as most do; account for it."""
        if self._waiting or self._skip or not self._is_begun or self._failed_until is not None:
            return False
        pts = frame.pts
        if pts is None or self._end_stamp is not None or not self._run.fits(frame):
            return False
        seconds = frame.samples / self._layout[0]
        drift = pts * self._tick + self._offset - self._position
        if not -self._least < drift - self._drift < self._least or abs(drift) > _MOST_DRIFT_SECONDS:
            return False
        self._drift = drift
        self._position += seconds
        return True

    def _placed(self, *, is_end: bool = False) -> Iterator[Piece]:
        """Yield frames at their places, as far as these are known."""
        while self._waiting:
            frame = self._waiting[0]
            jump = self._jump(frame)
            if jump and self._is_begun and not frame.follows_damage:
                if len(self._waiting) <= _WITNESSES and not is_end:
                    return
                if not self._is_confirmed(frame):
                    jump = 0.0
            self._waiting.popleft()
            yield from self._place(frame, jump)

    def _place(self, frame: _Frame, jump: float) -> Iterator[Piece]:
        if not self._is_begun:
            self._layout, self._is_begun = frame.layout, True
            self._first_stamp = (frame.stamp or 0.0) - self._offset
        elif jump and self._is_anew(frame, jump):
            self._offset -= jump
            self._shift_waiting(-jump)
            jump = 0.0
        if jump > 0:
            yield from self._gap(jump, is_damage=frame.follows_damage)
        elif jump < 0:
            self._skip = -jump
        if self._skip > 0:
            skipped = min(len(frame.samples), round(self._skip * frame.layout[0]))
            self._notes.repeated(self._position - self._skip, skipped / frame.layout[0])
            self._skip = max(0.0, self._skip - frame.seconds)
            frame.samples = frame.samples[skipped:]
        self._position += frame.seconds
        self._least = self._tolerance(frame)
        if len(frame.samples):
            yield frame.layout, frame.samples

    def _jump(self, frame: _Frame) -> float:
        """Return by how many seconds a frame is after (if negative, before) the last one."""
        if frame.stamp is None:
            return 0.0
        if not self._is_begun:
            return self._late_start(frame, frame.stamp)
        least = self._tolerance(frame)
        drift = frame.stamp - (self._position - self._skip)
        jump = drift - self._drift
        if abs(jump) <= least:
            if abs(drift) <= max(least, _MOST_DRIFT_SECONDS):
                self._drift = drift
                return 0.0
            jump = drift
        frames = round(jump / frame.seconds)
        if abs(jump - frames * frame.seconds) <= self._rounding(frame):
            jump = frames * frame.seconds
        return jump

    def _tolerance(self, frame: _Frame) -> float:
        # a damaged Opus packet may decode to another length
        part = 50 if self._codec.name == "opus" else 2
        least = max(frame.seconds / part, self._rounding(frame))
        return least if frame.follows_damage else max(least, self._track.jitter_seconds)

    def _rounding(self, frame: _Frame) -> float:
        """Return by how much time stamps may be rounded: ticks may be as long as frames."""
        return min(2 * self._tick, 0.75 * frame.seconds)

    def _before_start(self, stamp: float, layout: Layout) -> int:
        """Return the number of samples from a place to the start of the stream."""
        start = (self._track.start_seconds or 0.0) - self._track.origin_seconds
        return max(0, round((start - stamp) * layout[0]))

    def _before_end(self, stamp: float, layout: Layout) -> int:
        """Return the number of samples from a place to the end of the stream."""
        assert self._end_stamp is not None
        # ticks longer than samples are rounded
        rounded = max(0.0, self._tick * layout[0] - 1)
        return max(0, round((self._end_stamp + self._offset - stamp) * layout[0] + rounded))

    def _late_start(self, frame: _Frame, stamp: float) -> float:
        """Return the delay of a stream, by its start time if its first packets are empty."""
        late = stamp
        if not frame.follows_damage:
            begin = self._track.start_seconds
            if begin is not None:
                late = min(stamp, begin - self._track.origin_seconds)
            late = max(0.0, late)
            self._offset += late - stamp
            self._shift_waiting(late - stamp)
        return late if late > max(frame.seconds / 2, 2 * self._tick) else 0.0

    def _shift_waiting(self, seconds: float) -> None:
        for each in self._waiting:
            if each.stamp is not None:
                each.stamp += seconds

    def _is_confirmed(self, frame: _Frame) -> bool:
        """Return whether the time stamps of the next frames continue that of this one."""
        assert frame.stamp is not None
        expected = frame.stamp + frame.seconds
        witnesses = 0
        for each in itertools.islice(self._waiting, 1, None):
            if each.stamp is not None:
                witnesses += 1
                if abs(each.stamp - expected) > max(each.seconds / 2, self._rounding(each)):
                    return False
            expected += each.seconds
        return witnesses > 0

    def _is_anew(self, frame: _Frame, jump: float) -> bool:
        """Return whether the clock was set back, rather than sound repeated."""
        assert frame.stamp is not None
        is_first = frame.stamp - self._offset <= self._first_stamp + frame.seconds
        longest = _LONGEST_OVERLAP_SECONDS
        if self._track.is_arriving:
            longest = _LONGEST_ARRIVING_OVERLAP_SECONDS
        return jump < -longest or (jump < 0 and is_first)

    def _gap(self, seconds: float, *, is_damage: bool) -> Iterator[Piece]:
        """Yield silence for a gap, and note it."""
        promised = self._track.promised_seconds
        is_beyond = (
            promised is not None and self._position + seconds > promised + _LONGEST_OVERLAP_SECONDS
        )
        if seconds > self._silence_left or is_beyond:
            self._notes.jumps_too_far(self._position, seconds)
            self._offset -= seconds
            self._shift_waiting(-seconds)
            return
        self._silence_left -= seconds
        if is_damage or self._track.gaps_are_damage:
            self._notes.undecodable(self._position, seconds)
        elif self._position or seconds > _LEAST_LATENESS_SECONDS:
            self._notes.missing(self._position, seconds)
        samples = round(seconds * self._layout[0])
        for zeros in silence(samples, self._layout[1]):
            yield self._layout, zeros
        self._position += samples / self._layout[0]

    def _end(self) -> Iterator[Piece]:
        """Account for packets that failed at the very end, and compare with the stated duration."""
        promised = self._track.promised_seconds
        if self._failed_until is not None and self._is_begun:
            lost = self._failed_until - self._position
            is_all = promised is None or self._failed_until >= promised - _LEAST_SHORTFALL_SECONDS
            if is_all and 0 < lost <= _LONGEST_OVERLAP_SECONDS:
                yield from self._gap(lost, is_damage=True)
        if promised is not None and self._position < promised - _LEAST_SHORTFALL_SECONDS:
            self._notes.breaks_off(self._position, promised)
        elif self._track.is_cut:
            self._notes.breaks_off(self._position)


_END = object()
