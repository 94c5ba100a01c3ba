"""Networks whose rows influence each other are found out, whichever backend runs them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from yamkit.errors import BundleError, YamkitError
from yamkit.models.importing import ImportOptions, import_model
from yamkit.models.store import find_model, installed
from yamkit.pipeline import compose as pipeline
from yamkit.pipeline.trial import try_network, varied_windows
from yamkit.types import WaveformSpec

CLASSES = 521


def _scores(patches: np.ndarray) -> np.ndarray:
    loudness = np.sqrt((patches**2).mean(axis=1, keepdims=True))
    return np.clip(loudness * np.linspace(0.5, 1, CLASSES, dtype=np.float32), 0, 1)


def _normalised(patches: np.ndarray) -> np.ndarray:
    scores = _scores(patches)
    return np.clip(0.5 + scores - scores.mean(axis=0), 0, 1)


NETWORKS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "right": _scores,
    "training": _normalised,
    "reversed": lambda patches: _scores(patches)[::-1].copy(),
    "sorted": lambda patches: np.sort(_scores(patches), axis=0),
    "first": lambda patches: np.repeat(_scores(patches)[:1], len(patches), axis=0),
    "numbered": lambda patches: (
        _scores(patches) / (1 + np.arange(len(patches), dtype="f4"))[:, None]
    ),
    "nan": lambda patches: _scores(patches) * np.float32(np.nan),
}


class _Backend:
    """A network of a made-up file format, which is the name of one of the above."""

    def __init__(self, model, options):
        self._run = NETWORKS[model.network_path().read_text()]

    def predict(self, patches):
        return self._run(patches), np.empty((len(patches), 0), np.float32)

    def close(self):
        pass


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """Import a network that a plugin's backend runs."""
    real = pipeline.registry()

    class _Registry:
        plugins = real.plugins

        def resolve(self, kind, name):
            return real.resolve(kind, "onnx" if kind == "backend" else name)

        def load(self, plugin):
            return _Backend if plugin.kind == "backend" else real.load(plugin)

    def run(name: str):
        path = tmp_path / "net.made"
        path.write_text(name)
        mini = find_model("yamnet-mini")
        return import_model(
            path,
            name="net",
            options=ImportOptions(
                kind="made",
                like=mini,
                waveform=True,
            ),
            check=try_network,
        )

    monkeypatch.setattr(pipeline, "registry", _Registry)
    monkeypatch.setattr(pipeline, "check_fit", lambda *args: None)
    return run


def test_a_network_that_is_right_is_installed(imported):
    assert imported("right").name == "net"


@pytest.mark.parametrize("name", sorted(set(NETWORKS) - {"right", "nan"}))
def test_rows_that_influence_each_other_are_refused(imported, name):
    with pytest.raises(BundleError, match=r"net\.made: the scores of a patch differ by "):
        imported(name)
    assert installed() == []


def test_no_scores_are_refused(imported):
    with pytest.raises(YamkitError, match="not in 0-1"):
        imported("nan")


def test_windows_vary_in_level_and_order():
    features = WaveformSpec(
        kind="waveform", sample_rate_hz=8000, patch_window_samples=800, patch_hop_samples=400
    )
    windows = list(varied_windows(features, 8))
    levels = [float(np.abs(window).mean()) for window in windows]
    assert max(levels) > 100 * min(levels)
    assert levels != sorted(levels) != levels[::-1]
    for window, again in zip(windows, varied_windows(features, 8), strict=True):
        assert window.dtype == np.float32
        assert len(window) == 800
        np.testing.assert_array_equal(window, again)
