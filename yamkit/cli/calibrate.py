"""``yamkit calibrate``: a labelled set and a tagger in, maps of scores and thresholds out."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yamkit._util.text import printable
from yamkit.cli import _complete
from yamkit.cli._events import read_listed_names
from yamkit.cli._files import report_metadata_in, report_names
from yamkit.cli._help import Command, section
from yamkit.cli._model import choose_model
from yamkit.cli._notes import note_options
from yamkit.cli._scoring import score
from yamkit.cli._tagger import allocate_cores, make_runner, show_warned, tagger_options
from yamkit.cli._values import Real, Whole

if TYPE_CHECKING:
    from yamkit.evaluation.scores_file import Scores
    from yamkit.scores.calibration import Calibration

__all__ = ["calibrate"]

_PATH = click.Path(path_type=Path)
_SHOWN = 40


@click.command(cls=Command)
@click.argument("labels", type=_PATH)
@section("Labels")
@click.option("--audio", type=_PATH, help="Folder of the clips.  [default: that of LABELS]")
@click.option(
    "--layout",
    metavar="NAME",
    help="Label reader.  [default: the header tells]",
    shell_complete=_complete.plugins("label reader"),
)
@click.option("--fold", "folds", multiple=True, help="Take this fold; may be repeated.")
@click.option("--split", "splits", multiple=True, help="Take this split; may be repeated.")
@click.option("--limit", type=Whole(1), help="Take the first clips alone.")
@click.option(
    "--classes",
    multiple=True,
    metavar="NAME|FILE",
    help="Fit these classes or categories alone, as for eval; may be repeated.  [default: all]",
)
@click.option("--label-map", type=_PATH, help="CSV file category,mid or category,name.")
@section("Calibration")
@click.option(
    "--method",
    type=click.Choice(["platt", "isotonic"]),
    default="platt",
    show_default=True,
    help="Form of the maps; isotonic wants hundreds of examples.",
)
@click.option(
    "--precision",
    type=Real(0, 1),
    metavar="P",
    help="Choose the lowest thresholds with this precision.  [default: those of the best F1]",
)
@click.option(
    "--least-examples",
    type=Whole(1),
    default=10,
    show_default=True,
    help="Leave classes raw that fewer clips have, or lack.",
)
@click.option(
    "--cross-validation",
    "parts",
    type=Whole(2, 1000),
    default=5,
    show_default=True,
    help="Folds, where the list has none.",
)
@click.option("--seed", type=Whole(0), default=0, show_default=True, help="Seed of the folds.")
@section("Output")
@click.option(
    "-o", "--output", type=_PATH, required=True, metavar="FILE", help="CSV file of the calibration."
)
@click.option(
    "--scores", "scores_file", type=_PATH, help="Keep the scores in this file, as eval does."
)
@click.option(
    "--from-scores",
    type=_PATH,
    help="Fit to a file of --scores, without audio or model.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Write nothing when a file is missing, cannot be scored or has warnings.",
)
@tagger_options()
@note_options()
def calibrate(
    labels: Path,
    output: Path,
    audio: Path | None,
    layout: str | None,
    folds: tuple[str, ...],
    splits: tuple[str, ...],
    limit: int | None,
    classes: tuple[str, ...],
    label_map: Path | None,
    method: str,
    precision: float | None,
    least_examples: int,
    parts: int,
    seed: int,
    scores_file: Path | None,
    from_scores: Path | None,
    strict: bool,
    **options: Any,
) -> None:
    """Fit scores to how often they are right.

    LABELS is a labelled set, as for eval.

    \b
    Examples:
      yamkit calibrate esc50.csv --audio audio/ -o calibration.csv
      yamkit classify --calibration calibration.csv --events farm.flac
      yamkit eval other.csv --audio audio/ --calibration calibration.csv

    For each class that a label means: a map from its scores to the share that was right, and the
    threshold of the best F1. Figures are cross-validated. Classes with too few examples are left
    raw, and named. Maps are of clips' scores, or with strong labels of those of cells; a
    calibration belongs to the model that it was fitted to.
    """
    from yamkit.errors import CalibrationError
    from yamkit.evaluation.coverage import check_complete
    from yamkit.evaluation.events.past_end import past_end, past_end_lines
    from yamkit.evaluation.fit_maps import find_fitter
    from yamkit.evaluation.fitting import FitSettings, fit_calibration
    from yamkit.evaluation.scores_file import read_scores
    from yamkit.evaluation.sets.label_map import read_label_map
    from yamkit.evaluation.sets.labelled_set import clip_key, read_set
    from yamkit.scores.calibration_file import write_calibration

    # unlike Path's, these say no of names that are too long
    if os.path.isdir(output) or os.path.islink(output) or not os.path.isdir(output.parent):  # noqa: PTH112, PTH114
        raise CalibrationError(
            f"{printable(output)}: cannot be written; wanted a file in a folder that exists, not a "
            "link"
        )
    settings = FitSettings(method, precision, least_examples, parts, seed)
    find_fitter(method)  # before the set is scored
    labelled = read_set(labels, layout).select(folds=folds, splits=splits, limit=limit)
    if labels.is_dir():
        report_metadata_in(labels)
    meaning = None if label_map is None else read_label_map(label_map)
    names = read_listed_names(classes, labelled.labels)
    if from_scores is not None:
        scores = read_scores(from_scores)
        scores = scores.strict() if strict else scores
    else:
        folder = audio or (labels if labels.is_dir() else labels.parent)
        scores = _score(labelled, folder, scores_file, strict, **options)
    if strict:
        check_complete(labelled, scores)
    calibration = fit_calibration(labelled, scores, settings, label_map=meaning, classes=names)
    write_calibration(calibration, output)
    click.echo(_as_text(calibration, output), nl=False)
    for line in past_end_lines(past_end(labelled, scores)):
        click.echo(printable(line))
    warned = [clip for clip in labelled.clips if clip_key(clip) in scores.warnings]
    show_warned(len(warned), len(labelled.clips))


def _score(
    labelled: Any,
    folder: Path,
    scores_file: Path | None,
    strict: bool,
    *,
    model: str | None,
    jobs: int | None,
    threads: int | None,
    runner: str,
    ray_address: str | None,
    **parts: Any,
) -> Scores:
    from yamkit.tagger import Tagger

    cores = allocate_cores(jobs, threads)
    with contextlib.ExitStack() as stack:
        carrier = stack.enter_context(make_runner(runner, jobs, threads, ray_address, cores))
        bundle = choose_model(model)
        tagger = stack.enter_context(Tagger(bundle, threads=cores.threads, **parts))
        scores = score(labelled, folder, tagger, scores_file, strict, carrier)
    report_names(scores)
    return scores


def _as_text(calibration: Calibration, output: Path) -> str:
    held = [entry for entry in calibration.classes if entry.method != "raw"]
    lines = [
        f"{printable(output)}: {len(held)} classes of {printable(calibration.model)} calibrated, "
        f"{len(calibration.raw)} left raw; fitted to {calibration.unit}s"
    ]
    if held:
        width = max(len(printable(entry.name)) for entry in held[:_SHOWN])
        lines.append(
            f"{'':{width}}  positives  threshold  precision  recall     F1  Brier raw  calibrated"
        )
    for entry in held[:_SHOWN]:
        threshold = "-" if entry.threshold is None else f"{entry.threshold:.3f}"
        lines.append(
            f"{printable(entry.name):{width}}{entry.positives:11}{threshold:>11}"
            f"{entry.precision:11.3f}{entry.recall:8.3f}{entry.f1:7.3f}"
            f"{entry.brier_raw:11.4f}{entry.brier_calibrated:12.4f}"
        )
    if len(held) > _SHOWN:
        lines.append(f"and {len(held) - _SHOWN} more")
    if held:
        lines.append("(precision, recall, F1 and Brier scores are cross-validated)")
    if calibration.raw:
        raw = "; ".join(map(printable, calibration.raw))
        lines.append(f"left raw, too few examples or none that rise: {raw}")
    return "\n".join(lines) + "\n"
