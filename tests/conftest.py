"""Fixtures shared by all tests: the shared folder, models, and a home that is nobody's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from yamkit.models.bundle import ModelBundle
from yamkit.models.importing import import_model
from yamkit.models.writing import ModelDescription, write_bundle
from yamkit.networks import mobilenet_v1, weight_shapes
from yamkit.types import LogMelSpec, NetworkSpec, TagClass

settings.register_profile("patient", settings.default, deadline=None)  # no test times anything
settings.load_profile("patient")

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))  # training and benchmarks; the yamkit that is installed comes first


_CLUSTER = """
import os, sys
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_raylet_start_wait_time_s"] = "300"  # a busy machine takes long
os.environ["RAY_AUTH_MODE"] = "disabled"  # a token would have to reach every process
import ray
ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
print(ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.read()
"""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests that share a cluster to one worker of pytest-xdist."""
    for item in items:
        if item.get_closest_marker("ray"):
            item.add_marker(pytest.mark.xdist_group("ray"))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Ray cluster with two cores, on this machine."""
    pytest.importorskip("ray")
    folder = tmp_path_factory.mktemp("cluster")
    errors = folder / "errors.txt"
    with (
        errors.open("w") as stream,
        subprocess.Popen(
            [sys.executable, "-c", _CLUSTER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            env={**os.environ, "YAMKIT_HOME": str(folder)},
        ) as process,  # which ends when its standard input is closed
    ):
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, f"Ray starts no cluster: {errors.read_text()}"
        yield address


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with weights and golden outputs; absent at a user's."""
    folder = Path(os.environ.get("YAMKIT_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        reason = f"no shared folder at {folder}; YAMKIT_SHARED names it"
        if os.environ.get("YAMKIT_REQUIRE_SHARED"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def yamnet(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """The network that the golden outputs belong to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("YAMKIT_HOME", str(tmp_path_factory.mktemp("yamnet")))
        return import_model(shared / "models" / "yamnet.h5", name="yamnet")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """A small network with random weights: other rates, other patches, six classes."""
    features = LogMelSpec(
        kind="log-mel",
        sample_rate_hz=8000,
        stft_window_samples=200,
        stft_hop_samples=80,
        fft_length=256,
        mel_bands=20,
        mel_low_hz=60.0,
        mel_high_hz=3800.0,
        log_offset=0.001,
        patch_frames=24,
        patch_hop_frames=12,
    )
    names = ("Silence", "Speech", "Dog", "White noise", "Sine wave", 'Narration, "monologue"')
    classes = tuple(TagClass(i, f"/m/{i}", name) for i, name in enumerate(names))
    layers = mobilenet_v1(0.25)
    random = np.random.default_rng(0)
    weights = {}
    for name, shape in weight_shapes(layers, len(classes)).items():
        fan_in = max(np.prod(shape[:-1]), 1) if "depthwise" not in name else 9
        values = random.normal(0, (2 / fan_in) ** 0.5, shape)
        if name.startswith("classifier"):
            values *= 0.05  # logits of a size at which a sigmoid tells them apart
        weights[name] = (abs(values) + 0.5 if name.endswith("variance") else values).astype("f4")
    return write_bundle(
        tmp_path_factory.mktemp("tiny"),
        ModelDescription(
            name="tiny",
            version="1",
            licence="CC0-1.0",
            source="random weights",
            source_sha256="",
            features=features,
            network=NetworkSpec("mobilenet-v1", 0.25, 1e-4, layers[-1].filters),
            classes=classes,
        ),
        weights=weights,
    )


@pytest.fixture(autouse=True)
def _clean_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch):
    """No test reads or writes the user's models, cache or settings."""
    for name in list(os.environ):
        if name.startswith("YAMKIT_") and name not in ("YAMKIT_SHARED", "YAMKIT_REQUIRE_SHARED"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("YAMKIT_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="session")
def install_distribution() -> Callable[..., None]:
    """Put a distribution into a folder on the path, as pip leaves it, without pip."""
    return _install_distribution


def _install_distribution(
    site: Path, distribution: str, points: dict[str, str], version: str = "1.0"
) -> None:
    """Write a dist-info folder with entry points into a folder that is, or comes, on the path."""
    folder = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
    )
    lines = [f"{name} = {module}" for name, module in points.items()]
    (folder / "entry_points.txt").write_text("\n".join(["[yamkit]", *lines]) + "\n")
