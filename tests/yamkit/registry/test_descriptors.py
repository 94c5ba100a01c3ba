from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.yamkit.registry.sources import backend, only
from yamkit.errors import MissingRequirementError
from yamkit.plugin import HookSpecs
from yamkit.registry import KINDS, discover

Install = Callable[..., str]


def test_every_hook_has_a_kind() -> None:
    hooks = {name for name in vars(HookSpecs) if name.startswith("yamkit_")}
    assert {hook for hook, _ in KINDS.values()} == hooks


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (backend(api=99), "pip install --upgrade yamkit"),
        (backend(api=0), "pip install --upgrade other-kit"),
        (backend(api="1"), "plugin API '1'"),
        (backend(name="My Backend"), "name 'My Backend'"),
        (backend(factory="json.dumps"), "factory 'json.dumps'"),
        (backend(requires=("no.such.package",)), "requires ('no.such.package',)"),
        (backend(requires="numba"), "requires 'numba'"),
        (backend(name=None), "name None"),
        (backend().replace('("mobilenet-v1",)', "None"), "networks None"),
        (backend().replace('"A test"', "None"), "summary None"),
    ],
)
def test_an_invalid_descriptor_is_broken(install: Install, source: str, reason: str) -> None:
    install(source)
    registry = discover()
    plugin = only(registry)
    assert plugin.state == "broken"
    assert reason in plugin.reason
    assert registry.resolve("backend", "onnx").state == "ready"


@pytest.mark.parametrize(
    ("install_hint", "command"),
    [("other-kit[engine]", "pip install 'other-kit[engine]'"), ("", "install it with pip")],
)
def test_a_missing_extra_gives_the_command(
    install: Install, install_hint: str, command: str
) -> None:
    install(backend(requires=("no_such_engine", "json"), install=install_hint))
    registry = discover()
    assert only(registry).state == "missing"
    with pytest.raises(MissingRequirementError) as caught:
        registry.resolve("backend", "mine")
    assert str(caught.value) == f"backend 'mine' needs no_such_engine: {command}"
