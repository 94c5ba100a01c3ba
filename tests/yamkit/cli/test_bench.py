"""``yamkit bench``: every combination is measured, and what fails costs no other."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path

import pytest

from yamkit import bench as module
from yamkit.models.bundle import ModelBundle


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: ModelBundle):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YAMKIT_MODEL", str(tiny.folder))


@pytest.fixture
def yamkit(yamkit):
    return functools.partial(yamkit, "bench", "--seconds", "2", "--rounds", "1")


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_every_combination_is_measured(yamkit, tiny: ModelBundle) -> None:
    code, out, _ = yamkit(
        *("--backend", "numpy", "--backend", "onnx", "--batch-size", "1", "--batch-size", "4"),
        *("--json", "--plot", "bars.png"),
    )
    assert code == 0
    document = json.loads(out)
    assert document["schema"] == "yamkit-bench/1"
    assert document["machine"]["versions"].keys() >= {"yamkit", "numpy", "onnxruntime"}
    assert [(row["backend"], row["batch_size"]) for row in document["results"]] == [
        ("numpy", 1),
        ("numpy", 4),
        ("onnx", 1),
        ("onnx", 4),
    ]
    features = tiny.features
    a_patch = features.patch_hop_samples / features.sample_rate_hz
    for row in document["results"]:
        assert row["model"] == "tiny"
        assert row["first_result_seconds"] > 0
        assert row["peak_memory_mb"] > 10
        # two seconds have so many patches
        ratio = row["times_real_time"] / row["patches_per_second"]
        assert ratio == pytest.approx(a_patch, rel=0.25)
    assert Path("bars.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_a_table(yamkit) -> None:
    code, out, err = yamkit("--backend", "numpy", "--batch-size", "3", "--jobs", "1")
    assert (code, err) == (0, "")
    about, jobs, empty, head, row = out.splitlines()
    assert "cores" in about
    assert "numpy" in about
    assert jobs.startswith("1 jobs, ")
    assert empty == ""
    assert head.split()[:3] == ["model", "backend", "batch"]
    assert row.split()[:3] == ["tiny", "numpy", "3"]


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_what_fails_is_a_row(yamkit) -> None:
    code, out, _ = yamkit("--backend", "onnx", "--frontend", "nope", "--batch-size", "1")
    assert code == 1
    assert "failed: no frontend 'nope'" in out


def test_a_process_that_dies(monkeypatch: pytest.MonkeyPatch, tiny: ModelBundle) -> None:
    case = module.Case(str(tiny.folder), "numpy", "logmel", "cpu", 1, 1, 1, 1.0)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    (result,) = module.measure([case], 2)
    assert result.error == "the process ended with 1"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--backend", "nope"], 2, "no backend 'nope'"),
        (["--model", "nope"], 1, "model 'nope'"),
        (["--batch-size", "0"], 2, "'--batch-size': '0': "),
        (["--backend", "numpy", "--plot", "nowhere/a.png"], 1, "cannot write nowhere/a.png"),
    ],
)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_errors_are_one_line(yamkit, arguments: list[str], code: int, message: str) -> None:
    found, _, err = yamkit(*arguments)
    assert found == code
    assert message in err
    assert "Traceback" not in err


def test_a_picture_needs_matplotlib(yamkit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, _, err = yamkit("--plot", "a.png")
    assert code == 1
    assert "pip install 'yamkit[plots]'" in err


def test_what_the_process_answers(tiny: ModelBundle) -> None:
    case = module.Case(str(tiny.folder), "numpy", "logmel", "cpu", 2, 2, 1, 2.0)
    answer = module._measured(case)
    features = tiny.features
    assert answer["patches"] == 1 + -(
        -(2 * features.sample_rate_hz - features.patch_window_samples) // features.patch_hop_samples
    )
    assert answer["wall_seconds"] > 0
