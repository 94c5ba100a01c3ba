"""Clips: files and parts of files, the same results however many at a time and in what order."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from yamkit import Tagger
from yamkit.errors import AudioError, AudioFileError, AudioValueError, DecodeError
from yamkit.models.bundle import ModelBundle
from yamkit.run.clips import Clip, read_clip
from yamkit.run.scheduler import Failed, tag_streams
from yamkit.types import Batch

LENGTHS = (0, 1, 700, 8000, 9000, 30000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips")
    random = np.random.default_rng(0)
    for length in LENGTHS:
        samples = random.normal(0, 0.1, length).astype(np.float32)
        soundfile.write(path / f"{length}.wav", samples, 8000, subtype="FLOAT")
    (path / "broken.wav").write_bytes(b"RIFF, and nothing else")
    return path


@pytest.fixture
def tagger(tiny: ModelBundle):
    with Tagger(tiny) as opened:
        yield opened


def tag_clips(pipeline, clips: list[Clip], *, jobs: int, channel: int | str = "mix"):
    return tag_streams(
        clips,
        partial(read_clip, pipeline=pipeline, channel=channel),
        pipeline.infer,
        lambda _, event: [event],
        jobs=jobs,
        batch_size=pipeline.batch_size,
    )


def scores(tagger: Tagger, clips: list[Clip], jobs: int = 1) -> list:
    """For each clip the scores of its patches, or the error."""
    found, batches = [], []
    for clip, event in tag_clips(tagger.pipeline, clips, jobs=jobs):
        assert clip is clips[len(found)]
        if isinstance(event, Batch):
            batches.append(event)
            continue
        if isinstance(event, Failed):
            found.append(event.error)
        else:
            places = np.concatenate([batch.start_samples for batch in batches])
            hop = tagger.pipeline.features.patch_hop_samples
            np.testing.assert_array_equal(places, hop * np.arange(len(places)))
            found.append(np.concatenate([batch.scores for batch in batches]))
        batches = []
    return found


NAMES = [*(f"{length}.wav" for length in LENGTHS), "broken.wav", "nowhere.wav"]


@settings(max_examples=25, deadline=None)
@given(
    names=st.lists(st.sampled_from(NAMES), max_size=10),
    jobs=st.integers(1, 4),
    batch_size=st.integers(1, 20),
)
@pytest.mark.long(reason="runs with many interruptions")
def test_nothing_but_the_file_matters(
    tiny: ModelBundle, folder: Path, names: list[str], jobs: int, batch_size: int
) -> None:
    with Tagger(tiny, batch_size=batch_size, threads=1) as tagger:
        found = scores(tagger, [Clip(str(folder / name)) for name in names], jobs)
        for name, result in zip(names, found, strict=True):
            if isinstance(result, AudioError):
                with pytest.raises(type(result)) as caught:
                    tagger.tag(folder / name)
                assert str(caught.value) == str(result)
            else:
                wanted = tagger.tag(folder / name).scores
                np.testing.assert_allclose(result, wanted, rtol=0, atol=1e-6)


def test_what_cannot_be_tagged(tagger: Tagger, folder: Path) -> None:
    known = AudioFileError("a folder")
    found = scores(
        tagger,
        [
            Clip(str(folder / "broken.wav")),
            Clip(str(folder / "8000.wav")),
            Clip(str(folder / "nowhere.wav")),
            Clip("folder", error=known),
        ],
    )
    assert isinstance(found[0], DecodeError)
    assert len(found[1]) == 8
    assert isinstance(found[2], AudioFileError)
    assert found[3] is known


@pytest.mark.parametrize(("start", "end"), [(0.0, 1.0), (0.5, 1.5), (1.0, 2.5), (2.5, 9.0)])
def test_a_longer_file_is_cut(tagger: Tagger, folder: Path, start: float, end: float) -> None:
    path = folder / "30000.wav"
    samples, rate = soundfile.read(path, dtype="float32")
    (found,) = scores(tagger, [Clip(str(path), start, end)])
    wanted = tagger.tag(samples[round(start * rate) : round(end * rate)], rate).scores
    if end - start > len(samples) / rate - 1:  # so it is no longer than the part, with some slack
        wanted = tagger.tag(samples, rate).scores
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("start", "end"), [(30.0, 33.75), (30.0, 33.0), (0.0, 4.0), (5.0, 60.0)])
def test_a_file_that_is_the_part_itself_is_not(
    tagger: Tagger, folder: Path, start: float, end: float
) -> None:
    path = folder / "30000.wav"
    (found,) = scores(tagger, [Clip(str(path), start, end)])
    np.testing.assert_allclose(found, tagger.tag(path).scores, rtol=0, atol=1e-6)


@pytest.mark.parametrize("channel", ["mix", 1, 2])
def test_a_part_of_a_channel(tagger: Tagger, tmp_path: Path, channel: int | str) -> None:
    samples = np.random.default_rng(0).normal(0, (0.3, 0.001), (30000, 2)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="FLOAT")
    part = samples[4000:12000]
    wanted = part.mean(axis=1) if channel == "mix" else part[:, channel - 1]
    clip = Clip(str(tmp_path / "a.wav"), 0.5, 1.5)
    events = [event for _, event in tag_clips(tagger.pipeline, [clip], jobs=1, channel=channel)]
    found = np.concatenate([event.scores for event in events if isinstance(event, Batch)])
    np.testing.assert_allclose(found, tagger.tag(wanted, 8000).scores, rtol=0, atol=1e-6)


def test_a_part_beyond_the_end(tagger: Tagger, folder: Path) -> None:
    (found,) = scores(tagger, [Clip(str(folder / "30000.wav"), 30.0, 31.0)])
    assert isinstance(found, AudioValueError)
    assert all(time in str(found) for time in ("3.8 s", "30 s"))
