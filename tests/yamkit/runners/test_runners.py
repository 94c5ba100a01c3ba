"""Runners: wherever clips are tagged, the results are the same, and in the same order."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile

from yamkit import Tagger
from yamkit.errors import AudioFileError, ParameterError, RunnerError
from yamkit.models.bundle import ModelBundle
from yamkit.plugin import RunnerOptions
from yamkit.run.clips import Clip
from yamkit.run.items import clip_items
from yamkit.run.work import Work
from yamkit.runners._local import LocalRunner
from yamkit.scores.choice import Choice
from yamkit.types import ClipEnd, ClipFailure

CHOICE = Choice(top=3, per_patch=True, arrays=("scores", "embedding"))


@pytest.fixture
def tagger(tiny: ModelBundle):
    with Tagger(tiny, backend="numpy", threads=1) as opened:
        yield opened


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    for number in range(24):
        noise = np.random.default_rng(number).normal(0, 0.1, 3000 + 500 * number)
        soundfile.write(tmp_path / f"{number:02}.wav", noise, 8000)
    (tmp_path / "05.wav").write_bytes(b"RIFF, and nothing else")
    return [str(tmp_path / f"{number:02}.wav") for number in range(24)]


def clips(paths: list[str]) -> list[Clip]:
    return [
        *map(Clip, paths),
        Clip("folder", error=AudioFileError("folder is a directory")),
        Clip(paths[-1], 0.25, 0.75, key="part"),
    ]


def assert_same(found, wanted) -> None:
    assert len(found) == len(wanted)
    for (clip, item), (other, expected) in zip(found, wanted, strict=True):
        assert (clip.path, clip.key) == (other.path, other.key)
        assert type(item) is type(expected)
        if isinstance(item, ClipFailure):
            assert item == expected
        for name in ("scores", "embedding"):
            values = getattr(expected, name, None)
            if values is not None:
                np.testing.assert_allclose(getattr(item, name), values, rtol=2e-3, atol=1e-3)
        if hasattr(item, "tags"):
            assert [tag.index for tag in item.tags] == [tag.index for tag in expected.tags]
            scores = [[tag.score for tag in each.tags] for each in (item, expected)]
            np.testing.assert_allclose(*scores, rtol=0, atol=1e-6)
        if isinstance(item, ClipEnd):
            assert item.duration_seconds == expected.duration_seconds
            assert item.patches == expected.patches


@pytest.mark.long(reason="runs with many interruptions")
def test_the_local_runner_tags_in_this_process(tagger, paths: list[str]) -> None:
    wanted = list(clip_items(tagger, clips(paths), CHOICE, 1))
    for jobs in (None, 2):
        with closing(LocalRunner(RunnerOptions(jobs))) as runner:
            assert_same(list(runner.items(Work(tagger, CHOICE), clips(paths))), wanted)
    with pytest.raises(ParameterError, match="--runner ray"):
        LocalRunner(RunnerOptions(address="here:1"))


class DeadlyWork(Work):
    """Kills the process that tags a certain clip, so many times."""

    def __init__(self, tagger: Tagger, deadly: str, marks: Path, times: int) -> None:
        super().__init__(tagger, CHOICE)
        self._deadly, self._marks, self._times = deadly, marks, times

    def answers(self, rows, jobs: int) -> list[bytes]:
        if any(row["path"] == self._deadly for row in rows):
            for number in range(self._times):
                mark = self._marks / f"{number}.killed"
                if not mark.exists():
                    mark.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
        return super().answers(rows, jobs)


@pytest.fixture(scope="module")
def ray_runner(cluster: str):
    ray_module = pytest.importorskip("yamkit.runners._ray")
    options = RunnerOptions(jobs=2, threads=1, address=cluster)
    with closing(ray_module.RayRunner(options)) as runner:
        yield runner


@pytest.mark.ray
@pytest.mark.filterwarnings("ignore")
class TestRay:
    """Two processes of a real cluster."""

    def test_nothing_to_do(self, ray_runner, tagger) -> None:
        assert list(ray_runner.items(Work(tagger, CHOICE), [])) == []

    def test_a_killed_worker_costs_nothing(self, ray_runner, tagger, paths, tmp_path: Path) -> None:
        work = DeadlyWork(tagger, paths[20], tmp_path, 1)
        found = list(ray_runner.items(work, clips(paths)))
        assert (tmp_path / "0.killed").exists()
        assert_same(found, list(clip_items(tagger, clips(paths), CHOICE, 1)))

    def test_a_file_that_kills_every_worker_ends_the_run(
        self, ray_runner, tagger, paths, tmp_path: Path
    ) -> None:
        work = DeadlyWork(tagger, paths[3], tmp_path, 99)
        with pytest.raises(RunnerError, match="Ray: "):
            list(ray_runner.items(work, clips(paths)))


@pytest.mark.ray
@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere", "ray://127.0.0.1:x", "h:99999"])
def test_a_cluster_that_is_not_there(address: str) -> None:
    ray_module = pytest.importorskip("yamkit.runners._ray")
    with pytest.raises(RunnerError, match="HOST:PORT.*auto"):
        ray_module.RayRunner(RunnerOptions(address=address))
