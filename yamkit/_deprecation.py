"""Names on their way out: they go on working, and say once what has taken their place."""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["deprecated"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

_told: set[str] = set()


def deprecated(*, since: str, instead: str) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Mark a function or method as one to leave.

    The first call in a process gives a `DeprecationWarning` with the replacement, at the line of
    the caller; further calls are silent.

    Parameters
    ----------
    since : str
        First version that says so.
    instead : str
        What to call.
    """

    def mark(function: Callable[_P, _R]) -> Callable[_P, _R]:
        name = f"{function.__module__}.{function.__qualname__}"

        @functools.wraps(function)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            if name not in _told:
                _told.add(name)
                message = f"{name} is deprecated since yamkit {since}: use {instead}"
                warnings.warn(message, DeprecationWarning, stacklevel=2)
            return function(*args, **kwargs)

        return call

    return mark
