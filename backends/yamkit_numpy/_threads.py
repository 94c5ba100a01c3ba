"""Limits NumPy's BLAS library to one thread while the backend's threads run.

The library has one setting for the whole process, so overlapping calls are counted: the first one
sets the limit, the last one restores the setting.
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
_limits: list[Any] = []  # one for each running call; the first holds the user's setting


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Run every matrix product on the calling thread."""
    with _lock:
        _limits.append(_controller.limit(limits=1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            # any call may remove the newest limit: all are one, so only the last removal restores
            # the user's setting
            _limits.pop().restore_original_limits()
