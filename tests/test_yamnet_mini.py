"""The model inside the package: what it is, that every part runs it, what it hears."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

from yamkit import Tagger
from yamkit.models.bundle import ModelBundle
from yamkit.models.catalogue import published
from yamkit.models.store import FALLBACK_MODEL, find_model
from yamkit.networks import mobilenet_v1, weight_shapes
from yamkit.registry import registry
from yamkit.selftest import run_selftest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "docs" / "assets" / "four-events.wav"

tensorflow = pytest.mark.tensorflow
COMBINATIONS = [
    ("logmel", "onnx"),
    ("logmel", "numpy"),
    pytest.param("logmel", "keras", marks=tensorflow),
    pytest.param("logmel-tf", "onnx", marks=tensorflow),
    pytest.param("logmel-tf", "numpy", marks=tensorflow),
    pytest.param("logmel-tf", "keras", marks=tensorflow),
]


@pytest.fixture(scope="module")
def mini() -> ModelBundle:
    return find_model(FALLBACK_MODEL)


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """The program that made the example."""
    path = EXAMPLE.with_name("make_example.py")
    spec = importlib.util.spec_from_file_location("make_example", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_small_sound_and_fits_where_yamnet_does(mini: ModelBundle) -> None:
    yamnet = published("yamnet")
    assert mini.features == yamnet.features
    assert mini.classes == yamnet.classes
    assert mini.network.width == 0.5
    assert sum(path.stat().st_size for path in mini.folder.iterdir()) <= 3_000_000
    mini.verify()
    weights = mini.load_weights()
    shapes = weight_shapes(mobilenet_v1(0.5), 521)
    assert {name: value.shape for name, value in weights.items()} == shapes
    assert all(value.dtype == np.float32 for value in weights.values())


def test_its_card_comes_with_it(mini: ModelBundle) -> None:
    card = (mini.folder / "README.md").read_text()
    for title in ("Data", "Training", "Figures", "Limits", "Not to be used for"):
        assert f"\n## {title}" in card
    from training.recipe import read_recipe

    data = read_recipe(ROOT / "training" / "recipes" / "yamnet-mini.toml").data
    for collection in (*data.held_out, *data.left_out, *data.validation_only):
        assert collection in card


def test_the_example_is_what_its_program_makes(maker: ModuleType) -> None:
    samples, sample_rate = soundfile.read(EXAMPLE)
    assert sample_rate == maker.SAMPLE_RATE_HZ
    np.testing.assert_allclose(samples, maker.example(), atol=1.5 / 32768)


def heard(model: ModelBundle, maker: ModuleType, **parts: str) -> list[list[str]]:
    """Name the three highest classes of every event."""
    with Tagger(model, **parts) as tagger:
        clip = tagger.tag(EXAMPLE)
    names = []
    for number in range(len(maker.EVENTS)):
        onset, offset = maker.event_seconds(number)
        inside = (clip.times[:, 0] >= onset) & (clip.times[:, 1] <= offset)
        assert inside.sum() >= 2
        best = clip.scores[inside].mean(axis=0).argsort()[::-1][:3]
        names.append([clip.classes[index].name for index in best])
    return names


@pytest.mark.parametrize(("frontend", "backend"), COMBINATIONS)
def test_the_events_of_the_example_are_named_rightly(
    mini: ModelBundle, maker: ModuleType, frontend: str, backend: str
) -> None:
    for kind, name in (("frontend", frontend), ("backend", backend)):
        if registry().resolve(kind, name).state == "missing":
            pytest.skip(f"{kind} {name} needs an extra")
    for (event, right), names in zip(
        maker.EVENTS, heard(mini, maker, frontend=frontend, backend=backend), strict=True
    ):
        assert {*names} & {*right}, (event.__name__, names)


def test_yamnet_names_them_rightly_too(yamnet: ModelBundle, maker: ModuleType) -> None:
    for (event, right), names in zip(maker.EVENTS, heard(yamnet, maker), strict=True):
        assert {*names} & {*right}, (event.__name__, names)


@tensorflow
def test_the_selftest_passes_with_it(mini: ModelBundle) -> None:
    report = run_selftest(mini)
    assert report.passed, report


def test_backends_agree_on_it(mini: ModelBundle) -> None:
    clips = []
    for backend in ("onnx", "numpy"):
        with Tagger(mini, backend=backend) as tagger:
            clips.append(tagger.tag(EXAMPLE))
    np.testing.assert_allclose(clips[0].scores, clips[1].scores, atol=2e-5)
    np.testing.assert_allclose(clips[0].embeddings, clips[1].embeddings, atol=2e-4)
    assert clips[0].embeddings.shape[1] == 512


@pytest.mark.long(reason="starts processes")
def test_a_fresh_installation_tags_and_opens_no_connection() -> None:
    program = """
        import sys

        def watch(event, arguments):
            if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
                raise SystemExit(f"a connection: {event} {arguments}")

        sys.addaudithook(watch)
        from yamkit.cli import main
        main()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), "classify", str(EXAMPLE)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].endswith("mean of 19 patches, yamnet-mini")
    assert done.stderr == (
        "using yamnet-mini, the small model that comes with yamkit; "
        "`yamkit models pull yamnet` fetches the full one\n"
    )
