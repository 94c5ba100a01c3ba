"""From a stream of samples to segments of whole windows, with the padding of the last one.

The position and length of a segment depend only on the samples before it, not on how these were cut
into blocks, so results are the same for any cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

__all__ = ["Segment", "patch_count", "segments"]


@dataclass(frozen=True)
class Segment:
    """Samples that yield one batch of patches.

    Attributes
    ----------
    start_sample : int
        Position of the first sample in the stream.
    patches : int
        B >= 1.
    samples : ndarray, float32 [window + (B - 1) * hop]
    """

    start_sample: int
    patches: int
    samples: NDArray[np.float32]


def patch_count(samples: int, window: int, hop: int) -> int:
    """Return the number of patches of a clip: ``1 + ceil((max(n, window) - window) / hop)``.

    This is the padding rule of the published YAMNet code, in integers: zeros pad the last patch,
    and the shortest clip has one patch. If the hop is longer than the window, the rule can add a
    patch after the end that consists only of zeros; it is left out.
    """
    by_rule = 1 + -(-(max(samples, window) - window) // hop)
    return min(by_rule, max(1, -(-samples // hop)))


def segments(
    blocks: Iterable[NDArray[np.float32]], window: int, hop: int, batch_size: int
) -> Iterator[Segment]:
    """Cut a stream into segments of `batch_size` patches; the last one may have fewer.

    Parameters
    ----------
    blocks : iterable of ndarray, float32 [n]
        Consecutive samples in blocks of any length.
    window, hop : int
        Length of a patch, and from one patch to the next, in samples.
    batch_size : int
        Patches of a full segment; always one if the hop is longer than the window, since the
        samples between patches would take memory.

    Yields
    ------
    Segment
        In order. A stream without samples has one patch of zeros.
    """
    if hop > window:
        batch_size = 1
    length = window + (batch_size - 1) * hop
    step = batch_size * hop
    buffer = np.empty(length, np.float32)
    filled = start = total = 0
    skip = 0  # samples between segments, where the hop is longer than the window
    for block in blocks:
        total += len(block)
        offset = 0
        while offset < len(block):
            if skip:
                skipped = min(skip, len(block) - offset)
                skip -= skipped
                offset += skipped
                continue
            taken = min(length - filled, len(block) - offset)
            buffer[filled : filled + taken] = block[offset : offset + taken]
            filled += taken
            offset += taken
            if filled == length:
                yield Segment(start, batch_size, buffer)
                kept = buffer[min(step, length) :]
                buffer = np.empty(length, np.float32)
                buffer[: len(kept)] = kept
                filled = len(kept)
                skip = max(step - length, 0)
                start += step
    rest = patch_count(total, window, hop) - start // hop
    if rest > 0:
        length = window + (rest - 1) * hop
        buffer[filled:] = 0
        yield Segment(start, rest, buffer[:length])
