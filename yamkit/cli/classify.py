"""``yamkit classify``: sound files in, tags or events out."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from yamkit._util.numbers import whole_number
from yamkit.cli import _complete
from yamkit.cli._classes import ClassSettings
from yamkit.cli._events import EventSettings
from yamkit.cli._help import Command
from yamkit.cli._inputs import PathSettings, report_failed, report_warned
from yamkit.cli._model import TaggerSettings, choose_model
from yamkit.cli._notes import note, note_options
from yamkit.cli._runner import RunnerSettings
from yamkit.cli._settings import group, option, with_settings
from yamkit.cli._values import Threshold, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from yamkit.cli._meters import ClipMeter
    from yamkit.cli._progress import Display
    from yamkit.cli._runner import CoreAllocation
    from yamkit.models import ModelBundle
    from yamkit.run.clips import Clip
    from yamkit.run.loop import RunSummary
    from yamkit.run.places import Format, Places
    from yamkit.scores.choice import Choice
    from yamkit.tagger import Tagger
    from yamkit.types import ClipEnd, ClipFailure, RunInfo

__all__ = ["classify"]

_MOST_SHARDS = 99_999


class _Top(click.ParamType["int | str"]):
    """A whole number from 1, or ``all``."""

    name = "N|all"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        if str(value).lower() == "all":
            return "all"
        number = whole_number(str(value))
        if number is None or number < 1:
            text = shortened(str(value))
            self.fail(f"{text}: must be a whole number from 1, or 'all'", param, ctx)
        return number


class _Shard(click.ParamType[tuple[int, int]]):
    """Part I of N."""

    name = "I/N"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        first, _, second = str(value).partition("/")
        part, parts = whole_number(first) or 0, whole_number(second) or 0
        if not 1 <= part <= parts <= _MOST_SHARDS:
            text = shortened(str(value))
            self.fail(
                f"{text}: must be I/N, such as 1/8 to 8/8, with N up to {_MOST_SHARDS:,}",
                param,
                ctx,
            )
        return part, parts


@dataclass(frozen=True)
class ClassifySettings:
    """The options of ``yamkit classify``."""

    inputs: PathSettings = group(PathSettings)
    shard: tuple[int, int] | None = option(
        "--shard",
        type=_Shard(),
        help="Tag only part I of N of the files, selected by a hash of their paths, so that N runs "
        "share a corpus.",
    )
    top: int | str | None = option(
        "--top",
        section="Tags",
        type=_Top(),
        metavar="N|all",
        shell_complete=_complete.words("all"),
        help="Number of highest classes to report for a clip or patch.  [default: 5, or all of "
        "--classes]",
    )
    threshold: float | Path | None = option(
        "--threshold",
        type=Threshold(),
        shell_complete=_complete.files,
        help="Omit scores below X. Or a CSV file with the columns threshold, and name or mid: a "
        "threshold for each class.",
    )
    classes: ClassSettings = group(ClassSettings)
    per_patch: bool = option(
        "--per-patch", is_flag=True, help="Also report each patch, with its times."
    )
    events: bool = option(
        "--events",
        section="Events",
        is_flag=True,
        help="Report when each class sounds, from onset to offset.",
    )
    event: EventSettings = group(EventSettings)
    label_scores: bool = option(
        "--label-scores",
        section="Output",
        is_flag=True,
        help="Write scores after the names in Audacity labels and subtitles.",
    )
    formats: tuple[str, ...] = option(
        "--format",
        multiple=True,
        metavar="NAME",
        shell_complete=_complete.plugins("sink"),
        help="Output format, such as text, json, csv or parquet, or for events audacity or raven; "
        "`yamkit plugins` lists all sinks. May be repeated.  [default: by the suffix of --output, "
        "else text]",
    )
    output: str | None = option(
        "-o",
        "--output",
        metavar="PATH",
        shell_complete=_complete.files,
        help="Output file. Or a folder, or a template with {folder}, {stem}, {name}, {ext} and "
        "{shard}: one file per clip and format.  [default: standard output]",
    )
    save_scores: bool = option(
        "--save-scores",
        is_flag=True,
        help="Save all scores of clips, or with --per-patch of patches: in the table of a format "
        "that can hold them (parquet), else in .npy files next to the other outputs.",
    )
    save_embeddings: bool = option(
        "--save-embeddings", is_flag=True, help="Save embeddings in the same way."
    )
    resume: bool = option(
        "--resume",
        section="Resuming and failures",
        is_flag=True,
        help="Resume an interrupted run: reuse the results of unchanged files, which the journal "
        "next to the output holds.",
    )
    retry_failed: bool = option(
        "--retry-failed", is_flag=True, help="Like --resume, but try failed files again."
    )
    strict: bool = option(
        "--strict", is_flag=True, help="Treat a file with warnings as failed (exit code 1)."
    )
    tagger: TaggerSettings = group(TaggerSettings)
    runner: RunnerSettings = group(RunnerSettings)

    @property
    def arrays(self) -> tuple[str, ...]:
        """The arrays that are saved."""
        saved = {"scores": self.save_scores, "embedding": self.save_embeddings}
        return tuple(name for name, is_saved in saved.items() if is_saved)

    def choice(self, model: ModelBundle) -> Choice:
        """Return what is reported of a model's scores."""
        top = self.top or ("all" if self.classes.classes else 5)
        return self.classes.choice(
            model,
            events=self.events and self.event.options(),
            threshold=self.threshold,
            aggregate=self.tagger.files.aggregate,
            top=None if isinstance(top, str) else top,
            per_patch=self.per_patch,
            arrays=self.arrays,
            strict=self.strict,
            label_scores=self.label_scores,
        )


@click.command(cls=Command)
@with_settings(ClassifySettings)
@note_options()
@click.pass_context
def classify(ctx: click.Context, settings: ClassifySettings) -> None:
    """Tag sound files.

    PATH is a file, - for a stream on standard input, or with --recursive a folder. With the extra
    `remote` it may be a URI, such as s3://bucket/folder/ or https://host/dog.wav.

    A score is the output of the network for one class, from 0 to 1. It is not a probability, and
    scores of different classes cannot be compared, unless you use --calibration.

    \b
    Examples:
      yamkit classify dog.wav
      yamkit classify --per-patch --format json dog.wav
      yamkit classify --events --format audacity --output labels.txt dog.wav
      yamkit classify --events --classes Animal/ --join-gap 1 forest.flac
      yamkit classify --recursive --output tags.csv recordings/
      yamkit classify --recursive --output tags.parquet --resume recordings/
      yamkit classify --format json --output 'tags/{stem}.{ext}' *.flac
      ffmpeg -i film.mkv -f wav - | yamkit classify -

    In a template, {name} is the name of the file, {stem} the name without its suffix, and {folder}
    its folder. Put -- before names that start with a dash.

    If a file fails, an error line is printed on standard error, the other files are still tagged,
    and the exit code is 1. Problems of a file that can be read, such as a missing end, are warnings
    there and in the outputs; --strict turns them into failures.
    """
    from yamkit.run.clips import in_shard
    from yamkit.run.formats import format_of_output, load_formats
    from yamkit.run.places import plan_places

    names = settings.formats or (
        format_of_output(settings.output, events=settings.events, inputs=settings.inputs.paths),
    )
    formats = load_formats(names, settings.arrays)
    if not settings.events:
        _refuse_events(ctx, settings, formats)
    clips = [
        clip
        for clip in settings.inputs.find_clips()
        if settings.shard is None or in_shard(clip.path, settings.shard)
    ]
    paths = [clip.path for clip in clips if clip.error is None]
    places = plan_places(formats, settings.output, paths, settings.shard)
    bundle = choose_model(settings.tagger.model)
    cores = settings.runner.allocate(paths)
    choice = settings.choice(bundle)
    with settings.tagger.open(bundle, cores.threads) as tagger:
        failed = _run(settings, clips, tagger, choice, places, cores)
    if failed:
        report_failed(failed, len(clips))
        ctx.exit(1)


def _run(
    settings: ClassifySettings,
    clips: list[Clip],
    tagger: Tagger,
    choice: Choice,
    places: Places,
    cores: CoreAllocation,
) -> int:
    """Tag the clips, print what was found, and return how many failed."""
    from yamkit.cli._meters import ClipMeter
    from yamkit.cli._progress import show_progress
    from yamkit.run import loop
    from yamkit.run.checks import ItemLayout
    from yamkit.run.info import run_info
    from yamkit.run.journal import open_journal
    from yamkit.run.output import Outputs
    from yamkit.run.work import Work

    outputs = Outputs(places)
    info = run_info(tagger, choice, settings.shard or (1, 1))
    layout = ItemLayout.of(info, tagger.classes)
    meter = ClipMeter(clips)
    with (
        open_journal(
            places,
            info,
            layout,
            resume=settings.resume,
            retry_failed=settings.retry_failed,
            is_corpus=len(clips) > 1 or settings.shard is not None,
        ) as journal,
        settings.runner.open(cores) as runner,
        show_progress(meter.progress) as display,
    ):
        reporter = _Reporter(meter, display, outputs.to_terminal, tagger.model.silence_index)
        items = loop.checked_items(runner, Work(tagger, choice), clips, layout, journal)
        writing = loop.writing(info, outputs, reporter, journal, clips)
        with writing as writer, contextlib.closing(items):
            for clip, item, is_new in items:
                writer.take(clip, item, is_new)
        summary = writer.summary()
    if reporter.silent and not settings.events and tagger.options.aggregate == "mean":
        _hint_at_silence(reporter.silent, len(clips))
    _report(info, summary, places, journal.path)
    if len(clips) > 1:
        report_warned(summary.warned, len(clips))
    return summary.failed


def _refuse_events(
    ctx: click.Context, settings: ClassifySettings, formats: Iterable[Format]
) -> None:
    """Refuse formats and options that need `--events`."""
    from yamkit.errors import ParameterError

    for each in formats:
        if each.info.for_events:
            raise ParameterError(f"--format {each.info.name} requires --events")
    given = set(settings.event.given()) | ({"label_scores"} if settings.label_scores else set())
    for param in ctx.command.params:
        if param.name in given:
            raise ParameterError(f"{param.opts[0]} requires --events")


def _report(info: RunInfo, summary: RunSummary, places: Places, journal: Path | None) -> None:
    """Print how much was found in how many files, and where it is; nothing for standard output."""
    from yamkit._util.text import printable

    if places.shown is None:
        return
    unit = "patch" if info.per_patch else "tag"
    text = (
        f"{_counted(summary.results, unit if info.parameters.events is None else 'event')} in "
        f"{_counted(summary.tagged, 'file')} -> {printable(places.shown)}"
    )
    if summary.earlier:
        text += f"; {_counted(summary.earlier, 'file')} done before"
    if journal is not None:
        text += f"; journal: {printable(journal)}"
    note(text)


def _counted(count: int, unit: str) -> str:
    plural = "es" if unit == "patch" else "s"
    return f"{count:,} {unit}{'' if count == 1 else plural}"


def _hint_at_silence(silent: int, clips: int) -> None:
    where = "" if clips == 1 else f" in {silent} of {clips} files"
    note(
        f"hint: Silence has the highest score{where}; --aggregate sounding gives silent patches "
        "less weight, and --events reports when each class sounds"
    )


class _Reporter:
    """Counts finished clips, and prints their failures and warnings on standard error."""

    def __init__(
        self, meter: ClipMeter, display: Display, to_terminal: bool, silence: int | None
    ) -> None:
        self._meter, self._display, self._to_terminal = meter, display, to_terminal
        self._silence = silence
        self.silent = 0  # clips whose highest class is silence

    def finished(self, path: str, item: ClipEnd | ClipFailure | None) -> None:
        """Count a clip, and print what was wrong with it."""
        from yamkit._util.text import printable
        from yamkit.types import ClipEnd, ClipFailure

        self._meter.finished(item, is_new=item is not None)
        if isinstance(item, ClipFailure):
            click.echo(f"error: {printable(item.message)}", err=True)
        elif isinstance(item, ClipEnd):
            self.silent += bool(item.tags) and item.tags[0].index == self._silence
            for warning in item.warnings:
                click.echo(f"warning: {path}: {printable(warning)}", err=True)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hide the progress bar while results appear on the same terminal."""
        with self._display.hidden() if self._to_terminal else contextlib.nullcontext():
            yield
            if self._to_terminal:
                sys.stdout.flush()
