"""Discovery, tested on real dist-info folders on the path."""

from __future__ import annotations

import re
import sys
import textwrap
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.yamkit.registry.sources import backend, of, only
from yamkit.registry import discover

Install = Callable[..., str]


def test_built_ins_are_discovered_as_others() -> None:
    found = {(p.kind, p.name) for p in discover().plugins if p.distribution == "yamkit"}
    assert found >= {  # names that users rely on
        ("backend", "onnx"),
        ("backend", "numpy"),
        ("backend", "keras"),
        ("frontend", "logmel"),
        ("frontend", "logmel-tf"),
        ("frontend", "waveform"),
        ("resampler", "polyphase"),
        ("resampler", "polyphase-live"),
        ("resampler", "resampy"),
        ("sink", "text"),
        ("sink", "json"),
        ("sink", "jsonl"),
        ("sink", "csv"),
        ("sink", "parquet"),
        ("sink", "spreadsheet"),
        ("sink", "scores-npy"),
        ("sink", "embeddings-npy"),
        ("sink", "audacity"),
        ("sink", "raven"),
        ("sink", "webvtt"),
        ("sink", "srt"),
        ("sink", "textgrid"),
        ("sink", "dcase"),
        ("sink", "rttm"),
        ("sink", "jams"),
        ("sink", "tsv"),
        ("runner", "local"),
        ("runner", "ray"),
        ("label reader", "audioset"),
        ("label reader", "fsd50k"),
        ("label reader", "esc50"),
        ("label reader", "urbansound8k"),
        ("label reader", "audioset-strong"),
        ("label reader", "dcase-strong"),
        ("label reader", "dcase-weak"),
        ("label reader", "csv"),
        ("label reader", "folders"),
    }


def test_a_plugin_is_found_with_its_origin(install: Install) -> None:
    install(backend())
    registry = discover()
    plugin = only(registry)
    assert (plugin.state, plugin.version, plugin.entry_point) == ("ready", "2.5", "other")
    assert (plugin.kind, plugin.hook, plugin.name) == ("backend", "yamkit_backends", "mine")
    assert registry.resolve("backend", "mine") is plugin
    assert registry.load(plugin) is __import__("json").dumps


def test_listing_imports_no_implementation(install: Install) -> None:
    install(backend(factory="wave:open"))
    sys.modules.pop("wave", None)
    registry = discover()
    assert "wave" not in sys.modules
    registry.load(registry.resolve("backend", "mine"))
    assert "wave" in sys.modules


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_module_anywhere", "ModuleNotFoundError: No module named"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        ("raise RuntimeError", "RuntimeError"),
        ("class E(BaseException): pass\nraise E('odd')", "E: odd"),
        ("def (", "SyntaxError: invalid syntax"),
        ("x = 1", "implements no hook; hooks: yamkit_frontends"),
        (
            "from yamkit.plugin import hookimpl\n@hookimpl\ndef yamkit_backend(): yield 1",
            "unknown hook yamkit_backend; did you mean yamkit_backends?",
        ),
        (
            "from yamkit.plugin import hookimpl\n@hookimpl\ndef zzz(): yield 1",
            "unknown hook zzz; hooks: ",
        ),
        (
            "from yamkit.plugin import hookimpl\n@hookimpl\ndef yamkit_backends(x): yield 1",
            "PluginValidationError",
        ),
        (
            "from yamkit.plugin import hookimpl\n@hookimpl\ndef yamkit_sinks(): yield 1",
            "yamkit_sinks yielded 1: must be a SinkInfo",
        ),
        (
            "from yamkit.plugin import hookimpl\n@hookimpl\ndef yamkit_sinks(): return 1 / 0",
            "yamkit_sinks raised ZeroDivisionError: division by zero",
        ),
        (
            "from yamkit.plugin import hookimpl\n@hookimpl\ndef yamkit_sinks(): return None",
            "yamkit_sinks raised TypeError",
        ),
    ],
)
def test_a_broken_plugin_does_not_affect_others(install: Install, source: str, reason: str) -> None:
    install(source)
    registry = discover()
    plugin = only(registry)
    assert plugin.state == "broken"
    assert reason in plugin.reason
    assert registry.resolve("backend", "onnx").state == "ready"


def test_a_good_descriptor_before_a_failure_is_kept(install: Install) -> None:
    install(backend() + "        raise RuntimeError('late')\n")
    states = {p.name: p.state for p in of(discover())}
    assert states == {"mine": "ready", "": "broken"}


def test_an_endless_hook(install: Install) -> None:
    install(backend().replace("yield", "while True: yield"))
    assert of(discover())[-1].reason.endswith("raised ValueError: more than 100 descriptors")


def test_output_of_a_light_module_goes_to_stderr(install: Install, capsys) -> None:
    install("print('hello')\n" + textwrap.dedent(backend()))
    discover()
    assert capsys.readouterr() == ("", "hello\n")


def test_a_slow_module_is_named(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = types.SimpleNamespace(now=0.0)
    monkeypatch.setattr("yamkit.registry._discovery.perf_counter", lambda: clock.now)
    monkeypatch.setattr(sys, "clock", clock, raising=False)
    install("import sys; sys.clock.now += 2.5\n" + textwrap.dedent(backend()))
    plugin = only(discover())
    assert (plugin.state, plugin.name) == ("ready", "mine")
    assert re.fullmatch(r"slow: plugin_\w+ took 2\.5 s to import, .*", plugin.reason)


def test_damaged_metadata_is_survived(install: Install, tmp_path: Path) -> None:
    install(backend())
    (tmp_path / "other_kit-2.5.dist-info" / "METADATA").unlink()
    names = {p.name: p.distribution for p in discover().plugins}
    assert names["mine"] in ("unknown", "other_kit")


def test_a_broken_plugin_causes_no_clash(install: Install) -> None:
    install(backend("onnx", api=99))
    assert discover().resolve("backend", "onnx").distribution == "yamkit"
