"""The public plugin API: its names, its options, and its docs."""

from __future__ import annotations

import inspect
import os
from pathlib import Path

import pytest

from yamkit import plugin
from yamkit.plugin import BackendOptions, HookSpecs

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_exported_names() -> None:
    assert set(plugin.__all__) == {
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
    }
    for name in plugin.__all__:
        if name not in ("hookimpl", "hookspec"):
            assert inspect.getdoc(getattr(plugin, name)), name


def test_threads_are_the_users_or_the_cores_of_the_process(monkeypatch) -> None:
    assert BackendOptions(threads=7).thread_count == 7
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 5}, raising=False)
    assert BackendOptions().thread_count == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert BackendOptions().thread_count == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert BackendOptions().thread_count == 1


@pytest.mark.parametrize("hook", [name for name in vars(HookSpecs) if name.startswith("yamkit_")])
def test_every_hook_is_documented(hook: str) -> None:
    assert any(hook in page.read_text() for page in DOCS.rglob("*.md"))
    assert inspect.getdoc(getattr(HookSpecs, hook))
