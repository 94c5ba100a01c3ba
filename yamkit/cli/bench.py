"""``yamkit bench``: how fast models run on this machine."""

from __future__ import annotations

import importlib.util
import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yamkit._util.bounds import MAX_BATCH_SIZE, MAX_THREADS
from yamkit.cli import _complete
from yamkit.cli._help import Command, section
from yamkit.cli._model import MODEL_HELP, choose_model
from yamkit.cli._notes import note_options
from yamkit.cli._progress import Steps, showing
from yamkit.cli._tagger import FRONTEND_HELP, allocate_cores
from yamkit.cli._values import Real, Whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yamkit.bench import Result

__all__ = ["bench"]


@click.command(cls=Command)
@section("What is measured")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME|FOLDER",
    help=MODEL_HELP.replace("  [", " May be repeated.  ["),
    shell_complete=_complete.models(),
)
@click.option(
    "--backend",
    "backends",
    multiple=True,
    help="Engine; may be repeated.  [default: all that run the model here]",
    shell_complete=_complete.plugins("backend"),
)
@click.option("--frontend", help=FRONTEND_HELP, shell_complete=_complete.plugins("frontend"))
@click.option("--provider", default="cpu", show_default=True, help="Where the network runs.")
@click.option(
    "--batch-size",
    "batch_sizes",
    type=Whole(1, MAX_BATCH_SIZE),
    multiple=True,
    default=(1, 16),
    show_default=True,
    help="Patches the network sees at once; may be repeated.",
)
@click.option("--jobs", type=Whole(1, MAX_THREADS), help="As for classify.")
@click.option("--threads", type=Whole(1, MAX_THREADS), help="As for classify.")
@section("How it is measured")
@click.option(
    "--seconds",
    type=Real(1, 86_400),
    default=120.0,
    show_default=True,
    help="Seconds of audio in a round.",
)
@click.option(
    "--rounds",
    type=Whole(1, 1000),
    default=3,
    show_default=True,
    help="How often each is measured.",
)
@section("Output")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--plot", "picture", type=click.Path(path_type=Path), help="Draw patches a second as PNG."
)
@note_options()
@click.pass_context
def bench(
    ctx: click.Context,
    /,
    models: tuple[str, ...],
    backends: tuple[str, ...],
    frontend: str | None,
    provider: str,
    batch_sizes: tuple[int, ...],
    jobs: int | None,
    threads: int | None,
    seconds: float,
    rounds: int,
    as_json: bool,
    picture: Path | None,
) -> None:
    """Measure speed, delay and memory on this machine.

    Every combination of model, backend and batch size runs in a fresh process, once a round, in
    turn with the others; figures are medians of the rounds. Front end and network are measured,
    on generated sound; a file's decoding and resampling come on top.

    \b
    first result  from the start of a process to its first scores
    memory        the most that the process held
    """
    from yamkit.bench import Case, machine, measure, plot
    from yamkit.errors import MissingRequirementError, OutputError
    from yamkit.pipeline.fit import default_parts, fitting
    from yamkit.registry import registry

    if picture is not None and importlib.util.find_spec("matplotlib") is None:
        raise MissingRequirementError("--plot needs matplotlib: pip install 'yamkit[plots]'")
    cores = allocate_cores(jobs, threads)
    bundles = [choose_model(name) for name in models or (None,)]
    cases = [
        Case(
            str(bundle.folder),
            backend,
            frontend or default_parts(bundle)[0],
            provider,
            size,
            cores.jobs,
            cores.threads,
            seconds,
        )
        for bundle in bundles
        for backend in backends or fitting(bundle)[1]
        for size in dict.fromkeys(batch_sizes)
    ]
    engines: list[str] = []
    for name in dict.fromkeys(case.backend for case in cases):
        info = registry().resolve("backend", name).info
        engines += info.requires if info is not None else ()
    steps = Steps("measuring")
    counted = itertools.count(1)
    total = len(cases) * rounds
    steps.update(0, total)
    with showing(steps.standing):
        results = measure(cases, rounds, lambda: steps.update(next(counted), total))
    about = {**machine(engines), "jobs": cores.jobs, "threads": cores.threads}
    names = {str(bundle.folder): bundle.name for bundle in bundles}
    if as_json:
        click.echo(json.dumps(_document(about, names, results), indent=2))
    else:
        _table(about, names, results)
    if picture is not None:
        try:
            plot(results, picture)
        except OSError as error:
            raise OutputError(f"cannot write {picture}: {error.strerror}") from None
    if any(result.error for result in results):
        ctx.exit(1)


def _document(
    about: dict[str, Any], names: dict[str, str], results: Sequence[Result]
) -> dict[str, Any]:
    rows = [
        {
            "model": names[result.case.model],
            "backend": result.case.backend,
            "batch_size": result.case.batch_size,
            "patches_per_second": result.patches_per_second,
            "times_real_time": result.times_real_time,
            "first_result_seconds": result.first_result_seconds,
            "peak_memory_mb": result.peak_memory_mb,
            **({"error": result.error} if result.error else {}),
        }
        for result in results
    ]
    return {"schema": "yamkit-bench/1", "machine": about, "results": rows}


def _table(about: dict[str, Any], names: dict[str, str], results: Sequence[Result]) -> None:
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    threads = about["threads"] or "the engine's choice of"
    click.echo(
        f"{about['processor']}, {about['cores']} cores; {about['system']}, Python "
        f"{about['python']}; {versions}\n{about['jobs']} jobs, {threads} threads each\n"
    )
    widths = [max(map(len, ["model", *names.values()])), max(len(r.case.backend) for r in results)]
    width, other = widths[0], max(widths[1], len("backend"))
    click.echo(
        f"{'model':{width}}  {'backend':{other}}  batch  patches/s  x real time  first result"
        "  memory"
    )
    for result in results:
        case = result.case
        head = f"{names[case.model]:{width}}  {case.backend:{other}}  {case.batch_size:5}"
        if result.error:
            click.echo(f"{head}  failed: {result.error}")
            continue
        memory = "-" if result.peak_memory_mb is None else f"{result.peak_memory_mb:.0f} MB"
        click.echo(
            f"{head}  {result.patches_per_second:9,.0f}  {result.times_real_time:11,.0f}"
            f"  {result.first_result_seconds:10.2f} s  {memory:>6}"
        )
