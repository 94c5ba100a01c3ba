"""The scores file: what a tagger gave to the clips of a set, to be evaluated again and compared."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from yamkit._npz import DAMAGE, read_floats
from yamkit._text import printable
from yamkit.errors import LabelError
from yamkit.types import TagClass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from yamkit.tagger import Tagger

__all__ = ["Scores", "fingerprint", "read_scores"]

_SCHEMA = "yamkit-scores/2"
_HEAD, _ARRAY = "head.json", "scores.npy"


@dataclass
class Scores:
    """Clip scores that were computed, by clip, and what they were computed with.

    Attributes
    ----------
    fingerprint : mapping of str to str
        Of model and parameters.
    classes : tuple of TagClass
        The class map, C rows.
    rows : dict of str to ndarray, float32 [C]
        By key.
    failures : dict of str to str
        Reason by key, for clips that cannot be scored.
    missing : set of str
        Keys of clips without a file.
    """

    fingerprint: Mapping[str, str]
    classes: tuple[TagClass, ...]
    rows: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)

    def array(self, keys: Sequence[str]) -> NDArray[np.float32]:
        """Give the scores of clips, float32 [len(keys), C]."""
        wanted = [self.rows[key] for key in keys]
        return np.stack(wanted) if wanted else np.empty((0, len(self.classes)), np.float32)

    def write(self, path: Path) -> None:
        """Write a scores file: beside its place, then renamed.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        head = {
            "schema": _SCHEMA,
            "fingerprint": dict(self.fingerprint),
            "classes": [[entry.mid, entry.name] for entry in self.classes],
            "clips": list(self.rows),
            "failures": self.failures,
            "missing": sorted(self.missing),
        }
        fresh = path.with_name(f".{path.name}.new")
        try:
            with zipfile.ZipFile(fresh, "w", zipfile.ZIP_STORED) as archive:
                archive.writestr(_HEAD, json.dumps(head))
                with archive.open(_ARRAY, "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, self.array(list(self.rows)))
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)


def fingerprint(tagger: Tagger) -> dict[str, str]:
    """Tell what scores depend on: model and parameters."""
    return {
        "model": tagger.model.name,
        "model_sha256": tagger.model.sha256,
        "backend": tagger.backend,
        "frontend": tagger.frontend,
        "resampler": tagger.resampler,
        "hop_seconds": repr(tagger.hop_seconds),
        "aggregate": tagger.aggregate,
    }


def read_scores(path: Path) -> Scores:
    """Read a scores file.

    Raises
    ------
    LabelError
        If it is none.
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
            f"{printable(path)}: no scores file of this version of yamkit; remove it to begin anew"
        ) from None


def _read(archive: zipfile.ZipFile) -> Scores:
    """Read what `Scores.write` wrote; anything else raises what says so."""
    info = archive.getinfo(_HEAD)
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError("not written by yamkit, and may be larger than the file")
    head = json.loads(archive.read(info))
    if head["schema"] != _SCHEMA:
        raise ValueError("another schema")
    classes = tuple(
        TagClass(place, str(mid), str(name)) for place, (mid, name) in enumerate(head["classes"])
    )
    keys = [str(key) for key in head["clips"]]
    if len(set(keys)) < len(keys):
        raise ValueError("a clip twice")
    with archive.open(_ARRAY) as member:
        scores = read_floats(member, (len(keys), len(classes)))
    if not np.isfinite(scores).all():
        raise ValueError("scores that are not finite")
    return Scores(
        {str(name): str(value) for name, value in head["fingerprint"].items()},
        classes,
        dict(zip(keys, scores, strict=True)),
        {str(key): str(reason) for key, reason in head["failures"].items()},
        {str(key) for key in head["missing"]},
    )
