"""Holds NumPy's BLAS library to one thread while the backend's own threads are at work.

The library has one setting for the whole process, so calls that overlap count themselves: the
first one in takes it, the last one out gives it back.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["one_blas_thread"]

_lock = threading.Lock()
_controller = ThreadpoolController()
_limits: list[Any] = []  # one for each call inside; the outermost remembers the user's setting


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let every matrix product run on the thread that asks for it."""
    with _lock:
        _limits.append(_controller.limit(limits=1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            # whoever leaves, the newest goes: it remembers a limit of one, so nothing changes
            # until the oldest is left
            _limits.pop().restore_original_limits()
