"""``yamkit plugins``: what is installed and what is wrong with it; new ones, and their checks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from yamkit.cli import _complete
from yamkit.cli._help import Group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yamkit.testing import Check, PluginContract

__all__ = ["plugins"]

_KINDS = ("backend", "frontend", "label-reader", "resampler", "runner", "sink")


@click.group(cls=Group, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def plugins(ctx: click.Context, as_json: bool) -> None:
    """List, check and begin plugins.

    They are front ends, backends, resamplers, sinks, label readers and runners.

    \b
    yamkit plugins
    yamkit plugins new yamkit-mine --kind backend
    yamkit plugins check mine

    The environment variable YAMKIT_PLUGINS selects them: a comma-separated list of entry points or
    distributions loads those alone (yamkit itself is one: YAMKIT_PLUGINS=yamkit,yamkit-mine), and
    with a leading '-' leaves them out (YAMKIT_PLUGINS=-yamkit-mine).
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_plugins, as_json=as_json)


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_plugins(as_json: bool = False) -> None:
    """List every plugin with its state, broken ones included.

    \b
    ready    can be used
    missing  needs packages that are not installed; the pip command stands beside
    clash    another distribution offers the same name
    broken   cannot be loaded; the reason stands beside
    off      switched off by YAMKIT_PLUGINS
    """
    import json

    from yamkit.registry import registry

    rows = registry().plugins
    if as_json:
        fields = [
            {
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
            for row in rows
        ]
        click.echo(json.dumps({"schema": "yamkit-plugins/1", "plugins": fields}, indent=2))
        return
    from yamkit._util.text import printable

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
    help="Where plugins of several kinds have the name.",
    shell_complete=_complete.words(*_KINDS),
)
@click.option(
    "--model",
    metavar="NAME|FOLDER",
    help="Model that a backend runs.  [default: yamnet-mini]",
    shell_complete=_complete.models(),
)
@click.option(
    "--golden", is_flag=True, help="The model is yamnet-mini in another form: compare its scores."
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
    """Check that an installed plugin keeps what its kind promises.

    \b
    pass      what is promised was seen
    fail      something else was seen; what was wanted stands beside
    expected  the plugin says that it fails, and why
    skip      it cannot be told; the reason stands beside

    The exit code is 1 where a check fails, or the plugin cannot be opened at all.

    \b
    yamkit plugins check mine
    yamkit plugins check mine --model ./my-model
    yamkit plugins check litert --model mini-tflite --golden
    yamkit plugins check my-lists --example labels.txt
    """
    import json

    from yamkit._util.text import printable
    from yamkit.models.store import find_model
    from yamkit.testing import run_contract

    contract = _contract(name, kind)
    more = {"model": model, "example": example}
    given: dict[str, object] = {key: value for key, value in more.items() if value is not None}
    for key in given:
        if not hasattr(contract, key):
            raise click.UsageError(f"--{key}: a {contract.kind} has none")
    if model is not None:
        find_model(model)  # one that is not there is no fault of the plugin
        given["is_golden"] = golden or model == "yamnet-mini"
    if given:
        contract = type(contract.__name__, (contract,), given)
    checks = list(run_contract(contract))
    if as_json:
        rows = [{"check": c.name, "result": c.state, "note": c.note} for c in checks]
        head = {"schema": "yamkit-plugin-check/1", "kind": contract.kind, "name": name}
        click.echo(json.dumps({**head, "checks": rows}, indent=2))
    else:
        table = [("CHECK", "RESULT", "NOTE")]
        notes = (printable(" ".join(each.note.split())) for each in checks)
        table += [
            (each.name.replace("_", " "), each.state, note)
            for each, note in zip(checks, notes, strict=True)
        ]
        _print_table(table)
        click.echo(f"{contract.kind} {name}: {_counted(checks)}")
    if any(c.state == "fail" or (c.name, c.state) == ("opens", "skip") for c in checks):
        ctx.exit(1)


@plugins.command()
@click.argument("distribution")
@click.option(
    "--kind",
    required=True,
    metavar="KIND",
    shell_complete=_complete.words(*(kind for kind in _KINDS if kind != "resampler")),
    help="backend, frontend, label-reader, runner or sink.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=".",
    metavar="FOLDER",
    help="Folder to make it in.  [default: this one]",
)
def new(distribution: str, kind: str, output: Path) -> None:
    """Begin a plugin that installs, runs and passes its tests.

    It becomes a distribution in a folder of its own. DISTRIBUTION is its name, such as yamkit-mine;
    the plugin's is that without yamkit-.

    \b
    yamkit plugins new yamkit-mine --kind backend
    pip install ./yamkit-mine
    yamkit plugins check mine
    """
    from yamkit._util.text import printable
    from yamkit.templates import new_plugin

    folder = new_plugin(distribution, kind.replace(" ", "-"), output)
    name = distribution.removeprefix("yamkit-")
    # with a dot before it, as pip looks a bare name up in an index
    shown = printable(folder if folder.is_absolute() else f"./{folder}")
    click.echo(f"made {shown}; next: pip install {shown} && yamkit plugins check {name}")


def _contract(name: str, kind: str | None) -> type[PluginContract]:
    """Find the contract of a plugin: its own, or that of its kind."""
    from yamkit._util.text import described
    from yamkit.errors import BrokenPluginError, ParameterError, UnknownPluginError
    from yamkit.registry import import_entrance, registry
    from yamkit.testing import CONTRACTS, PluginContract

    if kind is not None and kind.replace("-", " ") not in CONTRACTS:
        raise ParameterError(f"kind {kind!r}: wanted one of {', '.join(CONTRACTS)}")
    kinds = CONTRACTS if kind is None else [kind.replace("-", " ")]
    found = []
    for each in kinds:
        base: type[PluginContract] = type(name, (CONTRACTS[each],), {"plugin": name})
        if offers := base.found():
            found.append((base, offers[0][1]))
    if len(found) > 1:
        raise ParameterError(
            f"{name!r} is a {' and a '.join(base.kind for base, _ in found)}; say which with --kind"
        )
    if not found:
        broken = [f"{p.distribution}: {p.reason}" for p in registry().plugins if not p.name]
        names = sorted({p.name for p in registry().plugins if p.name and p.kind in kinds})
        raise UnknownPluginError(
            f"no {kind or 'plugin'} {name!r} is installed; there are: {', '.join(names)}"
            + "".join(f"; broken is {reason}" for reason in broken)
        )
    base, info = found[0]
    if not info.contract:
        return base
    try:
        own = import_entrance(info.contract)
    except Exception as error:
        raise BrokenPluginError(
            f"contract {info.contract!r} of {name!r}: {described(error)}"
        ) from None
    if not (isinstance(own, type) and issubclass(own, PluginContract)):
        raise BrokenPluginError(f"contract {info.contract!r} of {name!r} is no PluginContract")
    return own


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
    """Print columns, the last one wrapped where somebody watches."""
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
