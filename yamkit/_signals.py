"""Signals that end a process, as `KeyboardInterrupt`: so that what was begun is tidied up."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Self

__all__ = ["Interruptions", "StopRequests"]

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


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
