"""Label readers read the list of a labelled set in one layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from yamkit.plugin.descriptor import PluginInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from yamkit.types import LabelledClip

__all__ = [
    "LabelReader",
    "LabelReaderInfo",
]


@dataclass(frozen=True)
class LabelReaderInfo(PluginInfo):
    """Describes a label reader; the factory is a `LabelReader` class or makes one."""


class LabelReader(Protocol):
    r"""Reads the list of a labelled set in one layout: ``factory() -> LabelReader``.

    It reads what the list says and leaves the rest to the core: where the files are, what a label
    means to a model, which clips are wanted, whether a clip stands there twice. The core also finds
    files whose names differ from the list's in folders, case, Unicode form or slashes, and takes a
    name without the suffix of a sound file for that name with any such suffix.

    Example
    -------
    ::

        class MyReader:
            def recognises(self, path, head):
                return head[:1] == ("file|tags",)

            def vocabulary(self, path):
                return {}

            def read(self, path):
                lines = path.read_text("utf-8-sig").splitlines()
                for number, line in enumerate(lines[1:], start=2):
                    file, _, tags = line.partition("|")
                    yield LabelledClip((file,), tuple(tags.split(",")), line=number)
    """

    def recognises(self, path: Path, head: Sequence[str]) -> bool:
        """Tell whether a list is of this layout.

        Parameters
        ----------
        path : Path
            A file or a folder.
        head : sequence of str
            The first five lines of a file, without line ends and byte-order mark; nothing of a
            folder.
        """

    def vocabulary(self, path: Path, /) -> Mapping[str, str]:
        """Read the labels that the set has, whether a clip of the list has them or not.

        Returns
        -------
        mapping of str to str
            Display name by label; empty where the layout has no such list, or it is not there.

        Raises
        ------
        yamkit.errors.LabelError
            If it is not what it should be.
        """

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips, in the order of the list.

        Raises
        ------
        yamkit.errors.LabelError
            If the list is not what it should be; one line, with the file and the line in it.
        """
