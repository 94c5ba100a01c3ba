"""Every combination a user can type runs through the command line, and gives the same scores.

Backends, front ends, resamplers, runners and formats are taken from the registry, so that a new one
enters by itself. Each backend with each front end has processes of its own: engines keep state for
as long as a process lives, and what comes first matters.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from yamkit.models.bundle import ModelBundle
from yamkit.plugin import SinkInfo
from yamkit.registry import registry

RUN = Path(__file__).with_name("combinations.py")

TOLERANCE = 2e-3
"""Of a number in an output, absolute and relative.

Engines differ by 1e-5. Text has three decimals, saved embeddings the ten bits of a float16.
"""

EVENTS = ("--events", "--enter", "0.3", "--leave", "0.1")

HEAVY = {"keras": "tensorflow", "logmel-tf": "tensorflow", "ray": "ray"}
"""The markers of plugins that bring a large engine."""


def names(kind: str) -> list[str]:
    """The names of the built-in plugins of a kind."""
    own = {plugin.name for plugin in registry().plugins if plugin.distribution == "yamkit"}
    return [name for name in registry().names(kind) if name in own]


def marked(*values: str) -> object:
    """A parameter with the markers of what it takes."""
    marks = {HEAVY[value] for value in values if value in HEAVY}
    return pytest.param(*values, marks=[getattr(pytest.mark, mark) for mark in sorted(marks)])


PARTS = [
    marked(backend, frontend)
    for backend, frontend in itertools.product(names("backend"), names("frontend"))
    if frontend != "waveform"  # its models carry a front end of their own; see below
]


def sinks() -> list[SinkInfo]:
    found = {}
    for name in names("sink"):
        info = registry().resolve("sink", name).info
        assert isinstance(info, SinkInfo)
        found[name] = info
    return list(found.values())


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds at 44.1 kHz: a tone, and noise in the other channel."""
    path = tmp_path_factory.mktemp("sounds") / "tone and noise.wav"
    time = np.arange(2 * 44100) / 44100
    noise = np.random.default_rng(0).normal(0, 0.1, len(time))
    soundfile.write(path, np.stack([0.3 * np.sin(2764.6 * time), noise], axis=1), 44100)
    return path


def execute(commands: list[list[str]], folder: Path) -> list[tuple[int, str, str]]:
    """Run commands in a fresh process; each must succeed."""
    done = subprocess.run(
        [sys.executable, str(RUN)],
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers = json.loads(done.stdout.splitlines()[-1])
    for command, (code, _, err) in zip(commands, answers, strict=True):
        assert code == 0, (command, err)
        assert "Traceback" not in err
    return answers


def formats(*, events: bool) -> list[SinkInfo]:
    """Formats that a run writes: of tags and saved arrays, or of tags with events."""
    if events:
        return [info for info in sinks() if not (info.one_clip and info.arrays)]
    return [info for info in sinks() if not info.for_events]


def classify(sound: Path, model: Path, folder: str, *options: str, events: bool) -> list[str]:
    """The command that writes all formats of tags, or of events."""
    more = EVENTS if events else ("--save-scores", "--save-embeddings")
    chosen = [word for info in formats(events=events) for word in ("--format", info.name)]
    common = ["classify", str(sound), "--model", str(model), "--top", "all", *options]
    return [*common, *more, *chosen, "-o", f"{folder}/{'events' if events else 'tags'}/"]


def parts(backend: str, frontend: str, resampler: str) -> tuple[str, ...]:
    return ("--backend", backend, "--frontend", frontend, "--resampler", resampler)


def read(path: Path) -> list[str | float]:
    """The content of an output as words and numbers, without those of engine and model file."""
    if path.suffix == ".npy":
        return [float(value) for value in np.load(path).ravel()]
    if path.suffix == ".parquet":
        table = pytest.importorskip("pyarrow.parquet").read_table(path)
        text = json.dumps(table.to_pylist(), default=list)
    else:
        text = path.read_text()
    text = re.sub(r'"(backend|frontend|resampler|sha256|source)": "[^"]*"', "", text)
    words = re.findall(r"-?\d+\.\d+(?:e-?\d+)?|[^\s,;\"\[\]{}]+", text)
    return [float(word) if re.fullmatch(r"-?\d+\.\d+(e-?\d+)?", word) else word for word in words]


def compare(found: Path, wanted: Path) -> None:
    """Same files, same words, and numbers within the tolerance."""
    paths = sorted(path.relative_to(wanted) for path in wanted.rglob("*.*"))
    assert sorted(path.relative_to(found) for path in found.rglob("*.*")) == paths
    for path in paths:
        ours, theirs = read(found / path), read(wanted / path)
        assert len(ours) == len(theirs), path
        for one, other in zip(ours, theirs, strict=True):
            if isinstance(other, float):
                assert one == pytest.approx(other, rel=TOLERANCE, abs=TOLERANCE), path
            else:
                assert one == other, path


@pytest.fixture(scope="module")
def wanted(sound: Path, tiny: ModelBundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What NumPy gives, by resampler; every format holds something."""
    folder = tmp_path_factory.mktemp("wanted")
    execute(
        [
            classify(sound, tiny.folder, name, *parts("numpy", "logmel", name), events=events)
            for name in names("resampler")
            for events in (False, True)
        ],
        folder,
    )
    for resampler, events in itertools.product(names("resampler"), (False, True)):
        for info in formats(events=events):
            place = folder / resampler / ("events" if events else "tags")
            path = place / f"part-00001-of-00001.{info.extension}"
            assert path.stat().st_size > 50, path
    return folder


@pytest.mark.parametrize(("backend", "frontend"), PARTS)
def test_classify(
    backend: str, frontend: str, sound: Path, wanted: Path, tiny: ModelBundle, tmp_path: Path
) -> None:
    execute(
        [
            classify(sound, tiny.folder, name, *parts(backend, frontend, name), events=events)
            for name in names("resampler")
            for events in (False, True)
        ],
        tmp_path,
    )
    compare(tmp_path, wanted)


@pytest.mark.ray
@pytest.mark.parametrize(("backend", "frontend"), PARTS)
def test_classify_on_ray(
    backend: str, frontend: str, sound: Path, wanted: Path, tiny: ModelBundle, tmp_path: Path
) -> None:
    """Formats are written in this process, so that one command holds them all."""
    pytest.importorskip("ray")
    ray = ("--runner", "ray", "--jobs", "1")
    execute(
        [
            classify(sound, tiny.folder, name, *parts(backend, frontend, name), *ray, events=True)
            for name in names("resampler")
        ],
        tmp_path,
    )
    for name in names("resampler"):
        compare(tmp_path / name / "events", wanted / name / "events")


def command(arguments: list[str], sound: Path, folder: Path) -> str:
    """Run one command in a process of its own, as a shell does; give its standard output."""
    with sound.open("rb") as stream:
        done = subprocess.run(
            [sys.executable, "-m", "yamkit", *arguments],
            stdin=stream,
            capture_output=True,
            cwd=folder,
            check=False,
        )
    err = done.stderr.decode()
    assert done.returncode == 0, err
    assert "Traceback" not in err
    return done.stdout.decode()


def heard(sound: Path, model: Path, *chosen: str) -> list[tuple[str, str, float, float]]:
    """What `listen` says of a stream: opening or closing, class, onset and score."""
    arguments = ["listen", "-", *EVENTS[1:], "--format", "jsonl", "--model", str(model), *chosen]
    lines = map(json.loads, command(arguments, sound, sound.parent).splitlines())
    return [
        (line["type"], line["name"], line["onset_seconds"], line["score"])
        for line in lines
        if line["type"] in ("open", "close")
    ]


@pytest.fixture(scope="module")
def wanted_heard(sound: Path, tiny: ModelBundle) -> list[tuple[str, str, float, float]]:
    lines = heard(sound, tiny.folder, "--backend", "numpy", "--frontend", "logmel")
    assert len(lines) > 1
    return lines


@pytest.mark.parametrize(("backend", "frontend"), PARTS)
def test_listen(
    backend: str, frontend: str, sound: Path, tiny: ModelBundle, wanted_heard: list
) -> None:
    found = heard(sound, tiny.folder, "--backend", backend, "--frontend", frontend)
    assert [line[:3] for line in found] == [line[:3] for line in wanted_heard]
    for one, other in zip(found, wanted_heard, strict=True):
        assert one[3] == pytest.approx(other[3], abs=TOLERANCE)


def evaluated(sound: Path, model: Path, folder: Path, *chosen: str) -> np.ndarray:
    """The scores that `eval` saves with its report."""
    (folder / "labels.csv").write_text(f"path,labels\n{sound.name},Sine wave\n")
    arguments = ["eval", "labels.csv", "--audio", str(sound.parent), "--report", "report"]
    command([*arguments, "--model", str(model), *chosen], sound, folder)
    (path,) = (folder / "report").glob("*.npz")
    with np.load(path) as archive:
        return archive["scores"]


@pytest.fixture(scope="module")
def wanted_scores(
    sound: Path, tiny: ModelBundle, tmp_path_factory: pytest.TempPathFactory
) -> np.ndarray:
    folder = tmp_path_factory.mktemp("wanted")
    scores = evaluated(sound, tiny.folder, folder, "--backend", "numpy", "--frontend", "logmel")
    assert scores.size == len(tiny.classes)
    return scores


@pytest.mark.parametrize(("backend", "frontend"), PARTS)
def test_eval(
    backend: str,
    frontend: str,
    sound: Path,
    tiny: ModelBundle,
    tmp_path: Path,
    wanted_scores: np.ndarray,
) -> None:
    chosen = ("--backend", backend, "--frontend", frontend)
    found = evaluated(sound, tiny.folder, tmp_path, *chosen)
    np.testing.assert_allclose(found, wanted_scores, atol=TOLERANCE)


@pytest.mark.tensorflow
def test_eval_of_several_backends_whichever_comes_first(
    sound: Path, tiny: ModelBundle, tmp_path: Path
) -> None:
    pytest.importorskip("tensorflow")
    (tmp_path / "labels.csv").write_text(f"path,labels\n{sound.name},Sine wave\n")
    backends = [word for name in ("numpy", "keras", "onnx") for word in ("--backend", name)]
    arguments = ["eval", "labels.csv", "--audio", str(sound.parent), "--json"]
    chosen = ["--frontend", "logmel-tf", "--model", str(tiny.folder), *backends]
    document = json.loads(command([*arguments, *chosen], sound, tmp_path))
    assert document["coverage"]["scored"] == 1
    assert len(document["systems"]) == len(backends) // 2


@pytest.mark.parametrize(("backend", "frontend"), PARTS)
def test_bench(backend: str, frontend: str, sound: Path, tiny: ModelBundle, tmp_path: Path) -> None:
    options = ["--seconds", "1", "--rounds", "1", "--batch-size", "4", "--json"]
    chosen = ["--model", str(tiny.folder), "--backend", backend, "--frontend", frontend]
    (row,) = json.loads(command(["bench", *options, *chosen], sound, tmp_path))["results"]
    assert row["backend"] == backend
    assert row["patches_per_second"] > 0


@pytest.mark.tensorflow
def test_selftest(sound: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    lines = command(["selftest"], sound, tmp_path).splitlines()
    passed = {tuple(line.split()[1:3]) for line in lines if line.startswith("ok ")}
    assert passed == {
        (frontend, backend)
        for backend, frontend in itertools.product(names("backend"), names("frontend"))
        if frontend != "waveform"
    }


def test_a_model_that_takes_samples(
    sound: Path, wanted: Path, tiny: ModelBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The front end `waveform`, with every resampler and format."""
    monkeypatch.setenv("YAMKIT_HOME", str(tmp_path / "home"))
    export = ["models", "export", str(tiny.folder), "--to", "onnx", "--with-frontend"]
    bring = ["models", "import", "samples.onnx", "--name", "tiny", "--like", str(tiny.folder)]
    execute([[*export, "-o", "samples.onnx"], [*bring, "--waveform"]], tmp_path)
    execute(
        [
            classify(sound, Path("tiny"), f"out/{name}", "--resampler", name, events=events)
            for name in names("resampler")
            for events in (False, True)
        ],
        tmp_path,
    )
    compare(tmp_path / "out", wanted)
