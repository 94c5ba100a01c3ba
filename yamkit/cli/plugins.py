"""``yamkit plugins``: list plugins, check one, and make a new one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from yamkit.cli import _complete
from yamkit.cli._help import Group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yamkit.registry import Plugin
    from yamkit.testing import Check

__all__ = ["KINDS", "plugins"]

KINDS = ("backend", "frontend", "label-reader", "resampler", "runner", "sink")
"""Kinds of plugin as options name them: `--help` imports no registry to list them."""


@click.group(cls=Group, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def plugins(ctx: click.Context, as_json: bool) -> None:
    """List, check and create plugins.

    A plugin is a front end, a backend, a resampler, a sink, a label reader or a runner.

    \b
    yamkit plugins
    yamkit plugins new yamkit-mine --kind backend
    yamkit plugins check mine

    The environment variable YAMKIT_PLUGINS selects plugins by entry point or distribution. A
    comma-separated list loads only those (yamkit itself is one: YAMKIT_PLUGINS=yamkit,yamkit-mine);
    a leading '-' excludes one (YAMKIT_PLUGINS=-yamkit-mine).
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_plugins, as_json=as_json)


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_plugins(as_json: bool = False) -> None:
    """List every plugin with its state, including broken ones.

    \b
    ready    can be used
    missing  needs packages that are not installed; the note has the pip command
    clash    another distribution offers the same name
    broken   cannot be loaded; the note has the reason
    off      switched off by YAMKIT_PLUGINS
    """
    import json

    from yamkit._util.text import printable
    from yamkit.registry import registry

    rows = registry().plugins
    if as_json:
        document = {"schema": "yamkit-plugins/1", "plugins": list(map(_plugin_fields, rows))}
        click.echo(json.dumps(document, indent=2))
        return
    table = [("HOOK", "NAME", "STATE", "DISTRIBUTION", "NOTE")]
    for row in sorted(rows, key=lambda row: (row.hook, row.name)):
        note = row.reason or (row.info.summary if row.info is not None else "")
        name = row.name or f"({row.entry_point})"
        origin = f"{row.distribution} {row.version}"
        name, origin, note = map(printable, (name, origin, note))
        table.append((row.hook or "-", name, row.state, origin, note))
    _print_table(table)


@plugins.command()
@click.argument("name", shell_complete=_complete.plugins())
@click.option(
    "--kind",
    metavar="KIND",
    help="Kind of the plugin, if plugins of several kinds have the name.",
    shell_complete=_complete.words(*KINDS),
)
@click.option(
    "--model",
    metavar="NAME|FOLDER",
    help="Model that a backend runs.  [default: yamnet-mini]",
    shell_complete=_complete.models(),
)
@click.option(
    "--golden",
    is_flag=True,
    help="The model is yamnet-mini in another format: compare its scores.",
)
@click.option(
    "--example",
    type=click.Path(path_type=Path, exists=True),
    metavar="LIST",
    help="List that a label reader reads.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check(
    ctx: click.Context,
    name: str,
    kind: str | None,
    model: str | None,
    golden: bool,
    example: Path | None,
    as_json: bool,
) -> None:
    """Check that an installed plugin keeps the contract of its kind.

    \b
    pass      the plugin does what the contract requires
    fail      it does not; the note says what was found and what was expected
    expected  the plugin's contract expects this failure; the note has the reason
    skip      the check does not apply; the note has the reason

    The exit code is 1 if a check fails or the plugin cannot be opened.

    \b
    yamkit plugins check mine
    yamkit plugins check mine --model ./my-model
    yamkit plugins check litert --model mini-tflite --golden
    yamkit plugins check my-lists --example labels.txt
    """
    from yamkit.models.store import find_model
    from yamkit.testing import run_contract
    from yamkit.testing.lookup import find_contract

    contract = find_contract(name, kind)
    options = {"model": model, "example": example}
    given: dict[str, object] = {key: value for key, value in options.items() if value is not None}
    for key in given:
        if not hasattr(contract, key):
            raise click.UsageError(f"--{key} does not apply to a {contract.kind}")
    if model is not None:
        find_model(model)  # an unknown model is an error of the command, not of the plugin
        given["is_golden"] = golden or model == "yamnet-mini"
    if given:
        contract = type(contract.__name__, (contract,), given)
    checks = list(run_contract(contract))
    _print_checks(name, contract.kind, checks, as_json=as_json)
    if any(c.state == "fail" or (c.name, c.state) == ("opens", "skip") for c in checks):
        ctx.exit(1)


@plugins.command()
@click.argument("distribution")
@click.option(
    "--kind",
    required=True,
    metavar="KIND",
    shell_complete=_complete.words(*KINDS),
    help=f"Kind of the plugin: {', '.join(KINDS[:-1])} or {KINDS[-1]}.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=".",
    metavar="FOLDER",
    help="Folder to make it in.  [default: this one]",
)
def new(distribution: str, kind: str, output: Path) -> None:
    """Create a plugin that installs, runs and passes its tests.

    It is a distribution in its own folder. DISTRIBUTION is its name, such as yamkit-mine; the
    plugin has that name without yamkit-.

    \b
    yamkit plugins new yamkit-mine --kind backend
    pip install ./yamkit-mine
    yamkit plugins check mine
    """
    from yamkit._util.text import printable
    from yamkit.cli._new_plugin import new_plugin

    folder = new_plugin(distribution, kind, output)
    name = distribution.removeprefix("yamkit-")
    # pip takes a name without a dot or slash for one of its index
    shown = printable(folder if folder.is_absolute() else f"./{folder}")
    click.echo(f"made {shown}; next: pip install {shown} && yamkit plugins check {name}")


def _plugin_fields(row: Plugin) -> dict[str, str]:
    return {
        "hook": row.hook,
        "kind": row.kind,
        "name": row.name,
        "distribution": row.distribution,
        "version": row.version,
        "entry_point": row.entry_point,
        "state": row.state,
        "reason": row.reason,
        "summary": row.info.summary if row.info is not None else "",
    }


def _print_checks(name: str, kind: str, checks: list[Check], *, as_json: bool) -> None:
    import json

    from yamkit._util.text import printable

    if as_json:
        rows = [{"check": c.name, "result": c.state, "note": c.note} for c in checks]
        head = {"schema": "yamkit-plugin-check/1", "kind": kind, "name": name}
        click.echo(json.dumps({**head, "checks": rows}, indent=2))
        return
    table = [("CHECK", "RESULT", "NOTE")]
    for each in checks:
        note = printable(" ".join(each.note.split()))
        table.append((each.name.replace("_", " "), each.state, note))
    _print_table(table)
    click.echo(f"{kind} {name}: {_counted(checks)}")


def _counted(checks: list[Check]) -> str:
    states = [check.state for check in checks]
    words = {
        "pass": "passed",
        "fail": "failed",
        "expected": "failed as expected",
        "skip": "skipped",
    }
    return ", ".join(f"{states.count(s)} {word}" for s, word in words.items() if s in states)


def _print_table(table: Sequence[tuple[str, ...]]) -> None:
    """Print columns; on a terminal the last one is wrapped."""
    import shutil
    import sys
    import textwrap

    last = len(table[0]) - 1
    widths = [max(len(line[column]) for line in table) for column in range(last)]
    indent = sum(widths) + 2 * len(widths)
    room = shutil.get_terminal_size().columns - indent if sys.stdout.isatty() else 0
    for line in table:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        notes = textwrap.wrap(line[last], room) if room >= 20 else [line[last]]
        click.echo("  ".join([*cells, *notes[:1]]).rstrip())
        for more in notes[1:]:
            click.echo(" " * indent + more)
