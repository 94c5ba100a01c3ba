"""Meters: how far runs and steps are, in numbers and in words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.yamkit.cli.meters import FAILED, Clock, ended, reading
from yamkit.cli._meters import ClipMeter, StepMeter
from yamkit.run.clips import Clip


def test_it_moves_within_one_long_file() -> None:
    clock, clips = Clock(), [Clip("long.wav")]
    meter = ClipMeter(clips, clock=clock)
    assert meter.progress().text == "0:00 of audio"
    reading(clips[0], 60, 1200)
    clock.now += 2
    now = meter.progress()
    assert (now.done, now.total) == (60, 1200)
    assert now.text == "1:00 of 20:00, 30x real time, 0:38 left"
    reading(clips[0], 600, 1200)
    clock.now += 2
    assert meter.progress().text == "10:00 of 20:00, 150x real time, 0:04 left"


def test_it_moves_where_nobody_knows_the_end() -> None:
    clock, clips = Clock(), [Clip("-")]
    meter = ClipMeter(clips, clock=clock)
    reading(clips[0], 4000, None)
    clock.now += 1000
    now = meter.progress()
    assert (now.done, now.total) == (4000, None)
    assert now.text == "1:06:40 of audio, 4.0x real time"


def test_clips_that_nobody_opened_are_as_long_as_the_others() -> None:
    clock, clips = Clock(), [Clip(f"{n}.wav") for n in range(10)]
    meter = ClipMeter(clips, clock=clock)
    reading(clips[0], 10, 10)
    reading(clips[1], 5, 30)
    clock.now += 1
    assert (meter.progress().done, meter.progress().total) == (15, 10 * 20)
    assert meter.progress().text == "0:15 of ~3:20, 15x real time, 0:12 left, 0 of 10 files"
    meter.finished(ended(10))
    clips[0].audio = None
    assert (meter.progress().done, meter.progress().total) == (15, 10 * 20)
    for clip in clips[1:]:
        reading(clip, 20, 20)
        meter.finished(ended(20))
        clip.audio = None
    now = meter.progress()
    assert (now.done, now.total) == (190, 190)
    assert now.text == "3:10 of 3:10, 190x real time, 0:00 left, 10 of 10 files"


def test_failures_and_warnings_are_counted() -> None:
    clips = [Clip(f"{n}.wav") for n in range(5)]
    meter = ClipMeter(clips, "clips", "tiny onnx", clock=Clock())
    meter.finished(ended(2, "truncated"))
    meter.finished(ended(2, "truncated", "empty"))
    meter.finished(FAILED)
    text = meter.progress().text
    assert text.startswith("tiny onnx: 0:04 of ~")
    assert text.endswith(", 3 of 5 clips, 1 failed, 2 with warnings")


def test_a_file_that_fails_late_was_read_as_far_as_that() -> None:
    clips = [Clip("a.wav"), Clip("b.wav")]
    meter = ClipMeter(clips, clock=Clock())
    reading(clips[0], 50, 100)
    before = meter.progress().done
    meter.finished(FAILED)
    assert meter.progress().done == before == 50


def test_what_an_earlier_run_did_counts_as_done_and_not_as_speed() -> None:
    clock, clips = Clock(), [Clip(f"{n}.wav") for n in range(4)]
    meter = ClipMeter(clips, clock=clock)
    meter.finished(None, is_new=False)
    meter.finished(ended(20), is_new=False)
    reading(clips[2], 10, 40)
    clock.now += 1
    now = meter.progress()
    assert (now.done, now.total) == (20 + 30 + 10, 20 + 30 + 40 + 30)
    assert now.text == "1:00 of ~2:00, 10x real time, 0:06 left, 2 of 4 files"


def test_parts_of_a_file_are_as_long_as_their_list_says() -> None:
    clips = [Clip("a.wav", 10, 20), Clip("a.wav", 100, 110)]
    meter = ClipMeter(clips, clock=Clock())
    reading(clips[0], 4, 3600)
    assert (meter.progress().done, meter.progress().total) == (4, 20)
    reading(clips[0], 3600, 3600)
    assert (meter.progress().done, meter.progress().total) == (10, 20)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["done", "failed", "earlier", "open", "new"]),
            st.floats(0, 1e7),
            st.none() | st.floats(0, 1e9),
        ),
        max_size=20,
    ),
    st.floats(0, 1e6),
)
def test_figures_make_sense_whatever_headers_claim(states, elapsed: float) -> None:
    order = ["done", "failed", "earlier", "open", "new"]
    states = sorted(states, key=lambda each: order.index(each[0]))
    clock, clips = Clock(), [Clip(str(n)) for n in range(len(states))]
    meter = ClipMeter(clips, clock=clock)
    clock.now += elapsed
    for clip, (state, seconds, promised) in zip(clips, states, strict=True):
        if state in ("done", "failed"):
            meter.finished(ended(seconds) if state == "done" else FAILED)
        elif state == "earlier":
            meter.finished(None, is_new=False)
        elif state == "open":
            reading(clip, seconds, promised)
    now = meter.progress()
    assert now.done >= 0
    assert now.total is None or now.total >= now.done
    assert "\n" not in now.text
    assert "nan" not in now.text
    assert "inf" not in now.text


def test_steps() -> None:
    clock = Clock()
    steps = StepMeter("fetching yamnet", " MB", 1e6, clock)
    clock.now += 65
    assert (steps.progress().total, steps.progress().text) == (None, "fetching yamnet: 1:05")
    steps.update(3_000_000, 15_000_000)
    assert steps.progress().text == "fetching yamnet: 3.0 of 15.0 MB, 4:20 left"
    steps.update(15_000_000, 15_000_000)
    assert steps.progress().text == "fetching yamnet: 15.0 of 15.0 MB, 0:00 left"
