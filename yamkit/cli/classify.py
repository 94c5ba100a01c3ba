"""``yamkit classify``: sound files in, tags out."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import click

from yamkit.cli._model import choose_model
from yamkit.cli._tagger import share_cores, tagger_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress, TaskID

    from yamkit.types import ClipEnd, ClipFailure

__all__ = ["classify"]


class _Top(click.ParamType[int | None]):
    """A count of 1 or more, or ``all``, which becomes None."""

    name = "N|all"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        if value == "all":
            return None
        if not (str(value).isdecimal() and int(value) >= 1):
            self.fail(f"{value!r}: wanted a number of 1 or more, or 'all'", param, ctx)
        return int(value)


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@tagger_options()
@click.option(
    "--top",
    type=_Top(),
    default=5,
    show_default=True,
    help="Highest classes reported for a clip or patch.",
)
@click.option("--threshold", type=float, metavar="X", help="Report no score below X.")
@click.option("--per-patch", is_flag=True, help="Report each patch with its times as well.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="NAME",
    help="text, json, jsonl, csv or a plugin's; may be repeated.  [default: what the suffix of "
    "--output says, else text]",
)
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    help="File; or folder, or template of {folder}, {stem}, {name} and {ext}: a file a clip and "
    "format.  [default: standard output]",
)
@click.option("--recursive", is_flag=True, help="Take the sound files in folders and below.")
@click.pass_context
def classify(
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    top: int | None,
    threshold: float | None,
    per_patch: bool,
    formats: tuple[str, ...],
    output: str | None,
    recursive: bool,
    model: str | None,
    jobs: int | None,
    threads: int | None,
    **parts: Any,
) -> None:
    """Tag sound files; - stands for a stream on standard input.

    A score is the network's own output for a class, 0 to 1, each class by itself: not a
    probability, and not comparable between classes.

    \b
    Examples:
      yamkit classify dog.wav
      yamkit classify --per-patch --format json dog.wav
      yamkit classify --recursive --format csv --output tags.csv recordings/
      yamkit classify --format json --format csv --output 'tags/{stem}.{ext}' *.flac
      ffmpeg -i film.mkv -f wav - | yamkit classify -

    In a template {stem} and {name} are the file name without and with its suffix, {folder} is
    its folder. Put -- before names that begin with a dash.

    A file that fails is one line on standard error; the others go on, and the exit code is 1.
    """
    from yamkit._registry import registry
    from yamkit.audio import Found, find_audio
    from yamkit.output import Format, plan_outputs
    from yamkit.plugin import SinkInfo
    from yamkit.run import Choice
    from yamkit.run import classify as run
    from yamkit.tagger import Tagger

    if not formats:
        formats = (_format_of(output),)
    sinks = []
    for name in dict.fromkeys(formats):
        plugin = registry().resolve("sink", name)
        assert isinstance(plugin.info, SinkInfo)
        sinks.append(Format(plugin.info, registry().load(plugin)))
    clips = list(find_audio(paths, recursive))
    names = [clip.path for clip in clips if isinstance(clip, Found)]
    outputs = plan_outputs(sinks, output, names)
    bundle = choose_model(model)
    shares = share_cores(jobs, threads, names)
    choice = Choice(top, threshold, per_patch)
    with (
        Tagger(bundle, threads=shares.threads, **parts) as tagger,
        _Reporter(len(clips), outputs.to_terminal) as reporter,
    ):
        failures = run(tagger, clips, outputs, choice, reporter, jobs=shares.jobs)
    if failures:
        if len(clips) > 1:
            click.echo(f"{failures} of {len(clips)} failed", err=True)
        ctx.exit(1)


def _format_of(output: str | None) -> str:
    """Choose the format that the suffix of an output belongs to, else text."""
    from pathlib import Path

    from yamkit._registry import registry
    from yamkit.plugin import SinkInfo

    suffix = Path(output or "").suffix[1:]
    infos = (plugin.info for plugin in registry().plugins if plugin.state == "ready")
    sinks = (info for info in infos if isinstance(info, SinkInfo))
    return next((info.name for info in sinks if info.extension == suffix), "text")


class _Reporter:
    """Failures and warnings as lines on stderr, and a bar there when somebody watches."""

    def __init__(self, clips: int, to_terminal: bool) -> None:
        self._clips = clips
        self._to_terminal = to_terminal
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> _Reporter:
        if self._clips > 1 and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

            self._bar = Progress(
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._task = self._bar.add_task("", total=self._clips)
            self._bar.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def finished(self, path: str, item: ClipEnd | ClipFailure) -> None:
        """Count a clip, and say what was wrong with it."""
        from yamkit.types import ClipFailure

        if isinstance(item, ClipFailure):
            lines = [f"error: {item.message}"]
        else:
            lines = [f"warning: {path}: {warning}" for warning in item.warnings]
        if lines:
            with self._hidden():
                click.echo("\n".join(lines), err=True)
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Take the bar away while results appear on the same terminal."""
        with self._hidden() if self._to_terminal else contextlib.nullcontext():
            yield

    @contextlib.contextmanager
    def _hidden(self) -> Iterator[None]:
        if self._bar is None:
            yield
            return
        self._bar.stop()
        try:
            yield
            sys.stdout.flush()
        finally:
            self._bar.start()
