"""Reports of streams: lines in the order of their times, counts, and the JSON form of lines."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from yamkit import Tagger
from yamkit.listening import Block, Buffer, Onset, StreamUpdate
from yamkit.listening.report import Closed, Dropped, Opened, StreamReport, line_dict
from yamkit.models.bundle import ModelBundle
from yamkit.run.info import run_info
from yamkit.scores.choice import Choice
from yamkit.types import Event, EventParameters, Tag

RATE = 1000
DOG, BARK = Tag(0, "/m/0", "Dog", 0.5), Tag(1, "/m/1", "Bark", 0.75)


@pytest.fixture
def report(tiny: ModelBundle) -> StreamReport:
    with Tagger(tiny, batch_size=1) as tagger:
        run = run_info(tagger, Choice(events=EventParameters()))
        return StreamReport(run, RATE, tagger.grid)


def block(start: int, samples: int) -> Block:
    return Block(start, np.zeros(samples, np.float32), 0.0, 1e9 + (start + samples) / RATE)


def update(start: int, samples: int, **fields) -> StreamUpdate:
    empty = {"onsets": (), "events": (), "end": "", "is_gated": False}
    return StreamUpdate(**{**empty, **fields}, block=block(start, samples))


def test_the_lines_of_an_update_come_in_the_order_of_their_times(report: StreamReport) -> None:
    onsets = (Onset(0.5, BARK), Onset(0.0, DOG))
    opened = list(report.lines(update(0, 1000, onsets=onsets), ""))
    assert [(type(line), line.onset_seconds) for line in opened] == [(Opened, 0.0), (Opened, 0.5)]
    events = (Event(0.5, 2.0, BARK), Event(0.0, 1.5, DOG))
    closed = list(report.lines(update(1000, 1500, events=events, end="ended"), "interrupted"))
    assert [(line.offset_seconds, line.tag.name) for line in closed] == [
        (1.5, "Dog"),
        (2.0, "Bark"),
    ]
    assert {line.reason for line in closed} == {"interrupted"}
    assert [line.onset_time for line in closed] == [opened[0].onset_time, opened[1].onset_time]
    assert closed[1].offset_time > closed[0].offset_time > closed[0].onset_time


@pytest.mark.parametrize(
    ("end", "is_replaced", "reason"),
    [("", False, "silent"), ("dropped", False, "dropped"), ("ended", True, "replaced")],
)
def test_why_an_event_closed(
    report: StreamReport, end: str, is_replaced: bool, reason: str
) -> None:
    event = Event(0.0, 1.0, DOG)
    list(report.lines(update(0, 500, onsets=(Onset(0.0, DOG),)), ""))
    replaced = (event,) if is_replaced else ()
    last = update(500, 1000, events=(event,), replaced=replaced, end=end)
    (line,) = report.lines(last, end)
    assert isinstance(line, Closed)
    assert line.reason == reason


def test_the_summary_counts_events_gaps_and_gated_patches(report: StreamReport) -> None:
    buffer = Buffer(10 * RATE, can_wait=False)
    buffer.put(np.zeros(9 * RATE, np.float32))
    buffer.put(np.zeros(6 * RATE, np.float32))
    void = Event(0.25, 0.25, BARK)  # replaced as soon as it was reported: no event
    first = update(0, 1000, onsets=(Onset(0.0, DOG), Onset(0.25, BARK)), replaced=(void,))
    gap = update(
        1000, 500, events=(Event(0.0, 1.0, DOG),), end="dropped", is_gated=True, resumes_sample=4000
    )
    lines = [*report.lines(first, ""), *report.lines(gap, gap.end)]
    assert lines[-1] == Dropped(1.5, 4.0)
    summary = report.finish(buffer, ("a warning",))
    assert (summary.duration_seconds, summary.events) == (1.5, 1)
    assert summary.gated_seconds > 0
    assert summary.dropped_seconds == buffer.dropped_samples / RATE == 9.0
    assert summary.line_delay is not None
    assert summary.patch_delay is not None
    assert summary.warnings == ("a warning",)


def test_the_json_form_of_every_line(report: StreamReport) -> None:
    buffer = Buffer(RATE, can_wait=True)
    lines = [
        report.begin(),
        *report.lines(update(0, 500, onsets=(Onset(0.0, DOG),)), ""),
        *report.lines(
            update(500, 500, events=(Event(0.0, 1.0, DOG),), end="dropped", resumes_sample=2000),
            "dropped",
        ),
        report.finish(buffer, ()),
    ]
    found = [json.loads(json.dumps(line_dict(line), allow_nan=False)) for line in lines]
    assert [each["type"] for each in found] == ["begin", "open", "close", "dropped", "end"]
    assert found[0]["schema"] == "yamkit-listen/1"
    assert found[2]["reason"] == "dropped"
    assert found[3] == {"type": "dropped", "start_seconds": 1.0, "end_seconds": 2.0}
    assert "warnings" not in found[4]
    warned = dataclasses.replace(lines[-1], warnings=("odd",))
    assert line_dict(warned)["warnings"] == ["odd"]


def test_a_stream_without_patches_has_no_delays(report: StreamReport) -> None:
    summary = line_dict(report.finish(Buffer(RATE, can_wait=True), ()))
    assert summary["line_delay_seconds"] is None
    assert summary["patch_delay_seconds"] is None
