"""Items of clips: what becomes of their scores, and of whatever goes wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from yamkit import Tagger
from yamkit.models.bundle import ModelBundle
from yamkit.run import clips as module
from yamkit.run.checks import ClipCheck, ItemLayout
from yamkit.run.clips import Clip
from yamkit.run.info import run_info
from yamkit.run.items import clip_items
from yamkit.scores.choice import Choice
from yamkit.types import ClipEnd, ClipFailure, ClipStart, Event, EventParameters, PatchTags


@pytest.fixture
def tagger(tiny: ModelBundle):
    with Tagger(tiny, backend="numpy") as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    noise = np.random.default_rng(0).normal(0, 0.1, 20000)
    for name, samples in {"noise": noise, "silence": np.zeros(20000), "short": noise[:1]}.items():
        soundfile.write(tmp_path / f"{name}.wav", samples, 8000)
    (tmp_path / "cut.wav").write_bytes((tmp_path / "noise.wav").read_bytes()[:-8000])
    (tmp_path / "broken.wav").write_bytes(b"RIFF, and nothing else")
    return tmp_path


CHOICES = {
    "clips": Choice(),
    "all arrays": Choice(top=None, arrays=("scores", "embedding")),
    "patches": Choice(per_patch=True, arrays=("scores",)),
    "events": Choice(events=EventParameters(enter=0.01)),
    "some classes": Choice(classes=(1, 3), threshold=0.5),
}


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.long(reason="runs with many interruptions")
def test_items_are_what_a_run_expects(tagger, folder: Path, name: str, jobs: int) -> None:
    choice = CHOICES[name]
    layout = ItemLayout.of(run_info(tagger, choice), tagger.classes)
    clips = [Clip(str(path)) for path in sorted(folder.iterdir())]
    found: dict[str, list] = {clip.path: [] for clip in clips}
    for clip, item in clip_items(tagger, clips, choice, jobs):
        found[clip.path].append(item)
    for path, items in found.items():
        check = ClipCheck(path, layout)
        for item in items:
            check.add(item)
        assert isinstance(items[-1], ClipFailure if "broken" in path else ClipEnd)
    assert list(found) == [clip.path for clip in clips]
    assert all(clip.audio is None for clip in clips)


def test_patches_are_reported_with_their_times(tagger, folder: Path) -> None:
    start, *patches, end = (
        item
        for _, item in clip_items(
            tagger, [Clip(str(folder / "noise.wav"))], Choice(per_patch=True), 1
        )
    )
    assert start == ClipStart(str(folder / "noise.wav"), 8000, 1, 2.5)
    assert all(isinstance(patch, PatchTags) for patch in patches)
    assert len(patches) == end.patches
    assert patches[-1].end_seconds == end.duration_seconds == 2.5


def test_events_come_before_the_end(tagger, folder: Path) -> None:
    choice = Choice(events=EventParameters(enter=0.01))
    clip = Clip(str(folder / "noise.wav"))
    start, *events, end = (item for _, item in clip_items(tagger, [clip], choice, 1))
    assert isinstance(start, ClipStart)
    assert events
    assert all(isinstance(event, Event) for event in events)
    assert isinstance(end, ClipEnd)


@pytest.mark.parametrize("strict", [False, True])
def test_warnings_are_failures_of_a_strict_run(tagger, folder: Path, strict: bool) -> None:
    clip = Clip(str(folder / "cut.wav"))
    *_, end = (item for _, item in clip_items(tagger, [clip], Choice(strict=strict), 1))
    assert isinstance(end, ClipFailure if strict else ClipEnd)
    assert "breaks off" in (end.message if strict else end.warnings[0])


@pytest.mark.parametrize("error", [ZeroDivisionError("a\nb"), MemoryError(), RecursionError("x")])
def test_an_unforeseen_error_fails_one_clip_in_one_line(
    tagger, folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    open_audio = module.open_audio

    def failing(path: str, **options):
        if path == str(folder / "short.wav"):
            raise error
        return open_audio(path, **options)

    monkeypatch.setattr(module, "open_audio", failing)
    clips = [Clip(str(folder / name)) for name in ("noise.wav", "short.wav", "silence.wav")]
    ends = {
        clip.path: item
        for clip, item in clip_items(tagger, clips, Choice(), 1)
        if not isinstance(item, ClipStart)
    }
    failure = ends.pop(clips[1].path)
    assert isinstance(failure, ClipFailure)
    assert failure.type == type(error).__name__
    assert failure.message.startswith(clips[1].path)
    assert failure.message.isprintable()
    assert all(isinstance(end, ClipEnd) for end in ends.values())
