"""From files to clip scores, and the scores file, from which an interrupted run goes on.

`clip_scores` is the one place where the evaluation touches audio: parts of files in, scores out.
"""

from __future__ import annotations

import contextlib
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from yamkit._npz import DAMAGE, read_floats
from yamkit._text import printable
from yamkit.aggregate import ClipScores
from yamkit.clips import Clip, tag_clips
from yamkit.errors import LabelError, ParameterError
from yamkit.scheduling import Failed
from yamkit.types import Batch, TagClass

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from yamkit.tagger import Tagger

__all__ = ["Part", "Scores", "clip_scores", "fingerprint", "read_scores"]

_SCHEMA = "yamkit-scores/1"
_HEAD, _ARRAY = "head.json", "scores.npy"


@dataclass(eq=False)
class Part(Clip):
    """A clip with a name of its own.

    Attributes
    ----------
    key : str
        Names it in a scores file.
    """

    key: str = ""

    def stamp(self) -> str:
        """Give size and time of the file: with another stamp, it is another file."""
        try:
            found = Path(self.path).stat()
        except OSError:
            return ""
        return f"{found.st_size} {found.st_mtime_ns}"


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
    stamps : dict of str to str
        Of the file of each row; see `Part.stamp`.
    failures : dict of str to str
        Reason by key, for clips that cannot be scored.
    missing : set of str
        Keys of clips without a file.
    """

    fingerprint: Mapping[str, str]
    classes: tuple[TagClass, ...]
    rows: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    stamps: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)

    def has(self, part: Part) -> bool:
        """Tell whether the scores of a clip are there, of the same file."""
        return part.key in self.rows and self.stamps[part.key] == part.stamp()

    def add(self, part: Part, found: NDArray[np.float32] | Exception) -> None:
        """Keep what came of a clip."""
        self.missing.discard(part.key)
        if isinstance(found, Exception):
            self.rows.pop(part.key, None)
            self.failures[part.key] = str(found)
        else:
            self.failures.pop(part.key, None)
            self.rows[part.key], self.stamps[part.key] = found, part.stamp()

    def array(self, keys: Sequence[str]) -> NDArray[np.float32]:
        """Give the scores of clips, float32 [len(keys), C]."""
        wanted = [self.rows[key] for key in keys]
        return np.stack(wanted) if wanted else np.empty((0, len(self.classes)), np.float32)

    def check_same(self, fingerprint: Mapping[str, str], where: Path) -> None:
        """See that the scores were computed with the same model and parameters.

        Raises
        ------
        ParameterError
            If not; it says what differs.
        """
        differing = [
            f"{name} {self.fingerprint.get(name)!r} there and {value!r} here"
            for name, value in fingerprint.items()
            if self.fingerprint.get(name) != value
        ]
        if differing:
            raise ParameterError(
                f"{printable(where)}: scores of another run: {', '.join(differing)}; name another "
                "file, or evaluate them with --from-scores"
            )

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
            "clips": [[key, self.stamps[key]] for key in self.rows],
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


def clip_scores(
    tagger: Tagger, parts: Iterable[Part], jobs: int = 1
) -> Generator[tuple[Part, NDArray[np.float32] | Exception], None, None]:
    """Score parts of files, in their order; memory does not grow with a file.

    Parameters
    ----------
    tagger : Tagger
    parts : iterable of Part
    jobs : int
        Parts at a time.

    Yields
    ------
    part : Part
    scores : ndarray, float32 [C], or Exception
        Why it cannot be scored.
    """
    scores = ClipScores(tagger.aggregate, len(tagger.classes))
    with contextlib.closing(tag_clips(tagger.pipeline, parts, jobs=jobs)) as events:
        for part, event in events:
            if isinstance(event, Batch):
                scores.update(event.scores)
                continue
            yield part, event.error if isinstance(event, Failed) else scores.result()
            scores = ClipScores(tagger.aggregate, len(tagger.classes))


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
    stamps = {str(key): str(stamp) for key, stamp in head["clips"]}
    with archive.open(_ARRAY) as member:
        scores = read_floats(member, (len(head["clips"]), len(classes)))
    if not np.isfinite(scores).all():
        raise ValueError("scores that are not finite")
    return Scores(
        {str(name): str(value) for name, value in head["fingerprint"].items()},
        classes,
        dict(zip(stamps, scores, strict=True)),
        stamps,
        {str(key): str(reason) for key, reason in head["failures"].items()},
        {str(key) for key in head["missing"]},
    )
