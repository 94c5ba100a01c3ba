"""A folder a class: the first folder below the set is the label of the sound files in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamkit.errors import LabelError
from yamkit.suffixes import AUDIO_SUFFIXES
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
        """Read the clips: every sound file in every folder but hidden ones, sorted by path."""
        try:
            folders = sorted(each for each in path.iterdir() if each.is_dir())
        except OSError as error:
            raise LabelError(f"{path}: {error.strerror or 'cannot be read'}") from None
        for folder in folders:
            for file in sorted(folder.rglob("*")):
                name = file.relative_to(path)
                hidden = any(part.startswith(".") for part in name.parts)
                if file.suffix.lower() in AUDIO_SUFFIXES and not hidden and file.is_file():
                    yield LabelledClip((name.as_posix(),), (folder.name,))
