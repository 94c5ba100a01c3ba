"""Decoding through PyAV: MP4, Matroska and WebM, MPEG-TS, ASF, AVI, FLV, WavPack and others.

Loaded on use, since it loads PyAV. Playlists and scripts, which name other files and addresses,
are not among the containers it may open, and a container may open nothing but itself.

What is decoded goes where the container's time stamps say: a gap becomes silence, what comes twice
is heard once. A packet that cannot be decoded costs its own time.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import av

from yamkit.audio._convert import MOST_SILENCE_SECONDS, in_first_form, silence
from yamkit.audio._headers import flv_seconds, is_broadcast, is_cut, matroska_seconds
from yamkit.audio._pyav import Floats
from yamkit.audio._source import Decoded
from yamkit.audio._window import find
from yamkit.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from yamkit.audio._convert import Piece
    from yamkit.audio._notes import Notes
    from yamkit.audio._window import Window

__all__ = ["open_container"]

_CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dts,dtshd,eac3,flac,flv,g722,gsm,matroska,webm,mov,mp4,"
    "m4a,3gp,3g2,mj2,mp3,mpeg,mpegts,oma,ogg,shorten,tak,tta,voc,w64,wav,wv,xwma"
)
_FROM_ZERO = ("mov", "matroska")
"""Containers whose time stamps count from the beginning of the recording; those of others may
begin anywhere."""

_FROM_ZERO_OR_ANYWHERE = ("asf", "flv")
"""Containers that are recorded, and broadcast as well."""

_PYAV = int(av.__version__.partition(".")[0])
# Titles in a strange encoding are no reason to refuse the sound; PyAV 19 no longer asks.
_LENIENT: dict[str, Any] = {"metadata_errors": "replace"} if _PYAV < 19 else {}

_LONGEST_OVERLAP_SECONDS = 10.0
"""Time stamps that go back by more begin anew."""
_MOST_DRIFT_SECONDS = 0.05
"""By how much the clock of a container may run ahead of the samples, or behind, unmended."""
_LEAST_SHORTFALL_SECONDS = 0.1
_LEAST_LATENESS_SECONDS = 0.1
"""Sound that begins later than this behind the picture is worth a word."""
_LONGEST_BROADCAST_LATENESS_SECONDS = 60.0
"""What begins later by the clock of a broadcast began before it was recorded."""
_MOST_TRIES = 1000
_WITNESSES = 4
"""Frames behind a jump that must agree with it."""


def open_container(
    window: Window, stream: int | None, notes: Notes
) -> tuple[Decoded, Callable[[], None]] | None:
    """Open a sound stream of a container.

    Parameters
    ----------
    window : Window
    stream : int or None
        Number of the sound stream, from 1; None for the one that is marked default, else the first.
    notes : Notes

    Returns
    -------
    tuple of Decoded and callable, or None
        The sound and the function that closes it; None where the container is unknown.

    Raises
    ------
    DecodeError
        If there is no such sound stream, or nothing of it can be decoded.
    """
    window.seek(0)
    try:
        container = _open(window)
    except (av.FFmpegError, ValueError):
        window.check()
        return None
    try:
        return _opened(container, window, stream, notes), container.close
    except BaseException:
        container.close()
        raise


def _opened(container: Any, window: Window, stream: int | None, notes: Notes) -> Decoded:
    sounds = container.streams.audio
    if not sounds:
        raise DecodeError("holds no sound, only other streams")
    if stream is not None and not 1 <= stream <= len(sounds):
        raise DecodeError(f"no sound stream {stream}; it has {len(sounds)}")
    defaults = (n for n, each in enumerate(sounds, 1) if each.disposition & _DEFAULT)
    chosen = stream or next(defaults, 1)
    if stream is None and len(sounds) > 1:
        notes.add(
            f"{len(sounds)} sound streams; stream {chosen} is heard; --stream N selects another"
        )
    sound = sounds[chosen - 1]
    codec = sound.codec_context
    if codec is None:
        raise DecodeError(f"the codec of sound stream {chosen} is unknown to FFmpeg")
    decoding = _Decoding(container, sound, window, notes)
    form, blocks = in_first_form(decoding.pieces())
    return Decoded(
        *form,
        blocks,
        notes,
        reader="PyAV",
        container=container.format.name,
        codec=codec.name,
        streams=len(sounds),
        stream=chosen,
        seconds_promised=decoding.promised_seconds,
    )


def _open(window: Window) -> Any:
    return av.open(
        window,
        io_open=_refuse,
        container_options={"format_whitelist": _CONTAINERS, "protocol_whitelist": "none"},
        **_LENIENT,
    )


_DEFAULT = av.stream.Disposition.default


def _refuse(url: str, flags: int, options: dict[str, str]) -> BinaryIO:  # noqa: ARG001
    raise PermissionError("a container may open nothing but itself")


@dataclass
class _Frame:
    """A decoded frame, and where its time stamp puts it."""

    form: tuple[int, int]
    samples: NDArray[np.float32]
    stamp: float | None  # seconds
    follows_damage: bool

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.samples) / self.form[0]


class _Decoding:
    """Packets on their way to samples that lie where their time stamps say."""

    def __init__(self, container: Any, sound: Any, window: Window, notes: Notes) -> None:
        self._container, self._sound, self._window = container, sound, window
        self._notes = notes
        self._codec = sound.codec_context
        if self._codec.name == "mp2":  # that decoder dithers, and takes twice as long
            self._codec = av.CodecContext.create("mp2float", "r")
        if self._codec.name == "flac":
            self._codec.options = {"err_detect": "crccheck+explode"}
        self._floats = Floats()
        self._tick = float(sound.time_base)
        self._tells_damage = container.format.name in _FRAMES_ALONE
        self._jitter = _JITTER_SECONDS.get(sound.codec_context.name, 0.0)
        if (container.format.name, sound.codec_context.name) in _NO_CLOCK:
            self._jitter = math.inf
        self._origin = _origin(container)
        self._position = 0.0  # seconds that were given out
        self._offset = 0.0  # of time stamps that began anew
        self._first_stamp = 0.0
        self._is_begun = False
        self._chunks: dict[int, int] = {}
        if container.format.name == "avi":
            # FFmpeg counts the chunks that it finds; the index knows which ones they are
            self._chunks = {each.pos + 8: each.timestamp for each in sound.index_entries}
        self._form: tuple[int, int] | None = None
        self._failed_until: float | None = None  # end of packets that could not be decoded
        self._drift = 0.0  # of time stamps against the samples, which is too little to mend
        self._last_packet = (0, 0)  # start and end, in ticks
        self._silence_left = MOST_SILENCE_SECONDS
        self._skip = 0.0  # seconds that are there twice
        self.promised_seconds = _promise(container, sound, window)

    def pieces(self) -> Iterator[Piece]:
        """Decode all."""
        frames = self._frames()
        waiting = deque(itertools.islice(frames, _WITNESSES))
        while waiting:
            waiting.extend(itertools.islice(frames, 1))
            yield from self._place(waiting.popleft(), waiting)
        yield from self._end()

    # --- decoding ---

    def _packets(self) -> Iterator[Any]:
        """Give packets; go on behind damage for as long as that brings more."""
        end = 0
        for packet in self._demuxed(self._container, self._sound):
            end = max(end, (packet.pos or 0) + packet.size)
            yield packet
        begin = _BEGINNINGS.get(self._container.format.name)
        while begin is not None and (at := find(self._window, begin, end)) is not None:
            # FFmpeg stops at damage, and where another file was joined
            end = at + 1
            self._failed_until = 0.0
            with (
                contextlib.suppress(av.FFmpegError, ValueError),
                _open(self._window.part(at)) as rest,
            ):
                for packet in self._demuxed(rest, rest.streams.audio[0]):
                    end = max(end, at + (packet.pos or 0) + packet.size)
                    yield packet

    def _demuxed(self, container: Any, sound: Any) -> Iterator[Any]:
        for _ in range(_MOST_TRIES):
            got_some = False
            try:
                for packet in container.demux(sound):
                    self._window.check()
                    got_some = got_some or packet.size > 0
                    if packet.size:
                        yield packet
            except (av.FFmpegError, ValueError):
                self._window.check()
                if got_some:
                    continue
            self._window.check()
            return

    def _frames(self) -> Iterator[_Frame]:
        for packet in itertools.chain(self._packets(), [None]):
            if packet is not None and self._is_there(packet):
                continue
            if packet is not None and packet.pos in self._chunks:
                packet.pts = packet.dts = self._chunks[packet.pos]
            try:
                frames = self._codec.decode(packet)
            except (av.FFmpegError, ValueError):
                if packet is not None and packet.pts is not None:
                    duration = (packet.duration or 0) * self._tick
                    self._failed_until = packet.pts * self._tick - self._origin + duration
                continue
            for frame in frames:
                yield from self._converted(frame)

    def _is_there(self, packet: Any) -> bool:
        """Tell whether most of a packet's time belongs to the one before it, and note that."""
        if packet.pts is None or not packet.duration or packet.duration <= 2:
            return False
        if self._jitter or self._container.format.name in _DOUBTFUL:
            return False
        start, end = packet.pts, packet.pts + packet.duration
        last_start, last_end = self._last_packet
        if last_start <= start and last_end - start > packet.duration / 2:
            seconds = start * self._tick - self._origin + self._offset
            self._notes.repeated(seconds, packet.duration * self._tick)
            return True
        self._last_packet = start, end
        return False

    def _converted(self, frame: Any) -> Iterator[_Frame]:
        stamp = None
        if frame.pts is not None:
            stamp = float(frame.pts * frame.time_base) - self._origin
        for form, samples in self._floats.of(frame):
            if len(samples):
                damage, self._failed_until = self._failed_until is not None, None
                yield _Frame(form, samples, stamp, damage)
                stamp = None

    # --- time ---

    def _place(self, frame: _Frame, following: Iterable[_Frame]) -> Iterator[Piece]:
        """Give a frame out where it belongs."""
        self._form = self._form or frame.form
        jump = self._jump(frame, following)
        if jump > 0:
            yield from self._gap(jump, frame.follows_damage)
        elif jump < 0:
            self._skip = -jump
        self._is_begun = True
        if self._skip > 0:
            skipped = min(len(frame.samples), round(self._skip * frame.form[0]))
            self._notes.repeated(self._position - self._skip, skipped / frame.form[0])
            self._skip = max(0.0, self._skip - frame.seconds)
            frame.samples = frame.samples[skipped:]
        self._position += frame.seconds
        yield frame.form, frame.samples

    def _jump(self, frame: _Frame, following: Iterable[_Frame]) -> float:
        """Tell by how many seconds a frame lies behind (or before, below 0) the end of the last."""
        if frame.stamp is None:
            return 0.0
        if not self._is_begun:
            return self._late_start(frame, frame.stamp)
        # an Opus packet that is damaged may decode to another length than it had
        least = max(
            frame.seconds / (50 if self._codec.name == "opus" else 2), self._rounding(frame)
        )
        if not frame.follows_damage:
            least = max(least, self._jitter)
        drift = frame.stamp + self._offset - (self._position - self._skip)
        jump = drift - self._drift
        if abs(jump) <= least:
            if abs(drift) <= max(least, _MOST_DRIFT_SECONDS):
                self._drift = drift
                return 0.0
            jump, self._drift = drift, 0.0
        if not (frame.follows_damage or self._agree(frame, following)):
            return 0.0
        begins_anew = frame.stamp <= self._first_stamp + frame.seconds
        if jump < -_LONGEST_OVERLAP_SECONDS or (jump < 0 and begins_anew):
            self._offset -= jump
            return 0.0
        frames = round(jump / frame.seconds)
        if abs(jump - frames * frame.seconds) <= self._rounding(frame):
            jump = frames * frame.seconds
        return jump

    def _rounding(self, frame: _Frame) -> float:
        """Tell by how much time stamps are rounded: ticks may be as long as frames."""
        return min(2 * self._tick, 0.75 * frame.seconds)

    def _late_start(self, frame: _Frame, stamp: float) -> float:
        """Tell how late a stream begins: by its own clock, where its first packets give nothing."""
        self._first_stamp = stamp
        if not frame.follows_damage:
            begin = self._sound.start_time
            late = stamp if begin is None else min(stamp, float(begin * self._tick) - self._origin)
            late = max(0.0, late)
            self._offset = late - stamp
            stamp = late
        return stamp if stamp > max(frame.seconds / 2, 2 * self._tick) else 0.0

    def _agree(self, frame: _Frame, following: Iterable[_Frame]) -> bool:
        """Tell whether the stamps of the next frames go on from that of this one."""
        assert frame.stamp is not None
        expected = frame.stamp + frame.seconds
        witnesses = 0
        for each in following:
            if each.stamp is not None:
                witnesses += 1
                if abs(each.stamp - expected) > max(each.seconds / 2, self._rounding(each)):
                    return False
            expected += each.seconds
        return witnesses > 0

    def _gap(self, seconds: float, is_damage: bool) -> Iterator[Piece]:
        """Let silence stand for what is not there."""
        assert self._form is not None
        if seconds > self._silence_left or self._is_beyond_promise(seconds):
            self._notes.jumps_too_far(self._position, seconds)
            self._offset -= seconds
            return
        self._silence_left -= seconds
        if is_damage or self._tells_damage:
            self._notes.undecodable(self._position, seconds)
        elif self._position or seconds > _LEAST_LATENESS_SECONDS:
            self._notes.missing(self._position, seconds)
        samples = round(seconds * self._form[0])
        for zeros in silence(samples, self._form[1]):
            yield self._form, zeros
        self._position += samples / self._form[0]

    def _is_beyond_promise(self, seconds: float) -> bool:
        if self.promised_seconds is None:
            return False
        return self._position + seconds > self.promised_seconds + _LONGEST_OVERLAP_SECONDS

    def _end(self) -> Iterator[Piece]:
        """Account for packets that failed at the very end, and compare with what was promised."""
        promised = self.promised_seconds
        if self._failed_until is not None and self._form is not None:
            lost = self._failed_until + self._offset - self._position
            is_all = promised is None or self._failed_until >= promised - _LEAST_SHORTFALL_SECONDS
            if is_all and 0 < lost <= _LONGEST_OVERLAP_SECONDS:
                yield from self._gap(lost, True)
        if promised is not None and self._position < promised - _LEAST_SHORTFALL_SECONDS:
            self._notes.breaks_off(self._position, promised)
        elif is_cut(self._window):
            self._notes.breaks_off(self._position)


def _origin(container: Any) -> float:
    """Find the time stamp, in seconds, at which a recording begins."""
    name = container.format.name
    if name.startswith(_FROM_ZERO) or container.start_time is None:
        return 0.0
    start = float(container.start_time / av.time_base)
    if name in _FROM_ZERO_OR_ANYWHERE and 0 <= start < _LONGEST_BROADCAST_LATENESS_SECONDS:
        return 0.0
    return start


def _promise(container: Any, sound: Any, window: Window) -> float | None:
    """Find the duration that a container states of a sound; None where it states none.

    FFmpeg does not tell a duration from its own guess, so the header is asked where that matters;
    and that of all streams says nothing of one.
    """
    name = container.format.name
    stated = sound.metadata.get("DURATION", "")
    if name.startswith("matroska"):
        if (match := _TAG.fullmatch(stated)) is not None:
            hours, minutes, seconds = (float(part) for part in match.groups())
            return 3600 * hours + 60 * minutes + seconds
        return matroska_seconds(window) if len(container.streams) == 1 else None
    if name == "flv":
        return flv_seconds(window) if len(container.streams) == 1 else None
    is_stated = name in _STATES_DURATION or (name == "asf" and not is_broadcast(window))
    if not is_stated or sound.duration is None:
        return None
    start = 0 if name == "asf" else max(0, sound.start_time or 0)
    return float((start + sound.duration) * sound.time_base)


_TAG = re.compile(r"(\d+):(\d\d):(\d\d\.\d+)")
_STATES_DURATION = {"ape", "caf", "mov,mp4,m4a,3gp,3g2,mj2", "tak", "tta", "wv"}
_BEGINNINGS = {"wv": re.compile(rb"wvpk....[\x02-\x10]\x04", re.DOTALL)}
"""Beginnings of blocks, each of which says its own place."""
_FRAMES_ALONE = {"ac3", "dts", "dtshd", "eac3", "tta", "wv"}
"""Sound without a container: a gap is damage."""
_JITTER_SECONDS = {"vorbis": 0.05, "pcm_dvd": 0.04, "pcm_s16be": 0.04}
"""By how much time stamps of intact streams of a codec jump to and fro."""
_DOUBTFUL = ("avi", "mpeg")
"""Containers in which intact packets may have the same time stamp."""
_NO_CLOCK = {("asf", "flac"), *(("avi", codec) for codec in ("eac3", "amrnb", "g722", "g726"))}
"""Pairs whose time stamps FFmpeg gets wrong."""
