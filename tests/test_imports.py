"""What a fresh process imports: little, and no engine but the one that runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from yamkit.models.bundle import ModelBundle

REPORT = """
import json, sys
from yamkit.cli import main
sys.argv = ["yamkit", *sys.argv[1:]]
try:
    main()
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""


def imported(tmp_path: Path, *arguments: str) -> set[str]:
    """Run `yamkit` in a fresh process; give the top-level names of all it imported."""
    environment = {
        **os.environ,
        "YAMKIT_HOME": str(tmp_path / "home"),
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    environment.pop("ORT_DISABLE_TELEMETRY", None)  # this process may have set it
    done = subprocess.run(
        [sys.executable, "-c", REPORT, *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.fixture
def clip(tmp_path: Path) -> str:
    path = tmp_path / "clip.wav"
    noise = np.random.default_rng(0).normal(0, 0.1, 22050)
    soundfile.write(path, noise, 44100)
    return str(path)


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["classify", "--help"], ["eval", "--help"], ["info", "--help"], ["--version"]],
)
@pytest.mark.long(reason="starts processes")
def test_help_imports_neither_numpy_nor_a_plugin(tmp_path: Path, arguments: list[str]) -> None:
    names = imported(tmp_path, *arguments)
    assert "click" in names
    plugins = {name for name in names if name.startswith("yamkit_")}
    assert not plugins
    assert not names & {"numpy", "pluggy", "soundfile", "av", "rich", "onnxruntime", "h5py"}


@pytest.mark.parametrize(
    "words",
    ["--model y", "--format te", "--backend ", "--classes dog", "--classes do --model yamnet-mini"],
)
@pytest.mark.long(reason="starts processes")
def test_completion_imports_no_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setenv("_YAMKIT_COMPLETE", "zsh_complete")
    monkeypatch.setenv("COMP_WORDS", f"yamkit classify {words}")
    monkeypatch.setenv("COMP_CWORD", "3")
    names = imported(tmp_path)
    heavy = {"onnxruntime", "onnx", "tensorflow", "h5py", "soundfile", "av", "rich", "pyarrow"}
    assert not names & {*heavy, "numpy", "scipy", "numba"}


def test_plugins_imports_light_modules_alone(tmp_path: Path) -> None:
    names = imported(tmp_path, "plugins")
    assert "yamkit_onnx" in names
    assert not names & {"numpy", "onnxruntime", "tensorflow", "numba", "soundfile"}


@pytest.mark.long(reason="starts processes")
def test_onnx_imports_no_other_engine(tmp_path: Path, tiny: ModelBundle, clip: str) -> None:
    arguments = ["classify", "--backend", "onnx", "--model", str(tiny.folder), clip]
    first = imported(tmp_path, *arguments)
    assert "onnxruntime" in first
    heavy = {"tensorflow", "keras", "tf_keras", "scipy", "numba", "resampy", "pandas", "h5py"}
    assert not first & heavy
    assert not (tmp_path / "cache").exists()  # where the engine's telemetry would keep its events
    cached = imported(tmp_path, *arguments)
    assert not cached & {*heavy, "onnx", "av", "rich", "pooch", "requests"}


@pytest.mark.long(reason="starts processes")
def test_numpy_imports_no_other_engine(tmp_path: Path, tiny: ModelBundle, clip: str) -> None:
    names = imported(tmp_path, "classify", "--backend", "numpy", "--model", str(tiny.folder), clip)
    assert "yamkit_numpy" in names
    assert not names & {"onnxruntime", "onnx", "tensorflow", "scipy", "numba", "h5py", "pandas"}


@pytest.mark.tensorflow
def test_keras_imports_no_other_engine(tmp_path: Path, tiny: ModelBundle, clip: str) -> None:
    pytest.importorskip("tf_keras")
    names = imported(tmp_path, "classify", "--backend", "keras", "--model", str(tiny.folder), clip)
    assert "tensorflow" in names
    assert not names & {"onnxruntime", "onnx", "numba", "resampy"}
