"""How far a command is: a bar on terminals, lines elsewhere where they are asked for.

What is done is looked at from time to time, by a thread of its own; those who do it are not told.
So progress costs them nothing, and moves within one long file.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import sys
import time
from dataclasses import dataclass
from threading import Event, RLock, Thread
from typing import TYPE_CHECKING

import click

from yamkit._util.text import printable
from yamkit.cli._notes import is_quiet, wants_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from typing import TextIO

    from rich.console import Console

    from yamkit.audio import AudioSource
    from yamkit.run.clips import Clip
    from yamkit.types import ClipEnd, ClipFailure

    Clock = Callable[[], float]

__all__ = ["Display", "Meter", "Standing", "Steps", "showing"]

_BAR_PERIOD_SECONDS = 0.25
_LINE_PERIOD_SECONDS = 10.0
_MOST_OPEN = 2048
"""More clips than can be open at a time."""
_LEAST_BAR, _MOST_BAR = 8, 40


@dataclass(frozen=True)
class Standing:
    """How far something is.

    Attributes
    ----------
    done : float
        In whatever unit.
    total : float or None
        None where nobody knows.
    text : str
        The same for people, on one line.
    """

    done: float
    total: float | None
    text: str


class Meter:
    """How far a run over clips is, in seconds of audio.

    Lengths of clips that are open or done are known, those of others are estimated: they are taken
    for as long as the known ones are on average.

    Parameters
    ----------
    clips : sequence of Clip
        In the order in which they are finished.
    noun : str
        What several of them are called.
    title : str
        What is done with them, if that is not plain.
    clock : callable
        Gives seconds.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        noun: str = "files",
        title: str = "",
        clock: Clock = time.monotonic,
    ) -> None:
        self._clips, self._noun, self._clock = clips, noun, clock
        self._title = f"{title}: " if title else ""
        self._began = clock()
        self._done = self._failed = self._warned = 0
        self._lengths = self._seconds = self._new_seconds = 0.0  # of clips that are done
        self._unknown = 0  # of these, those of an earlier run whose length nobody kept

    def finished(self, item: ClipEnd | ClipFailure | None, *, is_new: bool = True) -> None:
        """Count the next clip; None, or what is not new, was done in an earlier run."""
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

    def standing(self) -> Standing:
        """Tell how far the run is now."""
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
            left = len(self._clips) - self._done - len(opened)
            total = done + mean * left
            for seconds, length in zip(read, lengths, strict=True):
                total += max((mean if length is None else length) - seconds, 0.0)
        is_exact = known_count == len(self._clips)
        return Standing(
            done, total, self._text(done, total, self._new_seconds + sum(read), is_exact)
        )

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


class Steps:
    """How far something is that is done in steps, or in one whose end nobody knows.

    Parameters
    ----------
    title : str
    unit : str
        Behind the numbers.
    size : float
        Steps that are one of the unit.
    clock : callable
        Gives seconds.
    """

    def __init__(
        self, title: str, unit: str = "", size: float = 1, clock: Clock = time.monotonic
    ) -> None:
        self._title, self._unit, self._size, self._clock = title, unit, size, clock
        self._began = clock()
        self._done, self._total = 0, 0

    def update(self, done: int, total: int) -> None:
        """Take note of how many steps of how many are done."""
        self._done, self._total = done, total

    def standing(self) -> Standing:
        """Tell how far it is now."""
        elapsed = self._clock() - self._began
        if not self._total:
            return Standing(0, None, f"{self._title}: {_duration(elapsed)}")
        places = 0 if self._size == 1 else 1
        done, total = (f"{n / self._size:.{places}f}" for n in (self._done, self._total))
        text = f"{self._title}: {done} of {total}{self._unit}"
        if self._done:
            text += f", {_duration(elapsed * (self._total - self._done) / self._done)} left"
        return Standing(self._done, self._total, text)


def _duration(seconds: float) -> str:
    """Give a duration as minutes and seconds, or hours as well."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


# --- what is shown ---


class Display:
    """Shows nothing."""

    def show(self) -> None:
        """Show how far it is now."""

    def hidden(self) -> contextlib.AbstractContextManager[None]:
        """Take away what is shown while something else is written."""
        return contextlib.nullcontext()


class _Lines(Display):
    """A line each time."""

    def __init__(self, look: Callable[[], Standing]) -> None:
        self._look = look

    def show(self) -> None:
        click.echo(f"progress: {self._look().text}", err=True)


class _Bar(Display):
    """A bar and its text in the last line of a terminal."""

    def __init__(self, look: Callable[[], Standing], stream: TextIO) -> None:
        self._look, self._stream = look, stream
        self._lock = RLock()
        self._console: Console | None = None  # of rich, which is imported when a bar is due
        self._is_drawn = False

    def show(self) -> None:
        from rich.console import Console
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        with self._lock:
            console = self._console = self._console or Console(file=self._stream)
            if console.is_dumb_terminal:
                return
            now = self._look()
            text = Text(printable(now.text), end="", no_wrap=True)
            text.truncate(console.width - 1, overflow="ellipsis")
            room = console.width - 2 - len(text)
            self._erase()
            if room >= _LEAST_BAR:
                bar = ProgressBar(
                    now.total or 1,
                    now.done,
                    width=min(room, _MOST_BAR),
                    pulse=now.total is None,
                )
                console.print(bar, end="")
                text.pad_left(1)
            console.print(text, end="")
            self._is_drawn = True

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        with self._lock:
            self._erase()
            yield

    def _erase(self) -> None:
        from rich.control import Control
        from rich.segment import ControlType

        if self._is_drawn and self._console is not None:
            self._is_drawn = False
            erase = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2))
            self._console.control(erase)


class _Beside(io.TextIOBase):
    """Standard error beside a bar: whole lines, each above it."""

    def __init__(self, stream: TextIO, display: Display) -> None:
        self._stream, self._display = stream, display
        self._begun = ""

    def write(self, text: str) -> int:
        lines, newline, rest = (self._begun + text).rpartition("\n")
        self._begun = rest
        if newline:
            with self._display.hidden():
                self._stream.write(lines + newline)
                self._stream.flush()
        return len(text)

    def finish(self) -> None:
        self._stream.write(self._begun)
        self._stream.flush()

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self._stream.errors


@contextlib.contextmanager
def showing(look: Callable[[], Standing]) -> Generator[Display, None, None]:
    """Show how far something is, as far as anybody wants to know.

    Parameters
    ----------
    look : callable
        Gives the standing of now; is called by another thread.

    Yields
    ------
    Display
        To be hidden while results are written to the same terminal. What is written to standard
        error stands above the bar by itself.
    """
    if is_quiet() or not (sys.stderr.isatty() or wants_lines()):
        yield Display()
        return
    if not sys.stderr.isatty():
        lines = _Lines(look)
        with _ticking(lines.show, _LINE_PERIOD_SECONDS):
            yield lines
        return
    bar = _Bar(look, sys.stderr)
    beside = _Beside(sys.stderr, bar)
    with contextlib.redirect_stderr(beside):
        try:
            with _ticking(bar.show, _BAR_PERIOD_SECONDS):
                yield bar
        finally:
            with bar.hidden():
                beside.finish()


@contextlib.contextmanager
def _ticking(show: Callable[[], None], seconds: float) -> Iterator[None]:
    """Call something from time to time, in a thread of its own."""
    ended = Event()

    def tick() -> None:
        while not ended.wait(seconds):
            with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
                show()

    ticker = Thread(target=tick, name="yamkit-progress", daemon=True)
    ticker.start()
    try:
        yield
    finally:
        ended.set()
        ticker.join()
