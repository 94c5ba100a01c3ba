"""Discovery, tested on real dist-info folders on the path."""

from __future__ import annotations

import re
import sys
import textwrap
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from yamkit.errors import (
    BrokenPluginError,
    MissingRequirementError,
    ParameterError,
    PluginClashError,
    UnknownPluginError,
)
from yamkit.plugin import API_VERSION, HookSpecs
from yamkit.registry import KINDS, Registry, discover

Install = Callable[..., str]

BACKEND = """
    from yamkit.plugin import BackendInfo, hookimpl

    @hookimpl
    def yamkit_backends():
        yield BackendInfo(name={name!r}, summary="A test", factory={factory!r}, api={api!r},
                          networks=("mobilenet-v1",), requires={requires!r}, install={install!r})
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request) -> Install:
    """Put a distribution with one entry point on the path; give its module's name."""
    monkeypatch.syspath_prepend(tmp_path)
    serial = 0

    def make(source: str, *, distribution: str = "other-kit", entry_point: str = "other") -> str:
        nonlocal serial
        serial += 1
        module = f"plugin_{abs(hash(request.node.nodeid))}_{serial}"
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(source))
        folder = tmp_path / f"{distribution.replace('-', '_')}-2.5.dist-info"
        folder.mkdir(exist_ok=True)
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 2.5\n"
        )
        points = folder / "entry_points.txt"
        before = points.read_text() if points.exists() else "[yamkit]\n"
        points.write_text(before + f"{entry_point} = {module}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)
        return module

    return make


def backend(name: str = "mine", **changes: object) -> str:
    fields = {
        "name": name,
        "factory": "json:dumps",
        "api": API_VERSION,
        "requires": (),
        "install": "",
    }
    return BACKEND.format(**{**fields, **changes})


def of(registry: Registry, distribution: str = "other-kit"):
    return [plugin for plugin in registry.plugins if plugin.distribution == distribution]


def only(registry: Registry):
    (plugin,) = of(registry)
    return plugin


def test_every_hook_has_a_kind() -> None:
    hooks = {name for name in vars(HookSpecs) if name.startswith("yamkit_")}
    assert {hook for hook, _ in KINDS.values()} == hooks


def test_built_ins_come_through_the_same_door() -> None:
    found = {(p.kind, p.name) for p in discover().plugins if p.distribution == "yamkit"}
    assert found == {
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


def test_a_stranger_is_found_with_provenance(install: Install) -> None:
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
            "yamkit_sinks yielded 1, wanted a SinkInfo",
        ),
        (
            "from yamkit.plugin import hookimpl\n@hookimpl\ndef yamkit_sinks(): return 1 / 0",
            "yamkit_sinks raised ZeroDivisionError: division by zero",
        ),
        (
            "from yamkit.plugin import hookimpl\n@hookimpl\ndef yamkit_sinks(): return None",
            "yamkit_sinks raised TypeError",
        ),
        (backend(api=99), "written for plugin API 99, this yamkit has 1: pip install --upgrade ya"),
        (backend(api=0), "written for plugin API 0, this yamkit has 1: pip install --upgrade oth"),
        (backend(api="1"), "written for plugin API '1'"),
        (backend(name="My Backend"), "name 'My Backend': wanted lower-case letters"),
        (backend(factory="json.dumps"), "factory 'json.dumps': wanted 'package.module:Name'"),
        (backend(requires=("no.such.package",)), "requires ('no.such.package',): wanted"),
        (backend(requires="numba"), "requires 'numba': wanted tuple[str, ...]"),
        (backend(name=None), "name None: wanted str"),
        (backend().replace('("mobilenet-v1",)', "None"), "networks None: wanted tuple[str, ...]"),
        (backend().replace('"A test"', "None"), "summary None: wanted str"),
    ],
)
def test_a_broken_plugin_costs_nobody_else_anything(
    install: Install, source: str, reason: str
) -> None:
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


def test_an_unknown_name_lists_the_installed_ones_and_the_nearest(install: Install) -> None:
    install("import no_such_module_anywhere")
    with pytest.raises(UnknownPluginError) as caught:
        discover().resolve("backend", "onx")
    message = str(caught.value)
    assert "no backend 'onx'; installed: keras, numpy, onnx" in message
    assert "did you mean 'onnx'?" in message
    assert "1 broken, see `yamkit plugins`" in message


def test_a_broken_plugin_is_named_when_selected(install: Install) -> None:
    install(backend(api=99))
    with pytest.raises(BrokenPluginError, match=r"backend 'mine' of other-kit 2\.5 is broken: wri"):
        discover().resolve("backend", "mine")


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


def test_a_clash_is_raised_when_selected_and_names_both(install: Install) -> None:
    install(backend("fast"), entry_point="mine")
    install(backend("fast"), distribution="third-kit", entry_point="mine")
    registry = discover()
    with pytest.raises(PluginClashError) as caught:
        registry.resolve("backend", "fast")
    message = str(caught.value)
    assert "comes from other-kit 2.5 (mine) and third-kit 2.5 (mine)" in message
    assert "switch one off: YAMKIT_PLUGINS=-third-kit:mine" in message
    assert registry.resolve("backend", "numpy").state == "ready"
    chosen = discover("-third-kit:mine").resolve("backend", "fast")
    assert (chosen.distribution, chosen.state) == ("other-kit", "ready")


@pytest.mark.parametrize("entry_point", ["mine", "onnx"])
def test_a_name_of_yamkits_own_stays_its_own(install: Install, entry_point: str) -> None:
    install(backend("onnx"), entry_point=entry_point)
    registry = discover()
    assert registry.resolve("backend", "onnx").distribution == "yamkit"
    (theirs,) = [plugin for plugin in registry.plugins if plugin.distribution == "other-kit"]
    assert theirs.state == "clash"
    advice = "it stands for yamkit's own; to use this one, YAMKIT_PLUGINS=-yamkit:onnx"
    assert theirs.reason.endswith(advice)
    assert discover("-yamkit:onnx").resolve("backend", "onnx").distribution == "other-kit"


def test_a_broken_plugin_takes_no_name_of_another(install: Install) -> None:
    install(backend("onnx", api=99))
    assert discover().resolve("backend", "onnx").distribution == "yamkit"


def test_a_hook_without_an_end(install: Install) -> None:
    install(backend().replace("yield", "while True: yield"))
    assert of(discover())[-1].reason.endswith("raised ValueError: more than 100 descriptors")


def test_what_a_light_module_prints_is_no_result(install: Install, capsys) -> None:
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


def test_a_selection_of_what_is_not_there() -> None:
    with pytest.raises(ParameterError, match="YAMKIT_PLUGINS names 'nope', which is not installed"):
        discover("-nope")


def test_a_plugin_switched_off_says_so_when_selected() -> None:
    message = "no backend 'onnx'; installed: numpy; YAMKIT_PLUGINS switches some off"
    with pytest.raises(UnknownPluginError, match=message):
        discover("numpy").resolve("backend", "onnx")


def test_damaged_metadata_is_survived(install: Install, tmp_path: Path) -> None:
    install(backend())
    (tmp_path / "other_kit-2.5.dist-info" / "METADATA").unlink()
    names = {p.name: p.distribution for p in discover().plugins}
    assert names["mine"] in ("unknown", "other_kit")
