"""Whether an Ogg file ends where it should: its last page says so, and libsndfile does not."""

from __future__ import annotations

import io
from typing import BinaryIO

__all__ = ["breaks_off"]

_MAGIC = b"OggS"
_HEADER = 27
_LONGEST_PAGE = _HEADER + 255 + 255 * 255
_END_OF_STREAM = 4


def breaks_off(file: BinaryIO, start: int) -> bool:
    """Tell whether a file is an Ogg whose last page is cut or not marked as the last.

    The page layout is that of RFC 3533, section 6.

    Parameters
    ----------
    file : seekable binary file
        Its position is changed.
    start : int
        Where the Ogg begins in it.
    """
    file.seek(start)
    if file.read(len(_MAGIC)) != _MAGIC:
        return False
    end = file.seek(0, io.SEEK_END)
    file.seek(max(start, end - _LONGEST_PAGE))
    tail = file.read(_LONGEST_PAGE)
    at = tail.rfind(_MAGIC)
    if at < 0:
        return False  # something else follows the sound
    page = tail[at:]
    if len(page) < _HEADER:
        return True
    sizes = page[_HEADER : _HEADER + page[26]]
    is_cut = len(sizes) < page[26] or len(page) < _HEADER + len(sizes) + sum(sizes)
    return is_cut or not page[5] & _END_OF_STREAM
