"""The selftest finds what is wrong with an installation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from yamkit import selftest
from yamkit.models.bundle import ModelBundle
from yamkit.pipeline import fit
from yamkit.registry import Registry, registry
from yamkit.selftest import run_selftest, signals


@pytest.fixture(autouse=True)
def _without_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave TensorFlow out, as where it is not installed: it is slow to load."""
    plugins = (
        plugin
        if plugin.name not in ("keras", "logmel-tf")
        else replace(plugin, state="missing", reason="not here")
        for plugin in registry().plugins
    )
    light = Registry(tuple(plugins))
    monkeypatch.setattr(fit, "registry", lambda: light)


def test_signals() -> None:
    made = signals(16000)
    assert set(made) == {"Silence", "White noise", "Sine wave"}
    assert all(x.dtype == np.float32 and x.shape == (48000,) for x in made.values())
    assert np.abs(made["Silence"]).max() == 0
    spectrum = np.abs(np.fft.rfft(made["Sine wave"]))
    assert spectrum.argmax() / 3 == 440


def test_every_combination_runs_and_agrees(tiny: ModelBundle) -> None:
    report = run_selftest(tiny)
    ran = {(r.frontend, r.backend, r.signal) for r in report.results}
    assert len(ran) == len(report.results) == 6
    assert {backend for _, backend, _ in ran} == {"onnx", "numpy"}
    assert report.difference < 1e-5
    assert report.passed
    assert len(report.skipped) == 2
    assert all("not here" in line for line in report.skipped)


def test_a_class_far_from_the_top_is_a_failure(
    tiny: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selftest, "FIRST", 1)
    report = run_selftest(tiny)
    assert any(not result.passed for result in report.results)
    assert not report.passed


def test_combinations_that_differ_are_a_failure(
    tiny: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selftest, "LARGEST_DIFFERENCE", -1.0)
    assert not run_selftest(tiny).passed


def test_a_plugin_that_raises_hides_no_other(
    tiny: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    from yamkit_numpy._backend import NumpyBackend

    def broken(self, patches):
        raise NameError("name 'patchez' is not defined")

    monkeypatch.setattr(NumpyBackend, "predict", broken)
    report = run_selftest(tiny)
    assert {result.backend for result in report.results} == {"onnx"}
    assert report.failures == (
        "logmel with numpy: backend 'numpy' failed: NameError: name 'patchez' is not defined",
    )
    assert not report.passed


def test_an_installation_without_a_combination_is_a_failure(
    tiny: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "registry", lambda: Registry(()))
    assert not run_selftest(tiny).passed
