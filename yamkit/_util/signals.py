"""Signals that end a process: as `KeyboardInterrupt`, so that what was begun is tidied up.

Python raises it between two of its own steps, and an engine's network may take none for ever. So
what calls a network says so, and a thread ends the process where such a call goes on and on.
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
"""How long an engine may go on after a signal, at least."""

_IMPATIENT_SECONDS = 1.0
"""How long it may go on after a second signal; a third one does not wait."""

_GRACE_CALLS = 4
"""How many times as long as the longest call so far it may go on: large batches are slow."""

_calls: dict[object, float] = {}
"""When each call of an engine began that has not come back, in seconds of the monotonic clock."""

_longest = 0.0
"""Seconds of the longest call that came back in this process."""


def interrupted_code(error: BaseException | None) -> int:
    """Give the exit code of a command that an interruption ended, as shells have it.

    128 and the number of the signal: 130 for SIGINT (Ctrl-C), 143 for SIGTERM, 129 for SIGHUP.

    Parameters
    ----------
    error : exception or None
        The `KeyboardInterrupt`: of this module it holds the number, else it was Python's SIGINT.
    """
    is_told = isinstance(error, KeyboardInterrupt) and error.args
    return 128 + int(error.args[0] if error is not None and is_told else signal.SIGINT)


@contextlib.contextmanager
def engine_call() -> Iterator[None]:
    """Mark a call of an engine, which takes signals only when it comes back."""
    global _longest
    call = object()
    _calls[call] = time.monotonic()
    try:
        yield
    finally:
        _longest = max(_longest, time.monotonic() - _calls.pop(call))


@contextlib.contextmanager
def stuck_engines_end(grace_seconds: float = _GRACE_SECONDS) -> Iterator[None]:
    """End the process when a signal came and an engine's call goes on, while the context lasts.

    It ends as by ``kill -9``, which leaves nothing that looks finished: neither Python nor the
    engine can be asked any more. A second signal leaves it a second at most, a third one nothing.
    For the main thread.

    Parameters
    ----------
    grace_seconds : float
        How long a call may go on after a signal, or four times as long as the longest call that
        came back before, whichever is more.
    """
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    before = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    watcher = threading.Thread(target=_watch, args=(receiver, grace_seconds), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        # Python would wait for the threads of such calls, with nobody to end it
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
    """Wait for signals, a byte each, until the other side is closed."""
    while number := _next(receiver):
        came = time.monotonic()
        grace = _grace(grace_seconds)
        with contextlib.suppress(TimeoutError, BlockingIOError):  # the latter of no grace at all
            for seconds in (grace, min(grace, _IMPATIENT_SECONDS)):
                receiver.settimeout(seconds)
                if not _next(receiver):
                    return
        receiver.settimeout(None)
        if any(began < came for began in list(_calls.values())):
            os.write(2, b"interrupted; the network did not stop, and was ended\n")
            os._exit(128 + number)


def _next(receiver: socket.socket) -> int:
    """Give the number of the next signal that ends a process; 0 where the other side is closed."""
    while data := receiver.recv(1):
        if data[0] in _NUMBERS:
            return data[0]
    return 0


class _Handled:
    """Handles signals that end a process, while the context lasts, in the main thread.

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

    A second signal while one is held back interrupts at once: what it waits for may be what hangs.

    An exception that is raised while a destructor or a callback runs is lost: Python prints it and
    goes on. So what goes on for long must `check`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._holding = False
        self._pending = False
        self._received: int | None = None

    def check(self) -> None:
        """Interrupt, if a signal came and its exception was lost."""
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
        Called in the main thread, between any two steps of it.
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
        """Whether a signal came."""
        return self._received is not None

    @property
    def exit_code(self) -> int:
        """0 where no signal came, else as `interrupted_code`."""
        return 0 if self._received is None else 128 + self._received
