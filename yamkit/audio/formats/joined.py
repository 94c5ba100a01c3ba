"""Joined files: where the second one begins.

For containers whose readers stop at the end of the first; the readers of WAV, Ogg, FLAC and frames
continue themselves.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from yamkit.audio.formats.caf import second_caf
from yamkit.audio.formats.window import find

if TYPE_CHECKING:
    from yamkit.audio.formats.window import Window

__all__ = ["second_file"]

_MOST_BOXES = 100_000
_SIGNATURES = {
    b"FLV\x01": re.compile(rb"FLV\x01[\x01\x04\x05]\0\0\0\x09\0\0\0\0", re.DOTALL),
    b"TTA1": re.compile(rb"TTA1[\x01\x02]\0.\0.\0", re.DOTALL),
}


def second_file(window: Window, head: bytes) -> int | None:
    """Return the place where another file of the same kind begins; None if there is none.

    Parameters
    ----------
    window : Window
    head : bytes
        Its first bytes, at least twelve.
    """
    if head[4:8] == b"ftyp":
        return _second_mp4(window)
    if head[:4] == b"FORM" or (head[:4] in (b"RIFF", b"RIFX") and head[8:12] != b"AVI "):
        (size,) = struct.unpack(">I" if head[:4] != b"RIFF" else "<I", head[4:8])
        at = 8 + size + size % 2
        return at if window.read_at(at, 4) == head[:4] else None
    if head[:4] == b"caff":
        return second_caf(window)
    signature = _SIGNATURES.get(head[:4])
    return None if signature is None else find(window, signature, 1)


def _second_mp4(window: Window) -> int | None:
    at = 0
    for _ in range(_MOST_BOXES):
        box = window.read_at(at, 16)
        if len(box) < 8:
            break
        size, name = struct.unpack(">I4s", box[:8])
        if name == b"ftyp" and at:
            return at
        if size == 1 and len(box) == 16:
            (size,) = struct.unpack(">Q", box[8:])
        if size < 8:
            break
        at += size
    return None
