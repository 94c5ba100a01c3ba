"""Models in formats of other engines: written by a backend, and compared before they are kept.

The result runs on the same inputs as the NumPy backend before it gets its name.
"""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from yamkit._util.replace import replaced
from yamkit._util.text import described, printable
from yamkit.errors import ExportError, OutputError, YamkitError
from yamkit.pipeline.compose import Pipeline
from yamkit.pipeline.options import PipelineOptions
from yamkit.pipeline.trial import varied_windows
from yamkit.pipeline.windows import Segment
from yamkit.plugin import BackendInfo
from yamkit.registry import registry

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from yamkit.models import ModelBundle
    from yamkit.plugin import Exporter
    from yamkit.registry import Plugin

__all__ = ["LARGEST_DIFFERENCE", "REFERENCE", "Export", "export_formats", "export_model"]

REFERENCE = "numpy"
"""The backend that exports are compared with."""

LARGEST_DIFFERENCE = 1e-3
"""Largest accepted difference of a score; reordered float32 operations cause 1e-4."""

_PATCHES = 32

_MARK = "saved_model.pb"
"""A file in every exported folder: no other folder is ever replaced."""


@dataclass(frozen=True)
class Export:
    """A written model, and how far it differs from the NumPy backend.

    Attributes
    ----------
    path : Path
        A file or a folder.
    size_bytes : int
    patches : int
        Number of patches that were compared.
    score_difference, embedding_difference : float
        Largest differences.
    """

    path: Path
    size_bytes: int
    patches: int
    score_difference: float
    embedding_difference: float


def export_formats() -> dict[str, Plugin]:
    """Return the formats that installed backends write, and the backend of each.

    Backends that lack an extra are included; one that is ready is preferred.
    """
    found: dict[str, Plugin] = {}
    for plugin in sorted(registry().plugins, key=lambda plugin: plugin.state != "ready"):
        if isinstance(plugin.info, BackendInfo) and plugin.state in ("ready", "missing"):
            for name in plugin.info.exports:
                found.setdefault(name, plugin)
    return found


def export_model(
    model: ModelBundle,
    format_name: str,
    path: Path,
    *,
    with_frontend: bool = False,
    replace: bool = False,
) -> Export:
    """Write a model in another format, whole or not at all.

    Parameters
    ----------
    model : ModelBundle
    format_name : str
        One of `export_formats`.
    path : Path
        Path of the file, or of the folder if the format is one.
    with_frontend : bool
        Whether the graph takes windows of samples [B, patch_window_samples] rather than patches.
    replace : bool
        Whether a file or folder at `path` may be replaced.

    Returns
    -------
    Export

    Raises
    ------
    ExportError
        If there is no such format, the model cannot be exported, or the result differs.
    OutputError
        If the file cannot be written.
    PluginError
        If the backend lacks an extra or is broken.
    """
    formats = export_formats()
    if format_name not in formats:
        raise ExportError(f"format {format_name!r}: must be one of {', '.join(sorted(formats))}")
    plugin = registry().resolve("backend", formats[format_name].name)
    info = plugin.info
    assert isinstance(info, BackendInfo)
    fits = registry().resolve("backend", REFERENCE).info
    assert isinstance(fits, BackendInfo)
    kind = model.network.kind
    if kind not in info.networks or kind not in fits.networks:
        raise ExportError(
            f"model {model.name!r}: a network of kind {kind!r} cannot be exported, only "
            f"{', '.join(fits.networks)}; its file is in the bundle"
        )
    _check_place(path, replace=replace)
    exporter: Exporter = registry().load(plugin, info.exporter)
    inputs, scores, embeddings = _expected(model, with_frontend=with_frontend)
    try:
        with replaced(path) as fresh:
            found = _run(exporter, model, format_name, fresh, inputs, with_frontend=with_frontend)
            differences = [
                _difference(each, expected)
                for each, expected in zip(found, (scores, embeddings), strict=True)
            ]
            if not differences[0] <= LARGEST_DIFFERENCE:  # NaN fails too
                raise ExportError(
                    f"{format_name} of {model.name!r} differs by {differences[0]:.2g} from the "
                    f"{REFERENCE} backend: must be at most {LARGEST_DIFFERENCE:g}; nothing was "
                    "written"
                )
            size_bytes = _size(fresh)
            if path.is_dir():
                shutil.rmtree(path)
    except OSError as error:
        raise OutputError(f"{printable(path)}: {error.strerror or printable(str(error))}") from None
    return Export(path, size_bytes, len(inputs), *differences)


def _check_place(path: Path, *, replace: bool) -> None:
    if path.is_dir() and not (path / _MARK).is_file():
        raise OutputError(
            f"{printable(path)}: is a folder that was not exported; choose another --output"
        )
    if path.exists() and not replace:
        raise OutputError(f"{printable(path)}: exists; --replace replaces it")


def _expected(
    model: ModelBundle, *, with_frontend: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return inputs, and the scores and embeddings of the reference backend.

    The inputs are silence, tones and noise from faint to full scale, one window each.
    """
    windows = np.stack(list(varied_windows(model.features, _PATCHES)))
    windows[0] = 0
    pipeline = Pipeline(model, PipelineOptions(backend=REFERENCE, batch_size=1))
    with contextlib.closing(pipeline):
        pieces = [pipeline.transform(Segment(0, 1, window)) for window in windows]
        batches = pipeline.infer(pieces)
    patches = np.concatenate([piece.values for piece in pieces])
    return (
        windows if with_frontend else patches,
        np.concatenate([batch.scores for batch in batches]),
        np.concatenate([batch.embeddings for batch in batches]),
    )


def _run(
    exporter: Exporter,
    model: ModelBundle,
    format_name: str,
    path: Path,
    inputs: NDArray[np.float32],
    *,
    with_frontend: bool,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    try:
        run = exporter(model, format_name, path, with_frontend=with_frontend)
        return run(inputs)
    except (YamkitError, OSError):
        raise
    except Exception as error:
        raise ExportError(
            f"{format_name} of {model.name!r} failed: {described(error):.300}"
        ) from error


def _difference(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    if found.shape != expected.shape:
        return float("nan")
    return float(np.abs(found.astype(float) - expected).max(initial=0.0))


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files)
