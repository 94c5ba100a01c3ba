"""Which plugins fit a model: defaults are chosen, and others are refused by their descriptors."""

from __future__ import annotations

from dataclasses import replace

import pytest

from yamkit.errors import IncompatibleError
from yamkit.models.bundle import ModelBundle
from yamkit.pipeline import fit
from yamkit.pipeline.options import PipelineOptions
from yamkit.plugin import BackendInfo, FrontendInfo
from yamkit.registry import Plugin, Registry


def plugin(info: FrontendInfo | BackendInfo, state: str = "ready", reason: str = "") -> Plugin:
    kind = "frontend" if isinstance(info, FrontendInfo) else "backend"
    return Plugin("d", "1", "e", state=state, kind=kind, name=info.name, info=info, reason=reason)


def frontend(name: str, produces: str) -> FrontendInfo:
    return FrontendInfo(name=name, summary="", factory="f:f", api=1, produces=produces)


def backend(name: str, *networks: str) -> BackendInfo:
    return BackendInfo(name=name, summary="", factory="f:f", api=1, networks=networks)


F, RAW = frontend("f", "log-mel"), frontend("raw", "waveform")
B, OTHER = backend("b", "mobilenet-v1"), backend("other", "cnn14")


@pytest.fixture(autouse=True)
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Registry(
        (
            *map(plugin, (F, RAW, B, OTHER)),
            plugin(backend("gone", "mobilenet-v1"), "missing", "needs x: pip install x"),
        )
    )
    monkeypatch.setattr(fit, "registry", lambda: found)


def test_plugins_that_fit_and_those_that_are_not_ready(tiny: ModelBundle) -> None:
    assert fit.fitting(tiny) == (["f"], ["b"], ["backend gone: needs x: pip install x"])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("f", "b")),
        ({"frontend": "raw"}, ("raw", "b")),
        ({"backend": "other"}, ("f", "other")),
        ({"frontend": "x", "backend": "y"}, ("x", "y")),
    ],
)
def test_only_parts_that_are_not_named_are_chosen(
    tiny: ModelBundle, given: dict[str, str], expected: tuple[str, str]
) -> None:
    found = fit.with_default_parts(PipelineOptions(batch_size=3, **given), tiny)
    assert (found.frontend, found.backend, found.batch_size) == (*expected, 3)


def test_without_a_plugin_that_fits_the_first_default_explains_why(tiny: ModelBundle) -> None:
    strange = replace(tiny, network=replace(tiny.network, kind="transformer"))
    assert fit.default_parts(strange) == ("f", fit.DEFAULT_BACKENDS[0])
    with pytest.raises(IncompatibleError, match="'transformer'.*fit: none installed"):
        fit.check_fit(strange, F, B, "cpu")


@pytest.mark.parametrize(
    ("front", "back", "provider", "parts"),
    [
        (RAW, B, "cpu", ["'log-mel'", "'raw'", "'waveform'", "fit: f"]),
        (F, OTHER, "cpu", ["'mobilenet-v1'", "'other'", "cnn14", "fit: b, gone"]),
        (F, B, "cuda", ["'b'", "'cuda'", "cpu"]),
    ],
)
def test_parts_that_do_not_fit(tiny: ModelBundle, front, back, provider: str, parts) -> None:
    with pytest.raises(IncompatibleError) as caught:
        fit.check_fit(tiny, front, back, provider)
    assert all(part in str(caught.value) for part in parts), caught.value
    fit.check_fit(tiny, F, B, "cpu")
