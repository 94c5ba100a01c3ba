"""Every combination a user can type runs through the command line, and gives the same scores.

The registry names the backends, front ends, resamplers, runners and formats, so that a new one is
tested without a change here. Each backend with each front end has one process: engines keep state
for as long as a process lives, and what comes first matters. So each begins with another command.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from yamkit.models.bundle import ModelBundle
from yamkit.plugin import SinkInfo
from yamkit.registry import registry

pytestmark = pytest.mark.slow(reason="runs every combination, each in a process that loads engines")

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


def execute(commands: dict[str, list[str]], sound: Path, folder: Path) -> dict[str, str]:
    """Run commands in a fresh process, with the sound on standard input; each must succeed.

    Returns their standard outputs.
    """
    orders = folder / "commands.json"
    orders.write_text(json.dumps([(command, str(sound)) for command in commands.values()]))
    done = subprocess.run(
        [sys.executable, str(RUN), str(orders)],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    orders.unlink()
    assert done.returncode == 0, done.stderr[-2000:]
    answers = json.loads(done.stdout.splitlines()[-1])
    for command, (code, _, err) in zip(commands.values(), answers, strict=True):
        assert code == 0, (command, err)
        assert "Traceback" not in err
    return {name: out for name, (_, out, _) in zip(commands, answers, strict=True)}


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


def classify_all(sound: Path, model: Path, *options: str, prefix: str = "") -> dict[str, list[str]]:
    """The commands that write all formats, with every resampler."""
    return {
        f"{name} {'events' if events else 'tags'}": classify(
            sound, model, f"{prefix}{name}", "--resampler", name, *options, events=events
        )
        for name in names("resampler")
        for events in (False, True)
    }


def other_commands(sound: Path, model: Path, *options: str) -> dict[str, list[str]]:
    """`listen`, `eval` and `bench`; the labels lie in `labels.csv`."""
    chosen = ["--model", str(model), *options]
    audio = ["--audio", str(sound.parent), "--report", "report"]
    brief = ["--seconds", "1", "--rounds", "1", "--batch-size", "4", "--json"]
    return {
        "listen": ["listen", "-", *EVENTS[1:], "--format", "jsonl", *chosen],
        "eval": ["eval", "labels.csv", *audio, *chosen],
        "bench": ["bench", *brief, *chosen],
    }


def put_labels(sound: Path, folder: Path) -> None:
    (folder / "labels.csv").write_text(f"path,labels\n{sound.name},Sine wave\n")


def changes(listened: str) -> list[tuple[str, str, float, float]]:
    """What `listen` printed: opening or closing, class, onset and score."""
    return [
        (line["type"], line["name"], line["onset_seconds"], line["score"])
        for line in map(json.loads, listened.splitlines())
        if line["type"] in ("open", "close")
    ]


def saved_scores(folder: Path) -> np.ndarray:
    """The scores that `eval` saved with its report."""
    (path,) = (folder / "report").glob("*.npz")
    with np.load(path) as archive:
        return archive["scores"]


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


@dataclass(frozen=True)
class Results:
    """What the commands made."""

    folder: Path
    changes: list[tuple[str, str, float, float]]
    scores: np.ndarray


@pytest.fixture(scope="module")
def expected(sound: Path, tiny: ModelBundle, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What NumPy makes; every format holds something."""
    folder = tmp_path_factory.mktemp("expected")
    other = tmp_path_factory.mktemp("other")
    put_labels(sound, other)
    parts = ("--backend", "numpy", "--frontend", "logmel")
    execute(classify_all(sound, tiny.folder, *parts), sound, folder)
    printed = execute(other_commands(sound, tiny.folder, *parts), sound, other)
    for resampler, events in itertools.product(names("resampler"), (False, True)):
        for info in formats(events=events):
            place = folder / resampler / ("events" if events else "tags")
            path = place / f"part-00001-of-00001.{info.extension}"
            assert path.stat().st_size > 50, path
    results = Results(folder, changes(printed["listen"]), saved_scores(other))
    assert len(results.changes) > 1
    assert results.scores.size == len(tiny.classes)
    return results


@pytest.mark.parametrize(("backend", "frontend"), PARTS)
def test_every_command(
    backend: str, frontend: str, sound: Path, expected: Results, tiny: ModelBundle, tmp_path: Path
) -> None:
    put_labels(sound, tmp_path)
    parts = ("--backend", backend, "--frontend", frontend)
    others = other_commands(sound, tiny.folder, *parts)
    tagging = classify_all(sound, tiny.folder, *parts, prefix="out/")
    commands = [*others.items(), *tagging.items()]
    turn = [part.values for part in PARTS].index((backend, frontend)) % 4
    printed = execute(dict(commands[turn:] + commands[:turn]), sound, tmp_path)

    compare(tmp_path / "out", expected.folder)
    found = changes(printed["listen"])
    assert [change[:3] for change in found] == [change[:3] for change in expected.changes]
    for one, other in zip(found, expected.changes, strict=True):
        assert one[3] == pytest.approx(other[3], abs=TOLERANCE)
    np.testing.assert_allclose(saved_scores(tmp_path), expected.scores, atol=TOLERANCE)
    (row,) = json.loads(printed["bench"])["results"]
    assert row["backend"] == backend
    assert row["patches_per_second"] > 0


@pytest.mark.ray
@pytest.mark.parametrize(
    ("backend", "frontend", "resampler"),
    [
        marked(*part.values, resampler)
        for part, resampler in zip(PARTS, itertools.cycle(names("resampler")), strict=False)
    ],
)
def test_classify_on_a_cluster(
    backend: str,
    frontend: str,
    resampler: str,
    cluster: str,
    sound: Path,
    expected: Results,
    tiny: ModelBundle,
    tmp_path: Path,
) -> None:
    """Each backend with each front end, and the resamplers in turn.

    Formats are written in this process, so that one command holds them all.
    """
    parts = ("--backend", backend, "--frontend", frontend, "--resampler", resampler)
    ray = ("--runner", "ray", "--ray-address", cluster, "--jobs", "1")
    command = classify(sound, tiny.folder, resampler, *parts, *ray, events=True)
    execute({"classify": command}, sound, tmp_path)
    compare(tmp_path / resampler / "events", expected.folder / resampler / "events")


@pytest.mark.tensorflow
def test_several_backends_and_front_ends_in_one_process(
    sound: Path, tiny: ModelBundle, tmp_path: Path
) -> None:
    """Engines share a process, whichever comes first."""
    pytest.importorskip("tensorflow")
    put_labels(sound, tmp_path)
    backends = [word for name in ("numpy", "keras", "onnx") for word in ("--backend", name)]
    chosen = ["--frontend", "logmel-tf", "--model", str(tiny.folder), *backends]
    evaluate = ["eval", "labels.csv", "--audio", str(sound.parent), "--json", *chosen]
    document = json.loads(execute({"eval": evaluate}, sound, tmp_path)["eval"])
    assert document["coverage"]["scored"] == 1
    assert len(document["systems"]) == len(backends) // 2

    lines = execute({"selftest": ["selftest"]}, sound, tmp_path)["selftest"].splitlines()
    passed = {tuple(line.split()[1:3]) for line in lines if line.startswith("ok ")}
    assert passed == {
        (frontend, backend)
        for backend, frontend in itertools.product(names("backend"), names("frontend"))
        if frontend != "waveform"
    }


def test_a_model_that_takes_samples(
    sound: Path,
    expected: Results,
    tiny: ModelBundle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The front end `waveform`, with every resampler and format."""
    monkeypatch.setenv("YAMKIT_HOME", str(tmp_path / "home"))
    export = ["models", "export", str(tiny.folder), "--to", "onnx", "--with-frontend"]
    bring = ["models", "import", "samples.onnx", "--name", "tiny", "--like", str(tiny.folder)]
    commands = {"export": [*export, "-o", "samples.onnx"], "import": [*bring, "--waveform"]}
    commands |= classify_all(sound, Path("tiny"), prefix="out/")
    execute(commands, sound, tmp_path)
    compare(tmp_path / "out", expected.folder)
