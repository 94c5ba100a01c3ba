"""Which front ends and backends fit a model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from yamkit.errors import IncompatibleError
from yamkit.pipeline.options import PipelineOptions
from yamkit.plugin import BackendInfo, FrontendInfo, PluginInfo
from yamkit.registry import registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from yamkit.models import ModelBundle

__all__ = [
    "DEFAULT_BACKENDS",
    "DEFAULT_FRONTENDS",
    "check_fit",
    "default_parts",
    "fitting",
    "with_default_parts",
]

DEFAULT_FRONTENDS = ("logmel", "waveform")
DEFAULT_BACKENDS = ("onnx",)

_Info = TypeVar("_Info", bound=PluginInfo)
_Options = TypeVar("_Options", bound=PipelineOptions)


def fitting(model: ModelBundle) -> tuple[list[str], list[str], list[str]]:
    """Return the plugins that can run a model.

    Returns
    -------
    frontends, backends : list of str
        Names of those that are ready.
    skipped : list of str
        The others, with the reasons why they are not ready.
    """
    frontends: list[str] = []
    backends: list[str] = []
    skipped: list[str] = []
    for plugin in registry().plugins:
        info = plugin.info
        if isinstance(info, FrontendInfo) and info.produces == model.features.kind:
            names = frontends
        elif isinstance(info, BackendInfo) and model.network.kind in info.networks:
            names = backends
        else:
            continue
        if plugin.state == "ready":
            names.append(plugin.name)
        else:
            skipped.append(f"{plugin.kind} {plugin.name}: {plugin.reason}")
    return frontends, backends, skipped


def default_parts(model: ModelBundle) -> tuple[str, str]:
    """Return the names of the default front end and backend of a model.

    They are the first of `DEFAULT_FRONTENDS` and `DEFAULT_BACKENDS` that fit the model, else the
    first installed plugins that do.
    """
    frontends, backends, _ = fitting(model)
    return _preferred(DEFAULT_FRONTENDS, frontends), _preferred(DEFAULT_BACKENDS, backends)


def with_default_parts(options: _Options, model: ModelBundle) -> _Options:
    """Return options in which a front end and a backend are named."""
    if options.frontend is not None and options.backend is not None:
        return options
    frontend, backend = default_parts(model)
    return replace(
        options, frontend=options.frontend or frontend, backend=options.backend or backend
    )


def check_fit(model: ModelBundle, front: FrontendInfo, back: BackendInfo, provider: str) -> None:
    """Check that a front end and a backend can run a model.

    Raises
    ------
    IncompatibleError
    """
    kind, network = model.features.kind, model.network.kind
    if front.produces != kind:
        names = _names_of(FrontendInfo, lambda info: info.produces == kind)
        raise IncompatibleError(
            f"model {model.name!r} expects {kind!r} features, but front end {front.name!r} "
            f"produces {front.produces!r}; front ends that fit: {names}"
        )
    if network not in back.networks:
        names = _names_of(BackendInfo, lambda info: network in info.networks)
        raise IncompatibleError(
            f"model {model.name!r} is a {network!r} network, but backend {back.name!r} runs only "
            f"{', '.join(back.networks)}; backends that fit: {names}"
        )
    if provider not in back.providers:
        raise IncompatibleError(
            f"backend {back.name!r} has no provider {provider!r}; its providers: "
            f"{', '.join(back.providers)}"
        )


def _preferred(defaults: tuple[str, ...], names: list[str]) -> str:
    """Return a name that fits; if none does, the first default, whose error explains why."""
    return next((name for name in (*defaults, *names) if name in names), defaults[0])


def _names_of(kind: type[_Info], fits: Callable[[_Info], bool]) -> str:
    infos = (plugin.info for plugin in registry().plugins)
    return ", ".join(i.name for i in infos if isinstance(i, kind) and fits(i)) or "none installed"
