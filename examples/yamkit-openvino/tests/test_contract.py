"""The contract of backends, and errors of graphs that do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from yamkit.errors import BundleError, ProviderWarning
from yamkit.export import export_model
from yamkit.models.bundle import ModelBundle
from yamkit.models.store import find_model
from yamkit.models.writing import ModelDescription, write_bundle
from yamkit.plugin import BackendOptions
from yamkit.testing import BackendContract
from yamkit.types import NetworkSpec, WaveformSpec
from yamkit_openvino._backend import OpenVinoBackend

MINI = find_model("yamnet-mini")


def bundle(folder: Path, *, with_frontend: bool = False, embedding_size: int = 512) -> ModelBundle:
    graph = folder / "graph.onnx"
    export_model(MINI, "onnx", graph, with_frontend=with_frontend)
    inner = folder / "bundle"
    inner.mkdir()
    return write_bundle(
        inner,
        ModelDescription(
            name="mini",
            version="1",
            licence=MINI.licence,
            source="yamnet-mini",
            source_sha256="",
            features=WaveformSpec("waveform", 16_000, 15_600, 7_680)
            if with_frontend
            else MINI.features,
            network=NetworkSpec("onnx", embedding_size=embedding_size),
            classes=MINI.classes,
        ),
        network_file=graph.read_bytes(),
    )


class TestPatches(BackendContract):
    plugin = "openvino"

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _model(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.model = bundle(tmp_path_factory.mktemp("patches")).folder


class TestSamples(BackendContract):
    plugin = "openvino"

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _model(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.model = bundle(tmp_path_factory.mktemp("samples"), with_frontend=True).folder


def test_other_outputs_are_refused(tmp_path: Path) -> None:
    model = bundle(tmp_path, embedding_size=100)
    with pytest.raises(BundleError, match=r"\[\(2, 521\), \(2, 512\)\].*\(2, 100\)"):
        OpenVinoBackend(model, BackendOptions())


def test_a_missing_device(tmp_path: Path) -> None:
    with pytest.warns(ProviderWarning, match="provider 'npu'.* cpu"):
        OpenVinoBackend(bundle(tmp_path), BackendOptions(provider="npu"))
