"""The hooks that a light module implements, one for each kind of plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yamkit.plugin.backend import BackendInfo
    from yamkit.plugin.frontend import FrontendInfo
    from yamkit.plugin.label_reader import LabelReaderInfo
    from yamkit.plugin.resampler import ResamplerInfo
    from yamkit.plugin.runner import RunnerInfo
    from yamkit.plugin.sink import SinkInfo

__all__ = ["HookSpecs", "hookimpl", "hookspec"]

hookspec = pluggy.HookspecMarker("yamkit")
hookimpl = pluggy.HookimplMarker("yamkit")


class HookSpecs:
    """The hooks. Each takes no arguments and yields descriptors; it must not import an engine."""

    @hookspec
    def yamkit_frontends(self) -> Iterable[FrontendInfo]:  # type: ignore[empty-body]
        """Yield a descriptor for each front end."""

    @hookspec
    def yamkit_backends(self) -> Iterable[BackendInfo]:  # type: ignore[empty-body]
        """Yield a descriptor for each backend."""

    @hookspec
    def yamkit_resamplers(self) -> Iterable[ResamplerInfo]:  # type: ignore[empty-body]
        """Yield a descriptor for each resampler."""

    @hookspec
    def yamkit_sinks(self) -> Iterable[SinkInfo]:  # type: ignore[empty-body]
        """Yield a descriptor for each sink."""

    @hookspec
    def yamkit_label_readers(self) -> Iterable[LabelReaderInfo]:  # type: ignore[empty-body]
        """Yield a descriptor for each label reader."""

    @hookspec
    def yamkit_runners(self) -> Iterable[RunnerInfo]:  # type: ignore[empty-body]
        """Yield a descriptor for each runner."""
