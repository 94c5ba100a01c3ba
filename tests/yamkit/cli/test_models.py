from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest
from click.testing import CliRunner

from yamkit.cli.models import models
from yamkit.errors import (
    DownloadError,
    ModelExistsError,
    StoreError,
    UnknownModelError,
    WeightFileError,
)
from yamkit.models import download, importing, store
from yamkit.models.store import install, models_folder
from yamkit.models.writing import ModelDescription, write_bundle
from yamkit.types import NetworkSpec


def run(*args: object, code: int = 0) -> str:
    result = CliRunner().invoke(models, [str(arg) for arg in args], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def installed_tiny(tiny):
    return install("tiny", lambda folder: shutil.copytree(tiny.folder, folder, dirs_exist_ok=True))


@pytest.fixture
def installed_onnx(tiny):
    def build(folder):
        write_bundle(
            folder,
            ModelDescription(
                name="graph",
                version="2",
                licence="",
                source="",
                source_sha256="",
                features=tiny.features,
                network=NetworkSpec("onnx"),
                classes=tiny.classes[:1],
            ),
            network_file=b"graph",
        )

    return install("graph", build)


def test_list_and_verify_know_what_comes_with_yamkit():
    _, mini = run("list").splitlines()
    assert mini.startswith("yamnet-mini  2        521      mobilenet-v1  2.2 MB  ok, comes with")
    assert run("verify") == "yamnet-mini: ok\n"
    (entry,) = json.loads(run("list", "--json"))["models"]
    assert (entry["name"], entry["built_in"]) == ("yamnet-mini", True)
    with pytest.raises(StoreError):
        run("remove", "yamnet-mini")


def test_list(installed_tiny, installed_onnx):
    (models_folder() / "odd").mkdir()
    head, _, graph, odd, tiny = run("list").splitlines()
    assert head.split() == ["NAME", "VERSION", "CLASSES", "NETWORK", "SIZE", "STATE"]
    assert graph.split() == ["graph", "2", "1", "onnx", "0.0", "MB", "ok"]
    assert tiny.split() == ["tiny", "1", "6", "mobilenet-v1", "0.9", "MB", "ok"]
    assert odd.split()[:6] == ["odd", "-", "-", "-", "-", "broken:"]
    assert "model.toml: missing" in odd
    assert head.index("STATE") == odd.index("broken") == tiny.index("ok")


def test_list_json(installed_tiny):
    (models_folder() / "odd").mkdir()
    _, odd, tiny = json.loads(run("list", "--json"))["models"]
    assert tiny == {
        "name": "tiny",
        "folder": str(installed_tiny.folder),
        "state": "ok",
        "built_in": False,
        "problem": "",
        "version": "1",
        "classes": 6,
        "network": "mobilenet-v1",
        "size_bytes": sum((installed_tiny.folder / f).stat().st_size for f in installed_tiny.files),
        "sha256": installed_tiny.sha256,
    }
    assert odd["state"] == "broken"
    assert "missing" in odd["problem"]
    assert odd["classes"] is None


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_info_of_yamnet(yamnet):
    text = run("info", yamnet.folder)
    for line in (
        "parameters       3,729,481 (3.7 M)",
        "multiplications  69,165,056 a patch (69.2 M)",
        "classes          521",
        "embedding size   1,024",
        "source           yamnet.h5",
        f"source sha256    {yamnet.source_sha256}",
        f"sha256           {yamnet.sha256}",
        f"folder           {yamnet.folder}",
        "  sample_rate_hz       16000",
        f"  weights.npz  {yamnet.weights_sha256}",
    ):
        assert line in text.splitlines()


def test_info_json(installed_tiny):
    entry = json.loads(run("info", "tiny", "--json"))
    assert entry["schema"] == "yamkit-model/1"
    assert entry["features"]["mel_bands"] == 20
    assert entry["network"]["width"] == 0.25
    assert entry["files"] == dict(installed_tiny.files)
    assert set(entry["cost"]) == {"parameters", "multiplications_per_patch"}


def test_info_of_a_graph_knows_no_cost(installed_onnx):
    text = run("info", "graph")
    assert "parameters" not in text
    assert "licence         not stated" in text
    assert json.loads(run("info", "graph", "--json"))["cost"] is None


def test_info_of_an_unknown_model():
    with pytest.raises(UnknownModelError, match="yamkit models pull yamnet"):
        run("info", "yamnet")


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_import_names_the_model_by_its_file(small_h5, small_classes):
    output = run("import", small_h5, "--classes", small_classes, "--licence", "MIT", "--version", 3)
    folder = models_folder() / "small-net"
    assert output == f"installed small-net (0.21 M weights, 7 classes) in {folder}\n"
    entry = json.loads(run("info", "small-net", "--json"))
    assert (entry["licence"], entry["version"], entry["classes"]) == ("MIT", "3", 7)
    with pytest.raises(ModelExistsError):
        run("import", small_h5, "--classes", small_classes)
    run("import", small_h5, "--classes", small_classes, "--replace")
    assert run("verify") == "yamnet-mini: ok\nsmall-net: ok\n"


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_import_under_a_name(small_h5, small_classes):
    run("import", small_h5, "--name", "other", "--classes", small_classes)
    assert run("remove", "other") == f"removed other from {models_folder()}\n"
    with pytest.raises(UnknownModelError):
        run("remove", "other")


def test_import_of_a_file_whose_name_gives_none(tmp_path):
    assert "--name NAME" in run("import", tmp_path / "日本.h5", code=2)


def test_import_of_something_else(tmp_path):
    path = tmp_path / "text.h5"
    path.write_text("no")
    with pytest.raises(WeightFileError, match="not a readable HDF5 file"):
        run("import", path)


def test_verify_checks_all_and_fails_when_one_does(tiny, installed_tiny, installed_onnx):
    (installed_onnx.folder / "model.onnx").write_bytes(b"other")
    mini, graph, sound = run("verify", code=1).splitlines()
    assert mini == "yamnet-mini: ok"
    assert graph.startswith("graph: FAIL: ")
    assert "SHA-256 differs from the manifest" in graph
    assert sound == "tiny: ok"
    assert run("verify", "tiny", tiny.folder) == f"tiny: ok\n{tiny.folder}: ok\n"
    assert run("verify", "none", "tiny", code=1).endswith("tiny: ok\n")


def test_pull_hands_its_options_on(monkeypatch, installed_onnx):
    calls = []

    def fake(name, **options):
        calls.append((name, options))
        return installed_onnx

    monkeypatch.setattr(download, "pull", fake)
    assert run("pull") == f"installed graph (1 class) in {installed_onnx.folder}\n"
    run("pull", "yamnet", "--url", "http://x/y", "--replace")
    assert [(name, options["url"], options["replace"]) for name, options in calls] == [
        ("yamnet", None, False),
        ("yamnet", "http://x/y", True),
    ]


def test_pull_refuses_other_schemes():
    with pytest.raises(DownloadError, match="https://"):
        run("pull", "yamnet", "--url", "file:///etc/passwd")


@pytest.mark.parametrize("command", ["list", "info", "import", "pull", "verify", "remove"])
def test_every_command_has_help(command):
    assert len(run(command, "--help").splitlines()) > 5


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("command", ["import", "pull"])
def test_signals_that_end_a_process_leave_nothing_behind(monkeypatch, small_h5, command, name):
    number = getattr(signal, name, None)
    if number is None:
        pytest.skip(f"no {name} here")
    seen = []

    def killed(folder, *args, **kwargs):
        seen.extend(folder.parent.parent.iterdir())
        os.kill(os.getpid(), number)
        pytest.fail("the signal did nothing")

    monkeypatch.setattr(importing, "write_h5_bundle", killed)
    monkeypatch.setattr(download, "write_h5_bundle", killed)
    monkeypatch.setattr(download, "_fetch", lambda url, receiver: None)
    before = signal.signal(number, signal.SIG_DFL)
    try:
        output = run(command, *([small_h5] if command == "import" else []), code=1)
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert "Aborted!" in output
    assert len(seen) == 1
    assert list(models_folder().iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_folders_of_any_name_are_printed(monkeypatch, tmp_path, small_h5, small_classes):
    monkeypatch.setenv("YAMKIT_HOME", str(tmp_path / "a\nb\x1b"))
    output = run("import", small_h5, "--name", "small", "--classes", small_classes)
    assert output.endswith("a\\nb\\x1b/models/small\n")
    assert output.count("\n") == 1
    assert r"a\nb\x1b/models/small" in run("info", "small")
    assert json.loads(run("list", "--json"))["models"][1]["folder"].endswith(r"b\x1b/models/small")
    assert run("verify", models_folder() / "small").endswith("small: ok\n")
    assert run("remove", "small").endswith("a\\nb\\x1b/models\n")


def test_export_and_import_again(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = run("export", tiny.folder, "--to", "onnx", "--with-frontend")
    assert out.startswith("tiny.onnx: 1.1 MB; largest")
    assert " difference from the numpy backend over 32 patches: scores " in out
    out = run("import", "tiny.onnx", "--name", "samples", "--like", tiny.folder, "--waveform")
    assert out.startswith("installed samples (6 classes) in ")
    assert "  patch_window_samples  2040\n" in run("info", "samples")


def test_a_graph_that_gives_no_scores_is_not_installed(tiny, tmp_path, monkeypatch):
    import onnx
    from onnx import TensorProto, helper

    from yamkit.errors import BrokenPluginError

    nodes = [helper.make_node("ReduceMean", ["x"], ["logits"], axes=[1], keepdims=0)]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 24, 20])]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 20])]
    graph = helper.make_graph(nodes, "g", inputs, outputs)
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "logits.onnx")
    classes = tmp_path / "classes.csv"
    classes.write_text("index,mid,display_name\n" + "".join(f"{i},,c{i}\n" for i in range(20)))
    with pytest.raises(BrokenPluginError, match="not in 0-1"):
        run("import", tmp_path / "logits.onnx", "--like", tiny.folder, "--classes", classes)
    assert list(models_folder().iterdir()) == []


def test_a_file_of_an_engine_that_a_plugin_brings(tiny, tmp_path, monkeypatch):
    from yamkit.plugin import BackendInfo
    from yamkit.registry import Plugin, Registry, registry

    class Engine:
        def __init__(self, model, options):
            assert model.network_path().read_bytes() == b"layers"
            self.sizes = (len(model.classes), model.network.embedding_size)

        def predict(self, patches):
            return tuple(np.zeros((len(patches), size), np.float32) for size in self.sizes)

        def close(self):
            pass

    info = BackendInfo(
        name="engine", summary="", factory="wave:open", api=1, networks=("layers", "h5")
    )
    plugin = Plugin("d", "1", "e", state="ready", kind="backend", name="engine", info=info)
    plugins = Registry((*registry().plugins, plugin))
    monkeypatch.setattr("yamkit.registry.registry", lambda: plugins)
    monkeypatch.setattr("yamkit.pipeline.compose.registry", lambda: plugins)
    monkeypatch.setattr("yamkit.pipeline.fit.registry", lambda: plugins)
    monkeypatch.setattr("wave.open", Engine)
    (tmp_path / "bird.layers").write_bytes(b"layers")
    with pytest.raises(WeightFileError, match="with --like"):
        run("import", tmp_path / "bird.layers")
    (tmp_path / "bird.h5").write_bytes(b"layers")  # the plugin's word for it does not count
    with pytest.raises(WeightFileError, match="not a readable HDF5 file"):
        run("import", tmp_path / "bird.h5")
    run("import", tmp_path / "bird.layers", "--like", tiny.folder, "--embedding-size", "3")
    monkeypatch.undo()


UNFORESEEN = [
    ValueError("a\n\x1bb"),
    RecursionError(),
    MemoryError("x" * 999),
    KeyError("k"),
    OSError(5, "Input/output error"),
]


@pytest.mark.parametrize("error", UNFORESEEN, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("place", ["load_bundle", "verify"])
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_one_damaged_model_hides_no_other(installed_tiny, monkeypatch, error, place):
    """Whatever is wrong with it, foreseen or not; and it can be removed."""
    (models_folder() / "bad").mkdir()
    (models_folder() / "bad" / "model.toml").write_text("schema = [")
    (models_folder() / "circle").symlink_to(models_folder() / "circle")
    load = store.load_bundle

    def odd_load(folder):
        if folder.name != "bad":
            return load(folder)
        if place == "load_bundle":
            raise error
        bundle = replace(load(installed_tiny.folder), name="bad")
        object.__setattr__(bundle, "verify", Mock(side_effect=error))
        return bundle

    monkeypatch.setattr(store, "load_bundle", odd_load)
    lines = run("list").splitlines()
    assert [line.split()[0] for line in lines] == ["NAME", "yamnet-mini", "bad", "tiny"]
    assert lines[3].endswith("ok")
    assert all(line.isprintable() for line in lines)
    states = {row["name"]: row["state"] for row in json.loads(run("list", "--json"))["models"]}
    assert (states["yamnet-mini"], states["tiny"]) == ("ok", "ok")
    assert states["bad"] == ("broken" if place == "load_bundle" else "ok")
    lines = run("verify", code=1).splitlines()
    assert (lines[0], lines[2]) == ("yamnet-mini: ok", "tiny: ok")
    assert lines[1].startswith("bad: FAIL: ")
    assert f"damaged ({type(error).__name__}:" in lines[1]
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
    run("remove", "bad")
    run("verify")


def test_verify_checks_the_graph_of_a_network(tiny, shared):
    data = (shared / "cases" / "hostile" / "onnx" / "shadow-contrib.onnx").read_bytes()

    def build(folder):
        write_bundle(
            folder,
            ModelDescription(
                name="odd",
                version="1",
                licence="",
                source="",
                source_sha256="",
                features=tiny.features,
                network=NetworkSpec("onnx"),
                classes=tiny.classes,
            ),
            network_file=data,
        )

    install("odd", build)
    assert "a domain that belongs to an engine" in run("verify", code=1)
