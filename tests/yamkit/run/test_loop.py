"""A run over clips: interruptions come between writes, when what was written is counted."""

from __future__ import annotations

import os
import signal
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from yamkit import Tagger
from yamkit.errors import BrokenPluginError
from yamkit.models.bundle import ModelBundle
from yamkit.run.checks import ItemLayout
from yamkit.run.clips import Clip
from yamkit.run.info import run_info
from yamkit.run.items import clip_items
from yamkit.run.journal import NoJournal
from yamkit.run.loop import checked_items, writing
from yamkit.scores.choice import Choice
from yamkit.types import (
    ClipEnd,
    ClipFailure,
    ClipStart,
    Event,
    EventParameters,
    Parameters,
    PatchTags,
    Peak,
    RunInfo,
    RunModel,
    Tag,
    TagClass,
)


def test_an_interruption_during_a_write_ends_the_run(
    tiny: ModelBundle, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = []
    for name in ("a.wav", "b.wav"):
        path = tmp_path / name
        soundfile.write(path, np.full(8000, 0.1), 8000)
        clips.append(Clip(str(path)))
    log: list[str] = []

    class Outputs:
        places = SimpleNamespace(per_clip=False)

        def open(self, run):
            log.append("open")

        def write(self, item):
            log.append(type(item).__name__)
            if isinstance(item, ClipEnd):
                os.kill(os.getpid(), signal.SIGINT)

        def finish_early(self):
            log.append("early")

        def close(self):
            log.append("close")

    class Observer:
        def finished(self, path, item):
            log.append("finished")

        def writing(self):
            return nullcontext()

    with Tagger(tiny, backend="numpy") as tagger, pytest.raises(KeyboardInterrupt):
        choice = Choice()

        info = run_info(tagger, choice)
        with writing(info, Outputs(), Observer(), NoJournal(), clips) as writer:
            for clip, item in clip_items(tagger, clips, choice, 1):
                writer.take(clip, item, True)
    assert log == ["open", "ClipStart", "ClipEnd", "finished", "early"]


CLASSES = tuple(TagClass(number, f"/m/{number}", f"class {number}") for number in range(3))
TAG = Tag(1, "/m/1", "class 1", 0.5)
START = ClipStart("a.wav", 16_000, 1, 2.0)
SCORES, EMBEDDING = np.full(3, 0.5, np.float16), np.ones(4, np.float16)
PATCH = PatchTags(0.0, 0.96, (TAG,), SCORES, EMBEDDING)
LATER = replace(PATCH, start_seconds=0.48, end_seconds=1.44)
EVENT = Event(0.5, 0.75, TAG)
END = ClipEnd(2.0, 2, (TAG,), ("odd",), peaks=(Peak(0.75, 0.48),))
FAILURE = ClipFailure("a.wav", "DecodeError", "a.wav: broken")
GOOD = {
    "patches": (START, PATCH, LATER, END),
    "events": (START, EVENT, END),
    "clips": (START, replace(END, scores=SCORES, embedding=EMBEDDING)),
    "failed": (FAILURE,),
    "failed later": (START, PATCH, FAILURE),
}


def run_of(kind: str) -> RunInfo:
    events = EventParameters() if kind == "events" else None
    return RunInfo(
        "1",
        RunModel("net", "1", "0" * 64, "", len(CLASSES)),
        "b",
        "f",
        "r",
        Parameters("mean", 0.48, None, 5, events=events),
        per_patch=kind not in ("events", "clips"),
        embedding_size=4,
        arrays=() if events else ("scores", "embedding"),
    )


def checked(runner, clips, kind: str) -> list:
    layout = ItemLayout.of(run_of(kind), CLASSES)
    return list(checked_items(runner, None, clips, layout, NoJournal()))


def given(kind: str, items, names=("a.wav",)) -> list:
    """What is taken of a runner that gives `items` of the first clip."""

    class Made:
        def items(self, work, clips):
            first, *_ = clips
            for item in items:
                yield first, item

    return checked(Made(), [Clip(name) for name in names], kind)


@pytest.mark.parametrize("kind", GOOD)
def test_what_a_runner_may_give(kind: str) -> None:
    assert [item for _, item, _ in given(kind, GOOD[kind])] == list(GOOD[kind])


def bad_items() -> dict:
    """Items of a clip that cannot be, by what is wrong with them."""
    cases = {}

    def with_field(kind: str, place: int, name: str, *values) -> None:
        for value in values:
            items = list(GOOD[kind])
            items[place] = replace(items[place], **{name: value})
            cases[f"{kind} {type(items[place]).__name__}.{name} {value!r:.60}"] = kind, items

    nan, inf = float("nan"), float("inf")
    bad_tags = [
        (replace(TAG, **{name: value}),)
        for name, value in [
            *(("score", score) for score in (1.5, -0.5, nan, inf, "0.5", None, True)),
            *(("index", index) for index in (3, -1, 1.0, True, None)),
            ("name", "class 2"),
            ("mid", "/m/2"),
        ]
    ]
    no_times = (nan, inf, -1.0, "1", None)
    for name in ("sample_rate", "channels"):
        with_field("clips", 0, name, 0, -1, 1.5, True, nan, None, "1")
    with_field("clips", 0, "promised_seconds", -1.0, nan, inf, "1")
    with_field("clips", 0, "path", "b.wav", None, 5)
    for name in ("path", "type", "message"):
        with_field("failed", 0, name, None, 5)
    for place, kind, start, end in (
        (1, "patches", "start_seconds", "end_seconds"),
        (1, "events", "onset_seconds", "offset_seconds"),
    ):
        with_field(kind, place, start, 5.0, *no_times)
        with_field(kind, place, end, *no_times)
    with_field("clips", 1, "duration_seconds", *no_times)
    with_field("clips", 1, "patches", 0, -1, 1.5, None)
    with_field("clips", 1, "warnings", None, (5,))
    with_field("clips", 1, "peaks", (), *[(Peak(*peak),) for peak in ((1.5, 0.0), (0.5, 3.0))])
    cases.pop("clips ClipEnd.peaks ()")  # not known
    with_field("clips", 1, "peaks", (Peak(0.5, 0.0),) * 2, (None,))
    with_field("events", 1, "tag", None, *[tag for (tag,) in bad_tags])
    for kind in ("patches", "clips"):
        with_field(kind, 1, "tags", None, (None,), [TAG], *bad_tags)
        bad_arrays = (None, SCORES[:2], SCORES[None], [0.5, 0.5, 0.5], np.array(["a"] * 3))
        with_field(kind, 1, "scores", *bad_arrays, SCORES * 3, SCORES * np.float16(nan))
        with_field(kind, 1, "embedding", *bad_arrays)
    patches, clips = GOOD["patches"], GOOD["clips"]
    start, patch, later, end = patches
    cases |= {
        "no start": ("patches", patches[1:]),
        "an end alone": ("clips", clips[1:]),
        "two starts": ("patches", (start, *patches)),
        "patches in another order": ("patches", (start, later, patch, end)),
        "events in another order": (
            "events",
            (start, EVENT, replace(EVENT, onset_seconds=0.25), end),
        ),
        "a patch is missing": ("patches", (start, patch, end)),
        "no end": ("patches", patches[:-1]),
        "nothing": ("patches", ()),
        "more after the end": ("patches", (*patches, patch)),
        "more after a failure": ("failed", (FAILURE, FAILURE)),
        "another clip's failure": ("failed", (replace(FAILURE, path="b.wav"),)),
        "events of a run for patches": ("patches", (start, patch, EVENT, later, end)),
        "patches of a run for events": ("events", (start, PatchTags(0.0, 0.96, ()), EVENT, end)),
        "patches of a run for clips": ("clips", (start, PatchTags(0.0, 0.96, ()), clips[1])),
        "events of a run for clips": ("clips", (start, EVENT, clips[1])),
        "no item": ("patches", (start, "patch")),
        "None": ("patches", (None,)),
        "the second clip is missing": ("patches", patches, ("a.wav", "b.wav")),
    }
    return cases


BAD = bad_items()


@pytest.mark.parametrize("case", BAD)
@pytest.mark.long(reason="runs with many interruptions")
def test_what_a_runner_may_not_give(case: str) -> None:
    with pytest.raises(
        BrokenPluginError,
        match="^runner Made: (invalid item|no end) for [ab].wav",
    ) as caught:
        given(*BAD[case])
    assert "\n" not in str(caught.value)


def swapped(first, second):
    yield second, FAILURE
    yield first, FAILURE


def foreign(first, second):
    yield Clip("a.wav"), FAILURE


def mixed(first, second):
    yield first, START
    yield second, START


def no_pairs(first, second):
    yield START


@pytest.mark.parametrize("bad", [swapped, foreign, mixed, no_pairs])
@pytest.mark.parametrize("reads_ahead", [True, False])
def test_clips_that_a_runner_may_not_give(bad, reads_ahead: bool) -> None:
    clips = [Clip("a.wav"), Clip("b.wav")]

    class Made:
        def items(self, work, left):
            yield from bad(*left) if reads_ahead else bad(*clips)

    with pytest.raises(BrokenPluginError, match="^runner Made(:| failed)"):
        checked(Made(), clips, "patches")
