"""Bytes that are read once from front to back, with a look at what comes next."""

from __future__ import annotations

from typing import Any

from yamkit.errors import AudioFileError, DecodeError

__all__ = ["LONGEST_HEADER", "Incoming"]

LONGEST_HEADER = 1 << 20
"""Bytes that may be read before it is known whether they are to be given back."""

_MOST_KEPT = 2 * LONGEST_HEADER


class Incoming:
    """A binary stream that is read forwards, and can give back its first megabytes.

    Parameters
    ----------
    file : binary file object
        Only its ``read1`` or ``read`` is called.

    Attributes
    ----------
    position : int
        Bytes taken so far.
    """

    def __init__(self, file: Any) -> None:
        # read1 gives what is there; read would wait until all that was asked for has arrived.
        self._read = getattr(file, "read1", file.read)
        self._next = b""
        self.position = 0
        self._header = bytearray()
        self._keeping = True

    def keep_no_more(self) -> None:
        """Forget the header: the stream will not be given back."""
        self._keeping = False
        self._header.clear()

    def give_back(self) -> None:
        """Begin anew, at the first byte; what follows is kept no more.

        Raises
        ------
        DecodeError
            If the first bytes are not kept any more.
        """
        if not self._keeping:
            raise DecodeError(f"no sound in its first {self.position} bytes")
        self._next, self.position = bytes(self._header), 0
        self.keep_no_more()

    def some(self, size: int) -> bytes:
        """Read 1 to `size` bytes, as many as there are; none at the end.

        Raises
        ------
        AudioFileError
            If the stream does not wait for data.
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
        """Look at the next `size` bytes, fewer only at the end, and leave them there."""
        while len(self._next) < size and (data := self._receive(size - len(self._next))):
            self._next += data
        return self._next[:size]

    def skip(self, size: int) -> int:
        """Pass over `size` bytes, and tell how many were there."""
        left = size
        while left and (data := self.some(min(left, 1 << 16))):
            left -= len(data)
        return size - left

    def _receive(self, size: int) -> bytes:
        data = self._read(size)
        if data is None:
            raise AudioFileError("the stream is in non-blocking mode; wanted one that waits")
        if not isinstance(data, bytes):
            raise AudioFileError(f"the stream gives {type(data).__name__}; wanted binary mode")
        if self._keeping:
            self._header += data
            if len(self._header) > _MOST_KEPT:
                self.keep_no_more()
        return data
