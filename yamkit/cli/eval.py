"""``yamkit eval``: a labelled set and taggers in, metrics out."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from yamkit._util.text import printable
from yamkit.cli._classes import CALIBRATION
from yamkit.cli._events import EventSettings
from yamkit.cli._help import Command
from yamkit.cli._inputs import report_names, report_warned
from yamkit.cli._labels import LabelSettings, score
from yamkit.cli._model import ComparedSettings
from yamkit.cli._notes import note_options
from yamkit.cli._runner import RunnerSettings
from yamkit.cli._settings import JSON, group, names_of, option, with_settings
from yamkit.cli._values import PATH, Score, Whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from yamkit.evaluation.scores_file import Scores
    from yamkit.evaluation.sets.labelled_set import LabelledSet
    from yamkit.scores.choice import Choice
    from yamkit.types import TagClass

__all__ = ["evaluate"]


@dataclass(frozen=True)
class EvalSettings:
    """The options of ``yamkit eval``."""

    labels: LabelSettings = group(LabelSettings)
    threshold: float = option(
        "--threshold",
        section="Metrics",
        type=Score(),
        default=0.5,
        show_default=True,
        help="For F1: a clip is tagged with the classes whose scores reach X.",
    )
    bootstrap: int = option(
        "--bootstrap",
        type=Whole(0, 1_000_000),
        default=0,
        help="Add confidence intervals from N resamples.",
    )
    seed: int = option(
        "--seed", type=Whole(0), default=0, show_default=True, help="Seed of the bootstrap."
    )
    calibration: Path | None = option("--calibration", **CALIBRATION)
    scores_file: Path | None = option(
        "--scores",
        section="Output",
        type=PATH,
        help="Save the scores of the clips in this file; an interrupted run resumes from it.  "
        "[default: in --report]",
    )
    score_files: tuple[Path, ...] = option(
        "--from-scores",
        type=PATH,
        multiple=True,
        help="Evaluate a file of --scores, without audio and model. May be repeated, to compare.",
    )
    report_folder: Path | None = option(
        "--report",
        type=PATH,
        help="Folder for report.txt, report.json, classes.csv, the scores, and charts if the extra "
        "`plots` is installed.",
    )
    as_json: bool = option("--json", **JSON)
    strict: bool = option(
        "--strict",
        is_flag=True,
        help="Stop if a file is missing; fail if a clip cannot be scored or its file has warnings.",
    )
    event: EventSettings = group(EventSettings, section="Events of strong labels")
    tagger: ComparedSettings = group(ComparedSettings)
    runner: RunnerSettings = group(RunnerSettings)


class _Systems(NamedTuple):
    """Scores of the systems that are compared, and what is evaluated of them."""

    scores: list[Scores]
    choice: Choice


class _System(NamedTuple):
    """What `Choice.of` must know of a model whose scores are evaluated."""

    classes: Sequence[TagClass]
    sha256: str


@click.command("eval", cls=Command)
@with_settings(EvalSettings)
@note_options()
@click.pass_context
def evaluate(ctx: click.Context, settings: EvalSettings) -> None:
    """Measure a model on a labelled set.

    LABELS is a list of clips, or a folder that has a folder of clips for each class.

    \b
    Examples:
      yamkit eval esc50.csv --audio audio/ --fold 1 --report report/
      yamkit eval esc50.csv --audio audio/ --backend onnx --backend numpy
      yamkit eval esc50.csv --from-scores report/scores.npz

    Layouts: AudioSet segments, FSD50K, ESC-50, UrbanSound8K, DCASE weak labels, a folder for each
    class, and any CSV file with the columns path and labels (separated by ;). With strong labels of
    DCASE or AudioSet, which have times, events are evaluated as well.

    Clips that are missing or fail are counted and named; the metrics are those of the other clips.
    """
    from yamkit.evaluation import EvaluationSettings, evaluate_scores
    from yamkit.evaluation.plots import can_plot
    from yamkit.evaluation.report import as_json_text, as_text, make_folder, write_report

    labelled = settings.labels.read()
    meaning = settings.labels.meaning(labelled)
    if not labelled.is_strong:
        _refuse_events(ctx, labelled, settings)
    if settings.report_folder is not None:
        make_folder(settings.report_folder)
    if settings.score_files:
        systems = _read_systems(ctx, settings, labelled)
    else:
        systems = _score_systems(ctx, settings, labelled, meaning)
    evaluation = EvaluationSettings(
        postprocessing=systems.choice.postprocessing,
        threshold=settings.threshold,
        bootstrap=settings.bootstrap,
        seed=settings.seed,
        **meaning,
    )
    if systems.choice.events is not None:
        evaluation = replace(evaluation, events=systems.choice.events)
    reports = evaluate_scores(labelled, systems.scores, evaluation)
    if settings.report_folder is not None:
        write_report(reports, settings.report_folder)
        if not can_plot():
            click.echo(
                f"{printable(settings.report_folder)}: no charts, which require matplotlib: pip "
                "install 'yamkit[plots]'",
                err=True,
            )
    click.echo(as_json_text(reports) if settings.as_json else as_text(reports), nl=False)
    coverage = reports[0].coverage
    report_warned(len(coverage.warned), coverage.listed)
    if settings.strict and coverage.scored < coverage.listed:
        missing = coverage.listed - coverage.scored
        click.echo(f"error: {missing} of {coverage.listed} clips have no scores", err=True)
        ctx.exit(1)


def _read_systems(ctx: click.Context, settings: EvalSettings, labelled: LabelledSet) -> _Systems:
    """Read the scores of `--from-scores`; options of the scoring are refused."""
    from yamkit.evaluation.scores_file import read_scores

    _refuse_unused(ctx)
    systems = [read_scores(path) for path in settings.score_files]
    if settings.strict:
        systems = [each.strict() for each in systems]
    facts = [each.fingerprint for each in systems]
    classes = [each.classes for each in systems]
    return _Systems(systems, _choice(ctx, settings, labelled, facts, classes))


def _score_systems(
    ctx: click.Context, settings: EvalSettings, labelled: LabelledSet, meaning: dict[str, Any]
) -> _Systems:
    """Score the set with each tagger; what is wrong with one is reported before any is run."""
    from yamkit.evaluation import common_targets
    from yamkit.evaluation.systems import system_of

    cores = settings.runner.allocate()
    with contextlib.ExitStack() as stack:
        runner = stack.enter_context(settings.runner.open(cores))
        taggers = [stack.enter_context(each) for each in settings.tagger.open(cores.threads)]
        facts = [system_of(tagger) for tagger in taggers]
        files = _score_files(settings, facts)
        class_maps = [tagger.classes for tagger in taggers]
        choice = _choice(ctx, settings, labelled, facts, class_maps)
        common_targets(labelled, class_maps, **meaning)
        systems = [
            score(labelled, settings.labels.folder, tagger, file, settings.strict, runner)
            for tagger, file in zip(taggers, files, strict=True)
        ]
    report_names(systems[0])
    return _Systems(systems, choice)


def _refuse_events(ctx: click.Context, labelled: LabelledSet, settings: EvalSettings) -> None:
    """Refuse options of events, as the labels have no times."""
    from yamkit.errors import ParameterError

    for param in ctx.command.params:
        if param.name in settings.event.given():
            raise ParameterError(
                f"{param.opts[0]} requires labels with times, which {printable(labelled.path)} "
                "does not have"
            )


def _choice(
    ctx: click.Context,
    settings: EvalSettings,
    labelled: LabelledSet,
    facts: Sequence[Mapping[str, str]],
    class_maps: Sequence[Sequence[TagClass]],
) -> Choice:
    """Return how scores are processed and what an event is, which must fit every system."""
    from yamkit.scores.calibration_file import read_calibration
    from yamkit.scores.choice import Choice

    file = settings.calibration
    calibration = None if file is None else read_calibration(file)
    choices = [
        Choice.of(
            _System(classes, each.get("model_sha256", "")),
            events=labelled.is_strong and settings.event.options(),
            threshold=settings.threshold if _is_given(ctx, "threshold") else None,
            calibration=calibration,
            aggregate=each.get("aggregate"),
        )
        for each, classes in zip(facts, class_maps, strict=True)
    ]
    return choices[0]


def _score_files(settings: EvalSettings, facts: Sequence[Mapping[str, str]]) -> list[Path | None]:
    """Return the scores file of each system; None if scores are not saved."""
    from yamkit.errors import ParameterError
    from yamkit.evaluation.systems import file_names

    count = len(facts)
    if settings.scores_file is not None and count > 1:
        raise ParameterError(
            f"--scores names one file, but {count} systems are compared; use --report"
        )
    if settings.scores_file is not None or settings.report_folder is None:
        return [settings.scores_file] * count
    return [settings.report_folder / name for name in file_names("scores", facts, ".npz")]


def _refuse_unused(ctx: click.Context) -> None:
    """Refuse options that have no effect with `--from-scores`."""
    from yamkit.errors import ParameterError

    unused = {"audio", "scores_file", *names_of(ComparedSettings), *names_of(RunnerSettings)}
    for param in ctx.command.params:
        if param.name in unused and _is_given(ctx, param.name):
            raise ParameterError(f"{param.opts[0]} cannot be used with --from-scores")


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
