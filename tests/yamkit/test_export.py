"""Models in other forms: they compute what the network computes, or they are not written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from yamkit import Tagger
from yamkit.errors import ExportError, OutputError
from yamkit.export import export_formats, export_model
from yamkit.models.importing import ImportOptions, import_model
from yamkit.types import NetworkSpec, WaveformSpec

FORMS = ["onnx", *(pytest.param(form, marks=pytest.mark.tensorflow) for form in ("tf", "tflite"))]
NOISE = np.random.default_rng(0).normal(0, 0.1, 20_000).astype(np.float32)


def test_who_writes_what() -> None:
    owners = {form: plugin.name for form, plugin in export_formats().items()}
    assert owners == {"onnx": "onnx", "npz": "numpy", "tf": "keras", "tflite": "keras"}


@pytest.mark.parametrize("form", [*FORMS, "npz"])
def test_every_form_computes_the_same(tiny, tmp_path: Path, form: str) -> None:
    done = export_model(tiny, form, tmp_path / "out")
    assert done.patches == 32
    assert done.score_difference <= 1e-5
    assert done.embedding_difference <= 1e-3
    assert done.size_bytes > 100_000
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("form", FORMS)
def test_with_the_front_end(tiny, tmp_path: Path, form: str) -> None:
    assert export_model(tiny, form, tmp_path / "out", with_frontend=True).score_difference <= 1e-5


def test_an_exported_graph_is_a_model_of_its_own(tiny, tmp_path: Path) -> None:
    export_model(tiny, "onnx", tmp_path / "patches.onnx")
    export_model(tiny, "onnx", tmp_path / "samples.onnx", with_frontend=True)
    import_model(tmp_path / "patches.onnx", name="patches", options=ImportOptions(like=tiny))
    bundle = import_model(
        tmp_path / "samples.onnx", name="samples", options=ImportOptions(like=tiny, waveform=True)
    )
    assert bundle.features == WaveformSpec("waveform", 8000, 2040, 960)
    assert (bundle.classes, bundle.licence) == (tiny.classes, tiny.licence)
    with Tagger(tiny) as tagger:
        wanted = tagger.tag(NOISE, 11_025)
    for name, frontend in (("patches", "logmel"), ("samples", "waveform")):
        with Tagger(name) as tagger:
            assert (tagger.frontend, tagger.backend) == (frontend, "onnx")
            found = tagger.tag(NOISE, 11_025)
        np.testing.assert_allclose(found.scores, wanted.scores, rtol=0, atol=1e-5)
        np.testing.assert_allclose(found.embeddings, wanted.embeddings, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(found.times, wanted.times)


def test_any_hop_of_samples(tiny, tmp_path: Path) -> None:
    export_model(tiny, "onnx", tmp_path / "samples.onnx", with_frontend=True)
    import_model(
        tmp_path / "samples.onnx", name="samples", options=ImportOptions(like=tiny, waveform=True)
    )
    with Tagger("samples", hop_seconds=0.1) as tagger, Tagger(tiny, hop_seconds=0.1) as wanted:
        assert tagger.hop_seconds == 0.1
        found, scores = tagger.tag(NOISE, 8000).scores, wanted.tag(NOISE, 8000).scores
    np.testing.assert_allclose(found, scores, rtol=0, atol=1e-5)


def test_the_weights_alone(tiny, tmp_path: Path) -> None:
    export_model(tiny, "npz", tmp_path / "w.npz")
    with np.load(tmp_path / "w.npz") as found:
        wanted = tiny.load_weights()
        assert set(found) == set(wanted)
        for name, array in wanted.items():
            np.testing.assert_array_equal(found[name], array)
    with pytest.raises(ExportError, match="npz contains only weights"):
        export_model(tiny, "npz", tmp_path / "x.npz", with_frontend=True)


def test_what_computes_something_else_is_not_written(tiny, tmp_path: Path, monkeypatch) -> None:
    from yamkit_onnx import _export

    real = _export.build_graph

    class Doubled:
        def __init__(self, model) -> None:
            self.features, self.network, self.classes = model.features, model.network, model.classes
            self.load_weights = lambda: {k: v * 1.5 for k, v in model.load_weights().items()}

    monkeypatch.setattr(_export, "build_graph", lambda model, **how: real(Doubled(model), **how))
    with pytest.raises(ExportError, match=r"onnx of 'tiny' differs by 0\.\d+"):
        export_model(tiny, "onnx", tmp_path / "out.onnx")
    monkeypatch.setattr(_export, "build_graph", lambda model, **how: b"")
    with pytest.raises(ExportError, match="onnx of 'tiny' failed: InvalidArgument: "):
        export_model(tiny, "onnx", tmp_path / "out.onnx")
    assert list(tmp_path.iterdir()) == []


def test_places(tiny, tmp_path: Path) -> None:
    out = tmp_path / "out.onnx"
    out.write_text("mine")
    with pytest.raises(OutputError, match=r"out\.onnx: exists; --replace replaces it"):
        export_model(tiny, "onnx", out)
    assert out.read_text() == "mine"
    export_model(tiny, "onnx", out, replace=True)
    assert out.stat().st_size > 100_000
    with pytest.raises(OutputError, match="a folder that was not exported"):
        export_model(tiny, "onnx", tmp_path, replace=True)
    with pytest.raises(OutputError, match="No such file or directory"):
        export_model(tiny, "onnx", tmp_path / "no" / "out.onnx")


def test_what_cannot_be_exported(tiny, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="format 'caffe': must be one of npz, onnx, tf, tflite"):
        export_model(tiny, "caffe", tmp_path / "x")
    graph = replace(tiny, network=NetworkSpec("onnx"))
    with pytest.raises(ExportError, match="of kind 'onnx' cannot be exported"):
        export_model(graph, "onnx", tmp_path / "x")
