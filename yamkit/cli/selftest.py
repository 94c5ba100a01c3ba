"""``yamkit selftest``: checks an installation."""

from __future__ import annotations

import click

from yamkit.cli._help import Command
from yamkit.cli._model import MODEL, choose_model
from yamkit.cli._notes import note_options

__all__ = ["selftest"]


@click.command(cls=Command)
@click.option("--model", **MODEL)
@note_options()
@click.pass_context
def selftest(ctx: click.Context, model: str | None) -> None:
    """Check this installation with signals of known classes.

    Silence, white noise and a sine wave go through each installed front end with each backend. The
    expected class (Silence, White noise, Sine wave) must be among the ten highest, and the scores
    of all combinations must agree. The exit code is 1 if a check fails.
    """
    from yamkit.cli._progress import show_steps
    from yamkit.selftest import LARGEST_DIFFERENCE, run_selftest

    bundle = choose_model(model)
    click.echo(f"model {bundle.name} {bundle.version}, {len(bundle.classes)} classes")
    with show_steps("testing"):
        report = run_selftest(bundle)
    for skipped in report.skipped:
        click.echo(f"skipped: {skipped}")
    for result in report.results:
        verdict = "ok  " if result.passed else "FAIL"
        place = f"place {result.place}" if result.place else "not in the class map"
        tags = "; ".join(f"{tag.name} {tag.score:.3f}" for tag in result.tags[:3])
        click.echo(
            f"{verdict}  {result.frontend:10} {result.backend:8} {result.signal:12} "
            f"{place:8}  {tags}"
        )
    for failure in report.failures:
        click.echo(f"FAIL  {failure}")
    click.echo(
        f"largest difference between combinations: {report.difference:.1e} "
        f"(accepted: {LARGEST_DIFFERENCE:.0e})"
    )
    if not report.passed:
        ctx.exit(1)
