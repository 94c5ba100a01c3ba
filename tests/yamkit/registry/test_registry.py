from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.yamkit.registry.sources import backend
from yamkit.errors import BrokenPluginError, PluginClashError, UnknownPluginError
from yamkit.registry import discover

Install = Callable[..., str]


def test_an_unknown_name_lists_the_installed_ones_and_the_nearest(install: Install) -> None:
    install("import no_such_module_anywhere")
    with pytest.raises(UnknownPluginError) as caught:
        discover().resolve("backend", "onx")
    message = str(caught.value)
    assert "no backend 'onx'; installed: keras, numpy, onnx" in message
    assert "did you mean 'onnx'?" in message
    assert "broken: 1, see `yamkit plugins`" in message


def test_a_broken_plugin_is_named_when_selected(install: Install) -> None:
    install(backend(api=99))
    with pytest.raises(BrokenPluginError, match=r"backend 'mine' of other-kit 2\.5 is broken: wri"):
        discover().resolve("backend", "mine")


def test_a_clash_is_raised_when_selected_and_names_both(install: Install) -> None:
    install(backend("fast"), entry_point="mine")
    install(backend("fast"), distribution="third-kit", entry_point="mine")
    registry = discover()
    with pytest.raises(PluginClashError) as caught:
        registry.resolve("backend", "fast")
    message = str(caught.value)
    assert "comes from other-kit 2.5 (mine) and third-kit 2.5 (mine)" in message
    assert "YAMKIT_PLUGINS=-third-kit:mine" in message
    assert registry.resolve("backend", "numpy").state == "ready"
    chosen = discover("-third-kit:mine").resolve("backend", "fast")
    assert (chosen.distribution, chosen.state) == ("other-kit", "ready")


@pytest.mark.parametrize("entry_point", ["mine", "onnx"])
def test_a_name_selects_yamkits_own_plugin(install: Install, entry_point: str) -> None:
    install(backend("onnx"), entry_point=entry_point)
    registry = discover()
    assert registry.resolve("backend", "onnx").distribution == "yamkit"
    (theirs,) = [plugin for plugin in registry.plugins if plugin.distribution == "other-kit"]
    assert theirs.state == "clash"
    assert theirs.reason.endswith("YAMKIT_PLUGINS=-yamkit:onnx")
    assert discover("-yamkit:onnx").resolve("backend", "onnx").distribution == "other-kit"


@pytest.mark.parametrize(
    ("factory", "reason"),
    [
        ("no_such_module_at_all:X", "ModuleNotFoundError"),
        ("json:no_such_thing", "AttributeError"),
        ("sys:path", "TypeError: sys:path is not callable"),
    ],
)
def test_a_factory_that_does_not_load(install: Install, factory: str, reason: str) -> None:
    install(backend(factory=factory))
    registry = discover()
    with pytest.raises(BrokenPluginError, match=r"of other-kit 2\.5 cannot be loaded") as caught:
        registry.load(registry.resolve("backend", "mine"))
    assert reason in str(caught.value)
