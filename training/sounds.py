"""A folder of audio, decoded once into one long row of samples and divided by collection.

Decoders, mix to mono and resampler are yamkit's own.
"""

from __future__ import annotations

import csv
import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from yamkit.audio import Found, find_audio, mono, open_audio
from yamkit.errors import AudioError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from training.recipe import Data
    from yamkit.pipeline import Pipeline

__all__ = ["Sound", "Sounds", "collections_of", "decode", "part_of"]


@dataclass(frozen=True)
class Sound:
    """One clip in the row of samples.

    Attributes
    ----------
    path : str
        Below the folder it came from.
    collection : str
    start, length : int
        In samples.
    """

    path: str
    collection: str
    start: int
    length: int


@dataclass(frozen=True)
class Sounds:
    """All clips.

    Attributes
    ----------
    file : Path
        All samples, one clip after the other: int16, mono, at the teacher's rate.
    clips : tuple of Sound
    """

    file: Path
    clips: tuple[Sound, ...]

    @functools.cached_property
    def samples(self) -> NDArray[np.int16]:
        """The file as an array, int16 [n]; a memory map."""
        return np.memmap(self.file, "<i2", "r")

    def __getstate__(self) -> dict[str, object]:
        # another process maps the file itself
        return {"file": self.file, "clips": self.clips}

    def of(self, clip: Sound, first: int = 0, end: int | None = None) -> NDArray[np.float32]:
        """Give the samples of a clip, or those from one on and before another, full scale at 1."""
        end = clip.length if end is None else min(end, clip.length)
        part = self.samples[clip.start + first : clip.start + end]
        return np.asarray(part / np.float32(32768), np.float32)


def collections_of(folder: Path, index: Path | None) -> dict[str, str]:
    """Tell the collection of every file of a folder.

    Parameters
    ----------
    folder : Path
    index : Path or None
        A CSV file with the columns ``file`` and ``repository``; without one, the first folder of
        a path is its collection.

    Returns
    -------
    dict of str to str
        By path below `folder`, in the order of the index, or sorted.
    """
    if index is None:
        paths = [
            Path(item.path)
            for item in find_audio([str(folder)], recursive=True)
            if isinstance(item, Found)
        ]
        names = sorted(path.relative_to(folder).as_posix() for path in paths)
        return {name: name.split("/")[0] for name in names}
    with index.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        if not {"file", "repository"} <= set(rows.fieldnames or ()):
            raise ParameterError(f"{index}: wanted the columns file and repository")
        return {row["file"]: row["repository"] for row in rows}


def part_of(clip: Sound, data: Data) -> str:
    """Say what a clip is for: ``training`` or ``validation``."""
    if clip.collection in data.validation_only:
        return "validation"
    # by name alone: adding a clip moves no other one
    draw = hashlib.sha256(clip.path.encode()).digest()[0] / 256
    return "validation" if draw < data.validation_part else "training"


def decode(
    folder: Path,
    index: Path | None,
    data: Data,
    pipeline: Pipeline,
    target: Path,
    warn: Callable[[str], None],
) -> Sounds:
    """Decode a folder, but for the collections that are held out or left out.

    Parameters
    ----------
    folder, index
        See `collections_of`.
    data : Data
    pipeline : Pipeline
        Its resampler and rate are used.
    target : Path
        File that receives the samples.
    warn : callable
        Told about files that cannot be decoded, which are left out.

    Raises
    ------
    ParameterError
        If nothing can be decoded.
    """
    clips = []
    position = 0
    with target.open("wb") as stream:
        for path, collection in collections_of(folder, index).items():
            if collection in data.held_out or collection in data.left_out:
                continue
            length = 0
            try:
                with open_audio(folder / path) as source:
                    blocks = mono(source.blocks(), source.sample_rate)
                    for block in pipeline.resample(blocks, source.sample_rate):
                        values = np.clip(np.rint(block * 32768), -32768, 32767).astype("<i2")
                        stream.write(values.tobytes())
                        length += len(values)
            except AudioError as error:
                warn(str(error))
            if length:
                clips.append(Sound(path, collection, position, length))
                position += length
    if not clips:
        raise ParameterError(f"{folder}: no file in it could be decoded")
    return Sounds(target, tuple(clips))
