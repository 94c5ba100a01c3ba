"""Bytes that are read once from front to back, with a preview of the next ones."""

from __future__ import annotations

from typing import Any

from yamkit.errors import AudioFileError, DecodeError

__all__ = ["LONGEST_HEADER", "Incoming"]

LONGEST_HEADER = 1 << 20
"""Bytes that may be read before a reader decides whether to give them back."""

_MOST_KEPT = 2 * LONGEST_HEADER


class Incoming:
    """A binary stream that is read forwards, and can return to its start in the first megabytes.

    Parameters
    ----------
    file : binary file object
        Only its ``read1``, else its ``read``, is called.

    Attributes
    ----------
    position : int
        Bytes read so far.
    """

    def __init__(self, file: Any) -> None:
        # read1 returns what is available; read would wait for all of the requested bytes
        self._read = getattr(file, "read1", file.read)
        self._next = b""
        self.position = 0
        self._header = bytearray()
        self._keeping = True

    def keep_no_more(self) -> None:
        """Discard the kept bytes: the stream will not be given back."""
        self._keeping = False
        self._header.clear()

    def give_back(self) -> None:
        """Return to the first byte; later bytes are no longer kept.

        Raises
        ------
        DecodeError
            If the first bytes are no longer kept.
        """
        if not self._keeping:
            raise DecodeError(f"no sound in its first {self.position} bytes")
        self._next, self.position = bytes(self._header), 0
        self.keep_no_more()

    def some(self, size: int) -> bytes:
        """Read 1 to `size` bytes, as many as are available; none at the end.

        Raises
        ------
        AudioFileError
            If the stream is in non-blocking mode.
        """
        if self._next:
            data, self._next = self._next[:size], self._next[size:]
        else:
            data = self._receive(size)
        self.position += len(data)
        return data

    def exactly(self, size: int) -> bytes:
        """Read `size` bytes; fewer only at the end."""
        pieces = []
        while size and (data := self.some(size)):
            pieces.append(data)
            size -= len(data)
        return b"".join(pieces)

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end, without reading past them."""
        while len(self._next) < size and (data := self._receive(size - len(self._next))):
            self._next += data
        return self._next[:size]

    def skip(self, size: int) -> int:
        """Skip `size` bytes; return how many there were."""
        left = size
        while left and (data := self.some(min(left, 1 << 16))):
            left -= len(data)
        return size - left

    def _receive(self, size: int) -> bytes:
        data = self._read(size)
        if data is None:
            raise AudioFileError("the stream is in non-blocking mode; must be in blocking mode")
        if not isinstance(data, bytes):
            raise AudioFileError(f"the stream returns {type(data).__name__}; must be binary")
        if self._keeping:
            self._header += data
            if len(self._header) > _MOST_KEPT:
                self.keep_no_more()
        return data
