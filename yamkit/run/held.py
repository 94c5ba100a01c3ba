"""Items of an unfinished clip, held back until its end in memory that does not grow."""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import IO, TYPE_CHECKING

from yamkit._util.text import printable
from yamkit.errors import OutputError
from yamkit.run.records import pack, unpack
from yamkit.types import Event, PatchTags, TagClass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yamkit.types import SinkItem

__all__ = ["HeldItems"]

_MOST_ITEMS = 256
"""In memory; with scores and embeddings of patches, about a megabyte."""


class HeldItems:
    """Items of one clip, in their order: the latest in memory, earlier ones in a temporary file.

    `add` and iteration raise `OutputError` if the temporary file cannot be used.
    """

    def __init__(self) -> None:
        self._items: list[SinkItem] = []
        self._file: IO[bytes] | None = None
        self._classes: dict[int, TagClass] = {}
        self._dtype = "float16"

    def add(self, item: SinkItem) -> None:
        """Hold an item back."""
        self._items.append(item)
        if len(self._items) >= _MOST_ITEMS:
            self._spill()

    def __iter__(self) -> Iterator[SinkItem]:
        """Yield the items."""
        if self._file is not None:
            with _guard():
                self._file.seek(0)
            while True:
                with _guard():
                    line = self._file.readline()
                if not line:
                    break
                yield from unpack(line, self._classes, self._dtype)
        yield from self._items

    def clear(self) -> None:
        """Drop the items."""
        self._items = []
        if self._file is not None:
            with contextlib.suppress(OSError):  # its buffer may not fit on the disk
                self._file.close()
            self._file = None

    def _spill(self) -> None:
        """Write the items in memory to the file, as a line; tags are indices there."""
        for item in self._items:
            if isinstance(item, PatchTags):
                tags = item.tags
                for array in (item.scores, item.embedding):
                    if array is not None:  # all arrays of a run have one type
                        self._dtype = str(array.dtype)
            else:
                tags = (item.tag,) if isinstance(item, Event) else ()
            self._classes.update(
                (tag.index, TagClass(tag.index, tag.mid, tag.name)) for tag in tags
            )
        with _guard():
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115  # `clear` closes it
            self._file.seek(0, os.SEEK_END)
            self._file.write(pack(self._items) + b"\n")
        self._items = []


@contextlib.contextmanager
def _guard() -> Iterator[None]:
    """Name the folder in an error of the system."""
    try:
        yield
    except OSError as error:
        folder = printable(tempfile.gettempdir())
        failure = OutputError(
            f"cannot keep results in {folder}: {error.strerror or error}; set TMPDIR to another "
            "folder"
        )
        failure.errno = error.errno
        raise failure from None
