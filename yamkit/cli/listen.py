"""``yamkit listen``: a stream in, onsets and ends of events out, while they happen."""

from __future__ import annotations

import contextlib
import shlex
from typing import TYPE_CHECKING, Any

import click

from yamkit._util.bounds import MAX_CHANNELS, MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ
from yamkit.cli import _complete
from yamkit.cli._events import (
    CHOICE_OPTIONS,
    Threshold,
    calibration_option,
    class_options,
    event_options,
    make_choice,
)
from yamkit.cli._help import Command, section
from yamkit.cli._model import choose_model
from yamkit.cli._notes import note, note_options
from yamkit.cli._tagger import tagger_options
from yamkit.cli._values import Real, Whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yamkit.audio import AudioSource
    from yamkit.listening.sources import LiveStream
    from yamkit.scores.choice import Choice
    from yamkit.tagger import Tagger

__all__ = ["listen"]

_SIZES = ("s16", "s24", "s32", "f32", "f64")
_ENCODINGS = "u8, s16le, s24le, s32le, f32le, f64le, or be for le; mulaw, alaw"


@click.command(cls=Command)
@click.argument("source", required=False, metavar="[-]", shell_complete=_complete.words("-"))
@section("Input")
@click.option(
    "--encoding",
    help=f"Samples come without a header, in this encoding: {_ENCODINGS}.  [default: the stream "
    "says what it is]",
    shell_complete=_complete.words(
        "u8", *(f"{each}{end}" for end in ("le", "be") for each in _SIZES), "mulaw", "alaw"
    ),
)
@click.option(
    "--sample-rate",
    type=Whole(MIN_SAMPLE_RATE_HZ, MAX_SAMPLE_RATE_HZ),
    metavar="HZ",
    help="Sample rate of --encoding.",
)
@click.option(
    "--channels", type=Whole(1, MAX_CHANNELS), help="Channels of --encoding.  [default: 1]"
)
@click.option(
    "--microphone",
    is_flag=False,
    flag_value="",
    metavar="[NAME]",
    help="Hear a microphone, the default one or the one of this name, part of a name or number.",
)
@click.option("--list-microphones", is_flag=True, help="List the microphones, and end.")
@section("Events")
@click.option(
    "--threshold",
    type=Threshold(),
    shell_complete=_complete.files,
    help="Default of --enter; or a CSV file of name or mid, and threshold: those of classes.",
)
@event_options()
@section("Classes")
@class_options()
@calibration_option()
@section("Output")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "jsonl"]),
    default="text",
    show_default=True,
    help="Form of the lines.",
)
@tagger_options(of_streams=True)
@click.option(
    "--gate",
    "gate_dbfs",
    type=Real(-1000, 0),
    metavar="DBFS",
    help="Spare the network patches in which no sample reaches this level, such as -50: their "
    "scores are 0.",
)
@note_options(progress=False)
@click.pass_context
def listen(
    ctx: click.Context,
    /,
    source: str | None,
    encoding: str | None,
    sample_rate: int | None,
    channels: int | None,
    microphone: str | None,
    list_microphones: bool,
    gate_dbfs: float | None,
    form: str,
    model: str | None,
    threads: int | None,
    **parts: Any,
) -> None:
    """Hear a stream, and print its events as they open and close.

    \b
    Examples:
      arecord -f S16_LE -r 16000 | yamkit listen -
      yamkit listen --microphone --classes Animal/ --gate -50
      rtl_fm ... | yamkit listen - --encoding s16le --sample-rate 24000
      curl -s https://HOST/radio.mp3 | yamkit listen -
      yamkit listen - --format jsonl < recording.wav

    An event's line comes 0.975 s of audio after the first cell that reaches --enter begins: a patch
    of yamnet is that long. --median, --min-duration and --join-gap add what their help says.

    A pipe that is faster than this machine is slowed down. A microphone cannot be: where ten
    seconds of it wait, the oldest five are dropped, which a line says, and open events end there.

    Ctrl-C closes the open events and ends.
    """
    if list_microphones:
        _show_microphones()
        return
    from yamkit._util.text import printable
    from yamkit.audio import open_live
    from yamkit.errors import ParameterError
    from yamkit.tagger import Tagger

    if source not in (None, "-"):
        raise ParameterError(
            f"{printable(source)}: listen hears streams; for a file: yamkit classify --events "
            f"{shlex.quote(printable(source))}"
        )
    if (source is None) == (microphone is None):
        raise ParameterError("wanted - for standard input, or --microphone")
    if encoding is None and (sample_rate is not None or channels is not None):
        raise ParameterError(
            "--sample-rate and --channels are of --encoding; other streams say their own"
        )
    if encoding is not None and (sample_rate is None or microphone is not None):
        raise ParameterError("--encoding is of standard input, and needs --sample-rate")
    if microphone is not None and parts["channel"] != "mix":
        raise ParameterError(
            "--channel is of standard input: a microphone is heard as one channel; pipe all of "
            "them in: arecord -f S16_LE -c 2 -r 48000 | yamkit listen - --channel 2"
        )
    bundle = choose_model(model)
    options = {name: parts.pop(name) for name in CHOICE_OPTIONS}
    choice = make_choice(bundle, options, events=True)
    with Tagger(bundle, batch_size=1, threads=threads or 1, **parts) as tagger:
        if microphone is None:
            pipe = open_live(encoding, sample_rate, 1 if channels is None else channels)
            opened = _pipe(pipe, tagger.options.channel)
        else:
            opened = _microphone(microphone)
        with opened as stream:
            ctx.exit(_tag(tagger, choice, stream, gate_dbfs, as_json=form == "jsonl"))


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
