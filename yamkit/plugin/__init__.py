"""The public plugin API: all that a plugin author imports, and all that yamkit knows of plugins.

A plugin is a distribution with one entry point in the group ``yamkit``::

    [project.entry-points.yamkit]
    mine = "yamkit_mine"

The entry point names a *light* module: it imports nothing but `yamkit.plugin`, and its hook
implementations take no arguments and yield frozen descriptors. The implementation itself is a
string, ``"package.module:Class"``, imported only when a user selects the plugin.

Each kind of plugin has a module: `backend`, `frontend`, `resampler`, `sink`, `label_reader` and
`runner`. It holds the descriptor, the options, the protocol that the implementation follows, and a
complete example. `descriptor` holds what all descriptors share, `hooks` the hooks.

The core owns streaming, padding, files and time; plugins are pure functions over whole windows
(front end, backend) or small state machines (resampler, sink).
"""

from __future__ import annotations

from yamkit.plugin.backend import Backend, BackendInfo, BackendOptions, Exporter, Model
from yamkit.plugin.descriptor import API_VERSION, PluginInfo
from yamkit.plugin.frontend import Frontend, FrontendInfo
from yamkit.plugin.hooks import HookSpecs as HookSpecs  # for the registry, not for authors
from yamkit.plugin.hooks import hookimpl, hookspec
from yamkit.plugin.label_reader import LabelReader, LabelReaderInfo
from yamkit.plugin.resampler import Resampler, ResamplerInfo
from yamkit.plugin.runner import Runner, RunnerInfo, RunnerOptions, Work
from yamkit.plugin.sink import Sink, SinkInfo

__all__ = [
    "API_VERSION",
    "Backend",
    "BackendInfo",
    "BackendOptions",
    "Exporter",
    "Frontend",
    "FrontendInfo",
    "LabelReader",
    "LabelReaderInfo",
    "Model",
    "PluginInfo",
    "Resampler",
    "ResamplerInfo",
    "Runner",
    "RunnerInfo",
    "RunnerOptions",
    "Sink",
    "SinkInfo",
    "Work",
    "hookimpl",
    "hookspec",
]
