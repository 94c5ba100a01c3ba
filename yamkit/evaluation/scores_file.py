"""Scores of the clips of a set, and the scores file that keeps them for later evaluations."""

from __future__ import annotations

import json
import zipfile
from dataclasses import astuple, dataclass, field, replace
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from yamkit._util.npz import DAMAGE, open_member, read_floats
from yamkit._util.replace import replaced
from yamkit._util.text import printable
from yamkit.errors import LabelError
from yamkit.run.checks import are_scores
from yamkit.scores.grid import Grid
from yamkit.types import TagClass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Scores", "Timeline", "read_scores"]

_SCHEMA = "yamkit-scores/2"
_MOST = 2**53
"""Largest integer: up to here float64 is exact."""
_MOST_PATCHES_A_CELL = 1024
_HEAD, _ARRAY, _PATCHES = "head.json", "scores.npy", "patches.npy"


@dataclass(frozen=True, eq=False)
class Timeline:
    """Patch scores of a clip.

    Attributes
    ----------
    scores : ndarray, float32 [P, C]
    samples : int
        Length of the clip at the model's sample rate.
    """

    scores: NDArray[np.float32]
    samples: int


@dataclass
class Scores:
    """Scores of a set by clip key (see `clip_key`), and what they were computed with.

    Attributes
    ----------
    fingerprint : mapping of str to str
        Model and parameters.
    classes : tuple of TagClass
        The model's C classes.
    rows : dict of str to ndarray, float32 [C]
        Clip scores.
    failures : dict of str to str
        Reasons for clips that cannot be scored.
    missing : set of str
        Keys of clips without a file.
    timelines : dict of str to Timeline
        Patch scores, for sets with strong labels.
    grid : Grid or None
        Grid of the timelines.
    renamed : dict of str to str
        Names of files that differ from the list's in folders, case, Unicode form or slashes. Like
        `ambiguous`, not part of a scores file.
    ambiguous : dict of str to tuple of str
        For missing clips, the files that the name may mean.
    warnings : dict of str to tuple of str
        Warnings about the files of clips with scores.
    """

    fingerprint: Mapping[str, str]
    classes: tuple[TagClass, ...]
    rows: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    timelines: dict[str, Timeline] = field(default_factory=dict)
    grid: Grid | None = None
    renamed: dict[str, str] = field(default_factory=dict)
    ambiguous: dict[str, tuple[str, ...]] = field(default_factory=dict)
    warnings: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def array(self, keys: Sequence[str]) -> NDArray[np.float32]:
        """Return the scores of clips, float32 [len(keys), C]."""
        rows = [self.rows[key] for key in keys]
        return np.stack(rows) if rows else np.empty((0, len(self.classes)), np.float32)

    def seconds(self, keys: Sequence[str]) -> list[float]:
        """Return the durations of clips in seconds.

        Raises
        ------
        LabelError
            If there are no patch scores.
        """
        if self.grid is None or not all(key in self.timelines for key in keys):
            raise LabelError(
                "the labels are strong, but the scores file has no patch scores; score the set "
                "again"
            )
        return [self.timelines[key].samples / self.grid.sample_rate_hz for key in keys]

    def strict(self) -> Scores:
        """Return a copy in which clips with warnings are failures."""
        return replace(
            self,
            rows={key: row for key, row in self.rows.items() if key not in self.warnings},
            timelines={key: row for key, row in self.timelines.items() if key not in self.warnings},
            failures={
                **self.failures,
                **{key: "; ".join(warnings) for key, warnings in self.warnings.items()},
            },
            warnings={},
        )

    def write(self, path: Path) -> None:
        """Write a scores file; it appears only when it is complete.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        head: dict[str, Any] = {
            "schema": _SCHEMA,
            "fingerprint": dict(self.fingerprint),
            "classes": [[entry.mid, entry.name] for entry in self.classes],
            "clips": list(self.rows),
            "failures": self.failures,
            "missing": sorted(self.missing),
            "warnings": self.warnings,
        }
        if self.grid is not None:
            head["grid"] = list(astuple(self.grid))
            head["timelines"] = [
                [key, len(each.scores), each.samples] for key, each in self.timelines.items()
            ]
        with replaced(path) as fresh, zipfile.ZipFile(fresh, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(_HEAD, json.dumps(head))
            with archive.open(_ARRAY, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, self.array(list(self.rows)))
            if self.grid is not None:
                with archive.open(_PATCHES, "w", force_zip64=True) as member:
                    self._write_patches(member)

    def _write_patches(self, member: IO[bytes]) -> None:
        """Write all timelines as one array, without copying all of them at once."""
        count = sum(len(each.scores) for each in self.timelines.values())
        shape = (count, len(self.classes))
        head = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(member, head)
        for each in self.timelines.values():
            member.write(each.scores.astype("<f4").tobytes())


def read_scores(path: Path) -> Scores:
    """Read a scores file.

    Raises
    ------
    LabelError
        If the file cannot be read or is not a scores file.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise LabelError(f"{printable(path)}: {error.strerror or 'cannot be read'}") from None
    try:
        with stream, zipfile.ZipFile(stream) as archive:
            return _read(archive)
    except (*DAMAGE, AttributeError):
        raise LabelError(
            f"{printable(path)}: not a scores file of this version of yamkit; write one with "
            "yamkit eval --scores"
        ) from None


def _read(archive: zipfile.ZipFile) -> Scores:
    """Read what `Scores.write` wrote; raise one of `DAMAGE` or AttributeError for anything else."""
    if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
        raise ValueError("compressed, so not written by yamkit, and may unpack to any size")
    head = json.loads(archive.read(_HEAD))
    if head["schema"] != _SCHEMA:
        raise ValueError("unknown schema")
    classes = tuple(
        TagClass(index, _plain(mid), _plain(name))
        for index, (mid, name) in enumerate(head["classes"])
    )
    keys = [_text(key) for key in head["clips"]]
    if len(set(keys)) < len(keys):
        raise ValueError("a clip is listed twice")
    with open_member(archive, _ARRAY) as member:
        scores = read_floats(member, (len(keys), len(classes)))
    grid, timelines = None, {}
    if "grid" in head:
        grid = Grid(*(_whole(value) for value in head["grid"]))
        if grid.patches_per_cell > _MOST_PATCHES_A_CELL:
            raise ValueError("too many patches per cell")
        timelines = _read_timelines(archive, head["timelines"], len(classes), grid)
        if not timelines.keys() <= set(keys):
            raise ValueError("patch scores of a clip without clip scores")
    _check_range(scores)
    return Scores(
        {_plain(name): _plain(value) for name, value in head["fingerprint"].items()},
        classes,
        dict(zip(keys, scores, strict=True)),
        {_text(key): _text(reason) for key, reason in head["failures"].items()},
        {_text(key) for key in head["missing"]},
        timelines,
        grid,
        warnings={
            _text(key): tuple(_text(each) for each in warnings)
            for key, warnings in head.get("warnings", {}).items()
        },
    )


def _read_timelines(
    archive: zipfile.ZipFile, listed: Any, classes: int, grid: Grid
) -> dict[str, Timeline]:
    rows = [(_text(key), _whole(count), _whole(samples)) for key, count, samples in listed]
    if len({key for key, _, _ in rows}) < len(rows):
        raise ValueError("a clip is listed twice")
    for _, count, samples in rows:
        # patches would cover no further samples
        if samples > (count - 1) * grid.hop_samples + grid.window_samples:
            raise ValueError("more samples than patches")
    with open_member(archive, _PATCHES) as member:
        patches = read_floats(member, (sum(count for _, count, _ in rows), classes))
    _check_range(patches)
    if not rows:
        return {}
    ends = np.cumsum([count for _, count, _ in rows])[:-1]
    return {
        key: Timeline(part, samples)
        for (key, _, samples), part in zip(rows, np.split(patches, ends), strict=True)
    }


def _whole(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= _MOST:
        raise ValueError("not a positive integer up to 2**53")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


def _plain(value: Any) -> str:
    """Return the name of a class or a model: it must not contain control characters."""
    text = _text(value)
    if printable(text) != text:
        raise ValueError("control characters")
    return text


def _check_range(scores: NDArray[np.float32]) -> None:
    if not are_scores(scores):
        raise ValueError("scores must be between 0 and 1")
