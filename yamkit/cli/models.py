"""``yamkit models``: list, describe, verify and remove models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from yamkit.cli import _complete
from yamkit.cli._help import Group
from yamkit.cli._models_files import export, import_command, pull
from yamkit.cli._settings import JSON

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["models"]


@click.group(cls=Group)
def models() -> None:
    """Manage models: list, import, export, download, verify, remove.

    A model is a folder: model.toml, a class map, and weights or a network file. yamnet-mini comes
    with yamkit; other models are installed in $YAMKIT_HOME/models, or in the data folder of your
    platform. If you name no model, commands use the one in the environment variable YAMKIT_MODEL,
    else yamnet if it is installed, else yamnet-mini.

    \b
    yamkit models pull yamnet
    yamkit models import yamnet.h5 --name yamnet
    yamkit models info yamnet
    """


@models.command("list")
@click.option("--json", "as_json", **JSON)
def list_models(as_json: bool) -> None:
    """List the models that come with yamkit and the installed ones.

    Broken models are listed with the reason. Files are not hashed; `yamkit models verify` does
    that.
    """
    from yamkit._util.text import printable
    from yamkit.models.facts import listing_dict, size_bytes
    from yamkit.models.store import built_in, installed

    rows = [*built_in(), *installed()]
    if as_json:
        _print_json({"schema": "yamkit-models/1", "models": [listing_dict(row) for row in rows]})
        return
    table = [("NAME", "VERSION", "CLASSES", "NETWORK", "SIZE", "STATE")]
    for row in rows:
        bundle = row.bundle
        if bundle is None:
            problem = f"broken: {printable(row.problem or '')}"
            table.append((printable(row.name), "-", "-", "-", "-", problem))
            continue
        size = f"{size_bytes(bundle) / 1e6:.1f} MB"
        count = str(len(bundle.classes))
        state = "ok, comes with yamkit" if row.is_built_in else "ok"
        table.append((row.name, bundle.version, count, bundle.network.kind, size, state))
    widths = [max(len(line[column]) for line in table) for column in range(5)]
    for line in table:
        cells = [cell.ljust(width) for cell, width in zip(line[:5], widths, strict=True)]
        click.echo("  ".join([*cells, line[5]]))


@models.command()
@click.argument("name", metavar="NAME|FOLDER", shell_complete=_complete.models())
@click.option("--json", "as_json", **JSON)
def info(name: str, as_json: bool) -> None:
    """Describe a model: size, cost, licence, source, hashes.

    \b
    yamkit models info yamnet
    yamkit models info ./my-model --json
    """
    from yamkit.models.facts import model_dict
    from yamkit.models.store import find_model

    entry = model_dict(find_model(name))
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
    _print_columns(lines)
    for title in ("network", "features", "files"):
        click.echo(f"\n{title}")
        _print_columns(entry[title].items(), "  ")


@models.command()
@click.argument("names", nargs=-1, metavar="[NAME|FOLDER]...", shell_complete=_complete.models())
@click.pass_context
def verify(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Check every hash and every weight of some models, or of all.

    The exit code is 1 if one fails; the others are still checked.
    """
    from yamkit._util.text import path_to_text, printable
    from yamkit.models.facts import problem_of
    from yamkit.models.store import built_in, installed

    if names:
        found = [(name, problem_of(name)) for name in names]
    else:
        rows = (*built_in(), *installed())
        found = [(row.name, row.problem or problem_of(row.folder)) for row in rows]
    for name, problem in found:
        verdict = f"FAIL: {printable(problem)}" if problem else "ok"
        click.echo(f"{printable(path_to_text(name))}: {verdict}")
    if any(problem for _, problem in found):
        ctx.exit(1)


@models.command()
@click.argument("name", shell_complete=_complete.models(removable=True))
def remove(name: str) -> None:
    """Remove an installed model, sound or broken, without asking."""
    from yamkit._util.text import path_to_text, printable
    from yamkit.models.store import remove_model

    folder = remove_model(name).parent
    click.echo(f"removed {printable(path_to_text(name))} from {printable(folder)}")


for _command in (import_command, pull, export):
    models.add_command(_command)


def _print_columns(rows: Iterable[tuple[str, object]], indent: str = "") -> None:
    rows = list(rows)
    width = max(len(title) for title, _ in rows) + 2
    for title, value in rows:
        click.echo(f"{indent}{title:{width}}{value}")


def _print_json(value: Mapping[str, object]) -> None:
    import json

    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
