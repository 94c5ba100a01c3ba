"""Commands that bring models in and out: ``yamkit models import``, ``pull`` and ``export``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from yamkit.cli import _complete
from yamkit.cli._help import Command
from yamkit.cli._notes import note_options
from yamkit.cli._settings import argument, option, with_settings
from yamkit.cli._values import PATH, Whole

if TYPE_CHECKING:
    from yamkit.models import ModelBundle

__all__ = ["export", "import_command", "pull"]

_WEIGHTS = {"h5", "hdf5"}
"""Suffixes of weight files, which yamkit imports itself even if a plugin claims them."""


@dataclass(frozen=True)
class ImportSettings:
    """The options of ``yamkit models import``."""

    file: Path = argument(type=PATH)
    name: str | None = option("--name", help="Name of the model.  [default: from the file name]")
    classes: Path | None = option(
        "--classes",
        type=PATH,
        metavar="FILE.csv",
        help="Class map with the columns index,mid,display_name.  [default: that of YAMNet for "
        "weight files; required for others]",
    )
    features: Path | None = option(
        "--features",
        type=PATH,
        metavar="FILE.toml",
        help="TOML file with a table [features].  [default: that of YAMNet]",
    )
    like: str | None = option(
        "--like",
        metavar="NAME|FOLDER",
        shell_complete=_complete.models(),
        help="Copy class map, features and licence from this model, if no others are given.",
    )
    waveform: bool = option(
        "--waveform", is_flag=True, help="The network expects samples, not log-mel patches."
    )
    embedding_size: int = option(
        "--embedding-size",
        type=Whole(0, 1_000_000),
        default=0,
        show_default=True,
        help="Length of the embeddings, for networks other than weight files and ONNX.",
    )
    licence: str | None = option(
        "--licence", metavar="TEXT", help="Licence of the model.  [default: unknown]"
    )
    version: str | None = option(
        "--version", metavar="TEXT", help="Version of the model.  [default: 1]"
    )
    replace: bool = option(
        "--replace", is_flag=True, help="Replace an installed model of this name."
    )


@click.command("import", cls=Command)
@with_settings(ImportSettings)
@note_options()
def import_command(settings: ImportSettings) -> None:
    """Install a model from a file.

    FILE is one of the following. TensorFlow is not needed.

    \b
    .h5      weights of YAMNet's network from Keras 2, of any width and number of
             classes
    .onnx    graph that takes patches, or with --waveform samples, and returns
             scores in 0-1, and optionally embeddings
    others   network that the backend of a plugin can run, such as .tflite

    A network file is run before it is installed, and refused if a patch gets other scores in a
    batch than on its own.

    \b
    yamkit models import yamnet.h5
    yamkit models import birds.h5 --name birds --classes birds.csv
    yamkit models import birds.onnx --classes birds.csv --features birds.toml
    yamkit models import samples.onnx --like yamnet --waveform
    """
    from yamkit._util.text import printable
    from yamkit.cli._progress import show_steps
    from yamkit.models.importing import ImportOptions, import_model
    from yamkit.models.store import find_model

    file = settings.file
    with show_steps(f"importing {printable(file)}"):
        bundle = import_model(
            file,
            name=_name_of(file) if settings.name is None else settings.name,
            options=ImportOptions(
                kind=_kind_of(file),
                classes_path=settings.classes,
                features_path=settings.features,
                like=None if settings.like is None else find_model(settings.like),
                waveform=settings.waveform,
                licence=settings.licence,
                version=settings.version,
                embedding_size=settings.embedding_size,
            ),
            replace=settings.replace,
            check=_try,
        )
    _print_installed(bundle)


@click.command(cls=Command)
@click.argument("name", default="yamnet", required=False, shell_complete=_complete.published())
@click.option("--url", help="Download the file from here; its SHA-256 must be the published one.")
@click.option("--replace", is_flag=True, help="Replace an installed model of this name.")
@note_options()
def pull(name: str, url: str | None, replace: bool) -> None:
    """Download a published model, verify it, and install it. NAME defaults to yamnet.

    Proxies are those of the environment variables HTTPS_PROXY and NO_PROXY. An interrupted download
    leaves no files behind.

    \b
    yamkit models pull yamnet
    yamkit models pull yamnet --url https://mirror.example/yamnet.h5
    """
    from yamkit._util.text import printable
    from yamkit.cli._progress import show_steps
    from yamkit.models.download import pull as pull_model

    with show_steps(f"downloading {printable(name)}", " MB", 1e6) as update:
        bundle = pull_model(name, url=url, replace=replace, progress=update)
    _print_installed(bundle)


@click.command(cls=Command)
@click.argument("name", metavar="NAME|FOLDER", shell_complete=_complete.models())
@click.option(
    "--to",
    "target",
    required=True,
    metavar="FORMAT",
    shell_complete=_complete.export_formats(),
    help="onnx, tf (a SavedModel folder), tflite, npz (only the weights), or the format of a "
    "plugin.",
)
@click.option(
    "--with-frontend", is_flag=True, help="Take windows of samples as input, instead of patches."
)
@click.option(
    "-o", "--output", type=PATH, metavar="PATH", help="Output path.  [default: NAME.FORMAT]"
)
@click.option("--replace", is_flag=True, help="Replace an existing output.")
@note_options()
def export(name: str, target: str, with_frontend: bool, output: Path | None, replace: bool) -> None:
    """Write a model for another engine.

    The input of the graph is a batch of patches, or with --with-frontend of windows of samples at
    the model's rate; its outputs are scores and embeddings. It is compared with the NumPy backend
    before it is written: the largest differences are printed, and if a score differs by more than
    0.001, nothing is written.

    \b
    yamkit models export yamnet --to onnx
    yamkit models export yamnet --to onnx --with-frontend -o yamnet-samples.onnx
    yamkit models export yamnet --to tflite
    """
    from yamkit._util.text import printable
    from yamkit.cli._progress import show_steps
    from yamkit.export import REFERENCE, export_model
    from yamkit.models.store import find_model

    bundle = find_model(name)
    with show_steps(f"exporting {printable(bundle.name)}"):
        done = export_model(
            bundle,
            target,
            output or Path(f"{bundle.name}.{target}"),
            with_frontend=with_frontend,
            replace=replace,
        )
    click.echo(
        f"{printable(done.path)}: {done.size_bytes / 1e6:.1f} MB; largest difference from the "
        f"{REFERENCE} backend over {done.patches} patches: scores {done.score_difference:.1e}, "
        f"embeddings {done.embedding_difference:.1e}"
    )


def _name_of(file: Path) -> str:
    """Return the name of a model that a file name makes."""
    import re

    from yamkit._util.text import printable

    name = re.sub(r"[^a-z0-9._-]+", "-", file.stem.lower()).strip("-._")[:64]
    if not name:
        raise click.UsageError(
            f"{printable(file)}: its name cannot be the name of a model; add --name NAME"
        )
    return name


def _kind_of(file: Path) -> str | None:
    """Return the kind of network that a suffix stands for, if the backend of a plugin runs it."""
    from yamkit.plugin import BackendInfo
    from yamkit.registry import registry

    infos = (plugin.info for plugin in registry().plugins)
    kinds = {kind for info in infos if isinstance(info, BackendInfo) for kind in info.networks}
    suffix = file.suffix.lower().removeprefix(".")
    return suffix if suffix in kinds - _WEIGHTS else None


def _try(bundle: ModelBundle) -> None:
    """Run a network that comes in a file; the shapes of weights have been checked already."""
    if bundle.network.kind != "mobilenet-v1":
        from yamkit.pipeline.trial import try_network

        try_network(bundle)


def _print_installed(bundle: ModelBundle) -> None:
    from yamkit._util.text import printable
    from yamkit.models.facts import cost_of

    cost = cost_of(bundle)
    weights = f"{cost.parameters / 1e6:.2f} M weights, " if cost is not None else ""
    count = len(bundle.classes)
    classes = f"{count} class{'es' if count != 1 else ''}"
    click.echo(f"installed {bundle.name} ({weights}{classes}) in {printable(bundle.folder)}")
