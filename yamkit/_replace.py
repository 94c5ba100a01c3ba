"""Files and folders that appear in their place when they are whole, or not at all."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["replaced"]


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Give a name beside a place; what is written there takes the place in the end.

    Where something goes wrong, nothing is left, and what was there stays. A folder that stands in
    the place is never replaced.
    """
    # a short name: the place's own may be as long as names can be
    fresh = path.with_name(f".yamkit-{secrets.token_hex(6)}.part")
    try:
        yield fresh
        fresh.replace(path)
    finally:
        if fresh.is_dir():
            shutil.rmtree(fresh)
        else:
            fresh.unlink(missing_ok=True)
