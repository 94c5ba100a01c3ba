"""Uncompressed samples into float32 with full scale at 1."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit.audio._source import block_samples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from yamkit.audio.formats.pcm import PcmFormat

__all__ = ["decode_pcm"]


def decode_pcm(pieces: Iterator[bytes], pcm: PcmFormat) -> Iterator[NDArray[np.float32]]:
    """Decode bytes, cut anywhere, into blocks of whole samples.

    Parameters
    ----------
    pieces : iterator of bytes
    pcm : PcmFormat

    Yields
    ------
    ndarray, float32 [n, channels]
    """
    frame_size = pcm.frame_size
    longest = block_samples(pcm.channels) * frame_size
    rest = b""
    for piece in pieces:
        data = rest + piece
        whole = len(data) // frame_size * frame_size
        rest = data[whole:]
        for start in range(0, whole, longest):
            yield _to_float(data[start : min(start + longest, whole)], pcm)


def _to_float(data: bytes, pcm: PcmFormat) -> NDArray[np.float32]:
    """Convert whole samples to float32 with full scale at 1, as libsndfile does."""
    order, width = pcm.order, pcm.width
    if pcm.is_float:
        with np.errstate(over="ignore"):
            values = np.frombuffer(data, f"{order}f{width}").astype(np.float32)
    elif pcm.law:
        values = _law_table(pcm.law)[np.frombuffer(data, np.uint8)]
    elif width == 1:
        values = (np.frombuffer(data, np.uint8).astype(np.float32) - 128) * np.float32(2**-7)
    else:
        if width == 3:
            # into the upper three bytes of 32-bit integers; the lowest is zero
            wide = np.zeros((len(data) // 3, 4), np.uint8)
            wide[:, slice(1, 4) if order == "<" else slice(0, 3)] = np.frombuffer(
                data, np.uint8
            ).reshape(-1, 3)
            integers = wide.view(f"{order}i4")[:, 0]
            scale = 2.0**-31
        else:
            integers = np.frombuffer(data, f"{order}i{width}")
            scale = 2.0 ** (1 - 8 * width)
        values = integers.astype(np.float32) * np.float32(scale)
    return values.reshape(-1, pcm.channels)


@functools.cache
def _law_table(law: str) -> NDArray[np.float32]:
    """Return the sample of each byte, float32 [256], as FFmpeg decodes it."""
    import av

    codec: Any = av.CodecContext.create(f"pcm_{law}", "r")
    codec.sample_rate, codec.layout = 8000, "mono"
    (frame,) = codec.decode(av.Packet(bytes(range(256))))
    table: NDArray[np.float32] = frame.to_ndarray()[0].astype(np.float32) * np.float32(2.0**-15)
    return table
