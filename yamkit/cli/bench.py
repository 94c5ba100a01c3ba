"""``yamkit bench``: how fast models run on this machine."""

from __future__ import annotations

import importlib.util
import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from yamkit._util.bounds import MAX_BATCH_SIZE
from yamkit.cli import _complete
from yamkit.cli._help import Command
from yamkit.cli._model import FRONTEND, MODEL, PROVIDER, choose_model
from yamkit.cli._notes import note_options
from yamkit.cli._runner import JOBS, THREADS, allocate_cores
from yamkit.cli._settings import JSON, option, repeated, with_settings
from yamkit.cli._values import PATH, Real, Whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from yamkit.bench import Case, Result
    from yamkit.cli._runner import CoreAllocation
    from yamkit.models import ModelBundle

__all__ = ["bench"]


@dataclass(frozen=True)
class BenchSettings:
    """The options of ``yamkit bench``."""

    models: tuple[str, ...] = option("--model", section="What is measured", **repeated(MODEL))
    backends: tuple[str, ...] = option(
        "--backend",
        multiple=True,
        shell_complete=_complete.plugins("backend"),
        help="Backend; may be repeated.  [default: all that can run the model here]",
    )
    frontend: str | None = option("--frontend", **FRONTEND)
    provider: str = option("--provider", **PROVIDER)
    batch_sizes: tuple[int, ...] = option(
        "--batch-size",
        type=Whole(1, MAX_BATCH_SIZE),
        multiple=True,
        default=(1, 16),
        show_default=True,
        help="Patches per network call; may be repeated.",
    )
    jobs: int | None = option("--jobs", **JOBS)
    threads: int | None = option("--threads", **THREADS)
    seconds: float = option(
        "--seconds",
        section="How it is measured",
        type=Real(1, 86_400),
        default=120.0,
        show_default=True,
        help="Seconds of audio per round.",
    )
    rounds: int = option(
        "--rounds",
        type=Whole(1, 1000),
        default=3,
        show_default=True,
        help="Number of measurements of each combination.",
    )
    as_json: bool = option("--json", section="Output", **JSON)
    picture: Path | None = option(
        "--plot", type=PATH, help="Draw a chart of patches per second, as a PNG file."
    )

    def cases(self, bundles: Sequence[ModelBundle], cores: CoreAllocation) -> list[Case]:
        """Return every combination that is measured."""
        from yamkit.bench import Case
        from yamkit.pipeline.fit import default_parts, fitting

        return [
            Case(
                str(bundle.folder),
                backend,
                self.frontend or default_parts(bundle)[0],
                self.provider,
                size,
                cores.jobs,
                cores.threads,
                self.seconds,
            )
            for bundle in bundles
            for backend in self.backends or fitting(bundle)[1]
            for size in dict.fromkeys(self.batch_sizes)
        ]


@click.command(cls=Command)
@with_settings(BenchSettings)
@note_options()
@click.pass_context
def bench(ctx: click.Context, settings: BenchSettings) -> None:
    """Measure speed, delay and memory on this machine.

    Each combination of model, backend and batch size runs once per round, in a new process; the
    figures are medians over the rounds. Front end and network process generated noise: decoding and
    resampling of files are not included.

    \b
    first result  time from the start of a process to its first scores
    memory        peak memory of the process
    """
    from yamkit.bench import engines_of, machine, measure, plot
    from yamkit.cli._progress import show_steps
    from yamkit.errors import MissingRequirementError, OutputError

    if settings.picture is not None and importlib.util.find_spec("matplotlib") is None:
        raise MissingRequirementError("--plot requires matplotlib: pip install 'yamkit[plots]'")
    cores = allocate_cores(settings.jobs, settings.threads)
    bundles = [choose_model(name) for name in settings.models or (None,)]
    cases = settings.cases(bundles, cores)
    engines = engines_of(cases)
    counted, total = itertools.count(1), len(cases) * settings.rounds
    with show_steps("measuring") as update:
        update(0, total)
        results = measure(cases, settings.rounds, lambda: update(next(counted), total))
    facts = {**machine(engines), "jobs": cores.jobs, "threads": cores.threads}
    names = {str(bundle.folder): bundle.name for bundle in bundles}
    if settings.as_json:
        click.echo(json.dumps(_document(facts, names, results), indent=2))
    else:
        _print_table(facts, names, results)
    if settings.picture is not None:
        try:
            plot(results, settings.picture)
        except OSError as error:
            raise OutputError(f"cannot write {settings.picture}: {error.strerror}") from None
    if any(result.error for result in results):
        ctx.exit(1)


def _document(
    facts: dict[str, Any], names: dict[str, str], results: Sequence[Result]
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
    return {"schema": "yamkit-bench/1", "machine": facts, "results": rows}


def _print_table(facts: dict[str, Any], names: dict[str, str], results: Sequence[Result]) -> None:
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    threads = facts["threads"] or "the engine's choice of"
    click.echo(
        f"{facts['processor']}, {facts['cores']} cores; {facts['system']}, Python "
        f"{facts['python']}; {versions}\n{facts['jobs']} jobs, {threads} threads each\n"
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
