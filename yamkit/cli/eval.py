"""``yamkit eval``: a labelled set and a tagger in, the figures of the field out."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yamkit.cli._model import choose_model
from yamkit.cli._tagger import tagger_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from yamkit.evaluation.labels import LabelledSet
    from yamkit.evaluation.scoring import Scores

__all__ = ["evaluate"]

_PATH = click.Path(path_type=Path)


@click.command("eval")
@click.argument("labels", type=_PATH)
@click.option("--audio", type=_PATH, help="Folder of the clips.  [default: that of LABELS]")
@click.option("--layout", metavar="NAME", help="Label reader.  [default: the header tells]")
@click.option("--fold", "folds", multiple=True, help="Take this fold; may be repeated.")
@click.option("--split", "splits", multiple=True, help="Take this split; may be repeated.")
@click.option("--limit", type=click.IntRange(1), help="Take the first clips alone.")
@click.option(
    "--classes",
    multiple=True,
    metavar="NAME",
    help="Evaluate this class or category; may be repeated.  [default: all]",
)
@click.option(
    "--label-map",
    type=_PATH,
    help="CSV file category,mid or category,name: what a label means.  [default: yamkit's own for "
    "esc50, urbansound8k and fsd50k, else labels name classes]",
)
@click.option("--threshold", type=float, default=0.5, show_default=True, help="For F1.")
@click.option(
    "--bootstrap", type=click.IntRange(0), default=0, metavar="N", help="Intervals, of N resamples."
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the bootstrap."
)
@click.option(
    "--scores",
    "scores_file",
    type=_PATH,
    help="Keep the clips' scores in this file; an interrupted run goes on from it.  [default: in "
    "--report]",
)
@click.option(
    "--from-scores",
    "score_files",
    type=_PATH,
    multiple=True,
    help="Evaluate a file of --scores, without audio or model; may be repeated to compare.",
)
@click.option(
    "--report",
    "report_folder",
    type=_PATH,
    help="Folder for report.txt, report.json, classes.csv, the scores, and pictures where the "
    "extra plots is installed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--strict", is_flag=True, help="Fail when a clip is missing or cannot be scored.")
@tagger_options(several=True)
@click.pass_context
def evaluate(
    ctx: click.Context,
    /,
    labels: Path,
    audio: Path | None,
    layout: str | None,
    folds: tuple[str, ...],
    splits: tuple[str, ...],
    limit: int | None,
    classes: tuple[str, ...],
    label_map: Path | None,
    threshold: float,
    bootstrap: int,
    seed: int,
    scores_file: Path | None,
    score_files: tuple[Path, ...],
    report_folder: Path | None,
    as_json: bool,
    strict: bool,
    **parts: Any,
) -> None:
    """Measure a tagger on a labelled set: LABELS is a list of clips, or a folder a class.

    \b
    Examples:
      yamkit eval esc50.csv --audio audio/ --fold 1 --report report/
      yamkit eval esc50.csv --audio audio/ --backend onnx --backend numpy --bootstrap 1000
      yamkit eval esc50.csv --from-scores report/scores.npz

    Layouts: AudioSet segments, FSD50K, ESC-50, UrbanSound8K, DCASE weak labels, a folder a class,
    and any CSV file with the columns path and labels (with ; between labels).

    A clip that is missing or fails is counted and named, and the figures are of the others; with
    --strict the exit code is 1.
    """
    from yamkit.evaluation import evaluate_scores
    from yamkit.evaluation._report import as_json_text, as_text, write_report
    from yamkit.evaluation.labels import read_set
    from yamkit.evaluation.scoring import read_scores
    from yamkit.evaluation.targets import read_label_map

    labelled = read_set(labels, layout).select(folds=folds, splits=splits, limit=limit)
    meaning = None if label_map is None else read_label_map(label_map)
    if score_files:
        systems = [read_scores(path) for path in score_files]
    else:
        folder = audio or (labels if labels.is_dir() else labels.parent)
        systems = _score(labelled, folder, scores_file, report_folder, parts)
    reports = evaluate_scores(
        labelled,
        systems,
        label_map=meaning,
        classes=classes,
        threshold=threshold,
        bootstrap=bootstrap,
        seed=seed,
    )
    click.echo(as_json_text(reports) if as_json else as_text(reports), nl=False)
    if report_folder is not None:
        write_report(reports, report_folder)
    if strict and any(each.coverage.scored < each.coverage.listed for each in reports):
        ctx.exit(1)


def _score(
    labelled: LabelledSet,
    folder: Path,
    scores_file: Path | None,
    report_folder: Path | None,
    parts: dict[str, Any],
) -> list[Scores]:
    from yamkit._signals import Interruptions
    from yamkit.evaluation import score_set
    from yamkit.tagger import Tagger

    pairs = [
        (model, backend)
        for model in parts.pop("model") or (None,)
        for backend in parts.pop("backend") or ("onnx",)
    ]
    if scores_file is not None and len(pairs) > 1:
        raise click.UsageError(f"--scores is one file, for {len(pairs)} systems; use --report")
    found = []
    for number, (model, backend) in enumerate(pairs, start=1):
        target = scores_file
        if target is None and report_folder is not None:
            report_folder.mkdir(parents=True, exist_ok=True)
            target = report_folder / (f"scores-{number}.npz" if len(pairs) > 1 else "scores.npz")
        with (
            Tagger(choose_model(model), backend=backend, **parts) as tagger,
            Interruptions(),
            _progress(f"{tagger.model.name} {backend}") as progress,
        ):
            found.append(score_set(labelled, folder, tagger, target, progress))
    return found


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
