"""Sample tables of MP4: where the packets of a track are in time and in the file.

ISO/IEC 14496-12, 8.6.1 and 8.7. Tables are read piece by piece, since they are long.
"""

from __future__ import annotations

import itertools
import struct
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from yamkit.audio.formats.window import Window

__all__ = [
    "Box",
    "SampleTables",
    "Table",
    "UnclearError",
    "check_tables",
    "durations",
    "need",
    "read_exactly",
    "stretches",
    "table_in",
]

_MOST_SAMPLE_BYTES = 1 << 18
_MOST_READ_BYTES = 1 << 18
_MOST_TICKS = 1 << 16
"""Longest time between two samples."""
_ROWS = 4096
"""Rows of a table that are read at once."""


class UnclearError(Exception):
    """The file is not surely read as FFmpeg reads it, so FFmpeg reads it."""


class Box(NamedTuple):
    """A box: its name, and where its body begins and ends."""

    name: bytes
    start: int
    end: int


def need(holds: object) -> None:
    """Raise `UnclearError` if a condition is false."""
    if not holds:
        raise UnclearError


def read_exactly(window: Window, at: int, size: int) -> bytes:
    """Read `size` bytes from a place on; raise `UnclearError` if there are fewer."""
    data = window.read_at(at, size)
    need(len(data) == size)
    return data


class Table(NamedTuple):
    """Rows of big-endian integers in the file."""

    start: int
    rows: int
    columns: int = 1
    width: int = 4  # bytes of an integer


class SampleTables(NamedTuple):
    """Tables of a track: times and places of its samples, which are packets."""

    durations: Table  # samples, ticks of each
    runs: Table  # first chunk, samples in each, description
    sizes: Table
    offsets: Table  # of chunks


def table_in(window: Window, box: Box, columns: int = 1, width: int = 4, skipped: int = 4) -> Table:
    """Find the rows of a table in a box, after version, flags and other skipped bytes."""
    (rows,) = struct.unpack(">I", read_exactly(window, box.start + skipped, 4))
    table = Table(box.start + skipped + 4, rows, columns, width)
    if not 0 < rows * columns * width <= box.end - table.start:
        raise UnclearError
    return table


def _pieces(window: Window, table: Table) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of a table in pieces, [rows, columns]."""
    row = table.columns * table.width
    for first in range(0, table.rows, _ROWS):
        rows = min(_ROWS, table.rows - first)
        window.seek(table.start + first * row)
        data = window.read(rows * row)
        window.check()
        if len(data) < rows * row:
            raise UnclearError
        values = np.frombuffer(data, f">u{table.width}").astype(np.int64)
        if values.min() < 0:  # 64 bits
            raise UnclearError
        yield values.reshape(-1, table.columns)


def _each(window: Window, table: Table) -> Iterator[list[int]]:
    for piece in _pieces(window, table):
        yield from piece.tolist()


def check_tables(window: Window, tables: SampleTables) -> int:
    """Check that tables agree; return the sum of all durations in ticks."""
    samples = tables.sizes.rows
    for piece in _pieces(window, tables.sizes):
        need(piece.min() > 0 and piece.max() <= _MOST_SAMPLE_BYTES)
    total = timed = 0
    for piece in _pieces(window, tables.durations):
        counts, ticks = piece.T
        need(counts.min() > 0 and ticks.min() > 0 and ticks.max() <= _MOST_TICKS)
        need(counts.max() <= samples)
        timed += int(counts.sum())
        total += int((counts * ticks).sum())
    need(timed == samples)
    # FFmpeg treats sound with one tick per sample as raw
    need(total > samples)
    chunks, end, placed, before = tables.offsets.rows, 1, 0, 0
    for first, count, description in _each(window, tables.runs):
        is_first = not before
        need(first == 1 if is_first else end < first <= chunks)
        need(0 < count <= samples and description == 1)
        placed += before * (first - end)
        end, before = first, count
    need(placed + before * (chunks + 1 - end) == samples)
    return total


def durations(window: Window, table: Table) -> Iterator[int]:
    """Yield the ticks of each sample."""
    for count, ticks in _each(window, table):
        yield from itertools.repeat(ticks, count)


def stretches(window: Window, tables: SampleTables) -> Iterator[tuple[int, list[int]]]:
    """Yield places of consecutive samples, and the sizes of the samples."""
    sizes = itertools.chain.from_iterable(_each(window, tables.sizes))
    for (offset,), count in zip(  # noqa: B905 -- runs are as many as chunks
        _each(window, tables.offsets), _counts(window, tables)
    ):
        stretch: list[int] = []
        at, length = offset, 0
        for size in itertools.islice(sizes, count):
            if stretch and length + size > _MOST_READ_BYTES:
                yield at, stretch
                at, stretch, length = at + length, [], 0
            stretch.append(size)
            length += size
        yield at, stretch


def _counts(window: Window, tables: SampleTables) -> Iterator[int]:
    """Yield the number of samples of each chunk."""
    last = (tables.offsets.rows + 1, 0, 0)
    runs = itertools.chain(_each(window, tables.runs), [last])
    first, count, _ = next(runs)
    for following, next_count, _ in runs:
        yield from itertools.repeat(count, following - first)
        first, count = following, next_count
