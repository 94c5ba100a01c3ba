"""Finding the audio file of every clip of a labelled set, inside one folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from yamkit._util.text import path_to_text, printable, text_to_path
from yamkit.errors import ParameterError
from yamkit.evaluation.sets.names import match_names

if TYPE_CHECKING:
    from yamkit.evaluation.sets.labelled_set import LabelledSet
    from yamkit.evaluation.sets.names import Matches

__all__ = ["find_files"]


def find_files(labelled: LabelledSet, folder: str | os.PathLike[str]) -> Matches:
    """Find the file of every clip: the first of its names that exists, or None.

    Names are matched exactly, then ignoring case, Unicode form and the direction of slashes, and
    last by their ends, if the match is unambiguous. Absolute paths into the folder are accepted; of
    other absolute paths only the end is used, so no file outside the folder is ever read.

    Parameters
    ----------
    labelled : LabelledSet
    folder : path-like

    Raises
    ------
    ParameterError
        If the folder does not exist or contains no file of the set.
    """
    root = Path(folder)
    if not os.path.isdir(root):  # noqa: PTH112 - Path raises where a name is too long
        raise ParameterError(f"{printable(root)}: no such audio folder; name it with --audio")
    relative = _RelativeNames(root)
    names = []
    for clip in labelled.clips:
        inside = (relative.name(name) for name in clip.names)
        names.append([name for name in inside if name is not None])
    matches = match_names(root, names, [clip.names for clip in labelled.clips])
    if any(matches.files):
        return matches
    for number, candidates in matches.ambiguous.items():
        raise ParameterError(
            f"{printable(labelled.path)}: {printable(labelled.clips[number].names[0])} may be "
            f"{' or '.join(map(printable, candidates))} in {printable(root)}; give its exact name"
        )
    raise ParameterError(
        f"{printable(root)}: contains none of the {len(names)} files of "
        f"{printable(labelled.path)}, such as {printable(labelled.clips[0].names[0])}; name the "
        "folder with --audio"
    )


class _RelativeNames:
    """Makes names relative to a folder."""

    def __init__(self, root: Path) -> None:
        self._root = Path(os.path.realpath(root))
        self._roots = (Path(os.path.abspath(root)), self._root)  # noqa: PTH100
        self._real_folders: dict[Path, Path] = {}  # a list has many files in few folders

    def name(self, name: str) -> str | None:
        """Return a name relative to the folder; None for an absolute path outside it."""
        drive, rest = os.path.splitdrive(name)  # Path takes seconds for the names of a large list
        if not drive and not rest.startswith((os.sep, os.altsep or os.sep)):
            return name
        path = Path(text_to_path(name))
        if path.parent not in self._real_folders:
            self._real_folders[path.parent] = Path(os.path.realpath(path.parent))
        choices = [(path, root) for root in self._roots]
        choices.append((self._real_folders[path.parent] / path.name, self._root))
        for candidate, root in choices:
            if candidate.is_relative_to(root):
                return path_to_text(candidate.relative_to(root))
        return None
