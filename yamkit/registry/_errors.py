"""Errors of plugins: described in one line, and raised with the name of the plugin."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from yamkit._util.text import described
from yamkit.errors import BrokenPluginError, YamkitError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["describe", "plugin_errors"]


def describe(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


@contextlib.contextmanager
def plugin_errors(who: str) -> Iterator[None]:
    """Say whose an error is that is none of yamkit's.

    Raises
    ------
    BrokenPluginError
        In place of any other exception.
    """
    try:
        yield
    except YamkitError:
        raise
    except Exception as error:
        raise BrokenPluginError(f"{who} failed: {described(error)}") from error
