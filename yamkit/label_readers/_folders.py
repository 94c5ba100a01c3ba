"""One folder per class: the first folder below the set is the label of the audio files in it."""

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
    """Reads a folder with one folder per class."""

    def recognises(self, path: Path, head: Sequence[str]) -> bool:
        """Return whether it is a folder."""
        return not head and path.is_dir()

    def vocabulary(self, _path: Path, /) -> Mapping[str, str]:
        """Return no labels: every folder with clips is one already."""
        return {}

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips: the audio files that `yamkit.folders.sound_files` finds."""
        root = os.fspath(path)
        for each in sound_files(root):
            if isinstance(each, OSError):
                reason = each.strerror or "cannot be read"
                raise LabelError(f"{each.filename}: {reason}") from None
            # names are UTF-8 even if the locale, and so Python, takes them for another encoding
            text = os.fsencode(os.path.relpath(each, root)).decode("utf-8", "surrogateescape")
            name = PurePath(text)
            if len(name.parts) > 1:
                yield LabelledClip((name.as_posix(),), name.parts[:1])
