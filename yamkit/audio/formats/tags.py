"""Tags before and after a sound: ID3, APE and Lyrics3."""

from __future__ import annotations

__all__ = ["begins_tag", "id3_size", "is_harmless", "tag_size"]

_BEGINNINGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"3DI")


def id3_size(head: bytes) -> int:
    """Return the size in bytes of the ID3v2 tag that begins here; 0 without one."""
    if len(head) < 10 or head[:3] != b"ID3" or head[3] == 0xFF or max(head[6:10]) > 0x7F:
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return 10 + size + (10 if head[5] & 0x10 else 0)  # a footer repeats the header


def tag_size(head: bytes) -> int:
    """Return the size in bytes of the tag that begins here; 0 without a tag of known size."""
    if head.startswith(b"TAG"):
        return 128
    if head.startswith(b"APETAGEX") and len(head) >= 24:
        # the items follow a header, and precede a footer
        is_header = head[23] & 0x20
        return 32 + (int.from_bytes(head[12:16], "little") if is_header else 0)
    return id3_size(head)


def begins_tag(data: bytes) -> bool:
    """Return whether a tag begins here."""
    return data.startswith(_BEGINNINGS) or id3_size(data) > 0


def is_harmless(data: bytes) -> bool:
    """Return whether bytes at the end of a file are a tag, or zeros."""
    return begins_tag(data) or not any(data)
