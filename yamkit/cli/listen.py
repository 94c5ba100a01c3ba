"""``yamkit listen``: a stream in, onsets and ends of events out, while they happen."""

from __future__ import annotations

import contextlib
import functools
import json
import operator
import shlex
import sys
import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from yamkit._util.bounds import MAX_CHANNELS, MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ
from yamkit.cli import _complete
from yamkit.cli._events import (
    EVENT_OPTIONS,
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
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from yamkit.audio import AudioSource
    from yamkit.listening import Block, Buffer, Delays, Heard, Onset
    from yamkit.scores.choice import Choice
    from yamkit.scores.grid import Grid
    from yamkit.tagger import Tagger
    from yamkit.types import Event, RunInfo, Tag

    _Opened = tuple[int, Buffer, Callable[[], tuple[str, ...]]]
    """Sample rate, the buffer that samples come through, and what tells of odd things so far."""

__all__ = ["listen"]

_BUFFER_SECONDS = 10
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
    threshold: float | Path | None,
    classes: tuple[str, ...],
    not_classes: tuple[str, ...],
    roll_up: bool,
    calibration: Path | None,
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
    from yamkit.errors import ParameterError
    from yamkit.run.loop import run_info
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
    settings = {name: parts.pop(name) for name in EVENT_OPTIONS}
    choice = make_choice(
        bundle,
        settings,
        events=True,
        threshold=threshold,
        classes=classes,
        not_classes=not_classes,
        roll_up=roll_up,
        calibration=calibration,
    )
    with Tagger(bundle, batch_size=1, threads=threads or 1, **parts) as tagger:
        about = run_info(tagger, choice)
        if microphone is None:
            from yamkit.audio import open_live

            opened: Any = _from_pipe(
                open_live(encoding, sample_rate, 1 if channels is None else channels),
                tagger.channel,
            )
        else:
            opened = _from_microphone(microphone)
        with opened as (rate, buffer, warnings):
            printer = _Printer(form, about, rate, tagger.grid, warnings)
            ctx.exit(_hear(tagger, choice, rate, buffer, gate_dbfs, printer))


def _hear(
    tagger: Tagger,
    choice: Choice,
    rate: int,
    buffer: Buffer,
    gate_dbfs: float | None,
    printer: _Printer,
) -> int:
    """Print what is heard; give the exit code, 0 where the stream ended by itself."""
    import numpy as np

    from yamkit._util.signals import StopRequests
    from yamkit.listening import listen as hear

    assert choice.events is not None
    count = len(tagger.classes)
    columns = np.array(range(count) if choice.classes is None else choice.classes)
    with StopRequests(buffer.stop) as requests:
        printer.begin()
        try:
            for heard in hear(
                tagger,
                buffer.blocks(),
                rate,
                choice.events,
                columns=columns,
                postprocessing=choice.postprocessing,
                gate_dbfs=gate_dbfs,
            ):
                is_cut = requests.is_stopped and heard.end
                printer.show(heard, "interrupted" if is_cut else heard.end)
        finally:
            printer.finish(buffer)
    return requests.exit_code


@contextlib.contextmanager
def _from_pipe(source: AudioSource, channel: str | int) -> Iterator[_Opened]:
    """Read standard input in a thread of its own, which waits when nobody takes what it has."""
    from yamkit.listening import Buffer

    buffer = Buffer(_BUFFER_SECONDS * source.sample_rate, can_wait=True)
    samples = source.mono(channel)

    def read() -> None:
        try:
            for block in samples:
                if not buffer.put(block):
                    return
            buffer.end()
        except Exception as error:
            buffer.end(error)

    # a daemon: nothing ends a read that waits for a pipe
    threading.Thread(target=read, daemon=True).start()
    try:
        yield source.sample_rate, buffer, lambda: source.warnings
    finally:
        buffer.stop()
        for warning in source.warnings:
            click.echo(f"warning: standard input: {warning}", err=True)


@contextlib.contextmanager
def _from_microphone(name: str) -> Iterator[_Opened]:
    from yamkit._util.text import printable
    from yamkit.audio import open_microphone
    from yamkit.errors import AudioFileError
    from yamkit.listening import Buffer

    buffers: list[Buffer] = []

    def lost() -> None:
        click.echo("warning: the system lost samples of the microphone", err=True)

    def ended() -> None:
        buffers[0].end(
            AudioFileError("the microphone stopped; see: yamkit listen --list-microphones")
        )

    microphone, stream = open_microphone(
        name, lambda block: buffers[0].put(block[:, 0]), lost, ended
    )
    buffers.append(Buffer(_BUFFER_SECONDS * microphone.sample_rate, can_wait=False))
    note(f"microphone: {printable(microphone.name)}")
    with stream:
        yield microphone.sample_rate, buffers[0], tuple
        buffers[0].stop()


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


class _Printer:
    """Lines on standard output, each at once; what happened to the stream on standard error."""

    def __init__(
        self,
        form: str,
        run: RunInfo,
        sample_rate: int,
        grid: Grid,
        warnings: Callable[[], tuple[str, ...]],
    ) -> None:
        from yamkit.listening import Clock, Delays

        self._is_json = form == "jsonl"
        self._clock = Clock(sample_rate)
        self._run, self._rate, self._grid, self._warnings = run, sample_rate, grid, warnings
        self._delays, self._patches = Delays(), Delays()
        self._events = self._gated = 0
        self._end_sample = 0
        self._onset_times: dict[tuple[int, float], float] = {}

    def begin(self) -> None:
        """Say what is heard, and how far behind lines are."""
        from yamkit.schema import run_dict
        from yamkit.scores.event_parameters import delay_seconds

        assert self._run.parameters.events is not None
        opened, closed = delay_seconds(self._grid, self._run.parameters.events)
        if self._is_json:
            head = {"type": "begin", **run_dict(self._run), "schema": "yamkit-listen/1"}
            delays = {"open_after_seconds": opened, "close_after_seconds": closed}
            self._line({**head, "sample_rate": self._rate, **delays})
        channel = self._run.parameters.channel
        note(
            f"listening: {self._run.model.name}, {self._rate} Hz, "
            f"{'' if channel == 'mix' else f'channel {channel}, '}"
            f"{self._run.parameters.score_kind} scores; an event opens {opened:g} s of audio after "
            f"a score reaches --enter, and closes {closed:g} s after its end"
        )

    def show(self, heard: Heard, end: str) -> None:
        """Print what one patch, or an end, made known."""
        self._clock.add(heard.block)
        self._gated += heard.is_gated
        self._end_sample = heard.block.end_sample
        # several cells may become known at once, at the end for instance
        lines: list[tuple[float, Callable[[], None]]] = [
            (each.onset_seconds, functools.partial(self._opened, each, heard.block))
            for each in heard.onsets
        ]
        for event in dict.fromkeys((*heard.events, *heard.replaced)):
            why = "replaced" if event in heard.replaced else end
            line = functools.partial(self._closed, event, heard.block, why)
            lines.append((event.offset_seconds, line))
        for _, show in sorted(lines, key=operator.itemgetter(0)):
            show()
        if heard.resumes_sample is not None:
            self._dropped(heard.block.end_sample, heard.resumes_sample)
        elif not end:
            self._patches.add(_now() - heard.block.arrived)

    def finish(self, buffer: Buffer) -> None:
        """Sum the stream up."""
        hop = self._grid.hop_samples / self._grid.sample_rate_hz
        facts: dict[str, Any] = {
            "duration_seconds": self._end_sample / self._rate,
            "events": self._events,
            "gated_seconds": self._gated * hop,
            "dropped_seconds": buffer.dropped_samples / self._rate,
            "held_back_seconds": round(buffer.waited_seconds, 3),
            "line_delay_seconds": _figures(self._delays),
            "patch_delay_seconds": _figures(self._patches),
        }
        if self._is_json:
            warnings = self._warnings()
            facts |= {"warnings": list(warnings)} if warnings else {}
            self._line({"type": "end", **facts})
        text = f"heard {facts['duration_seconds']:.2f} s, {self._events} events"
        if self._patches.count:
            text += (
                f"; a patch was done {1000 * self._patches.median_seconds:.0f} ms after its end "
                f"(median; worst {1000 * self._patches.worst_seconds:.0f} ms)"
            )
        if self._gated:
            text += f"; {self._gated * hop:.1f} s below the gate"
        if buffer.dropped_samples:
            text += f"; {buffer.dropped_samples / self._rate:.1f} s dropped"
        if buffer.waited_seconds >= 1:
            text += f"; the pipe was held back for {buffer.waited_seconds:.1f} s"
        note(text)

    def _opened(self, onset: Onset, block: Block) -> None:
        onset_seconds, tag = onset.onset_seconds, onset.tag
        time = self._clock.time(onset_seconds)
        self._onset_times[tag.index, onset_seconds] = time
        if self._is_json:
            self._line(
                {
                    "type": "open",
                    "onset_seconds": onset_seconds,
                    "onset_time": _iso(time),
                    **_tag(tag),
                    "delay_seconds": self._delay(block),
                }
            )
        else:
            self._delay(block)
            self._text(time, onset_seconds, "opens", tag)

    def _closed(self, event: Event, block: Block, end: str) -> None:
        tag = event.tag
        time = self._clock.time(event.offset_seconds)
        onset_time = self._onset_times.pop((tag.index, event.onset_seconds))
        self._events += event.offset_seconds > event.onset_seconds
        if self._is_json:
            self._line(
                {
                    "type": "close",
                    "onset_seconds": event.onset_seconds,
                    "offset_seconds": event.offset_seconds,
                    "onset_time": _iso(onset_time),
                    "offset_time": _iso(time),
                    **_tag(tag),
                    "reason": end or "silent",
                    "delay_seconds": self._delay(block),
                }
            )
        else:
            self._delay(block)
            lasts = event.offset_seconds - event.onset_seconds
            because = f", {end}" if end else ""
            self._text(time, event.offset_seconds, "closes", tag, f" ({lasts:.2f} s{because})")

    def _dropped(self, end_sample: int, resumes_sample: int) -> None:
        start, end = end_sample / self._rate, resumes_sample / self._rate
        if self._is_json:
            self._line({"type": "dropped", "start_seconds": start, "end_seconds": end})
        click.echo(
            f"warning: {end - start:.2f} s dropped at {start:.2f} s: this machine is too slow for "
            "the stream; a longer --hop or a --gate spares it work",
            err=True,
        )

    def _delay(self, block: Block) -> float:
        delay = _now() - block.arrived
        self._delays.add(delay)
        return round(delay, 6)

    def _text(self, time: float, seconds: float, verb: str, tag: Tag, more: str = "") -> None:
        from yamkit._util.text import printable

        clock = datetime.fromtimestamp(time).isoformat(" ", "milliseconds")
        name = printable(tag.name)
        _write(f"{clock}  {seconds:10.3f}  {verb:6}  {name} {tag.score:.3f}{more}\n")

    def _line(self, fields: dict[str, Any]) -> None:
        _write(json.dumps(fields, ensure_ascii=False, allow_nan=False) + "\n")


def _tag(tag: Tag) -> dict[str, Any]:
    from yamkit.schema import tag_dict

    return tag_dict(tag)


def _figures(delays: Delays) -> dict[str, float] | None:
    if not delays.count:
        return None
    return {
        "median": round(delays.median_seconds, 6),
        "worst": round(delays.worst_seconds, 6),
    }


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time).astimezone().isoformat(timespec="milliseconds")


def _now() -> float:
    import time

    return time.monotonic()


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
