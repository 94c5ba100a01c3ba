"""Runs over many files: killed and resumed, in shards, with several threads."""

from __future__ import annotations

import csv
import functools
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import soundfile

from yamkit.models.bundle import ModelBundle

FILES = 6


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: ModelBundle):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YAMKIT_MODEL", str(tiny.folder))
    Path("corpus").mkdir()
    for number in range(FILES):
        noise = np.random.default_rng(number).normal(0, 0.1, 4000 + 3000 * number)
        soundfile.write(f"corpus/{number}.wav", noise, 8000)
    Path("corpus/2x.wav").write_bytes(b"RIFF, and nothing else")


@pytest.fixture
def yamkit(yamkit):
    return functools.partial(yamkit, "classify", "--recursive")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were opened."""
    from yamkit.run import clips

    seen: list[str] = []
    open_audio = clips.open_audio

    def noted(path: str, **options):
        seen.append(Path(path).name)
        return open_audio(path, **options)

    monkeypatch.setattr(clips, "open_audio", noted)
    return seen


NAMES = ["0.wav", "1.wav", "2.wav", "2x.wav", "3.wav", "4.wav", "5.wav"]


@pytest.mark.parametrize("output", ["tags.jsonl", "tags/"])
def test_resuming_a_whole_run_opens_nothing(yamkit, opened: list[str], output: str) -> None:
    one = ("corpus", "--format", "jsonl", "-o", output)
    code, _, err = yamkit(*one)
    assert code == 1
    assert err.splitlines()[-1] == "1 of 7 failed"
    assert sorted(opened) == NAMES
    files = {path: path.read_bytes() for path in Path().rglob("*.jsonl")}
    opened.clear()
    code, _, err = yamkit(*one, "--resume")
    assert (code, opened) == (1, [])
    assert err.splitlines()[-1] == "1 of 7 failed"
    assert len(err.splitlines()) == 2
    assert {path: path.read_bytes() for path in Path().rglob("*.jsonl")} == files


def test_what_is_new_or_changed_is_tagged(yamkit, opened: list[str]) -> None:
    one = ("corpus", "-o", "tags.csv", "--resume")
    yamkit(*one)
    opened.clear()
    Path("corpus/3.wav").rename("corpus/7.wav")
    os.utime("corpus/1.wav", ns=(1, 1))
    Path("corpus/4.wav").write_bytes(Path("corpus/5.wav").read_bytes())
    yamkit(*one)
    assert sorted(opened) == ["1.wav", "4.wav", "7.wav"]
    resumed = Path("tags.csv").read_bytes()
    yamkit("corpus", "-o", "new.csv")
    assert resumed == Path("new.csv").read_bytes()


def test_outputs_of_a_clip_that_are_gone_are_made_again(yamkit, opened: list[str]) -> None:
    yamkit("corpus", "--format", "csv", "-o", "tags/")
    opened.clear()
    Path("tags/4.csv").unlink()
    yamkit("corpus", "--format", "csv", "-o", "tags/", "--resume")
    assert opened == ["4.wav"]
    assert Path("tags/4.csv").exists()


def test_failed_files_are_tried_again_on_demand(yamkit, opened: list[str]) -> None:
    one = ("corpus", "-o", "tags.jsonl")
    yamkit(*one)
    soundfile.write("sound.wav", np.full(8000, 0.1), 8000)
    stamp = Path("corpus/2x.wav").stat()
    opened.clear()
    code, _, err = yamkit(*one, "--retry-failed")
    assert (code, opened) == (1, ["2x.wav"])
    assert "2x.wav" in err.splitlines()[0]
    Path("corpus/2x.wav").write_bytes(Path("sound.wav").read_bytes())
    os.utime("corpus/2x.wav", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    code, _, err = yamkit(*one, "--retry-failed")
    assert (code, err) == (0, "35 tags in 7 files -> tags.jsonl; journal: tags.jsonl.journal\n")
    clips = [json.loads(line) for line in Path("tags.jsonl").read_text().splitlines()]
    assert [Path(clip["path"]).name for clip in clips] == NAMES
    assert not any("error" in clip for clip in clips)


def test_other_parameters_are_refused(yamkit) -> None:
    yamkit("corpus", "-o", "tags.csv")
    code, _, err = yamkit("corpus", "-o", "tags.csv", "--resume", "--aggregate", "max")
    assert code == 2
    assert "tags.csv.journal" in err
    assert "aggregate is 'mean'" in err
    assert (
        yamkit("corpus", "-o", "tags.csv", "--resume", "--jobs", "2", "--batch-size", "3")[0] == 1
    )


def test_no_journal_where_it_would_be_of_no_use(yamkit) -> None:
    yamkit("corpus/0.wav", "-o", "tags.csv")
    assert not list(Path().glob("*.journal"))
    code, _, err = yamkit("corpus", "--resume")
    assert (code, err.count("\n")) == (2, 1)
    assert "--resume requires --output" in err


KILLED = textwrap.dedent(
    """
    import os, sys
    from yamkit import cli
    from yamkit.run import journal

    left = int(sys.argv.pop(1))

    def counted(method):
        def call(*arguments, **options):
            global left
            if left == 0:
                os.kill(os.getpid(), 9)
            left -= 1
            return method(*arguments, **options)
        return call

    journal.Journal.write = counted(journal.Journal.write)
    journal.Journal.lacks = counted(journal.Journal.lacks)
    cli.main()
    """
)


@pytest.mark.parametrize("format_", ["jsonl", "csv"])
@pytest.mark.parametrize("output", ["tags.{ext}", "tags/{stem}.{ext}"])
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_nothing_is_lost_or_doubled_after_a_kill(yamkit, output: str, format_: str) -> None:
    """Killed again and again, each time a little later than it came the time before."""
    yamkit("corpus", "--format", format_, "-o", "whole/" + output, "--jobs", "1")
    kills = 0
    for steps in range(3, 200, 5):
        arguments = ["classify", "corpus", "--recursive", "--format", format_, "-o", output]
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(steps), *arguments, "--resume", "--jobs", "1"],
            capture_output=True,
        )
        if done.returncode >= 0:
            break
        kills += 1
    assert kills >= 2
    assert done.returncode == 1
    wanted = sorted(path for path in Path("whole").rglob("*") if path.suffix == f".{format_}")
    assert len(wanted) == (1 if "{stem}" not in output else FILES)
    for path in wanted:
        assert path.relative_to("whole").read_bytes() == path.read_bytes()


def test_shards_share_a_corpus(yamkit) -> None:
    yamkit("corpus", "--format", "csv", "-o", "tags.csv")
    for part in (1, 2, 3):
        yamkit("corpus", "--format", "csv", "-o", "tags.csv", "--shard", f"{part}/3")
    names = sorted(path.name for path in Path().glob("tags-*"))
    assert names == [
        f"tags-0000{part}-of-00003.{suffix}"
        for part in (1, 2, 3)
        for suffix in ("csv", "csv.journal")
    ]

    def rows(*paths: Path) -> list[tuple]:
        return sorted(
            tuple(row.items())
            for path in paths
            for row in csv.DictReader(path.read_text().splitlines())
        )

    shards = [Path(name) for name in names if name.endswith("csv")]
    assert rows(*shards) == rows(Path("tags.csv"))
    assert sum(bool(rows(shard)) for shard in shards) > 1


def test_a_shard_is_the_same_whatever_else_is_there(yamkit) -> None:
    def shard() -> set[str]:
        yamkit("corpus", "--format", "csv", "-o", "x-{shard}.csv", "--shard", "1/2")
        lines = Path("x-00001-of-00002.csv").read_text().splitlines()
        return {row["path"] for row in csv.DictReader(lines)}

    before = shard()
    Path("corpus/0.wav").rename("corpus/00.wav")
    assert before - shard() <= {"corpus/0.wav"}


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/", "1/100000", "-1/2"])
def test_shards_that_are_none(yamkit, shard: str) -> None:
    code, _, err = yamkit("corpus", "--shard", shard)
    assert code == 2
    assert f"'--shard': {shard!r}: must be I/N, such as 1/8 to 8/8" in err


def test_a_shard_needs_a_file(yamkit) -> None:
    code, _, err = yamkit("corpus", "--shard", "1/2")
    assert (code, "--shard requires --output" in err) == (2, True)


def test_a_table_of_a_corpus(yamkit) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    code, _, _ = yamkit(
        "corpus", "--format", "parquet", "-o", "tags/", "--save-scores", "--save-embeddings"
    )
    assert code == 1
    names = sorted(path.name for path in Path("tags").iterdir())
    assert names == ["part-00001-of-00001.journal", "part-00001-of-00001.parquet"]
    rows = pq.read_table("tags/part-00001-of-00001.parquet").to_pylist()
    assert list(dict.fromkeys(Path(row["path"]).name for row in rows)) == NAMES
    assert [row["error_type"] for row in rows if row["rank"] is None] == ["DecodeError"]
    for row in rows:
        assert (row["scores"] is not None) == (row["rank"] == 1)
        assert (row["embedding"] is not None) == (row["rank"] == 1)


def test_arrays_without_a_table(yamkit, tiny: ModelBundle) -> None:
    code, _, err = yamkit(
        "corpus/1.wav", "-o", "tags", "--save-scores", "--save-embeddings", "--per-patch"
    )
    assert (code, err) == (0, "7 patches in 1 file -> tags/{stem}.{ext}\n")
    assert sorted(path.name for path in Path("tags").iterdir()) == [
        "1.embeddings.npy",
        "1.scores.npy",
        "1.txt",
    ]
    scores = np.load("tags/1.scores.npy")
    embeddings = np.load("tags/1.embeddings.npy")
    assert scores.dtype == embeddings.dtype == np.float16
    assert scores.shape == (len(embeddings), len(tiny.classes))
    assert embeddings.shape[1] == tiny.network.embedding_size


@pytest.mark.parametrize("jobs", ["1", "2", "5"])
@pytest.mark.parametrize("batch_size", ["1", "7"])
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_jobs_and_batches_change_nothing(yamkit, jobs: str, batch_size: str) -> None:
    yamkit("corpus", "--format", "jsonl", "--per-patch", "-o", "a.jsonl", "--jobs", "1")
    options = ("--jobs", jobs, "--batch-size", batch_size)
    yamkit("corpus", "--format", "jsonl", "--per-patch", "-o", "b.jsonl", *options)
    for wanted, found in zip(
        Path("a.jsonl").read_text().splitlines(),
        Path("b.jsonl").read_text().splitlines(),
        strict=True,
    ):
        assert_same(json.loads(found), json.loads(wanted))


def assert_same(found, wanted) -> None:
    """Compare documents; numbers within 1e-6."""
    assert type(found) is type(wanted)
    if isinstance(wanted, dict):
        assert list(found) == list(wanted)
        for key in wanted:
            assert_same(found[key], wanted[key])
    elif isinstance(wanted, list):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert_same(one, other)
    elif isinstance(wanted, float):
        assert abs(found - wanted) <= 1e-6
    else:
        assert found == wanted


@pytest.mark.ray
def test_a_cluster_gives_the_same(yamkit) -> None:
    pytest.importorskip("ray")
    one = ("corpus", "--format", "jsonl", "--per-patch")
    yamkit(*one, "-o", "a.jsonl")
    cluster = ("-o", "b.jsonl", "--runner", "ray", "--jobs", "2")
    done = subprocess.run(
        [sys.executable, "-m", "yamkit", "classify", "--recursive", *one, *cluster],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "1 of 7 failed"
    lines = [Path(name).read_text().splitlines() for name in ("a.jsonl", "b.jsonl")]
    assert_same(*[[json.loads(line) for line in each] for each in lines])
