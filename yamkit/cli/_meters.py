"""How far something is: a run over clips in seconds of audio, or work that is done in steps."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from yamkit.audio import AudioSource
    from yamkit.run.clips import Clip
    from yamkit.types import ClipEnd, ClipFailure

__all__ = ["ClipMeter", "Progress", "StepMeter"]

_MOST_OPEN = 2048
"""More clips than can be open at a time."""


class Progress(NamedTuple):
    """How far something is.

    Attributes
    ----------
    done : float
        In any unit.
    total : float or None
        In the same unit; None if it is unknown.
    text : str
        The same as a line of text.
    """

    done: float
    total: float | None
    text: str


class ClipMeter:
    """How far a run over clips is, in seconds of audio.

    The lengths of clips that are open or done are known; each other clip counts as their mean.

    Parameters
    ----------
    clips : sequence of Clip
        In the order in which they are finished.
    noun : str
        Plural of what the text calls them.
    title : str
        Start of the text.
    clock : callable
        Returns seconds.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        noun: str = "files",
        title: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clips, self._noun, self._clock = clips, noun, clock
        self._title = f"{title}: " if title else ""
        self._began = clock()
        self._done = self._failed = self._warned = 0
        self._seconds = self._new_seconds = 0.0  # of clips that are done
        self._unknown = 0  # clips that were done in an earlier run, of unknown length

    def finished(self, item: ClipEnd | ClipFailure | None, *, is_new: bool = True) -> None:
        """Count the next clip; None, or one that is not new, was done in an earlier run."""
        from yamkit.types import ClipEnd, ClipFailure

        clip = self._clips[self._done]
        self._done += 1
        seconds = 0.0
        if isinstance(item, ClipEnd):
            seconds = item.duration_seconds
            self._warned += bool(item.warnings)
        elif isinstance(item, ClipFailure):
            self._failed += 1
            seconds = 0.0 if clip.audio is None else _read_seconds(clip, clip.audio)
        else:
            self._unknown += 1
        self._seconds += seconds
        if is_new:
            self._new_seconds += seconds

    def progress(self) -> Progress:
        """Return how far the run is now."""
        ahead = itertools.islice(self._clips, self._done, self._done + _MOST_OPEN)
        opened = [(clip, audio) for clip in ahead if (audio := clip.audio) is not None]
        read = [_read_seconds(clip, audio) for clip, audio in opened]
        lengths = [_length_seconds(clip, audio) for clip, audio in opened]
        known = [length for length in lengths if length is not None]
        known_count = self._done - self._unknown + len(known)
        mean = (self._seconds + sum(known)) / known_count if known_count else None
        done, total = self._seconds + sum(read), None
        if mean is not None:
            done += mean * self._unknown
            unopened = len(self._clips) - self._done - len(opened)
            total = done + mean * unopened
            for seconds, length in zip(read, lengths, strict=True):
                total += max((mean if length is None else length) - seconds, 0.0)
        is_exact = known_count == len(self._clips)
        text = self._text(done, total, self._new_seconds + sum(read), is_exact)
        return Progress(done, total, text)

    def _text(self, done: float, total: float | None, new: float, is_exact: bool) -> str:
        of = "of audio" if total is None else f"of {'' if is_exact else '~'}{_duration(total)}"
        parts = [f"{_duration(done)} {of}"]
        speed = new / max(self._clock() - self._began, 1e-9)
        if speed > 0:
            parts.append(f"{speed:.{0 if speed >= 10 else 1}f}x real time")
            if total is not None:
                parts.append(f"{_duration((total - done) / speed)} left")
        if len(self._clips) > 1:
            parts.append(f"{self._done} of {len(self._clips)} {self._noun}")
        if self._failed:
            parts.append(f"{self._failed} failed")
        if self._warned:
            parts.append(f"{self._warned} with warnings")
        return self._title + ", ".join(parts)


class StepMeter:
    """How far something is that is done in steps, or in one step of unknown length.

    Parameters
    ----------
    title : str
        Start of the text.
    unit : str
        Follows the numbers.
    size : float
        Number of steps that make one unit.
    clock : callable
        Returns seconds.
    """

    def __init__(
        self,
        title: str,
        unit: str = "",
        size: float = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._title, self._unit, self._size, self._clock = title, unit, size, clock
        self._began = clock()
        self._done, self._total = 0, 0

    def update(self, done: int, total: int) -> None:
        """Set how many steps are done, and how many there are."""
        self._done, self._total = done, total

    def progress(self) -> Progress:
        """Return how far it is now."""
        elapsed = self._clock() - self._began
        if not self._total:
            return Progress(0, None, f"{self._title}: {_duration(elapsed)}")
        places = 0 if self._size == 1 else 1
        done, total = (f"{n / self._size:.{places}f}" for n in (self._done, self._total))
        text = f"{self._title}: {done} of {total}{self._unit}"
        if self._done:
            text += f", {_duration(elapsed * (self._total - self._done) / self._done)} left"
        return Progress(self._done, self._total, text)


def _read_seconds(clip: Clip, audio: AudioSource) -> float:
    seconds = audio.samples / audio.sample_rate
    part = _part_seconds(clip)
    return seconds if part is None else min(seconds, part)


def _length_seconds(clip: Clip, audio: AudioSource) -> float | None:
    part = _part_seconds(clip)
    return audio.decoded.seconds_promised if part is None else part


def _part_seconds(clip: Clip) -> float | None:
    if clip.start_seconds is None or clip.end_seconds is None:
        return None
    return clip.end_seconds - clip.start_seconds


def _duration(seconds: float) -> str:
    """Return a duration as m:ss or h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
