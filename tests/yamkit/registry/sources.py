"""The source of a plugin with one backend, and its entries in a registry."""

from __future__ import annotations

from yamkit.plugin import API_VERSION
from yamkit.registry import Plugin, Registry

BACKEND = """
    from yamkit.plugin import BackendInfo, hookimpl

    @hookimpl
    def yamkit_backends():
        yield BackendInfo(name={name!r}, summary="A test", factory={factory!r}, api={api!r},
                          networks=("mobilenet-v1",), requires={requires!r}, install={install!r})
"""


def backend(name: str = "mine", **changes: object) -> str:
    fields = {
        "name": name,
        "factory": "json:dumps",
        "api": API_VERSION,
        "requires": (),
        "install": "",
    }
    return BACKEND.format(**{**fields, **changes})


def of(registry: Registry, distribution: str = "other-kit") -> list[Plugin]:
    return [plugin for plugin in registry.plugins if plugin.distribution == distribution]


def only(registry: Registry) -> Plugin:
    (plugin,) = of(registry)
    return plugin
