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

__all__ = ["INTERRUPTED", "Interruptions", "StopRequests", "engine_call", "stuck_engines_end"]

INTERRUPTED = 130
"""Exit code of a command that a signal ended."""

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_GRACE_SECONDS = 5.0
"""How long an engine may go on after a signal; a batch takes far less."""

_calls: dict[object, float] = {}
"""When each call of an engine began that has not come back, in seconds of the monotonic clock."""


@contextlib.contextmanager
def engine_call() -> Iterator[None]:
    """Mark a call of an engine, which takes signals only when it comes back."""
    call = object()
    _calls[call] = time.monotonic()
    try:
        yield
    finally:
        del _calls[call]


@contextlib.contextmanager
def stuck_engines_end(grace_seconds: float = _GRACE_SECONDS) -> Iterator[None]:
    """End the process when a signal came and an engine's call goes on, while the context lasts.

    It ends as by ``kill -9``, which leaves nothing that looks finished: neither Python nor the
    engine can be asked any more. A second signal does not wait. For the main thread.
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
        deadline = time.monotonic() + grace_seconds + 1
        while _calls and time.monotonic() < deadline:
            watcher.join(0.05)
        signal.set_wakeup_fd(before)
        sender.close()
        watcher.join()
        receiver.close()


def _watch(receiver: socket.socket, grace_seconds: float) -> None:
    """Wait for signals, a byte each, until the other side is closed."""
    while receiver.recv(1):
        came = time.monotonic()
        receiver.settimeout(grace_seconds)
        with contextlib.suppress(TimeoutError):
            if not receiver.recv(1):
                return
        receiver.settimeout(None)
        if any(began < came for began in list(_calls.values())):
            os.write(2, b"interrupted; the network did not stop, and was ended\n")
            os._exit(INTERRUPTED)


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
        self._received = False

    def check(self) -> None:
        """Interrupt, if a signal came and its exception was lost."""
        if self._received:
            raise KeyboardInterrupt

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
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._received = True
        if self._holding and not self._pending:
            self._pending = True
        else:
            raise KeyboardInterrupt


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
        self.is_stopped = False

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.is_stopped:
            raise KeyboardInterrupt
        self.is_stopped = True
        self._stop()
