"""A folder a class: the first folder below the set is the label of the sound files in it."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import TYPE_CHECKING

from yamkit.errors import LabelError
from yamkit.folders import sound_files
from yamkit.types import LabelledClip

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Folders"]


class Folders:
    """The reader."""

    def recognises(self, path: Path, head: Sequence[str]) -> bool:
        """Take every folder."""
        return not head and path.is_dir()

    def vocabulary(self, _path: Path, /) -> Mapping[str, str]:
        """Know of no labels but the folders that have clips."""
        return {}

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips: the sound files that `yamkit.folders.sound_files` gives."""
        root = os.fspath(path)
        for each in sound_files(root):
            if isinstance(each, OSError):
                reason = each.strerror or "cannot be read"
                raise LabelError(f"{each.filename}: {reason}") from None
            # names are Unicode, whatever Python makes of their bytes where the locale is not UTF-8
            text = os.fsencode(os.path.relpath(each, root)).decode("utf-8", "surrogateescape")
            name = PurePath(text)
            if len(name.parts) > 1:
                yield LabelledClip((name.as_posix(),), name.parts[:1])
