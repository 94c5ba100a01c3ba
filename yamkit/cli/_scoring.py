"""Scoring a labelled set, with a bar where somebody watches."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from yamkit._text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from yamkit.evaluation.labels import LabelledSet
    from yamkit.evaluation.scoring import Scores
    from yamkit.plugin import Runner
    from yamkit.tagger import Tagger

__all__ = ["score"]


def score(
    labelled: LabelledSet,
    folder: Path,
    tagger: Tagger,
    file: Path | None,
    strict: bool,
    runner: Runner,
) -> Scores:
    """Score the clips of a set; an interruption keeps what was scored in the journal."""
    from yamkit._signals import Interruptions
    from yamkit.evaluation import score_set

    with Interruptions(), _progress(f"{printable(tagger.model.name)} {tagger.backend}") as progress:
        return score_set(
            labelled, folder, tagger, file, strict=strict, runner=runner, progress=progress
        )


@contextlib.contextmanager
def _progress(title: str) -> Iterator[Callable[[int, int], object] | None]:
    """Show a bar with the time that is left, where somebody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
