"""Signals that end a process: as `KeyboardInterrupt`, so that unfinished work is cleaned up.

Python raises it between two of its own instructions, and a call of an engine may never return to
Python. So callers mark such calls, and a thread ends the process if one goes on after a signal.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Self

__all__ = [
    "Interruptions",
    "StopRequests",
    "engine_call",
    "interrupted_code",
    "stuck_engines_end",
]

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_NUMBERS = frozenset(getattr(signal, name) for name in _NAMES if hasattr(signal, name))
_GRACE_SECONDS = 5.0
"""Least time that an engine may go on after a signal."""

_IMPATIENT_SECONDS = 1.0
"""Time that an engine may go on after a second signal; a third one ends the process at once."""

_GRACE_CALLS = 4
"""Factor of the longest call so far that an engine may go on: large batches are slow."""

_calls: dict[object, float] = {}
"""Start of each running call of an engine, in seconds of the monotonic clock."""

_longest = 0.0
"""Duration of the longest finished call of this process, in seconds."""


def interrupted_code(error: BaseException | None) -> int:
    """Return the exit code of an interrupted command, as shells define it.

    128 and the number of the signal: 130 for SIGINT (Ctrl-C), 143 for SIGTERM, 129 for SIGHUP.

    Parameters
    ----------
    error : exception or None
        A `KeyboardInterrupt` of this module holds the number; any other stands for SIGINT.
    """
    is_told = isinstance(error, KeyboardInterrupt) and error.args
    return 128 + int(error.args[0] if error is not None and is_told else signal.SIGINT)


@contextlib.contextmanager
def engine_call() -> Iterator[None]:
    """Mark a call of an engine, which sees signals only when it returns."""
    global _longest
    call = object()
    _calls[call] = time.monotonic()
    try:
        yield
    finally:
        _longest = max(_longest, time.monotonic() - _calls.pop(call))


@contextlib.contextmanager
def stuck_engines_end(grace_seconds: float = _GRACE_SECONDS) -> Iterator[None]:
    """End the process if an engine's call goes on after a signal, while the context lasts.

    The process ends as by ``kill -9``, which leaves nothing that looks finished: neither Python nor
    the engine responds any more. After a second signal the call has a second at most, after a third
    none. For the main thread.

    Parameters
    ----------
    grace_seconds : float
        Time that a call may go on after a signal; at least four times the longest finished call.
    """
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    before = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    watcher = threading.Thread(target=_watch, args=(receiver, grace_seconds), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        # Python would wait for the threads of such calls without end
        deadline = time.monotonic() + _grace(grace_seconds) + 1
        while _calls and time.monotonic() < deadline:
            watcher.join(0.05)
        signal.set_wakeup_fd(before)
        sender.close()
        watcher.join()
        receiver.close()


def _grace(least_seconds: float) -> float:
    return max(least_seconds, _GRACE_CALLS * _longest)


def _watch(receiver: socket.socket, grace_seconds: float) -> None:
    """Wait for signals, one byte each, until the other end is closed."""
    while number := _next(receiver):
        came = time.monotonic()
        grace = _grace(grace_seconds)
        with contextlib.suppress(TimeoutError, BlockingIOError):  # BlockingIOError: no time left
            for seconds in (grace, min(grace, _IMPATIENT_SECONDS)):
                receiver.settimeout(seconds)
                if not _next(receiver):
                    return
        receiver.settimeout(None)
        if any(began < came for began in list(_calls.values())):
            os.write(2, b"interrupted; the network did not stop and was killed\n")
            os._exit(128 + number)


def _next(receiver: socket.socket) -> int:
    """Return the next signal that ends a process; 0 if the other end is closed."""
    while data := receiver.recv(1):
        if data[0] in _NUMBERS:
            return data[0]
    return 0


class _Handled:
    """Handler of signals that end a process, in the main thread, while the context lasts.

    A signal that was ignored before stays ignored.
    """

    def __init__(self) -> None:
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *exc_info: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        raise NotImplementedError


class Interruptions(_Handled):
    """SIGINT, SIGTERM and SIGHUP become `KeyboardInterrupt` while the context lasts.

    A second signal while one is held back interrupts at once, since the held block may hang.

    An exception raised while a destructor or a callback runs is lost: Python prints it and goes on.
    So long work must call `check`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._holding = False
        self._pending = False
        self._received: int | None = None

    def check(self) -> None:
        """Raise the interruption if a signal arrived and its exception was lost."""
        if self._received is not None:
            raise KeyboardInterrupt(self._received)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold an interruption back until the end of the block."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
        if self._pending:
            self._pending = False
            raise KeyboardInterrupt(self._received)

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._received = number
        if self._holding and not self._pending:
            self._pending = True
        else:
            raise KeyboardInterrupt(number)


class StopRequests(_Handled):
    """The first SIGINT, SIGTERM or SIGHUP calls a function; a second one interrupts at once.

    Parameters
    ----------
    stop : callable
        Called in the main thread, between any two of its instructions.
    """

    def __init__(self, stop: Callable[[], object]) -> None:
        super().__init__()
        self._stop = stop
        self._received: int | None = None

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self._received is not None:
            raise KeyboardInterrupt(number)
        self._received = number
        self._stop()

    @property
    def is_stopped(self) -> bool:
        """Whether a signal arrived."""
        return self._received is not None

    @property
    def exit_code(self) -> int:
        """0 without a signal, else as `interrupted_code`."""
        return 0 if self._received is None else 128 + self._received
