"""Progress of a command: a bar on terminals, elsewhere lines if `--progress` asks for them.

A thread looks at a meter from time to time, so that the work itself need not report anything.
"""

from __future__ import annotations

import contextlib
import io
import sys
from threading import Event, RLock, Thread
from typing import TYPE_CHECKING

import click

from yamkit._util.text import printable
from yamkit.cli._meters import StepMeter
from yamkit.cli._notes import is_quiet, wants_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from typing import TextIO

    from rich.console import Console

    from yamkit.cli._meters import Progress

__all__ = ["Display", "show_progress", "show_steps"]

_BAR_PERIOD_SECONDS = 0.25
_LINE_PERIOD_SECONDS = 10.0
_LEAST_BAR, _MOST_BAR = 8, 40


class Display:
    """Shows nothing."""

    def show(self) -> None:
        """Show the progress."""

    def hidden(self) -> contextlib.AbstractContextManager[None]:
        """Hide the progress while the context lasts."""
        return contextlib.nullcontext()


class _Lines(Display):
    """Prints a line each time."""

    def __init__(self, look: Callable[[], Progress]) -> None:
        self._look = look

    def show(self) -> None:
        click.echo(f"progress: {self._look().text}", err=True)


class _Bar(Display):
    """Draws a bar and its text in the last line of a terminal."""

    def __init__(self, look: Callable[[], Progress], stream: TextIO) -> None:
        self._look, self._stream = look, stream
        self._lock = RLock()
        self._console: Console | None = None  # rich is imported only if a bar is drawn
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


class _AboveBar(io.TextIOBase):
    """Standard error next to a bar: writes whole lines, each above the bar."""

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
def show_progress(look: Callable[[], Progress]) -> Generator[Display, None, None]:
    """Show progress while the context lasts, unless `--quiet` was given.

    Parameters
    ----------
    look : callable
        Returns the progress; called by another thread.

    Yields
    ------
    Display
        Must be hidden while results are written to the same terminal. Lines on standard error
        appear above the bar.
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
    above = _AboveBar(sys.stderr, bar)
    with contextlib.redirect_stderr(above):
        try:
            with _ticking(bar.show, _BAR_PERIOD_SECONDS):
                yield bar
        finally:
            with bar.hidden():
                above.finish()


@contextlib.contextmanager
def show_steps(
    title: str, unit: str = "", size: float = 1
) -> Generator[Callable[[int, int], None], None, None]:
    """Show the progress of work in steps; see `StepMeter`. A signal interrupts it.

    Yields
    ------
    callable
        Takes how many steps are done, and how many there are. Until the first call, the time that
        went by is shown.
    """
    from yamkit._util.signals import Interruptions

    meter = StepMeter(title, unit, size)
    with Interruptions(), show_progress(meter.progress):
        yield meter.update


@contextlib.contextmanager
def _ticking(show: Callable[[], None], seconds: float) -> Iterator[None]:
    """Call a function from time to time, in another thread."""
    ended = Event()

    def tick() -> None:
        while not ended.wait(seconds):
            with contextlib.suppress(OSError, ValueError):  # standard error was closed
                show()

    ticker = Thread(target=tick, name="yamkit-progress", daemon=True)
    ticker.start()
    try:
        yield
    finally:
        ended.set()
        ticker.join()
