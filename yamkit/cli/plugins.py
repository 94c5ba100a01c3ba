"""``yamkit plugins``: what is installed, where it comes from, and what is wrong with it."""

from __future__ import annotations

import click

__all__ = ["plugins"]


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def plugins(ctx: click.Context, as_json: bool) -> None:
    """List the plugins: front ends, backends, resamplers, sinks, label readers, runners.

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
    import shutil
    import sys
    import textwrap

    from yamkit._registry import registry

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
    table = [("HOOK", "NAME", "STATE", "DISTRIBUTION", "NOTE")]
    for row in sorted(rows, key=lambda row: (row.hook, row.name)):
        note = row.reason or (row.info.summary if row.info is not None else "")
        name = row.name or f"({row.entry_point})"
        origin = f"{row.distribution} {row.version}"
        table.append((row.hook or "-", name, row.state, origin, note))
    widths = [max(len(line[column]) for line in table) for column in range(4)]
    indent = sum(widths) + 2 * len(widths)
    room = shutil.get_terminal_size().columns - indent if sys.stdout.isatty() else 0
    for line in table:
        cells = [cell.ljust(width) for cell, width in zip(line[:4], widths, strict=True)]
        notes = textwrap.wrap(line[4], room) if room >= 20 else [line[4]]
        click.echo("  ".join([*cells, *notes[:1]]).rstrip())
        for more in notes[1:]:
            click.echo(" " * indent + more)
