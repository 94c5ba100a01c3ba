"""The command: options, and the steps of a training in order."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import torch
from filelock import FileLock, Timeout

from training.bundle import check_export, export
from training.prepare import prepare
from training.recipe import read_recipe
from training.run import Material, check_initial, train
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
    help="Folder for samples, checkpoint and log; the training continues from a checkpoint in it.",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the bundle; must not exist.",
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
    help="Threads of the training.",
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
def main(**options: Any) -> None:
    """Train a small network to agree with a large one, as RECIPE states it.

    An interrupted training continues from its last checkpoint when the same command runs again.
    """
    try:
        _run(_Options(**options))
    except (YamkitError, OSError) as error:
        raise click.ClickException(str(error)) from error


@dataclass(frozen=True)
class _Options:
    """The command's arguments and options."""

    recipe: Path
    audio: Path
    index: Path | None
    teacher: str
    initial: str | None
    work: Path
    output: Path
    changes: tuple[str, ...]
    threads: int
    workers: int
    every: int


def _run(options: _Options) -> None:
    work, output = options.work, options.output
    for change in options.changes:
        if "=" not in change:
            raise click.UsageError(f"--set {change}: must be KEY=VALUE")
    if output.exists() or output.resolve() == work.resolve():
        raise ModelExistsError(f"{output} exists; choose another --output folder")
    recipe = read_recipe(options.recipe, dict(each.split("=", 1) for each in options.changes))
    teacher = find_model(options.teacher)
    check_export(recipe, teacher, output)
    initial = None if options.initial is None else find_model(options.initial)
    if initial is not None:
        check_initial(initial, recipe, teacher)
    _keep_freed_memory()
    torch.set_num_threads(options.threads)
    torch.use_deterministic_algorithms(True)
    with Interruptions(), _only_one(work):
        with contextlib.closing(open_teacher(teacher, options.threads)) as pipeline:
            samples = work / "sounds.i16"
            mixer, validation = prepare(
                recipe, options.audio, options.index, pipeline, samples, _say
            )
        shards, sounds_sha256 = Shards(mixer, teacher, recipe), mixer.sounds.sha256
        weights = train(
            recipe,
            Material(shards, validation, teacher, sounds_sha256, initial),
            work,
            workers=options.workers,
            every=options.every,
            notes={
                "commit": _commit(),
                "arguments": sys.argv[1:],
                "teacher": {"name": teacher.name, "sha256": teacher.sha256},
                "initial": initial and {"name": initial.name, "sha256": initial.sha256},
            },
            say=_say,
        )
        bundle = export(weights, recipe, teacher, output)
    _say(f"{bundle.name}, SHA-256 {bundle.sha256}, in {output}")


@contextlib.contextmanager
def _only_one(work: Path) -> Iterator[None]:
    """Prevent two trainings from writing to one folder."""
    work.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(work / "lock", blocking=False):
            yield
    except Timeout:
        raise ParameterError(
            f"{work}: another training uses it; choose another --work folder"
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
    """Make glibc keep large blocks that are freed, since every step allocates the same ones.

    Otherwise a third of the time is spent on pages that the kernel clears.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            trim_threshold, mmap_threshold = -1, -3
            mallopt(mmap_threshold, 1 << 30)
            mallopt(trim_threshold, (1 << 31) - 1)
