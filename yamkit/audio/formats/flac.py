"""The header of a FLAC frame, native or in Ogg (RFC 9639, 9.1)."""

from __future__ import annotations

__all__ = ["LONGEST_HEADER", "frame_header"]

LONGEST_HEADER = 16

_BLOCK_SIZES = {
    1: 192,
    **{code: 576 << code - 2 for code in range(2, 6)},
    **{code: 1 << code for code in range(8, 16)},
}


def frame_header(head: bytes, block_size: int) -> tuple[int, int] | None:
    """Read the header of a frame.

    Parameters
    ----------
    head : bytes
        At least the first `LONGEST_HEADER` bytes of the frame.
    block_size : int
        Samples of each frame of the stream, if all frames have the same number.

    Returns
    -------
    tuple of int, or None
        Place of its first sample, and number of samples; None if the checksum is wrong.
    """
    if len(head) < 6 or head[3] & 1:
        return None
    more = max(0, 7 - (head[4] ^ 0xFF).bit_length())
    if more == 7 or 0x80 <= head[4] < 0xC0:
        return None
    number = head[4] & (0xFF >> (more + 1)) if more else head[4]
    for byte in head[5 : 5 + more]:
        number = number << 6 | byte & 0x3F
    size_code, rate_code = head[2] >> 4, head[2] & 15
    at = 5 + more
    wide = {6: 1, 7: 2}.get(size_code, 0)
    samples = _BLOCK_SIZES.get(size_code) or int.from_bytes(head[at : at + wide], "big") + 1
    end = at + wide + {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if end >= len(head) or _crc8(head[:end]) != head[end]:
        return None
    return (number if head[1] & 1 else number * block_size), samples


def _crc8(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value << 1 ^ (0x107 if value & 0x80 else 0)) & 0x1FF
    return value
