"""The pipeline: invalid samples, plugins that return invalid arrays, silence."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from yamkit import Tagger
from yamkit.errors import (
    AudioValueError,
    BrokenPluginError,
    ParameterError,
)
from yamkit.models.bundle import ModelBundle
from yamkit.pipeline import compose as pipeline
from yamkit.pipeline import fit
from yamkit.plugin import BackendInfo, FrontendInfo, ResamplerInfo
from yamkit.registry import Plugin, Registry


class Front:
    wrong = 0

    def __init__(self, features):
        self.features = features

    def patches(self, segment):
        spec = self.features
        count = 1 + (len(segment) - spec.patch_window_samples) // spec.patch_hop_samples
        return np.zeros((count + self.wrong, *spec.patch_shape), np.float32)


class Back:
    wrong = 0
    score = 0.5
    kind = np.float32
    width = 0
    trouble = ""

    def __init__(self, model, options):
        self.size = len(model.classes)
        self.embedding_size = model.network.embedding_size
        if self.trouble == "opening":
            raise RuntimeError("no\nengine")

    def predict(self, patches):
        scores = np.full((len(patches), self.size + self.wrong), self.score, self.kind)
        return scores, np.zeros((len(patches), self.embedding_size + self.width), np.float32)

    def close(self):
        if self.trouble == "closing":
            raise MemoryError("no memory")


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the installed plugins by these."""
    infos = [
        (
            "frontend",
            FrontendInfo(name="f", summary="", factory="f:f", api=1, produces="log-mel"),
            Front,
        ),
        (
            "frontend",
            FrontendInfo(name="raw", summary="", factory="f:f", api=1, produces="waveform"),
            Front,
        ),
        (
            "backend",
            BackendInfo(name="b", summary="", factory="f:f", api=1, networks=("mobilenet-v1",)),
            Back,
        ),
        (
            "backend",
            BackendInfo(name="other", summary="", factory="f:f", api=1, networks=("cnn14",)),
            Back,
        ),
        ("resampler", ResamplerInfo(name="r", summary="", factory="f:f", api=1), None),
    ]
    found = Registry(
        tuple(
            Plugin("d", "1", "e", state="ready", kind=kind, name=info.name, info=info)
            for kind, info, _ in infos
        )
    )
    factories = {info.name: factory for _, info, factory in infos}
    monkeypatch.setattr(Registry, "load", lambda self, plugin: factories[plugin.name])
    for module in (pipeline, fit):
        monkeypatch.setattr(module, "registry", lambda: found)


def tag(model: ModelBundle, **parts: str) -> None:
    names = {"frontend": "f", "backend": "b", "resampler": "r", **parts}
    with Tagger(model, **names) as tagger:
        tagger.tag(np.full(8000, 0.5, np.float32), 8000)


@pytest.mark.usefixtures("plugins")
def test_parts_that_fit_run(tiny: ModelBundle) -> None:
    tag(tiny)


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize(
    ("samples", "error", "message"),
    [
        (
            np.zeros((8000, 2), np.float32),
            ParameterError,
            r"samples of shape \(8000, 2\)",
        ),
        (np.zeros((8000, 1), np.float32), ParameterError, r"\(8000, 1\)"),
        (np.array([0, np.nan], np.float32), AudioValueError, "NaN, an infinity"),
        (np.array([np.inf], np.float32), AudioValueError, "NaN, an infinity"),
        (np.array([3e38], np.float32), AudioValueError, "NaN, an infinity"),
        (np.zeros(0, np.float32), AudioValueError, "no samples"),
    ],
)
def test_samples_must_be_one_channel(tiny: ModelBundle, samples, error, message) -> None:
    with Tagger(tiny, frontend="f", backend="b", resampler="r") as tagger:
        assert list(tagger.pipeline.batches([np.zeros(8000, np.float32)], 8000))
        with pytest.raises(error, match=message):
            list(tagger.pipeline.batches([samples], 8000))


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize(
    ("culprit", "changes", "message"),
    [
        (
            Front,
            {"wrong": 1},
            r"frontend 'f' .* patches float32 \(9, 24, 20\).* float32 \(8, 24, 20\)",
        ),
        (Back, {"wrong": 1}, r"backend 'b' .* scores float32 \(8, 7\).* float32 \(8, 6\)"),
        (Back, {"kind": np.float64}, r"backend 'b' .* scores float64 \(8, 6\).* float32"),
        (Back, {"width": 1}, r"backend 'b' .* embeddings float32 \(8, 257\).* float32"),
        (Back, {"score": np.nan}, "backend 'b' .* scores from nan to nan"),
        (Back, {"score": -1}, "backend 'b' .* scores from -1 to -1"),
        (Back, {"score": 1.5}, "backend 'b' .* scores from 1.5 to 1.5"),
        (Back, {"trouble": "opening"}, "backend 'b' failed: RuntimeError: no engine"),
        (Back, {"trouble": "closing"}, "backend 'b' failed: MemoryError: no memory"),
    ],
)
def test_invalid_arrays_and_errors_of_plugins(
    tiny: ModelBundle, monkeypatch: pytest.MonkeyPatch, culprit: type, changes: dict, message: str
) -> None:
    for name, value in changes.items():
        monkeypatch.setattr(culprit, name, value)
    with pytest.raises(BrokenPluginError, match=message):
        tag(tiny)


def test_an_hour_of_silence_costs_one_patch_of_the_network(tiny: ModelBundle, monkeypatch) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, 16_000).astype(np.float32)
    with Tagger(tiny, batch_size=4) as tagger:
        pipeline = tagger.pipeline
        shown, predict = [], pipeline.backend.predict

        def counted(patches):
            shown.append(len(patches))
            return predict(patches)

        monkeypatch.setattr(pipeline.backend, "predict", counted)
        hour = (np.zeros(8000, np.float32) for _ in range(3600))
        batches = list(pipeline.batches(itertools.chain([noise], hour, [noise]), 8000))
        starts = np.concatenate([batch.start_samples for batch in batches])
        scores = np.concatenate([batch.scores for batch in batches])
        np.testing.assert_array_equal(starts, np.arange(len(starts)) * 960)
        assert sum(shown) < 60
        silent, _ = predict(pipeline.frontend.patches(np.zeros(2040, np.float32)))
        middle = (starts > 24_000) & (starts < 28_000_000)
        assert np.abs(scores[middle] - silent).max() < 1e-6
        assert np.abs(scores[~middle] - silent).max() > 1e-4
