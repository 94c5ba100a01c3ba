"""``yamkit classify``: sound files in, tags out."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from yamkit._util.numbers import whole_number
from yamkit.cli import _complete
from yamkit.cli._events import (
    EVENT_OPTIONS,
    Threshold,
    calibration_option,
    class_options,
    event_options,
    make_choice,
)
from yamkit.cli._files import report_metadata
from yamkit.cli._help import Command, section
from yamkit.cli._model import choose_model
from yamkit.cli._notes import note, note_options
from yamkit.cli._progress import Meter, showing
from yamkit.cli._tagger import allocate_cores, make_runner, show_warned, tagger_options
from yamkit.cli._values import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from yamkit.cli._progress import Display
    from yamkit.run.loop import RunSummary
    from yamkit.run.places import Format, Places
    from yamkit.types import ClipEnd, ClipFailure, RunInfo

__all__ = ["classify"]

_MOST_SHARDS = 99_999


class _Top(click.ParamType[int | None]):
    """A count of 1 or more, or ``all``, which becomes None."""

    name = "N|all"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        if str(value).lower() == "all":
            return None
        number = whole_number(str(value))
        if number is None or number < 1:
            self.fail(
                f"{shortened(str(value))}: wanted a whole number from 1, or 'all'", param, ctx
            )
        return number


class _Shard(click.ParamType[tuple[int, int]]):
    """Which part of how many."""

    name = "I/N"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        first, _, second = str(value).partition("/")
        part, parts = whole_number(first) or 0, whole_number(second) or 0
        if not 1 <= part <= parts <= _MOST_SHARDS:
            wanted = f"wanted I/N, such as 1/8 to 8/8, N at most {_MOST_SHARDS:,}"
            self.fail(f"{shortened(str(value))}: {wanted}", param, ctx)
        return part, parts


@click.command(cls=Command)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, shell_complete=_complete.files)
@section("Input")
@click.option("--recursive", is_flag=True, help="Take the sound files in folders and below.")
@click.option(
    "--shard",
    type=_Shard(),
    help="Take part I of N of the files, by a hash of their paths, so that N runs share a corpus.",
)
@section("Tags")
@click.option(
    "--top",
    type=_Top(),
    metavar="N|all",
    shell_complete=_complete.words("all"),
    default=5,
    help="Highest classes reported for a clip or patch.  [default: 5, or all of --classes]",
)
@click.option(
    "--threshold",
    type=Threshold(),
    shell_complete=_complete.files,
    help="Report no score below X; or a CSV file of name or mid, and threshold: those of classes.",
)
@class_options()
@calibration_option()
@click.option("--per-patch", is_flag=True, help="Report each patch with its times as well.")
@section("Events")
@click.option("--events", is_flag=True, help="Report when each class sounds, onset to offset.")
@event_options()
@section("Output")
@click.option(
    "--label-scores",
    is_flag=True,
    help="Write scores behind the names in Audacity labels and subtitles.",
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="NAME",
    shell_complete=_complete.plugins("sink"),
    help="text, json, jsonl, csv, spreadsheet, parquet; of events also audacity, raven, webvtt, "
    "srt, textgrid, dcase, rttm, jams, tsv; or a plugin's. May be repeated.  [default: what the "
    "suffix of --output says, else text]",
)
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    shell_complete=_complete.files,
    help="File; or folder, or template of {folder}, {stem}, {name}, {ext} and {shard}: a file a "
    "clip and format.  [default: standard output]",
)
@click.option(
    "--save-scores",
    is_flag=True,
    help="Save all scores, of patches with --per-patch, else of clips: in the table of a format "
    "that holds them (parquet), else as .npy beside the other outputs.",
)
@click.option("--save-embeddings", is_flag=True, help="Save embeddings in the same way.")
@section("Resuming and failures")
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with a run that was interrupted or killed: what its journal, beside the output, "
    "has of unchanged files is not computed again.",
)
@click.option(
    "--retry-failed", is_flag=True, help="Like --resume, and try files that failed once more."
)
@click.option(
    "--strict", is_flag=True, help="Take a file with warnings for one that failed (exit code 1)."
)
@tagger_options()
@note_options()
@click.pass_context
def classify(
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    top: int | None,
    threshold: float | Path | None,
    classes: tuple[str, ...],
    not_classes: tuple[str, ...],
    roll_up: bool,
    calibration: Path | None,
    per_patch: bool,
    events: bool,
    formats: tuple[str, ...],
    output: str | None,
    recursive: bool,
    save_scores: bool,
    save_embeddings: bool,
    resume: bool,
    retry_failed: bool,
    strict: bool,
    label_scores: bool,
    shard: tuple[int, int] | None,
    model: str | None,
    jobs: int | None,
    threads: int | None,
    runner: str,
    ray_address: str | None,
    **parts: Any,
) -> None:
    """Tag sound files.

    PATH is a file, or - for a stream on standard input, or with --recursive a folder. With the
    extra `remote` it may be a URI such as s3://bucket/folder/ or https://host/dog.wav.

    A score is the network's own output for a class, 0 to 1, each class by itself: not a
    probability, and not comparable between classes, unless --calibration makes it one.

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

    In a template {stem} and {name} are the file name without and with its suffix, {folder} is
    its folder. Put -- before names that begin with a dash.

    A file that fails is one line on standard error; the others go on, and the exit code is 1. What
    is odd about a file, such as a missing end, is a warning there and in the outputs; --strict
    makes it a failure.
    """
    from yamkit.audio import NotFound, find_audio
    from yamkit.run import loop
    from yamkit.run.checks import ItemLayout
    from yamkit.run.clips import Clip, in_shard
    from yamkit.run.info import run_info
    from yamkit.run.journal import open_journal
    from yamkit.run.output import Outputs
    from yamkit.run.places import plan_places
    from yamkit.run.work import Work
    from yamkit.tagger import Tagger

    if classes and ctx.get_parameter_source("top") is ParameterSource.DEFAULT:
        top = None
    wanted = {"scores": save_scores, "embedding": save_embeddings}
    arrays = tuple(name for name, is_wanted in wanted.items() if is_wanted)
    sinks = _sinks(formats or (_format_of(output, events, paths),), arrays)
    settings = {name: parts.pop(name) for name in EVENT_OPTIONS}
    _check_events(events, sinks, {**settings, "label_scores": label_scores or None})
    metadata: list[str] = []
    clips = [
        Clip(each.path, error=each.error if isinstance(each, NotFound) else None)
        for each in find_audio(paths, recursive, metadata.append)
        if shard is None or in_shard(each.path, shard)
    ]
    report_metadata(len(metadata))
    names = [clip.path for clip in clips if clip.error is None]
    places = plan_places(sinks, output, names, shard)
    outputs = Outputs(places)
    bundle = choose_model(model)
    cores = allocate_cores(jobs, threads, names)
    choice = make_choice(
        bundle,
        {
            **settings,
            "threshold": threshold,
            "classes": classes,
            "not_classes": not_classes,
            "roll_up": roll_up,
            "calibration": calibration,
        },
        events=events,
        aggregate=parts["aggregate"],
        top=top,
        per_patch=per_patch,
        arrays=arrays,
        strict=strict,
        label_scores=label_scores,
    )
    with Tagger(bundle, threads=cores.threads, **parts) as tagger, contextlib.ExitStack() as stack:
        run = run_info(tagger, choice, shard or (1, 1))
        layout = ItemLayout.of(run, tagger.classes)
        journal = stack.enter_context(
            open_journal(
                places,
                run,
                layout,
                resume=resume,
                retry_failed=retry_failed,
                is_corpus=len(clips) > 1 or shard is not None,
            )
        )
        local = stack.enter_context(make_runner(runner, jobs, threads, ray_address, cores))
        meter = Meter(clips)
        display = stack.enter_context(showing(meter.standing))
        silence = tagger.model.silence_index
        reporter = _Reporter(meter, display, outputs.to_terminal, silence)
        items = loop.checked_items(local, Work(tagger, choice), clips, layout, journal)
        writing = loop.writing(run, outputs, reporter, journal, clips)
        with writing as writer, contextlib.closing(items):
            for clip, item, is_new in items:
                writer.take(clip, item, is_new)
        summary = writer.summary()
    if reporter.silent and not events and parts["aggregate"] == "mean":
        _hint_at_silence(reporter.silent, len(clips))
    _say_where(run, summary, places, journal.path)
    if len(clips) > 1:
        show_warned(summary.warned, len(clips))
    if summary.failed:
        if len(clips) > 1:
            click.echo(f"{summary.failed} of {len(clips)} failed", err=True)
        ctx.exit(1)


def _say_where(run: RunInfo, summary: RunSummary, places: Places, journal: Path | None) -> None:
    """Say what was found in how many files, and where it is; nothing of standard output."""
    from yamkit._util.text import printable

    if places.shown is None:
        return
    unit = "patch" if run.per_patch else "tag"
    text = (
        f"{_counted(summary.results, unit if run.parameters.events is None else 'event')} in "
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


def _sinks(names: Iterable[str], arrays: Iterable[str]) -> list[Format]:
    """Load sinks, and one for each array that none of them writes."""
    from yamkit.plugin import SinkInfo
    from yamkit.registry import registry
    from yamkit.run.places import Format

    def load(name: str) -> Format:
        plugin = registry().resolve("sink", name)
        assert isinstance(plugin.info, SinkInfo)
        return Format(plugin.info, registry().load(plugin))

    sinks = [load(name) for name in dict.fromkeys(names)]
    written = {array for sink in sinks for array in sink.info.arrays}
    return sinks + [load(_ARRAY_SINKS[array]) for array in arrays if array not in written]


_ARRAY_SINKS = {"scores": "scores-npy", "embedding": "embeddings-npy"}


def _check_events(events: bool, sinks: Iterable[Format], settings: Mapping[str, object]) -> None:
    """Refuse what only makes sense with events, without them."""
    from yamkit.errors import ParameterError

    if events:
        return
    for sink in sinks:
        if sink.info.for_events:
            raise ParameterError(f"format {sink.info.name} writes events; add --events")
    for name, value in settings.items():
        if value is not None:
            option = "--" + name.removesuffix("_seconds").removesuffix("_cells").replace("_", "-")
            raise ParameterError(f"{option} is of events; add --events")


def _format_of(output: str | None, events: bool, paths: Iterable[str]) -> str:
    """Choose the format that the suffix of an output belongs to; text where it has none."""
    from pathlib import Path

    from yamkit._util.text import printable
    from yamkit.errors import ParameterError
    from yamkit.plugin import SinkInfo
    from yamkit.registry import registry

    place = Path(output or "")
    name = place.name.casefold()
    infos = (plugin.info for plugin in registry().plugins if plugin.state in ("ready", "missing"))
    sinks = [info for info in infos if isinstance(info, SinkInfo)]
    named = [info for info in sinks if name.endswith(f".{info.extension.casefold()}")]
    fitting = [info for info in named if events or not info.for_events]
    if named:
        return max(fitting or named, key=lambda info: len(info.extension)).name
    is_folder = str(output).endswith(("/", os.sep)) or (place.exists() and not place.is_file())
    is_named = place.suffix and "{" not in place.suffix and not is_folder
    if is_named and str(output) not in paths:  # an input is refused with better words
        suffixes = ", ".join(
            f".{info.extension}" for info in sinks if events or not info.for_events
        )
        raise ParameterError(
            f"output {printable(place)}: no format has the suffix {printable(place.suffix)}; "
            f"wanted {suffixes}, or name a format: --format csv"
        )
    return "text"


def _hint_at_silence(silent: int, clips: int) -> None:
    where = "" if clips == 1 else f" in {silent} of {clips} files"
    note(
        f"hint: silence leads{where}: --aggregate sounding gives silent patches less weight, "
        "--events tells when each class sounds"
    )


class _Reporter:
    """Counts clips as they are finished; failures and warnings as lines on standard error."""

    def __init__(
        self, meter: Meter, display: Display, to_terminal: bool, silence: int | None
    ) -> None:
        self._meter, self._display, self._to_terminal = meter, display, to_terminal
        self._silence = silence
        self.silent = 0  # clips whose highest class is silence

    def finished(self, path: str, item: ClipEnd | ClipFailure | None) -> None:
        """Count a clip, and say what was wrong with it."""
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
        """Take the bar away while results appear on the same terminal."""
        with self._display.hidden() if self._to_terminal else contextlib.nullcontext():
            yield
            if self._to_terminal:
                sys.stdout.flush()
