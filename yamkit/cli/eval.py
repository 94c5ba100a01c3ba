"""``yamkit eval``: a labelled set and a tagger in, the figures of the field out."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from yamkit._util.text import printable
from yamkit.cli import _complete
from yamkit.cli._events import (
    EVENT_OPTIONS,
    Score,
    calibration_option,
    event_options,
    event_options_of,
    read_listed_names,
)
from yamkit.cli._files import report_metadata_in, report_names
from yamkit.cli._help import Command, section
from yamkit.cli._model import choose_model
from yamkit.cli._notes import note_options
from yamkit.cli._scoring import score
from yamkit.cli._tagger import allocate_cores, make_runner, show_warned, tagger_options
from yamkit.cli._values import Whole
from yamkit.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from yamkit.evaluation.sets.labelled_set import LabelledSet
    from yamkit.scores.choice import Choice
    from yamkit.tagger import Tagger
    from yamkit.types import TagClass

__all__ = ["evaluate"]

_PATH = click.Path(path_type=Path)


@click.command("eval", cls=Command)
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
    help="Evaluate these classes or categories: names with commas between, or a file of names; may "
    "be repeated.  [default: all]",
)
@click.option(
    "--label-map",
    type=_PATH,
    help="CSV file category,mid or category,name: what a label means.  [default: yamkit's own for "
    "esc50, urbansound8k and fsd50k, else labels name classes]",
)
@section("Figures")
@click.option(
    "--threshold",
    type=Score(),
    default=0.5,
    show_default=True,
    help="Least score of what counts as tagged, for F1.",
)
@click.option(
    "--bootstrap",
    type=Whole(0, 1_000_000),
    default=0,
    help="Give confidence intervals, of N resamples.",
)
@click.option("--seed", type=Whole(0), default=0, show_default=True, help="Seed of the bootstrap.")
@calibration_option()
@section("Output")
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
@click.option(
    "--strict",
    is_flag=True,
    help="Stop when a file is missing, and fail when a clip cannot be scored or its file has "
    "warnings.",
)
@section("Events of strong labels")
@event_options()
@tagger_options(several=True)
@note_options()
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
    calibration: Path | None,
    **parts: Any,
) -> None:
    """Measure a tagger on a labelled set.

    LABELS is a list of clips, or a folder with a folder of clips for each class.

    \b
    Examples:
      yamkit eval esc50.csv --audio audio/ --fold 1 --report report/
      yamkit eval esc50.csv --audio audio/ --backend onnx --backend numpy
      yamkit eval esc50.csv --from-scores report/scores.npz

    Layouts: AudioSet segments, FSD50K, ESC-50, UrbanSound8K, DCASE weak labels, a folder a class,
    and any CSV file with the columns path and labels (with ; between labels). Strong labels, with
    times, of DCASE and AudioSet are compared with the events that are found as well.

    A clip that is missing or fails is counted and named, and the figures are of the others.
    """
    from yamkit.evaluation import EvaluationSettings, common_targets, evaluate_scores
    from yamkit.evaluation.plots import can_plot
    from yamkit.evaluation.report import as_json_text, as_text, make_folder, write_report
    from yamkit.evaluation.scores_file import read_scores
    from yamkit.evaluation.sets.label_map import read_label_map
    from yamkit.evaluation.sets.labelled_set import read_set
    from yamkit.evaluation.systems import system_of

    labelled = read_set(labels, layout).select(folds=folds, splits=splits, limit=limit)
    if labels.is_dir():
        report_metadata_in(labels)
    meaning = None if label_map is None else read_label_map(label_map)
    classes = read_listed_names(classes, labelled.labels)
    event_settings = {name: parts.pop(name) for name in EVENT_OPTIONS}
    _check_event_options(ctx, labelled, event_settings)
    if report_folder is not None:
        make_folder(report_folder)
    if score_files:
        _refuse_unused(ctx, ["audio", "scores_file", *parts])
        systems = [read_scores(path) for path in score_files]
        if strict:
            systems = [each.strict() for each in systems]
        choice = _choose(
            ctx,
            labelled,
            event_settings,
            calibration,
            [each.fingerprint for each in systems],
            [each.classes for each in systems],
        )
    else:
        folder = audio or (labels if labels.is_dir() else labels.parent)
        with contextlib.ExitStack() as stack:
            jobs, threads = parts.pop("jobs"), parts.pop("threads")
            cores = allocate_cores(jobs, threads)
            name, address = parts.pop("runner"), parts.pop("ray_address")
            runner = stack.enter_context(make_runner(name, jobs, threads, address, cores))
            taggers = _open(stack, threads=cores.threads, **parts)
            marks = [system_of(tagger) for tagger in taggers]
            files = _score_files(scores_file, report_folder, marks)
            class_maps = [tagger.classes for tagger in taggers]
            choice = _choose(ctx, labelled, event_settings, calibration, marks, class_maps)
            common_targets(labelled, class_maps, label_map=meaning, classes=classes)
            systems = [
                score(labelled, folder, tagger, file, strict, runner)
                for tagger, file in zip(taggers, files, strict=True)
            ]
            report_names(systems[0])
    settings = EvaluationSettings(
        label_map=meaning,
        classes=classes,
        postprocessing=choice.postprocessing,
        threshold=threshold,
        bootstrap=bootstrap,
        seed=seed,
    )
    if choice.events is not None:
        settings = replace(settings, events=choice.events)
    reports = evaluate_scores(labelled, systems, settings)
    if report_folder is not None:
        write_report(reports, report_folder)
        if not can_plot():
            click.echo(
                f"{printable(report_folder)}: without pictures, which need matplotlib: pip install "
                "'yamkit[plots]'",
                err=True,
            )
    click.echo(as_json_text(reports) if as_json else as_text(reports), nl=False)
    coverage = reports[0].coverage
    show_warned(len(coverage.warned), coverage.listed)
    if strict and coverage.scored < coverage.listed:
        left = coverage.listed - coverage.scored
        click.echo(f"error: {left} of {coverage.listed} clips have no scores", err=True)
        ctx.exit(1)


def _check_event_options(
    ctx: click.Context, labelled: LabelledSet, settings: Mapping[str, Any]
) -> None:
    """Refuse options of events if the labels have no times."""
    for option in ctx.command.params if not labelled.is_strong else ():
        if settings.get(str(option.name)) is not None:
            raise ParameterError(
                f"{option.opts[0]} requires labels with times, which {printable(labelled.path)} "
                "does not have"
            )


class _System(NamedTuple):
    """What `Choice.of` must know of a model whose scores are evaluated."""

    classes: Sequence[TagClass]
    sha256: str


def _choose(
    ctx: click.Context,
    labelled: LabelledSet,
    settings: Mapping[str, Any],
    file: Path | None,
    marks: Sequence[Mapping[str, str]],
    class_maps: Sequence[Sequence[TagClass]],
) -> Choice:
    """Return how scores are processed and what an event is, which must fit every system."""
    from yamkit.scores.calibration_file import read_calibration
    from yamkit.scores.choice import Choice

    threshold = ctx.params["threshold"]
    is_given = ctx.get_parameter_source("threshold") is ParameterSource.COMMANDLINE
    calibration = None if file is None else read_calibration(file)
    choices = [
        Choice.of(
            _System(classes, mark.get("model_sha256", "")),
            events=labelled.is_strong and event_options_of(settings),
            threshold=threshold if is_given else None,
            calibration=calibration,
            aggregate=mark.get("aggregate"),
        )
        for mark, classes in zip(marks, class_maps, strict=True)
    ]
    return choices[0]


def _open(
    stack: contextlib.ExitStack, *, model: Sequence[str], backend: Sequence[str], **parts: Any
) -> list[Tagger]:
    """Open a tagger for every model with every backend, before anything is scored."""
    from yamkit.tagger import Tagger

    return [
        stack.enter_context(Tagger(choose_model(name), backend=engine, **parts))
        for name in model or (None,)
        for engine in backend or (None,)
    ]


def _score_files(
    scores_file: Path | None, report_folder: Path | None, marks: Sequence[Mapping[str, str]]
) -> list[Path | None]:
    """Name the scores file of each system; none where none is wanted."""
    from yamkit.evaluation.systems import file_names

    count = len(marks)
    if scores_file is not None and count > 1:
        raise ParameterError(f"--scores is one file, for {count} systems; use --report")
    if scores_file is not None or report_folder is None:
        return [scores_file] * count
    return [report_folder / name for name in file_names("scores", marks, ".npz")]


def _refuse_unused(ctx: click.Context, names: Iterable[str]) -> None:
    """Say that an option does nothing, rather than do nothing."""
    for option in ctx.command.params:
        given = option.name in names and ctx.get_parameter_source(str(option.name))
        if given is ParameterSource.COMMANDLINE:
            raise ParameterError(
                f"--from-scores needs no {option.opts[0]}: the scores are what they are"
            )
