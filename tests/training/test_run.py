"""The whole recipe on generated audio: it learns, repeats, goes on after an interruption."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.training.small_recipe import CHANGES, RECIPE
from yamkit import Tagger
from yamkit.models import load_bundle
from yamkit.models.bundle import ModelBundle

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

ROOT = Path(__file__).parents[2]

STOP_AFTER_THE_FIRST_CHECKPOINT = """
from training import command, run

save = run._State.save

def stop(*arguments):
    save(*arguments)
    raise KeyboardInterrupt

run._State.save = stop
command.main()
"""


LOSE_COUNT = """
from training import command, run

loss = run.loss
run.loss = lambda *arguments: loss(*arguments) * float("nan")
command.main()
"""

LOSE_A_WORKER = """
import os
import signal
from training import command, stream

def end(*_):
    os.kill(os.getpid(), signal.SIGKILL)

stream.label = end
command.main()
"""

ANOTHER_AT_WORK = """
import sys
from filelock import FileLock
from training import command

with FileLock(sys.argv[sys.argv.index("--work") + 1] + "/lock"):
    command.main()
"""

WITHOUT_PYTORCH = """
import runpy
import sys

sys.modules["torch"] = None
runpy.run_module("training", run_name="__main__")
"""


@pytest.fixture
def train(audio: Path, tiny: ModelBundle, tmp_path: Path):
    """Run `python -m training`; give what it prints on standard error."""

    def run(
        name: str,
        *arguments: str,
        program: tuple[str, ...] = ("-m", "training"),
        work: str = "work",
        code: int = 0,
        **changes: str,
    ) -> str:
        settings = {**CHANGES, **{key.replace("__", "."): value for key, value in changes.items()}}
        command = [sys.executable, *program, str(RECIPE), "--audio", str(audio)]
        command += ["--index", str(audio / "index.csv"), "--teacher", str(tiny.folder)]
        command += ["--work", str(tmp_path / work), "--output", str(tmp_path / name)]
        command += ["--threads", "1", "--workers", "0", "--every", "10"]
        for key, value in settings.items():
            command += ["--set", f"{key}={value}"]
        command += arguments
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        return done.stderr

    return run


def weights(folder: Path) -> dict[str, np.ndarray]:
    return load_bundle(folder).load_weights()


def test_the_whole_recipe(train, tmp_path: Path, tiny: ModelBundle) -> None:
    said = train("once")
    assert "broken.wav" in said
    assert "secret.wav" not in said
    bundle = load_bundle(tmp_path / "once")
    assert (bundle.name, bundle.network.width) == ("pupil", 0.25)
    assert bundle.classes == tiny.classes
    assert bundle.features == tiny.features
    log = tmp_path / "work" / "log.jsonl"
    first, *lines = map(json.loads, log.read_text().splitlines())
    assert first["teacher"]["sha256"] == tiny.sha256
    assert first["recipe"]["training"]["steps"] == 30
    assert "--workers" in first["arguments"]
    assert len(first["commit"]) >= 7
    assert [line["step"] for line in lines] == [10, 20, 30]
    assert lines[-1]["loss"] < lines[0]["loss"]
    with Tagger(bundle) as tagger:  # a network like any other
        assert np.isfinite(tagger.tag(np.zeros(4000), 8000).scores).all()

    # other processes make the same mixtures
    shutil.rmtree(tmp_path / "work")
    train("again", "--workers", "1")
    assert (tmp_path / "again/weights.npz").read_bytes() == (
        tmp_path / "once/weights.npz"
    ).read_bytes()
    assert len(log.read_text().splitlines()) == 4


def test_an_interrupted_training_goes_on(train, tmp_path: Path) -> None:
    train("whole", work="whole_work")
    said = train("stopped", program=("-c", STOP_AFTER_THE_FIRST_CHECKPOINT), code=1)
    assert "Aborted" in said
    assert (tmp_path / "work" / "checkpoint.pt").exists()
    assert not (tmp_path / "stopped").exists()
    said = train("stopped")
    assert "step 10 of 30" not in said
    assert "step 20 of 30" in said
    whole, stopped = weights(tmp_path / "whole"), weights(tmp_path / "stopped")
    for name, value in whole.items():
        np.testing.assert_array_equal(value, stopped[name], err_msg=name)

    checkpoint = tmp_path / "work" / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    said = train("cut", code=1)
    assert f"{checkpoint}: not a valid checkpoint" in said
    assert "Traceback" not in said


def test_a_checkpoint_goes_on_with_its_own_training_alone(train, tmp_path: Path) -> None:
    train("first", training__steps="10")
    # no other weights, only their bundle
    train("renamed", "--set", 'name="renamed"', training__steps="10")
    assert load_bundle(tmp_path / "renamed").name == "renamed"
    assert not list(tmp_path.glob(".*"))
    said = train("other", code=1, training__learning_rate="1e-3")
    assert "belongs to a training with another recipe, teacher, initial model" in said
    assert "Traceback" not in said


def test_a_training_starts_from_another_model(train, tmp_path: Path) -> None:
    train("first", work="first_work")
    first = weights(tmp_path / "first")
    barely = {"training__steps": "10", "training__learning_rate": "1e-9"}
    train("second", "--initial", str(tmp_path / "first"), **barely)
    log = (tmp_path / "work" / "log.jsonl").read_text().splitlines()
    sha256 = load_bundle(tmp_path / "first").sha256
    assert json.loads(log[0])["initial"] == {"name": "pupil", "sha256": sha256}
    for name, value in weights(tmp_path / "second").items():
        if name.endswith(("kernel", "beta", "bias")):  # statistics follow the mixtures
            np.testing.assert_allclose(value, first[name], atol=1e-6, err_msg=name)

    said = train("second again", "--initial", str(tmp_path / "second"), code=1, **barely)
    assert "belongs to a training with another recipe, teacher, initial model" in said
    said = train("wide", "--initial", str(tmp_path / "first"), work="w", code=1, width="0.5")
    assert "initial model pupil: must be a mobilenet-v1 of width 0.5" in said


def test_a_training_that_comes_to_nothing(train, tmp_path: Path) -> None:
    said = train("never", program=("-c", LOSE_COUNT), code=1)
    assert "loss nan at step 1: must be finite; lower training.learning_rate" in said
    assert "Traceback" not in said
    assert not (tmp_path / "never").exists()


def test_a_worker_that_ends(train) -> None:
    said = train("never", "--workers", "1", program=("-c", LOSE_A_WORKER), code=1)
    (line,) = [line for line in said.splitlines() if line.startswith("Error")]
    assert "a process that makes mixtures ended: " in line
    assert "the same command continues from the checkpoint" in line
    assert "Traceback" not in said


def test_two_trainings_in_one_folder(train, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    said = train("never", program=("-c", ANOTHER_AT_WORK), code=1)
    assert "another training uses it; choose another --work folder" in said
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["lock"]


def test_without_pytorch(train) -> None:
    said = train("never", program=("-c", WITHOUT_PYTORCH), code=1)
    assert said == (
        "Error: the training requires PyTorch; install it with: pip install '.[training]'\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "training.stpes=3"), "training.stpes: no such key"),
        (("--set", "training.steps"), "must be KEY=VALUE"),
        (("--teacher", "nobody"), "model 'nobody'"),
        (("--initial", "yamnet-mini"), "initial model yamnet-mini: must be"),
        (("--set", 'name="../x"'), "Error: recipe: name '../x': must"),
        (("--threads", "100000000000"), "100000000000"),
        (("--set", "training.temperature=inf"), "temperature = inf: must be 0.01 to 100"),
        (("--set", "seed=" + "9" * 200), ": must be 0 to 9223372036854775807"),
        (("--set", "width=" + "9" * 200), ": must be 0.01 to 4"),
        (("--set", 'data.held_out={"librosa" = "misspelt"}'), "no collection 'librosa' in"),
        (("--output", "."), "exists; choose another --output"),
    ],
)
def test_wrong_arguments_are_one_line(train, arguments: tuple[str, ...], message: str) -> None:
    usage = "KEY" in message or "--threads" in arguments
    said = train("never", *arguments, code=2 if usage else 1)
    (line,) = [line for line in said.splitlines() if line.startswith("Error")]
    assert message in line
    assert "Traceback" not in said


def test_nothing_is_copied_from_the_teacher(train, tiny: ModelBundle) -> None:
    said = train("copy", "--initial", str(tiny.folder), code=1)
    assert f"{tiny.name} is the teacher" in said
