"""The contract of backends, and errors of damaged files.

`YAMKIT_LITERT_MODELS` names a folder with `patches.tflite` and `samples.tflite`: yamnet-mini, as
`yamkit models export` writes it without and with its front end.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from yamkit.errors import BundleError
from yamkit.models.bundle import ModelBundle
from yamkit.models.store import find_model
from yamkit.models.writing import ModelDescription, write_bundle
from yamkit.plugin import BackendOptions
from yamkit.testing import BackendContract
from yamkit.types import FeatureSpec, NetworkSpec, WaveformSpec
from yamkit_litert._backend import LiteRtBackend

MINI = find_model("yamnet-mini")
SAMPLES = WaveformSpec("waveform", 16_000, 15_600, 7_680)


def bundle(folder: Path, data: bytes, features: FeatureSpec, **network: int) -> ModelBundle:
    return write_bundle(
        folder,
        ModelDescription(
            name="mini",
            version="1",
            licence=MINI.licence,
            source="yamnet-mini",
            source_sha256="",
            features=features,
            network=NetworkSpec("tflite", **{"embedding_size": 512, **network}),
            classes=MINI.classes,
        ),
        network_file=data,
    )


@pytest.fixture(scope="session")
def exported() -> Path:
    if "YAMKIT_LITERT_MODELS" not in os.environ:
        pytest.skip("set YAMKIT_LITERT_MODELS to a folder with exported models")
    return Path(os.environ["YAMKIT_LITERT_MODELS"])


class TestPatches(BackendContract):
    plugin = "litert"

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _model(cls, exported: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        folder = tmp_path_factory.mktemp("patches")
        bundle(folder, (exported / "patches.tflite").read_bytes(), MINI.features)
        cls.model = folder


class TestSamples(BackendContract):
    plugin = "litert"

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _model(cls, exported: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        folder = tmp_path_factory.mktemp("samples")
        bundle(folder, (exported / "samples.tflite").read_bytes(), SAMPLES)
        cls.model = folder


def test_outputs_are_found_in_any_order(exported: Path, tmp_path: Path) -> None:
    model = bundle(tmp_path, (exported / "patches.tflite").read_bytes(), MINI.features)
    backend = LiteRtBackend(model, BackendOptions())
    runner = backend._runner()
    details = runner._interpreter.get_output_details()
    sizes = {each["index"]: int(each["shape"][-1]) for each in details}
    assert sizes[runner._scores] == 521
    assert runner._embeddings is not None
    assert sizes[runner._embeddings] == 512


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"features": SAMPLES},
            r"'serving_default_patches:0' float32 \[1, 96, 64\]",
        ),
        ({"embedding_size": 100}, "100 embeddings"),
    ],
)
def test_other_tensors_are_refused(
    exported: Path, tmp_path: Path, change: dict, message: str
) -> None:
    features = change.pop("features", MINI.features)
    model = bundle(tmp_path, (exported / "patches.tflite").read_bytes(), features, **change)
    with pytest.raises(BundleError, match=message):
        LiteRtBackend(model, BackendOptions())


def test_files_that_are_not_tflite(tmp_path: Path) -> None:
    model = bundle(tmp_path, b"no flatbuffer at all", MINI.features)
    with pytest.raises(BundleError, match="not a TFLite model"):
        LiteRtBackend(model, BackendOptions())
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    model = bundle(damaged, b"\0\0\0\0TFL3" + b"\xff" * 64, MINI.features)
    with pytest.raises(BundleError) as caught:
        LiteRtBackend(model, BackendOptions())
    assert "\n" not in str(caught.value)


def test_a_truncated_file(exported: Path, tmp_path: Path) -> None:
    data = (exported / "patches.tflite").read_bytes()
    model = bundle(tmp_path, data[: len(data) // 2], MINI.features)
    with pytest.raises(BundleError):
        LiteRtBackend(model, BackendOptions())


def test_without_embeddings(exported: Path, tmp_path: Path) -> None:
    data = (exported / "patches.tflite").read_bytes()
    model = bundle(tmp_path, data, MINI.features, embedding_size=0)
    scores, embeddings = LiteRtBackend(model, BackendOptions()).predict(
        np.zeros((3, 96, 64), np.float32)
    )
    assert (scores.shape, embeddings.shape) == ((3, 521), (3, 0))
