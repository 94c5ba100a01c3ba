"""``yamkit models``: list, describe, import, export, download, verify and remove models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yamkit.cli import _complete
from yamkit.cli._help import Group
from yamkit.cli._notes import note_options
from yamkit.cli._progress import Steps, showing
from yamkit.cli._values import Whole

if TYPE_CHECKING:
    from yamkit.models import ModelBundle
    from yamkit.models.store import InstalledModel

__all__ = ["models"]

_OF_WEIGHTS = {"h5", "hdf5"}
"""Suffixes that stand for yamkit's own import of weights, whatever a plugin says."""


@click.group(cls=Group)
def models() -> None:
    """Manage models: list, import, export, download, verify, remove.

    A model is a folder: model.toml, a class map, and weights or the file of a network. yamnet-mini
    comes with yamkit; others live in $YAMKIT_HOME/models, or in the data folder of your platform.
    Where a command names none, it uses the one that YAMKIT_MODEL names, else yamnet if it is
    installed, else yamnet-mini.

    \b
    yamkit models pull yamnet
    yamkit models import yamnet.h5 --name yamnet
    yamkit models info yamnet
    """


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_models(as_json: bool) -> None:
    """List the models here, broken ones with the reason.

    They are those that come with yamkit and the installed ones. Files are not hashed here;
    `yamkit models verify` does that.
    """
    from yamkit._util.text import printable
    from yamkit.models.store import built_in, installed

    rows = [*built_in(), *installed()]
    if as_json:
        _print_json({"schema": "yamkit-models/1", "models": [_list_entry(row) for row in rows]})
        return
    table = [("NAME", "VERSION", "CLASSES", "NETWORK", "SIZE", "STATE")]
    for row in rows:
        if row.bundle is None:
            table.append(
                (printable(row.name), "-", "-", "-", "-", f"broken: {printable(row.problem or '')}")
            )
            continue
        size = f"{_size_bytes(row.bundle) / 1e6:.1f} MB"
        bundle = row.bundle
        count = str(len(bundle.classes))
        state = "ok, comes with yamkit" if row.is_built_in else "ok"
        table.append((row.name, bundle.version, count, bundle.network.kind, size, state))
    widths = [max(len(line[column]) for line in table) for column in range(5)]
    for line in table:
        cells = [cell.ljust(width) for cell, width in zip(line[:5], widths, strict=True)]
        click.echo("  ".join([*cells, line[5]]))


@models.command()
@click.argument("name", metavar="NAME|FOLDER", shell_complete=_complete.models())
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(name: str, as_json: bool) -> None:
    """Describe a model: size, cost, licence, source, hashes.

    \b
    yamkit models info yamnet
    yamkit models info ./my-model --json
    """
    from yamkit.models.store import find_model

    entry = _info_entry(find_model(name))
    if as_json:
        _print_json(entry)
        return
    cost = entry["cost"]
    lines = [
        ("name", entry["name"]),
        ("version", entry["version"]),
        ("licence", entry["licence"] or "not stated"),
        ("source", entry["source"] or "not stated"),
        ("source sha256", entry["source_sha256"] or "not stated"),
        ("sha256", entry["sha256"]),
        ("folder", entry["folder"]),
        ("size", f"{entry['size_bytes'] / 1e6:.1f} MB"),
        ("classes", f"{entry['classes']:,}"),
        ("embedding size", f"{entry['network']['embedding_size']:,}"),
    ]
    if cost is not None:
        parameters, multiplications = cost["parameters"], cost["multiplications_per_patch"]
        lines += [
            ("parameters", f"{parameters:,} ({parameters / 1e6:.1f} M)"),
            ("multiplications", f"{multiplications:,} a patch ({multiplications / 1e6:.1f} M)"),
        ]
    width = max(len(title) for title, _ in lines) + 2
    for title, text in lines:
        click.echo(f"{title:{width}}{text}")
    for title in ("network", "features", "files"):
        click.echo(f"\n{title}")
        table = entry[title]
        width = max(len(key) for key in table) + 2
        for key, value in table.items():
            click.echo(f"  {key:{width}}{value}")


@models.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the model.  [default: the name of the file]")
@click.option(
    "--classes",
    type=click.Path(path_type=Path),
    metavar="FILE.csv",
    help="Class map with the columns index,mid,display_name.  [default: YAMNet's for a weight "
    "file; others need one]",
)
@click.option(
    "--features",
    type=click.Path(path_type=Path),
    metavar="FILE.toml",
    help="TOML file with the table [features].  [default: YAMNet's]",
)
@click.option(
    "--like",
    metavar="NAME|FOLDER",
    shell_complete=_complete.models(),
    help="Take class map, features and licence of this model, where no others are given.",
)
@click.option("--waveform", is_flag=True, help="The network eats samples, not log-mel patches.")
@click.option(
    "--embedding-size",
    type=Whole(0, 1_000_000),
    default=0,
    show_default=True,
    help="Length of the embeddings of a network that is neither weights nor ONNX.",
)
@click.option("--licence", metavar="TEXT", help="Licence of the model.  [default: unknown]")
@click.option("--version", metavar="TEXT", help="Version of the model.  [default: 1]")
@click.option("--replace", is_flag=True, help="Replace the model if the name exists.")
@note_options()
def import_command(
    file: Path,
    name: str | None,
    classes: Path | None,
    features: Path | None,
    like: str | None,
    waveform: bool,
    embedding_size: int,
    licence: str | None,
    version: str | None,
    replace: bool,
) -> None:
    """Install a model from a file.

    FILE is a weight file of YAMNet's network in Keras 2's HDF5 layout, of any width and number of
    classes; an .onnx graph that takes patches, or with --waveform samples, and gives scores in
    0..1, and embeddings if it has any; or a file whose suffix is a kind of network that the backend
    of a plugin runs, such as .tflite. TensorFlow is not needed. A network in a file is run
    before it is installed, and refused where a patch scores otherwise in a batch than alone.

    \b
    yamkit models import yamnet.h5
    yamkit models import birds.h5 --name birds --classes birds.csv
    yamkit models import birds.onnx --classes birds.csv --features birds.toml
    yamkit models import samples.onnx --like yamnet --waveform
    """
    from yamkit._util.signals import Interruptions
    from yamkit._util.text import printable
    from yamkit.models.importing import ImportOptions, import_model
    from yamkit.models.store import find_model

    with Interruptions(), showing(Steps(f"importing {printable(file)}").standing):
        bundle = import_model(
            file,
            name=_name_of(file) if name is None else name,
            options=ImportOptions(
                kind=_kind_of(file),
                classes_path=classes,
                features_path=features,
                like=None if like is None else find_model(like),
                waveform=waveform,
                licence=licence,
                version=version,
                embedding_size=embedding_size,
            ),
            replace=replace,
            check=_try,
        )
    _print_installed(bundle)


@models.command()
@click.argument("name", default="yamnet", required=False, shell_complete=_complete.published())
@click.option("--url", help="Fetch the file from here; it must be the same, by its SHA-256.")
@click.option("--replace", is_flag=True, help="Replace the model if the name exists.")
@note_options()
def pull(name: str, url: str | None, replace: bool) -> None:
    """Download a published model, verify it, and install it. NAME is yamnet if not given.

    Proxies are taken from the environment (HTTPS_PROXY, NO_PROXY). What was interrupted leaves
    nothing behind.

    \b
    yamkit models pull yamnet
    yamkit models pull yamnet --url https://mirror.example/yamnet.h5
    """
    from yamkit._util.signals import Interruptions
    from yamkit._util.text import printable
    from yamkit.models.download import pull as pull_model

    steps = Steps(f"fetching {printable(name)}", " MB", 1e6)
    with Interruptions(), showing(steps.standing):
        bundle = pull_model(name, url=url, replace=replace, progress=steps.update)
    _print_installed(bundle)


@models.command()
@click.argument("name", metavar="NAME|FOLDER", shell_complete=_complete.models())
@click.option(
    "--to",
    "form",
    required=True,
    metavar="FORM",
    shell_complete=_complete.export_forms(),
    help="onnx, tf (a SavedModel folder), tflite, npz (the weights alone), or a plugin's.",
)
@click.option("--with-frontend", is_flag=True, help="Begin at windows of samples, not at patches.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Where to.  [default: NAME.FORM]",
)
@click.option("--replace", is_flag=True, help="Replace what lies there.")
@note_options()
def export(name: str, form: str, with_frontend: bool, output: Path | None, replace: bool) -> None:
    """Write a model for another engine.

    The graph takes a batch of patches, or with --with-frontend of windows of samples at the model's
    rate, and gives scores and embeddings. Before it gets its name it is run beside the NumPy
    backend, and the largest differences are printed; where a score strays more than 0.001, nothing
    is written.

    \b
    yamkit models export yamnet --to onnx
    yamkit models export yamnet --to onnx --with-frontend -o yamnet-samples.onnx
    yamkit models export yamnet --to tflite
    """
    from yamkit._util.signals import Interruptions
    from yamkit._util.text import printable
    from yamkit.export import REFERENCE, export_model
    from yamkit.models.store import find_model

    bundle = find_model(name)
    steps = Steps(f"exporting {printable(bundle.name)}")
    with Interruptions(), showing(steps.standing):
        done = export_model(
            bundle,
            form,
            output or Path(f"{bundle.name}.{form}"),
            with_frontend=with_frontend,
            replace=replace,
        )
    click.echo(
        f"{printable(done.path)}: {done.size_bytes / 1e6:.1f} MB; largest difference from the "
        f"{REFERENCE} backend over {done.patches} patches: scores {done.score_difference:.1e}, "
        f"embeddings {done.embedding_difference:.1e}"
    )


@models.command()
@click.argument("names", nargs=-1, metavar="[NAME|FOLDER]...", shell_complete=_complete.models())
@click.pass_context
def verify(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Check every hash and every weight of the models named, or of all.

    All are checked; the exit code is 1 when one fails.
    """
    from yamkit._util.text import path_to_text, printable
    from yamkit.errors import ModelError
    from yamkit.models.store import built_in, find_model, installed, unforeseen

    def problem(place: str | Path) -> str | None:
        try:
            find_model(place).verify()
        except ModelError as error:
            return str(error)
        except Exception as error:
            return unforeseen(place, error)
        return None

    if names:
        found = [(name, problem(name)) for name in names]
    else:
        rows = (*built_in(), *installed())
        found = [(row.name, row.problem or problem(row.folder)) for row in rows]
    for name, reason in found:
        click.echo(
            f"{printable(path_to_text(name))}: {f'FAIL: {printable(reason)}' if reason else 'ok'}"
        )
    if any(reason for _, reason in found):
        ctx.exit(1)


@models.command()
@click.argument("name", shell_complete=_complete.models(removable=True))
def remove(name: str) -> None:
    """Remove an installed model, sound or broken. It does not ask."""
    from yamkit._util.text import path_to_text, printable
    from yamkit.models.store import remove_model

    folder = remove_model(name).parent
    click.echo(f"removed {printable(path_to_text(name))} from {printable(folder)}")


def _name_of(file: Path) -> str:
    import re

    from yamkit._util.text import printable

    name = re.sub(r"[^a-z0-9._-]+", "-", file.stem.lower()).strip("-._")[:64]
    if not name:
        raise click.UsageError(
            f"{printable(file)}: no name can be made of this; give one with --name NAME"
        )
    return name


def _kind_of(file: Path) -> str | None:
    """Find the kind of network that a suffix stands for, if a plugin's backend runs it."""
    from yamkit.plugin import BackendInfo
    from yamkit.registry import registry

    infos = (plugin.info for plugin in registry().plugins)
    kinds = {kind for info in infos if isinstance(info, BackendInfo) for kind in info.networks}
    suffix = file.suffix.lower().removeprefix(".")
    return suffix if suffix in kinds - _OF_WEIGHTS else None


def _try(bundle: ModelBundle) -> None:
    """Run a network that comes in a file; of weights the shapes were checked."""
    if bundle.network.kind != "mobilenet-v1":
        from yamkit.pipeline.trial import try_network

        try_network(bundle)


def _size_bytes(bundle: ModelBundle) -> int:
    return sum((bundle.folder / name).stat().st_size for name in bundle.files)


def _cost(bundle: ModelBundle) -> dict[str, int] | None:
    """Count weights and multiplications; None for a network that is not described in yamkit."""
    from yamkit.networks import mobilenet_v1, multiplications, parameter_count
    from yamkit.types import LogMelSpec

    features = bundle.features
    if bundle.network.kind != "mobilenet-v1" or not isinstance(features, LogMelSpec):
        return None
    layers, classes = mobilenet_v1(bundle.network.width), len(bundle.classes)
    return {
        "parameters": parameter_count(layers, classes),
        "multiplications_per_patch": multiplications(layers, features.patch_shape, classes),
    }


def _list_entry(row: InstalledModel) -> dict[str, Any]:
    from yamkit._util.text import printable

    bundle = row.bundle
    return {
        "name": printable(row.name),
        "folder": printable(row.folder),
        "state": "broken" if bundle is None else "ok",
        "built_in": row.is_built_in,
        "problem": row.problem or "",
        "version": None if bundle is None else bundle.version,
        "classes": None if bundle is None else len(bundle.classes),
        "network": None if bundle is None else bundle.network.kind,
        "size_bytes": None if bundle is None else _size_bytes(bundle),
        "sha256": None if bundle is None else bundle.sha256,
    }


def _info_entry(bundle: ModelBundle) -> dict[str, Any]:
    from dataclasses import asdict

    from yamkit._util.text import printable

    return {
        "schema": "yamkit-model/1",
        "name": bundle.name,
        "version": bundle.version,
        "licence": bundle.licence,
        "source": bundle.source,
        "source_sha256": bundle.source_sha256,
        "sha256": bundle.sha256,
        "folder": printable(bundle.folder),
        "size_bytes": _size_bytes(bundle),
        "classes": len(bundle.classes),
        "cost": _cost(bundle),
        "network": asdict(bundle.network),
        "features": asdict(bundle.features),
        "files": dict(bundle.files),
    }


def _print_json(value: object) -> None:
    import json

    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _print_installed(bundle: ModelBundle) -> None:
    from yamkit._util.text import printable

    cost = _cost(bundle)
    weights = f"{cost['parameters'] / 1e6:.2f} M weights, " if cost is not None else ""
    count = len(bundle.classes)
    classes = f"{count} class{'es' if count != 1 else ''}"
    click.echo(f"installed {bundle.name} ({weights}{classes}) in {printable(bundle.folder)}")
