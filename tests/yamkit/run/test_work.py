"""Work: what is sent to another process tags as the work of this one does."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile

from yamkit import Tagger
from yamkit.errors import (
    AudioFileError,
    IncompatibleError,
    ParameterError,
    UnknownPluginError,
    YamkitError,
)
from yamkit.models.bundle import ModelBundle
from yamkit.plugin import RunnerOptions
from yamkit.run import work as module
from yamkit.run.clips import Clip
from yamkit.run.items import clip_items
from yamkit.run.records import pack
from yamkit.run.work import Work, open_runner
from yamkit.scores.choice import Choice
from yamkit.types import ClipEnd

CHOICE = Choice(top=3, per_patch=True, arrays=("scores", "embedding"))


@pytest.fixture
def tagger(tiny: ModelBundle):
    with Tagger(tiny, backend="numpy", threads=1) as opened:
        yield opened


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    for number in range(4):
        noise = np.random.default_rng(number).normal(0, 0.1, 3000 + 5000 * number)
        soundfile.write(tmp_path / f"{number}.wav", noise, 8000)
    (tmp_path / "2.wav").write_bytes(b"RIFF, and nothing else")
    return [str(tmp_path / f"{number}.wav") for number in range(4)]


def clips(paths: list[str]) -> list[Clip]:
    return [
        *map(Clip, paths),
        Clip("folder", error=AudioFileError("folder is a directory")),
        Clip(paths[-1], 0.25, 0.75, key="part"),
    ]


def test_a_copy_opens_one_tagger_and_finds_the_same(
    tagger, paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    class Counted(Tagger):
        def __init__(self, *arguments, **options) -> None:
            super().__init__(*arguments, **options)
            opened.append(self)

    monkeypatch.setattr(module, "Tagger", Counted)
    work = Work(tagger, CHOICE)
    sent = pickle.loads(pickle.dumps(work))
    assert not opened
    answers = [answer for clip in clips(paths) for answer in sent.answers([work.row(clip)], 1)]
    assert len(opened) == 1
    sent.close()
    assert answers == [
        pack(item for _, item in clip_items(tagger, [clip], CHOICE, 1)) for clip in clips(paths)
    ]
    together = pickle.loads(pickle.dumps(work))
    assert len(together.answers([work.row(clip) for clip in clips(paths)], 2)) == 6
    together.close()


def test_a_copy_that_never_tagged_can_be_closed(tagger) -> None:
    pickle.loads(pickle.dumps(Work(tagger, CHOICE))).close()


@pytest.mark.parametrize("channel", ["mix", 2])
def test_a_copy_tags_the_same_channel_and_is_as_strict(
    tiny: ModelBundle, tmp_path: Path, channel: str | int
) -> None:
    names = [str(tmp_path / name) for name in ("whole.wav", "cut.wav")]
    noise = np.random.default_rng(0).normal(0, (0.3, 0.001), (8000, 2))
    for name in names:
        soundfile.write(name, noise, 8000)
    Path(names[1]).write_bytes(Path(names[1]).read_bytes()[:-8000])
    parts = {"backend": "numpy", "threads": 1, "channel": channel}
    with Tagger(tiny, **parts) as tagger:
        work = Work(tagger, Choice(top=None, strict=True))
        sent = pickle.loads(pickle.dumps(work))
        rows = [work.row(clip) for clip in map(Clip, names)]
        ends = [list(work.read(answer))[-1] for answer in sent.answers(rows, 1)]
        sent.close()
        wanted = tagger.tag(names[0]).top(None)
    assert [(tag.index, pytest.approx(tag.score)) for tag in wanted] == [
        (tag.index, tag.score) for tag in ends[0].tags
    ]
    assert ends[1].type == "AudioWarningError"
    assert ends[1].message.startswith(f"{names[1]}: breaks off at 0.75 s; ")


def test_a_copy_finds_relative_paths(
    tagger, paths: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    work = Work(tagger, CHOICE)
    sent = pickle.loads(pickle.dumps(work))
    monkeypatch.chdir("/")
    (answer,) = sent.answers([work.row(Clip("0.wav"))], 1)
    sent.close()
    assert isinstance(list(work.read(answer))[-1], ClipEnd)
    with pytest.raises(ParameterError, match="standard input.*--runner local"):
        work.row(Clip("-"))


def test_a_copy_refuses_another_model(tagger) -> None:
    sent = pickle.loads(pickle.dumps(Work(tagger, CHOICE)))
    sent._sha256 = "0" * 64
    with pytest.raises(IncompatibleError, match="differs between"):
        sent.answers([], 1)


@pytest.mark.parametrize("answer", [b"", b"[1]", b'[["[]", null, null]]', b'[["{}"]]'])
def test_an_invalid_answer_is_refused(tagger, answer: bytes) -> None:
    with pytest.raises(YamkitError, match="invalid worker result"):
        list(Work(tagger, CHOICE).read(answer))


def test_a_runner_is_opened_by_name() -> None:
    open_runner("local", RunnerOptions(jobs=2)).close()
    with pytest.raises(UnknownPluginError, match="nowhere"):
        open_runner("nowhere", RunnerOptions())
