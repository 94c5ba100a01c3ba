"""The model and the parts that run it, for every command that tags; and the default model."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from yamkit._util.bounds import MAX_BATCH_SIZE, MAX_SPAN_SECONDS
from yamkit.cli import _complete
from yamkit.cli._notes import note
from yamkit.cli._settings import group, option, repeated
from yamkit.cli._values import Numbered, Real, Whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yamkit.models import ModelBundle
    from yamkit.tagger import Tagger

__all__ = [
    "BACKEND",
    "FRONTEND",
    "MODEL",
    "PROVIDER",
    "STREAM",
    "ComparedSettings",
    "FileSettings",
    "LivePartSettings",
    "PartSettings",
    "TaggerSettings",
    "choose_model",
]

MODEL: dict[str, Any] = {
    "metavar": "NAME|FOLDER",
    "shell_complete": _complete.models(),
    "help": "Model, by its name or folder.  [default: $YAMKIT_MODEL, else yamnet if it is "
    "installed, else yamnet-mini]",
}
BACKEND: dict[str, Any] = {
    "shell_complete": _complete.plugins("backend"),
    "help": "Backend that runs the network.  [default: onnx if it fits the model, else the first "
    "that does]",
}
FRONTEND: dict[str, Any] = {
    "shell_complete": _complete.plugins("frontend"),
    "help": "Front end that computes the patches.  [default: logmel if it fits the model, else the "
    "first that does]",
}
PROVIDER: dict[str, Any] = {
    "default": "cpu",
    "show_default": True,
    "help": "Hardware that the backend uses.",
}
STREAM: dict[str, Any] = {
    "type": Numbered(),
    "metavar": "N",
    "help": "Sound stream to read, from 1, if a file has several.  [default: the one marked "
    "default, else the first]",
}


@dataclass(frozen=True)
class PartSettings:
    """How patches are made and where they are scored."""

    frontend: str | None = option("--frontend", **FRONTEND)
    provider: str = option("--provider", **PROVIDER)
    resampler: str = option(
        "--resampler",
        default="polyphase",
        show_default=True,
        shell_complete=_complete.plugins("resampler"),
        help="Resampler that changes the sample rate to that of the model.",
    )
    hop_seconds: float | None = option(
        "--hop",
        type=Real(0, MAX_SPAN_SECONDS),
        metavar="SECONDS",
        help="Time from one patch to the next, a multiple of the STFT hop.  [default: that of the "
        "model]",
    )
    channel: str | int = option(
        "--channel",
        section="Input",
        type=Numbered("mix"),
        default="mix",
        show_default=True,
        metavar="mix|N",
        shell_complete=_complete.words("mix"),
        help="Channel to tag, from 1, or the mean of all channels.",
    )


@dataclass(frozen=True)
class LivePartSettings(PartSettings):
    """The same for streams, which need a resampler of small delay."""

    resampler: str = option(
        "--resampler",
        default="polyphase-live",
        show_default=True,
        shell_complete=_complete.plugins("resampler"),
        help="Resampler that changes the sample rate to that of the model.",
    )


@dataclass(frozen=True)
class FileSettings:
    """What only files have: several sound streams, and batches of patches."""

    stream: int | None = option("--stream", section="Input", **STREAM)
    aggregate: str = option(
        "--aggregate",
        section="Model",
        type=click.Choice(["mean", "max", "sounding"]),
        default="mean",
        show_default=True,
        help="How patch scores become clip scores; sounding: their mean, each patch weighted by 1 "
        "minus its score of silence.",
    )
    batch_size: int = option(
        "--batch-size",
        section="Speed",
        type=Whole(1, MAX_BATCH_SIZE),
        default=16,
        show_default=True,
        help="Patches per network call.",
    )


@dataclass(frozen=True)
class TaggerSettings:
    """One model, and the parts that run it."""

    model: str | None = option("--model", section="Model", **MODEL)
    backend: str | None = option("--backend", **BACKEND)
    parts: PartSettings = group(PartSettings)
    files: FileSettings = group(FileSettings)

    def open(self, bundle: ModelBundle, threads: int | None) -> Tagger:
        """Open a tagger for a model that was chosen."""
        return _open(bundle, self.backend, self.parts, self.files, threads)


@dataclass(frozen=True)
class ComparedSettings:
    """Models and backends to compare, and the parts that run them."""

    models: tuple[str, ...] = option("--model", section="Model", **repeated(MODEL))
    backends: tuple[str, ...] = option("--backend", **repeated(BACKEND))
    parts: PartSettings = group(PartSettings)
    files: FileSettings = group(FileSettings)

    def open(self, threads: int | None) -> Iterator[Tagger]:
        """Open a tagger for each model with each backend, one after the other."""
        for name in self.models or (None,):
            for backend in self.backends or (None,):
                yield _open(choose_model(name), backend, self.parts, self.files, threads)


def choose_model(name_or_folder: str | None) -> ModelBundle:
    """Load the model with this name, or the default model.

    A note on standard error says so if that is the small model only because the full one is not
    installed.
    """
    from yamkit.models.store import DEFAULT_MODEL, FALLBACK_MODEL, default_model, find_model

    if name_or_folder is not None:
        return find_model(name_or_folder)
    bundle = default_model()
    if bundle.name == FALLBACK_MODEL and not os.environ.get("YAMKIT_MODEL"):
        note(
            f"using {FALLBACK_MODEL}, the small model that comes with yamkit; "
            f"`yamkit models pull {DEFAULT_MODEL}` fetches the full one"
        )
    return bundle


def _open(
    bundle: ModelBundle,
    backend: str | None,
    parts: PartSettings,
    files: FileSettings,
    threads: int | None,
) -> Tagger:
    from yamkit.tagger import Tagger, TaggerOptions

    options = {**asdict(parts), **asdict(files)}
    return Tagger(bundle, TaggerOptions(backend=backend, threads=threads, **options))
