"""The pipeline refuses parts that do not fit, and plugins that break their promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from yamkit import Tagger, pipeline
from yamkit._registry import Plugin, Registry
from yamkit.errors import BrokenPluginError, IncompatibleError
from yamkit.models.bundle import ModelBundle
from yamkit.plugin import BackendInfo, FrontendInfo, ResamplerInfo


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

    def __init__(self, model, options):
        self.size = len(model.classes)

    def predict(self, patches):
        return np.zeros((len(patches), self.size + self.wrong), np.float32), np.zeros(
            (len(patches), 0), np.float32
        )

    def close(self):
        pass


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
    monkeypatch.setattr(pipeline, "registry", lambda: found)


def tag(model: ModelBundle, **parts: str) -> None:
    names = {"frontend": "f", "backend": "b", "resampler": "r", **parts}
    with Tagger(model, **names) as tagger:
        tagger.tag(np.zeros(8000, np.float32), 8000)


@pytest.mark.usefixtures("plugins")
def test_parts_that_fit_run(tiny: ModelBundle) -> None:
    tag(tiny)


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"frontend": "raw"},
            "model 'tiny' eats 'log-mel' and front end 'raw' gives 'waveform'; front ends that "
            "fit: f",
        ),
        (
            {"backend": "other"},
            "model 'tiny' is of kind 'mobilenet-v1' and backend 'other' runs cnn14; backends that "
            "fit: b",
        ),
    ],
)
def test_parts_that_do_not_fit(tiny: ModelBundle, parts: dict[str, str], message: str) -> None:
    with pytest.raises(IncompatibleError) as caught:
        tag(tiny, **parts)
    assert str(caught.value) == message


@pytest.mark.usefixtures("plugins")
def test_a_model_that_nothing_runs(tiny: ModelBundle) -> None:
    strange = replace(tiny, network=replace(tiny.network, kind="transformer"))
    with pytest.raises(IncompatibleError, match="backends that fit: none installed"):
        tag(strange)


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize(
    ("culprit", "message"),
    [
        (Front, r"frontend 'f' gave patches \(9, 24, 20\), wanted \(8, 24, 20\)"),
        (Back, r"backend 'b' gave scores \(8, 7\), wanted \(8, 6\)"),
    ],
)
def test_plugins_that_break_their_promise(
    tiny: ModelBundle, monkeypatch: pytest.MonkeyPatch, culprit: type, message: str
) -> None:
    monkeypatch.setattr(culprit, "wrong", 1)
    with pytest.raises(BrokenPluginError, match=message):
        tag(tiny)
