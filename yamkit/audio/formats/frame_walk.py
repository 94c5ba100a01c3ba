"""The walk from frame to frame: frames, tags, and what is neither."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from yamkit.audio.formats.frames import AHEAD, find_frames
from yamkit.audio.formats.tags import id3_size, is_harmless, tag_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yamkit.audio.formats.frames import FrameHeader, FrameKind
    from yamkit.audio.formats.incoming import Incoming

__all__ = ["Frame", "Junk", "Tag", "walk"]

_TAG_HEAD = 32
"""Bytes that tell the size of a tag."""


class Frame(NamedTuple):
    """A whole frame, and its place in bytes."""

    at: int
    data: bytes
    header: FrameHeader


class Tag(NamedTuple):
    """The place of a tag."""

    at: int


class Junk(NamedTuple):
    """Bytes that are neither frames nor tags."""

    at: int
    size: int
    is_last: bool
    is_cut_frame: bool


def walk(incoming: Incoming, kind: FrameKind) -> Iterator[Frame | Tag | Junk]:
    """Divide a file into frames, tags, and what is neither.

    Harmless bytes at the end, tags of unknown size and zeros, are not reported.
    """
    key: tuple[int, ...] | None = None
    buffer, at, start = b"", 0, 0
    ends = False
    while True:
        if len(buffer) - at < AHEAD // 2 and not ends:
            buffer, start, at = buffer[at:], start + at, 0
            while len(buffer) < AHEAD and not ends:
                data = incoming.some(AHEAD)
                buffer += data
                ends = not data
        if at >= len(buffer):
            return
        header = kind.parse(buffer, at)
        if header is not None and header.key == key and at + header.size <= len(buffer):
            yield Frame(start + at, buffer[at : at + header.size], header)
            at += header.size
            continue
        if size := tag_size(buffer[at : at + _TAG_HEAD]):
            yield Tag(start + at)
            rest = len(buffer) - at
            if size > rest:
                start += len(buffer) + incoming.skip(size - rest)
                buffer, at = b"", 0
            else:
                at += size
            key = None
            continue
        is_cut_frame = header is not None and header.key == key
        found = find_frames(buffer, at, kind, ends)
        tag = _find_tag(buffer, at)
        if tag is not None and (found is None or tag < found):
            found = tag
        elif found is not None:
            first = kind.parse(buffer, found)
            key = None if first is None else first.key
        if found is None:
            # a frame may begin in the last bytes
            found = len(buffer) if ends else max(at + 1, len(buffer) - AHEAD // 2)
        if found > at:
            is_last = ends and found == len(buffer)
            if not (is_last and is_harmless(buffer[at:])):
                yield Junk(start + at, found - at, is_last, is_cut_frame and is_last)
        at = found


def _find_tag(data: bytes, at: int) -> int | None:
    while (at := data.find(b"ID3", at)) >= 0:
        if id3_size(data[at : at + 10]):
            return at
        at += 1
    return None
