from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tests.yamkit.registry.sources import backend
from yamkit.errors import ParameterError, UnknownPluginError
from yamkit.registry import discover

Install = Callable[..., str]


@pytest.mark.parametrize(
    ("selection", "on"),
    [
        (None, {"other", "onnx", "sinks"}),
        ("", set()),
        ("other", {"other"}),
        ("other, sinks", {"other", "sinks"}),
        ("other-kit", {"other"}),
        ("Other_Kit:other", {"other"}),
        ("-other-kit", {"onnx", "sinks"}),
        ("-yamkit", {"other"}),
        ("yamkit,-onnx", {"sinks"}),
    ],
)
def test_selection(install: Install, selection: str | None, on: set[str]) -> None:
    module = install(backend())
    sys.modules.pop(module, None)
    states = {p.entry_point: p.state for p in discover(selection).plugins}
    assert {name for name in ("other", "onnx", "sinks") if states[name] != "off"} == on
    assert (module in sys.modules) == ("other" in on)


def test_a_selection_that_is_not_installed() -> None:
    with pytest.raises(ParameterError, match="YAMKIT_PLUGINS: 'nope' .*onnx"):
        discover("-nope")


def test_a_plugin_switched_off_says_so_when_selected() -> None:
    with pytest.raises(UnknownPluginError, match="'onnx'; installed: numpy; YAMKIT_PLUGINS"):
        discover("numpy").resolve("backend", "onnx")
