"""A seekable file as libsndfile sees it: from a given position on, behind a given beginning."""

from __future__ import annotations

import io
from typing import BinaryIO

__all__ = ["Window"]


class Window:
    """`prefix`, then the bytes of `file` from `start` on, as one seekable file.

    libsndfile calls these methods from C, where an exception would be printed and lost: it is kept
    for `check` instead, and the file seems to end.
    """

    def __init__(self, file: BinaryIO, start: int, prefix: bytes = b"") -> None:
        self._file = file
        self._start = start
        self._prefix = prefix
        self._position = 0
        self._length = len(prefix) + max(0, file.seek(0, io.SEEK_END) - start)
        self._error: BaseException | None = None

    def check(self) -> None:
        """Raise what went wrong since the last call."""
        error, self._error = self._error, None
        if error is not None:
            raise error

    def tell(self) -> int:
        """Give the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._length}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, size: int) -> bytes:
        """Read at most `size` bytes; none at the end, and after an error."""
        if self._error is not None:
            return b""
        try:
            if self._position < len(self._prefix):
                data = self._prefix[self._position : self._position + size]
            else:
                self._file.seek(self._start + self._position - len(self._prefix))
                data = self._file.read(size)
        except BaseException as error:
            self._error = error
            return b""
        self._position += len(data)
        return data
