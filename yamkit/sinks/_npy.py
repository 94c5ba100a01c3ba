"""Arrays of one clip in NumPy's format ``.npy``: a row for each patch, or one for the clip.

They are written row by row; the header, which has the number of rows, is rewritten at the end.
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
    """Writes one of the arrays of items."""

    array: str
    option: str

    def open(self, run: RunInfo, stream: IO[bytes]) -> None:
        """Write a header that any number of rows fits."""
        if self.array not in run.arrays:
            raise ParameterError(f"this format requires {self.option}")
        if not stream.seekable():
            raise OutputError("an .npy file cannot be written to a pipe; use --output FOLDER")
        self._stream = stream
        self._columns = run.model.classes if self.array == "scores" else run.embedding_size
        self._rows = 0
        self._write_header()

    def write(self, item: SinkItem) -> None:
        """Write the row of an item."""
        if isinstance(item, (PatchTags, ClipEnd)):
            array = getattr(item, self.array)
            if array is not None:
                self._stream.write(array.astype("<f2").tobytes())
                self._rows += 1

    def close(self) -> None:
        """Write the number of rows."""
        self._stream.seek(0)
        self._write_header()

    def abort(self) -> None:
        """Do nothing: there is nothing to release."""

    def _write_header(self) -> None:
        shape = (self._rows, self._columns)
        header = {"descr": "<f2", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._stream, header)


class ScoresSink(_ArraySink):
    """Scores, float16 [B, C]."""

    array = "scores"
    option = "--save-scores"


class EmbeddingsSink(_ArraySink):
    """Embeddings, float16 [B, E]."""

    array = "embedding"
    option = "--save-embeddings"
