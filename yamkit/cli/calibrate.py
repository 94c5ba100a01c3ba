"""``yamkit calibrate``: a labelled set and a model in, maps of scores and thresholds out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from yamkit._util.text import printable
from yamkit.cli._help import Command
from yamkit.cli._inputs import report_names, report_warned
from yamkit.cli._labels import LabelSettings, score
from yamkit.cli._model import TaggerSettings, choose_model
from yamkit.cli._notes import note_options
from yamkit.cli._runner import RunnerSettings
from yamkit.cli._settings import group, option, with_settings
from yamkit.cli._values import PATH, Real, Whole

if TYPE_CHECKING:
    from pathlib import Path

    from yamkit.evaluation.fitting import FitSettings
    from yamkit.evaluation.scores_file import Scores
    from yamkit.evaluation.sets.labelled_set import LabelledSet
    from yamkit.scores.calibration import Calibration

__all__ = ["calibrate"]

_SHOWN = 40


@dataclass(frozen=True)
class CalibrateSettings:
    """The options of ``yamkit calibrate``."""

    labels: LabelSettings = group(LabelSettings)
    method: str = option(
        "--method",
        section="Calibration",
        type=click.Choice(["platt", "isotonic"]),
        default="platt",
        show_default=True,
        help="Type of the maps; isotonic needs hundreds of examples per class.",
    )
    precision: float | None = option(
        "--precision",
        type=Real(0, 1),
        metavar="P",
        help="Choose the lowest thresholds with this precision.  [default: those with the best F1]",
    )
    least_examples: int = option(
        "--least-examples",
        type=Whole(1),
        default=10,
        show_default=True,
        help="Leave a class raw if fewer clips than this have it, or lack it.",
    )
    parts: int = option(
        "--cross-validation",
        type=Whole(2, 1000),
        default=5,
        show_default=True,
        help="Number of folds, if LABELS has none.",
    )
    seed: int = option(
        "--seed", type=Whole(0), default=0, show_default=True, help="Seed of the folds."
    )
    output: Path = option(
        "-o",
        "--output",
        section="Output",
        type=PATH,
        required=True,
        metavar="FILE",
        help="CSV file for the calibration.",
    )
    scores_file: Path | None = option(
        "--scores", type=PATH, help="Save the scores in this file, as eval does."
    )
    from_scores: Path | None = option(
        "--from-scores", type=PATH, help="Use a file of --scores, without audio and model."
    )
    strict: bool = option(
        "--strict",
        is_flag=True,
        help="Write nothing if a file is missing, cannot be scored or has warnings.",
    )
    tagger: TaggerSettings = group(TaggerSettings)
    runner: RunnerSettings = group(RunnerSettings)

    def fit(self) -> FitSettings:
        """Return how the calibration is fitted."""
        from yamkit.evaluation.fitting import FitSettings

        return FitSettings(self.method, self.precision, self.least_examples, self.parts, self.seed)


@click.command(cls=Command)
@with_settings(CalibrateSettings)
@note_options()
def calibrate(settings: CalibrateSettings) -> None:
    """Fit scores to how often they are right.

    LABELS is a labelled set, as for eval.

    \b
    Examples:
      yamkit calibrate esc50.csv --audio audio/ -o calibration.csv
      yamkit classify --calibration calibration.csv --events farm.flac
      yamkit eval other.csv --audio audio/ --calibration calibration.csv

    Each class that a label means gets a map from its scores to the share that was right, and the
    threshold with the best F1. Metrics are cross-validated. Classes with too few examples are left
    raw, and named. The maps are fitted to scores of clips, or with strong labels to scores of
    cells. A calibration is valid only for the model that it was fitted to.
    """
    from yamkit.errors import CalibrationError
    from yamkit.evaluation.coverage import check_complete
    from yamkit.evaluation.events.past_end import past_end, past_end_lines
    from yamkit.evaluation.fit_maps import find_fitter
    from yamkit.evaluation.fitting import fit_calibration
    from yamkit.evaluation.sets.labelled_set import clip_key
    from yamkit.scores.calibration_file import write_calibration

    output = settings.output
    # os.path returns False for names that are too long, where Path raises
    if os.path.isdir(output) or os.path.islink(output) or not os.path.isdir(output.parent):  # noqa: PTH112, PTH114
        raise CalibrationError(
            f"cannot write {printable(output)}: must be a file, not a link, in a folder that exists"
        )
    fit = settings.fit()
    find_fitter(fit.method)  # before the set is scored
    labelled = settings.labels.read()
    meaning = settings.labels.meaning(labelled)
    scores = _scores(settings, labelled)
    if settings.strict:
        check_complete(labelled, scores)
    calibration = fit_calibration(labelled, scores, fit, **meaning)
    write_calibration(calibration, output)
    click.echo(_as_text(calibration, output), nl=False)
    for line in past_end_lines(past_end(labelled, scores)):
        click.echo(printable(line))
    warned = [clip for clip in labelled.clips if clip_key(clip) in scores.warnings]
    report_warned(len(warned), len(labelled.clips))


def _scores(settings: CalibrateSettings, labelled: LabelledSet) -> Scores:
    """Read the scores of the set, or compute them."""
    from yamkit.evaluation.scores_file import read_scores

    if settings.from_scores is not None:
        scores = read_scores(settings.from_scores)
        return scores.strict() if settings.strict else scores
    cores = settings.runner.allocate()
    with (
        settings.runner.open(cores) as runner,
        settings.tagger.open(choose_model(settings.tagger.model), cores.threads) as tagger,
    ):
        folder, file = settings.labels.folder, settings.scores_file
        scores = score(labelled, folder, tagger, file, settings.strict, runner)
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
