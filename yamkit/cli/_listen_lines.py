"""Lines of ``yamkit listen``: text or JSON on standard output, the rest on standard error."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

from yamkit._util.text import printable
from yamkit.cli._notes import note
from yamkit.listening.report import Closed, Dropped, Opened, line_dict

if TYPE_CHECKING:
    from yamkit.listening.report import Begun, Finished, Line
    from yamkit.types import Tag

__all__ = ["print_begin", "print_end", "print_line"]


def print_begin(line: Begun, *, as_json: bool) -> None:
    """Print what is recorded, and how late lines come."""
    if as_json:
        _write_json(line)
    parameters = line.run_info.parameters
    channel = "" if parameters.channel == "mix" else f"channel {parameters.channel}, "
    note(
        f"listening: {line.run_info.model.name}, {line.sample_rate} Hz, {channel}"
        f"{parameters.score_kind} scores; an event opens {line.open_after_seconds:g} s of audio "
        f"after a score reaches --enter, and closes {line.close_after_seconds:g} s after its end"
    )


def print_line(line: Opened | Closed | Dropped, *, as_json: bool) -> None:
    """Print what happened to an event, or that samples are missing."""
    if as_json:
        _write_json(line)
    elif isinstance(line, Opened):
        _write_event(line.onset_time, line.onset_seconds, "opens", line.tag)
    elif isinstance(line, Closed):
        reason = "" if line.reason == "silent" else f", {line.reason}"
        duration = f" ({line.offset_seconds - line.onset_seconds:.2f} s{reason})"
        _write_event(line.offset_time, line.offset_seconds, "closes", line.tag, duration)
    if isinstance(line, Dropped):
        seconds = line.end_seconds - line.start_seconds
        click.echo(
            f"warning: {seconds:.2f} s dropped at {line.start_seconds:.2f} s: this machine is too "
            "slow for the stream; use a longer --hop, or --gate",
            err=True,
        )


def print_end(line: Finished, *, as_json: bool) -> None:
    """Print the summary of the stream."""
    if as_json:
        _write_json(line)
    text = f"listened for {line.duration_seconds:.2f} s, {line.events} events"
    if line.patch_delay is not None:
        median, worst = line.patch_delay.median_seconds, line.patch_delay.worst_seconds
        text += f"; scores came {1000 * median:.0f} ms after the end of a patch (median; worst "
        text += f"{1000 * worst:.0f} ms)"
    if line.gated_seconds:
        text += f"; {line.gated_seconds:.1f} s below the gate"
    if line.dropped_seconds:
        text += f"; {line.dropped_seconds:.1f} s dropped"
    if line.held_back_seconds >= 1:
        text += f"; the pipe waited for {line.held_back_seconds:.1f} s"
    note(text)


def _write_event(time: float, seconds: float, verb: str, tag: Tag, more: str = "") -> None:
    clock = datetime.fromtimestamp(time).isoformat(" ", "milliseconds")
    _write(f"{clock}  {seconds:10.3f}  {verb:6}  {printable(tag.name)} {tag.score:.3f}{more}\n")


def _write_json(line: Line) -> None:
    _write(json.dumps(line_dict(line), ensure_ascii=False, allow_nan=False) + "\n")


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
