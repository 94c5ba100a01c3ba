"""Part of a seekable file as a decoder sees it, with corrected bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

__all__ = ["Window", "find"]

_AT_ONCE = 1 << 18
_LONGEST_MATCH = 64


class Window:
    """The bytes of `file` from `start` to `end`, as one seekable file.

    C libraries call these methods, where an exception would be printed and lost: it is kept for
    `check` instead, and the file appears to end. Several windows on a file are independent.

    Parameters
    ----------
    file : seekable binary file
    start, end : int
        Places in it; by default up to its end.
    patches : sequence of tuple of int and bytes
        Places in the window, and the bytes that replace those of the file.
    """

    def __init__(
        self,
        file: BinaryIO,
        start: int,
        end: int | None = None,
        patches: Sequence[tuple[int, bytes]] = (),
    ) -> None:
        self._file = file
        self._start = start
        self._position = 0
        there = file.seek(0, io.SEEK_END)
        self.length = max(0, (there if end is None else min(end, there)) - start)
        self._patches = patches
        self._error: BaseException | None = None

    def part(self, start: int, end: int | None = None) -> Window:
        """Return a part as a new window, without patches."""
        end = self.length if end is None else min(end, self.length)
        return Window(self._file, self._start + start, self._start + end)

    def patched(self, patches: Sequence[tuple[int, bytes]]) -> Window:
        """Return the same part with some bytes replaced, as a new window."""
        return Window(self._file, self._start, self._start + self.length, patches)

    def check(self) -> None:
        """Raise the exception that occurred since the last call."""
        error, self._error = self._error, None
        if error is not None:
            raise error

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.length}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read_at(self, at: int, size: int) -> bytes:
        """Read at most `size` bytes from a place on, and set the position after them."""
        self.seek(at)
        return self.read(size)

    def read(self, size: int) -> bytes:
        """Read at most `size` bytes; none at the end, and after an error."""
        size = min(size, self.length - self._position)
        if self._error is not None or size <= 0:
            return b""
        try:
            self._file.seek(self._start + self._position)
            data = self._file.read(size)
        except BaseException as error:
            self._error = error
            return b""
        for at, patch in self._patches:
            data = _patched(data, at - self._position, patch)
        self._position += len(data)
        return data


def find(window: Window, pattern: re.Pattern[bytes], start: int) -> int | None:
    """Return the first place from `start` on where a short pattern matches; None if none does."""
    window = window.part(0)
    while start < window.length:
        window.seek(start)
        found = pattern.search(window.read(_AT_ONCE + _LONGEST_MATCH))
        if found is not None and found.start() < _AT_ONCE:
            return start + found.start()
        start += _AT_ONCE
    return None


def _patched(data: bytes, at: int, patch: bytes) -> bytes:
    if at >= len(data) or at + len(patch) <= 0:
        return data
    whole = bytearray(data)
    first, last = max(at, 0), min(at + len(patch), len(data))
    whole[first:last] = patch[first - at : last - at]
    return bytes(whole)
