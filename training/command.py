"""The command: what the user says, put together."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import torch
from filelock import FileLock, Timeout

from training.bundle import check_export, export
from training.prepare import prepare
from training.recipe import read_recipe
from training.run import check_initial, train
from training.stream import Shards
from training.teacher import open_teacher
from yamkit._util.signals import Interruptions
from yamkit.errors import ModelExistsError, ParameterError, YamkitError
from yamkit.models.store import find_model

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["main"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@click.command(context_settings={"max_content_width": 100})
@click.argument("recipe", type=_FILE)
@click.option("--audio", required=True, type=_FOLDER, help="Folder of sound files.")
@click.option(
    "--index",
    type=_FILE,
    help="CSV with the columns file and repository, which is the collection.  [default: all files, "
    "by their first folder]",
)
@click.option("--teacher", required=True, metavar="NAME|FOLDER", help="Model to learn from.")
@click.option(
    "--initial",
    metavar="NAME|FOLDER",
    help="Model whose weights to start from, of the recipe's width.  [default: random weights]",
)
@click.option(
    "--work",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for samples, checkpoint and log; a checkpoint in it is gone on from.",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the bundle, to be made.",
)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change the recipe: training.steps=2000; may be repeated.",
)
@click.option(
    "--threads",
    default=_CORES,
    show_default=True,
    type=click.IntRange(1, 1024),
    help="Of the training.",
)
@click.option(
    "--workers",
    default=max(1, _CORES // 2),
    show_default=True,
    type=click.IntRange(0, 1024),
    help="Processes that make mixtures.",
)
@click.option(
    "--every",
    default=500,
    show_default=True,
    type=click.IntRange(1),
    help="Steps from one validation and checkpoint to the next.",
)
def main(
    recipe: Path,
    audio: Path,
    index: Path | None,
    teacher: str,
    initial: str | None,
    work: Path,
    output: Path,
    changes: tuple[str, ...],
    threads: int,
    workers: int,
    every: int,
) -> None:
    """Train a small network to say what a large one says of sounds, as RECIPE has it.

    Interrupted, it goes on from its last checkpoint when the same command is given again.
    """
    for change in changes:
        if "=" not in change:
            raise click.UsageError(f"--set {change}: wanted KEY=VALUE")
    try:
        if output.exists() or output.resolve() == work.resolve():
            raise ModelExistsError(f"{output} exists; name another folder for the bundle")
        plan = read_recipe(recipe, dict(change.split("=", 1) for change in changes))
        model = find_model(teacher)
        check_export(plan, model, output)
        start = None if initial is None else find_model(initial)
        if start is not None:
            check_initial(start, plan, model)
        _keep_freed_memory()
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True)
        with Interruptions(), _alone(work):
            with contextlib.closing(open_teacher(model, threads)) as pipeline:
                mixer, validation = prepare(plan, audio, index, pipeline, work / "sounds.i16", _say)
            weights = train(
                plan,
                Shards(mixer, model, plan),
                validation,
                model,
                mixer.sounds.sha256,
                work,
                initial=start,
                workers=workers,
                every=every,
                notes={
                    "commit": _commit(),
                    "arguments": sys.argv[1:],
                    "teacher": {"name": model.name, "sha256": model.sha256},
                    "initial": start and {"name": start.name, "sha256": start.sha256},
                },
                say=_say,
            )
            bundle = export(weights, plan, model, output)
    except (YamkitError, OSError) as error:
        raise click.ClickException(str(error)) from error
    _say(f"{bundle.name}, SHA-256 {bundle.sha256}, in {output}")


@contextlib.contextmanager
def _alone(work: Path) -> Iterator[None]:
    """Keep two trainings from writing into one folder."""
    work.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(work / "lock", blocking=False):
            yield
    except Timeout:
        raise ParameterError(
            f"{work}: another training is at work in it; name another --work folder"
        ) from None


def _say(text: str) -> None:
    click.echo(text, err=True)


def _commit() -> str:
    git = [
        "git",
        "-C",
        str(Path(__file__).parent),
        "describe",
        "--always",
        "--dirty",
        "--abbrev=40",
    ]
    try:
        done = subprocess.run(git, capture_output=True, text=True, check=True)  # noqa: S603
        return done.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _keep_freed_memory() -> None:
    """Have glibc keep large blocks that are freed: a step takes the same ones again and again.

    Without it a third of the time goes into pages that the kernel clears.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            trim_threshold, mmap_threshold = -1, -3
            mallopt(mmap_threshold, 1 << 30)
            mallopt(trim_threshold, (1 << 31) - 1)
