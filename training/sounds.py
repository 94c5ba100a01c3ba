"""A folder of audio, decoded once into one file of samples and divided by collection.

yamkit decodes, mixes to mono and resamples.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, TYPE_CHECKING

import numpy as np

from training.synthesis import Synthesiser
from yamkit.audio import Found, find_audio, open_audio
from yamkit.errors import AudioError, ParameterError
from yamkit.models.bundle_files import file_sha256

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from training.recipe import Data, Recipe
    from yamkit.pipeline.compose import Pipeline

__all__ = ["Sound", "Sounds", "collections_of", "decode", "part_of", "with_generated"]


@dataclass(frozen=True)
class Sound:
    """One clip in the file of samples.

    Attributes
    ----------
    path : str
        Relative to the folder of audio.
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

    @property
    def sha256(self) -> str:
        """SHA-256 of the samples and the list of clips."""
        clips = json.dumps([dataclasses.astuple(clip) for clip in self.clips])
        return hashlib.sha256((file_sha256(self.file) + clips).encode()).hexdigest()

    def __getstate__(self) -> dict[str, object]:
        # another process maps the file itself
        return {"file": self.file, "clips": self.clips}

    def of(self, clip: Sound, first: int = 0, end: int | None = None) -> NDArray[np.float32]:
        """Return the samples of a clip, or of a part of it, with full scale at 1."""
        end = clip.length if end is None else min(end, clip.length)
        part = self.samples[clip.start + first : clip.start + end]
        return np.asarray(part / np.float32(32768), np.float32)


def collections_of(folder: Path, index: Path | None, warn: Callable[[str], None]) -> dict[str, str]:
    """Return the collection of every file of a folder.

    Parameters
    ----------
    folder : Path
    index : Path or None
        A CSV file with the columns ``file`` and ``repository``; without one, the first folder of a
        path is its collection, and ``.`` that of files outside subfolders.
    warn : callable
        Receives messages about folders that cannot be read.

    Returns
    -------
    dict of str to str
        By path relative to `folder`, in the order of the index, or sorted.

    Raises
    ------
    ParameterError
        If the index is invalid, or names a file outside the folder.
    """
    if index is not None:
        return _read_index(index)
    names = []
    for item in find_audio([str(folder)], recursive=True):
        if isinstance(item, Found):
            names.append(Path(item.path).relative_to(folder).as_posix())
        else:
            warn(str(item.error))
    return {name: name.split("/")[0] if "/" in name else "." for name in sorted(names)}


def _read_index(index: Path) -> dict[str, str]:
    collections = {}
    try:
        with index.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream, strict=True)
            if not {"file", "repository"} <= set(rows.fieldnames or ()):
                raise ParameterError(f"{index}: must have the columns file and repository")
            for row in rows:
                file, collection = row["file"], row["repository"]
                where = f"{index}, line {rows.line_num}"
                if not file or not collection:
                    raise ParameterError(f"{where}: file or repository is empty")
                if not _is_inside(file):
                    raise ParameterError(f"{where}: {file!r} is outside the folder of audio")
                collections[file] = collection
    except (UnicodeDecodeError, csv.Error) as error:
        raise ParameterError(f"{index}: not a CSV file in UTF-8 ({error})") from None
    return collections


def _is_inside(file: str) -> bool:
    """Return whether a path stays in its folder, on any system."""
    paths = (PurePosixPath(file), PureWindowsPath(file))
    return "\0" not in file and not any(path.anchor or ".." in path.parts for path in paths)


def part_of(clip: Sound, data: Data) -> str:
    """Return the use of a clip: ``training`` or ``validation``."""
    if clip.collection in data.validation_only:
        return "validation"
    # by name only, so that adding a clip does not change the others
    draw = hashlib.sha256(os.fsencode(clip.path)).digest()[0] / 256
    return "validation" if draw < data.validation_part else "training"


def decode(
    folder: Path,
    index: Path | None,
    data: Data,
    pipeline: Pipeline,
    target: Path,
    warn: Callable[[str], None],
) -> Sounds:
    """Decode a folder, except the collections that are held out or left out.

    Parameters
    ----------
    folder, index
        See `collections_of`.
    data : Data
    pipeline : Pipeline
        Its resampler and rate are used.
    target : Path
        Receives the samples.
    warn : callable
        Receives messages about files and folders that cannot be read. The part of a file before
        damage is kept.

    Raises
    ------
    ParameterError
        If no file can be decoded, or the recipe names a collection that does not exist.
    OSError
        If the samples cannot be written.
    """
    clips = []
    collections = collections_of(folder, index, warn)
    _check_named(data, sorted(set(collections.values())), folder)
    position = 0
    with target.open("wb") as stream:
        for path, collection in collections.items():
            if collection in data.held_out or collection in data.left_out:
                continue
            length = 0
            try:
                with open_audio(folder / path) as source:
                    for block in pipeline.resample(source.mono(), source.sample_rate):
                        length += _write(stream, block)
            except AudioError as error:
                warn(str(error))
            if length:
                clips.append(Sound(path, collection, position, length))
                position += length
    if not clips:
        raise ParameterError(f"{folder}: contains no file that can be decoded")
    return Sounds(target, tuple(clips))


def _check_named(data: Data, collections: list[str], folder: Path) -> None:
    """Refuse a misspelt collection, which would be trained on unnoticed."""
    for table, named in data.collections.items():
        for name in named:
            if name not in collections:
                raise ParameterError(
                    f"[data.{table}]: no collection {name!r} in {folder}; there are "
                    f"{', '.join(map(repr, collections)) or 'none'}"
                )


def with_generated(sounds: Sounds, recipe: Recipe, rate: int) -> Sounds:
    """Append the sounds made by formula that a recipe requests.

    Parameters
    ----------
    sounds : Sounds
        Its file grows.
    recipe : Recipe
    rate : int
        In Hz.

    Returns
    -------
    Sounds
        The given clips, then the generated ones.

    Raises
    ------
    OSError
        If the samples cannot be written.
    """
    made = []
    synthesiser = Synthesiser(round(recipe.data.generated_seconds * rate), rate)
    position = len(sounds.samples)
    with sounds.file.open("ab") as stream:
        for number in range(recipe.data.generated_clips):
            length = _write(stream, synthesiser.sound(recipe.random("generated", number)))
            made.append(Sound(f"generated/{number}", "generated", position, length))
            position += length
    return Sounds(sounds.file, (*sounds.clips, *made))


def _write(stream: IO[bytes], samples: NDArray[np.float32]) -> int:
    values = np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2")
    stream.write(values.tobytes())
    return len(values)
