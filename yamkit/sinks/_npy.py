"""Arrays of one clip as NumPy's ``.npy``: rows are patches, or one row is the clip.

Written row by row; the head, which says how many there are, is written anew at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from yamkit.errors import OutputError, ParameterError
from yamkit.types import ClipEnd, PatchTags

if TYPE_CHECKING:
    from typing import IO

    from yamkit.types import RunInfo, SinkItem

__all__ = ["EmbeddingsSink", "ScoresSink"]


class _ArraySink:
    """Writes one of the arrays that come with items."""

    array: str
    option: str

    def open(self, run: RunInfo, stream: IO[bytes]) -> None:
        """Write a head that fits any number of rows."""
        if self.array not in run.arrays:
            raise ParameterError(f"this format writes what {self.option} saves; add that option")
        if not stream.seekable():
            raise OutputError("an .npy file cannot be written to a pipe; name a folder: --output")
        self._stream = stream
        self._columns = run.model.classes if self.array == "scores" else run.embedding_size
        self._rows = 0
        self._head()

    def write(self, item: SinkItem) -> None:
        """Write the row of an item."""
        if isinstance(item, (PatchTags, ClipEnd)):
            array = getattr(item, self.array)
            if array is not None:
                self._stream.write(array.astype("<f2").tobytes())
                self._rows += 1

    def close(self) -> None:
        """Say how many rows there are."""
        self._stream.seek(0)
        self._head()

    def abort(self) -> None:
        """Do nothing: nothing is held."""

    def _head(self) -> None:
        shape = (self._rows, self._columns)
        head = {"descr": "<f2", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._stream, head)


class ScoresSink(_ArraySink):
    """Scores, float16 [B, C]."""

    array = "scores"
    option = "--save-scores"


class EmbeddingsSink(_ArraySink):
    """Embeddings, float16 [B, E]."""

    array = "embedding"
    option = "--save-embeddings"
