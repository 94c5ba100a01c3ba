"""``yamkit info``: what is in sound files, found by decoding all of them."""

from __future__ import annotations

import contextlib
import sys
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from yamkit.cli._help import Command
from yamkit.cli._inputs import PathSettings, report_failed, report_warned
from yamkit.cli._model import STREAM
from yamkit.cli._notes import note_options
from yamkit.cli._settings import JSON, group, option, with_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from yamkit._util.signals import Interruptions
    from yamkit.run.clips import Clip

    Facts = dict[str, Any]

__all__ = ["info"]

SCHEMA = "yamkit-info/1"
_WIDTH = 80


@dataclass(frozen=True)
class InfoSettings:
    """The options of ``yamkit info``."""

    inputs: PathSettings = group(PathSettings)
    stream: int | None = option("--stream", **STREAM)
    as_json: bool = option("--json", section="Output", **JSON)


@click.command(cls=Command)
@with_settings(InfoSettings)
@note_options()
@click.pass_context
def info(ctx: click.Context, settings: InfoSettings) -> None:
    """Show what is in sound files, and what is wrong with them.

    PATH is a file, - for standard input, or with --recursive a folder.

    Each file is decoded to its end: its duration is the one that classify finds, and its warnings
    are those of classify for the mix of all channels.

    \b
    Examples:
      yamkit info dog.wav
      yamkit info --recursive recordings/
      yamkit info --recursive --json recordings/ > recordings.json

    If a file fails, an error line is printed on standard error, the other files are still shown,
    and the exit code is 1.
    """
    from yamkit._util.signals import Interruptions
    from yamkit.cli._meters import ClipMeter
    from yamkit.cli._progress import show_progress
    from yamkit.types import ClipEnd, ClipFailure

    warned = failed = 0
    clips = settings.inputs.find_clips()
    meter = ClipMeter(clips)
    with (
        Interruptions() as interruptions,
        show_progress(meter.progress) as display,
        _document() if settings.as_json else _blocks() as show,
    ):
        for clip in clips:
            facts = _facts(clip, settings.stream, interruptions)
            if "error" in facts:
                failed += 1
                click.echo(f"error: {facts['error']['message']}", err=True)
                meter.finished(ClipFailure(facts["path"], **facts["error"]))
            else:
                warnings = tuple(facts["warnings"])
                warned += bool(warnings)
                meter.finished(ClipEnd(facts["duration_seconds"], 0, (), warnings))
            clip.audio = None
            with display.hidden() if sys.stdout.isatty() else contextlib.nullcontext():
                show(facts)
                sys.stdout.flush()
    if len(clips) > 1:
        report_warned(warned, len(clips))
    if failed:
        report_failed(failed, len(clips))
        ctx.exit(1)


def _facts(clip: Clip, stream: int | None, interruptions: Interruptions) -> Facts:
    """Decode a file, and return its entry in the document."""
    from yamkit._util.text import path_text
    from yamkit.errors import YamkitError
    from yamkit.run.clips import clip_failure

    path = path_text(clip.path)
    try:
        if clip.error is not None:
            raise clip.error
        return {"path": path, **_decoded(clip, stream, interruptions)}
    except (YamkitError, MemoryError, RuntimeError, ValueError) as error:
        failure = clip_failure(clip.path, error)
        return {"path": path, "error": {"type": failure.type, "message": failure.message}}


def _decoded(clip: Clip, stream: int | None, interruptions: Interruptions) -> Facts:
    from yamkit.audio import open_audio

    with open_audio(clip.path, stream=stream) as source:
        clip.audio = source
        for _ in source.mono():  # the mix: channels that cancel each other are a warning
            interruptions.check()
        found = source.decoded
        return {
            "reader": found.reader,
            "container": found.container,
            "codec": found.codec,
            "sample_rate": source.sample_rate,
            "channels": source.channels,
            "streams": found.streams,
            "stream": found.stream,
            "promised_seconds": found.seconds_promised,
            "duration_seconds": source.samples / source.sample_rate,
            "warnings": list(source.warnings),
        }


# --- what is shown ---


@contextlib.contextmanager
def _document() -> Iterator[Callable[[Facts], None]]:
    """Write one JSON document, one line per file, which is complete even after an interruption."""
    import json

    click.echo(f'{{"schema": "{SCHEMA}", "files": [', nl=False)
    before = "\n"

    def show(facts: Facts) -> None:
        nonlocal before
        click.echo(f"{before}{json.dumps(facts, ensure_ascii=False)}", nl=False)
        before = ",\n"

    try:
        yield show
    finally:
        click.echo("\n]}")


@contextlib.contextmanager
def _blocks() -> Iterator[Callable[[Facts], None]]:
    """Write a block of lines for each file that can be decoded."""
    before = ""

    def show(facts: Facts) -> None:
        nonlocal before
        if "error" not in facts:
            click.echo(f"{before}{_block(facts)}")
            before = "\n"

    yield show


def _block(facts: Facts) -> str:
    from yamkit._util.text import printable

    channels = _counted(facts["channels"], "channel")
    streams = _counted(facts["streams"], "sound stream")
    if facts["streams"] > 1:
        streams += f", stream {facts['stream']} read"
    promised = facts["promised_seconds"]
    promise = "the header states none" if promised is None else f"{promised:.3f} promised"
    rows = [
        ("format", f"{facts['container']}, codec {facts['codec']}, reader {facts['reader']}"),
        ("sound", f"{facts['sample_rate']} Hz, {channels}, {streams}"),
        ("seconds", f"{facts['duration_seconds']:.3f} read, {promise}"),
        *(("warning", warning) for warning in facts["warnings"]),
    ]
    return "\n".join([printable(facts["path"]), *(_row(name, text) for name, text in rows)])


def _row(name: str, text: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=f"  {name:9}",
        subsequent_indent=" " * 11,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
