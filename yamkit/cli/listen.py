"""``yamkit listen``: a stream in, begins and ends of events out, while they happen."""

from __future__ import annotations

import contextlib
import shlex
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from yamkit._util.bounds import MAX_CHANNELS, MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ
from yamkit.cli import _complete
from yamkit.cli._classes import ClassSettings
from yamkit.cli._events import EventSettings
from yamkit.cli._help import Command
from yamkit.cli._model import BACKEND, MODEL, LivePartSettings, choose_model
from yamkit.cli._notes import note, note_options
from yamkit.cli._runner import THREADS
from yamkit.cli._settings import argument, group, option, with_settings
from yamkit.cli._values import Real, Threshold, Whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from yamkit.audio import AudioSource
    from yamkit.listening.sources import LiveStream
    from yamkit.models import ModelBundle
    from yamkit.scores.choice import Choice
    from yamkit.tagger import Tagger

__all__ = ["listen"]

_SIZES = ("s16", "s24", "s32", "f32", "f64")
_ENCODINGS = "u8, s16le, s24le, s32le, f32le, f64le, or be for le; mulaw, alaw"


@dataclass(frozen=True)
class ListenSettings:
    """The options of ``yamkit listen``."""

    source: str | None = argument(
        required=False, metavar="[-]", shell_complete=_complete.words("-")
    )
    encoding: str | None = option(
        "--encoding",
        section="Input",
        shell_complete=_complete.words(
            "u8", *(f"{each}{end}" for end in ("le", "be") for each in _SIZES), "mulaw", "alaw"
        ),
        help=f"Encoding of samples that come without a header: {_ENCODINGS}.  [default: from the "
        "header]",
    )
    sample_rate: int | None = option(
        "--sample-rate",
        type=Whole(MIN_SAMPLE_RATE_HZ, MAX_SAMPLE_RATE_HZ),
        metavar="HZ",
        help="Sample rate; required with --encoding.",
    )
    channels: int | None = option(
        "--channels", type=Whole(1, MAX_CHANNELS), help="Channels, with --encoding.  [default: 1]"
    )
    microphone: str | None = option(
        "--microphone",
        is_flag=False,
        flag_value="",
        metavar="[NAME]",
        help="Record the default microphone, or the one with this name, part of a name or number.",
    )
    list_microphones: bool = option(
        "--list-microphones", is_flag=True, help="List the microphones and exit."
    )
    threshold: float | Path | None = option(
        "--threshold",
        section="Events",
        type=Threshold(),
        shell_complete=_complete.files,
        help="Default of --enter. Or a CSV file with the columns threshold, and name or mid: a "
        "threshold for each class.",
    )
    event: EventSettings = group(EventSettings)
    classes: ClassSettings = group(ClassSettings, section="Classes")
    format: str = option(
        "--format",
        section="Output",
        type=click.Choice(["text", "jsonl"]),
        default="text",
        show_default=True,
        help="Output format.",
    )
    model: str | None = option("--model", section="Model", **MODEL)
    backend: str | None = option("--backend", **BACKEND)
    parts: LivePartSettings = group(LivePartSettings)
    threads: int = option(
        "--threads",
        section="Speed",
        **{**THREADS, "default": 1, "show_default": True, "help": "Threads per network call."},
    )
    gate_dbfs: float | None = option(
        "--gate",
        type=Real(-1000, 0),
        metavar="DBFS",
        help="Do not run the network for patches in which no sample reaches this level, such as "
        "-50; their scores are 0.",
    )

    def check(self) -> None:
        """Refuse options that exclude each other."""
        from yamkit._util.text import printable
        from yamkit.errors import ParameterError

        if self.source not in (None, "-"):
            raise ParameterError(
                f"{printable(self.source)}: listen reads streams; for a file: yamkit classify "
                f"--events {shlex.quote(printable(self.source))}"
            )
        if (self.source is None) == (self.microphone is None):
            raise ParameterError("name one source: - for standard input, or --microphone")
        if self.encoding is None and (self.sample_rate is not None or self.channels is not None):
            raise ParameterError(
                "--sample-rate and --channels require --encoding; other streams have a header"
            )
        if self.encoding is not None and (self.sample_rate is None or self.microphone is not None):
            raise ParameterError("--encoding requires --sample-rate and standard input (-)")
        if self.microphone is not None and self.parts.channel != "mix":
            raise ParameterError(
                "--channel requires standard input (-): a microphone is recorded as one channel; "
                "for several: arecord -f S16_LE -c 2 -r 48000 | yamkit listen - --channel 2"
            )

    def choice(self, model: ModelBundle) -> Choice:
        """Return what is reported of a model's scores."""
        return self.classes.choice(model, events=self.event.options(), threshold=self.threshold)

    def open_tagger(self, model: ModelBundle) -> Tagger:
        """Open a tagger for streams."""
        from yamkit.tagger import Tagger, TaggerOptions

        options = TaggerOptions(
            backend=self.backend, batch_size=1, threads=self.threads, **asdict(self.parts)
        )
        return Tagger(model, options)


@click.command(cls=Command)
@with_settings(ListenSettings)
@note_options(progress=False)
@click.pass_context
def listen(ctx: click.Context, settings: ListenSettings) -> None:
    """Tag a stream, and print its events as they open and close.

    \b
    Examples:
      arecord -f S16_LE -r 16000 | yamkit listen -
      yamkit listen --microphone --classes Animal/ --gate -50
      rtl_fm ... | yamkit listen - --encoding s16le --sample-rate 24000
      curl -s https://HOST/radio.mp3 | yamkit listen -
      yamkit listen - --format jsonl < recording.wav

    An event is printed 0.975 s of audio (the length of a patch of yamnet) after the start of the
    first cell that reaches --enter. --median, --min-duration and --join-gap add a delay.

    A pipe that is faster than this machine is slowed down. A microphone cannot be: if ten seconds
    of audio wait, the oldest five are dropped, a warning is printed, and open events are closed.

    Ctrl-C closes the open events and exits.
    """
    if settings.list_microphones:
        _show_microphones()
        return
    settings.check()
    bundle = choose_model(settings.model)
    choice = settings.choice(bundle)
    with (
        settings.open_tagger(bundle) as tagger,
        _open_stream(settings, tagger.options.channel) as stream,
    ):
        as_json = settings.format == "jsonl"
        ctx.exit(_tag(tagger, choice, stream, settings.gate_dbfs, as_json=as_json))


def _open_stream(
    settings: ListenSettings, channel: str | int
) -> AbstractContextManager[LiveStream]:
    from yamkit.audio import open_live

    if settings.microphone is not None:
        return _microphone(settings.microphone)
    channels = 1 if settings.channels is None else settings.channels
    return _pipe(open_live(settings.encoding, settings.sample_rate, channels), channel)


def _tag(
    tagger: Tagger, choice: Choice, stream: LiveStream, gate_dbfs: float | None, *, as_json: bool
) -> int:
    """Print the events of a stream; return the exit code, 0 where the source ended."""
    from yamkit._util.signals import StopRequests
    from yamkit.cli._listen_lines import print_begin, print_end, print_line
    from yamkit.listening import listen as updates_of
    from yamkit.listening.report import StreamReport
    from yamkit.run.info import run_info

    report = StreamReport(run_info(tagger, choice), stream.sample_rate, tagger.grid)
    updates = updates_of(
        tagger,
        stream.buffer.blocks(),
        stream.sample_rate,
        choice,
        gate_dbfs=gate_dbfs,
    )
    with StopRequests(stream.buffer.stop) as requests:
        print_begin(report.begin(), as_json=as_json)
        try:
            for update in updates:
                end = "interrupted" if requests.is_stopped and update.end else update.end
                for line in report.lines(update, end):
                    print_line(line, as_json=as_json)
        finally:
            print_end(report.finish(stream.buffer, stream.warnings()), as_json=as_json)
    return requests.exit_code


@contextlib.contextmanager
def _pipe(source: AudioSource, channel: str | int) -> Iterator[LiveStream]:
    from yamkit.listening.sources import open_pipe_stream

    try:
        with open_pipe_stream(source, channel) as stream:
            yield stream
    finally:
        for warning in source.warnings:
            click.echo(f"warning: standard input: {warning}", err=True)


@contextlib.contextmanager
def _microphone(name: str) -> Iterator[LiveStream]:
    from yamkit._util.text import printable
    from yamkit.listening.sources import open_microphone_stream

    def lost() -> None:
        click.echo("warning: the system lost samples of the microphone", err=True)

    with open_microphone_stream(name, lost) as stream:
        note(f"microphone: {printable(stream.name)}")
        yield stream


def _show_microphones() -> None:
    from yamkit._util.text import printable
    from yamkit.audio import list_microphones

    found = list_microphones()
    if not found:
        click.echo("no microphone", err=True)
    for each in found:
        mark = "*" if each.is_default else " "
        click.echo(
            f"{mark}{each.number:>3}  {each.sample_rate} Hz  {each.channels} channels  "
            f"{printable(each.name)}"
        )
