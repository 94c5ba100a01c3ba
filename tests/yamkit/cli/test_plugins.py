"""`yamkit plugins`: lists ten broken plugins, and checks one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from yamkit.cli.plugins import KINDS
from yamkit.registry import KINDS as REGISTRY_KINDS

HOOK = """
from yamkit.plugin import *

@hookimpl
def yamkit_backends():
    yield BackendInfo(name={name!r}, summary="", factory="json:dumps", api={api}, networks=())
"""

# what is wrong -> the module, and what `yamkit plugins` says of it
BROKEN = {
    "bad-import": ("import no_such_engine", "ModuleNotFoundError: No module named 'no_such_engine"),
    "no-syntax": ("def (", "SyntaxError: invalid syntax"),
    "exits": ("raise SystemExit('bye')", "SystemExit: bye"),
    "no-hook": ("x = 1", "implements no hook; hooks: "),
    "wrong-hook": (
        HOOK.format(name="wrong", api=1).replace("yamkit_backends", "yamkit_backend"),
        "unknown hook yamkit_backend; did you mean yamkit_backends?",
    ),
    "wrong-api": (
        HOOK.format(name="later", api=99),
        "written for plugin API 99, but this yamkit has 1",
    ),
    "clash": (HOOK.format(name="onnx", api=1), "it selects yamkit's own; to use this one, "),
    "raises": (
        HOOK.format(name="raises", api=1).replace("    yield", "    1 / 0\n    yield"),
        "yamkit_backends raised ZeroDivisionError: division by zero",
    ),
    "odd-values": (
        "from yamkit.plugin import hookimpl\n@hookimpl\ndef yamkit_sinks():\n    yield 'text'",
        "yamkit_sinks yielded 'text': must be a SinkInfo",
    ),
    "slow": (
        # the clock goes on while it is imported, as it does for a large library
        "import yamkit.registry._discovery as r\nthen = r.perf_counter()\n"
        "r.perf_counter = lambda: then + 9\nprint('a banner')\n" + HOOK.format(name="slow", api=1),
        "slow: broken_slow took ",
    ),
    "bad-name": (HOOK.format(name="My Backend", api=1), "name 'My Backend': must be lower-case"),
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory, install_distribution) -> Path:
    site = tmp_path_factory.mktemp("site")
    for name, (source, _) in BROKEN.items():
        module = f"broken_{name.replace('-', '_')}"
        (site / f"{module}.py").write_text(source)
        install_distribution(site, f"broken-{name}", {name: module})
    return site


def run(site: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    return subprocess.run(
        [sys.executable, "-m", "yamkit", *arguments],
        input=stdin,
        capture_output=True,
        env=environment,
    )


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_ten_broken_plugins_are_named_with_their_reasons(broken: Path) -> None:
    done = run(broken, "plugins", "--json")
    assert done.returncode == 0
    rows = json.loads(done.stdout)["plugins"]
    assert len(BROKEN) >= 10
    for name, (_, reason) in BROKEN.items():
        (row,) = [row for row in rows if row["distribution"] == f"broken-{name}"]
        assert row["state"] == {"slow": "ready", "clash": "clash"}.get(name, "broken")
        assert reason in row["reason"], name
    table = run(broken, "plugins").stdout.decode()
    for name, (_, reason) in BROKEN.items():
        assert f"broken-{name} 1.0" in table
        assert reason in table
    ours = [row for row in rows if row["distribution"] == "yamkit"]
    assert {row["state"] for row in ours} <= {"ready", "missing"}


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_every_command_works_beside_them(broken: Path, tiny, tmp_path: Path) -> None:
    path = str(tmp_path / "noise.wav")
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 20_000), 8000)
    (tmp_path / "labels.csv").write_text("path,labels\nnoise.wav,White noise\n")
    model = ["--model", str(tiny.folder)]
    labels = [str(tmp_path / "labels.csv"), "--audio", str(tmp_path)]
    sound = Path(path).read_bytes()
    commands = [
        ["--help"],
        ["classify", path, *model, "--format", "json"],
        ["classify", path, *model, "--events", "--format", "tsv"],
        ["classes", "--search", "dog"],
        ["eval", *labels, *model],
        ["listen", "-", *model],
        ["models", "list"],
        ["models", "export", str(tiny.folder), "--to", "npz", "-o", str(tmp_path / "out.npz")],
        ["plugins", "check", "json"],
        ["plugins", "new", "yamkit-x", "--kind", "sink", "--output", str(tmp_path)],
    ]
    for command in commands:
        done = run(broken, *command, stdin=sound if "-" in command else b"")
        assert done.returncode == 0, (command, done.stderr.decode())
        assert b"Traceback" not in done.stderr
        if "json" in command[-1:]:
            assert command[0] == "plugins" or json.loads(done.stdout)


def test_help_imports_no_plugin(broken: Path) -> None:
    code = """
import sys
from yamkit.cli import cli
cli.main(["--help"], standalone_mode=False)
heavy = {"numpy", "pluggy", "importlib.metadata", "yamkit.registry", "yamkit.plugin"}
print(sorted(heavy & set(sys.modules)), [name for name in sys.modules if "broken" in name])
"""
    environment = {**os.environ, "PYTHONPATH": str(broken)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.splitlines()[-1] == "[] []"


def test_options_list_all_kinds() -> None:
    assert [kind.replace("-", " ") for kind in KINDS] == sorted(REGISTRY_KINDS)


def test_check_prints_a_table(yamkit) -> None:
    code, out, _ = yamkit("plugins", "check", "json")
    head, first, *_, last = out.splitlines()
    assert code == 0
    assert head.split() == ["CHECK", "RESULT", "NOTE"]
    assert first.split() == ["one", "entry", "point", "pass"]
    assert last == "sink json: 16 passed"
    code, out, _ = yamkit("plugins", "check", "json", "--json")
    document = json.loads(out)
    assert (document["schema"], document["kind"]) == ("yamkit-plugin-check/1", "sink")
    assert {row["result"] for row in document["checks"]} == {"pass"}


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_check_of_a_model_and_of_a_list(yamkit, tiny, tmp_path: Path) -> None:
    code, out, _ = yamkit("plugins", "check", "numpy", "--model", str(tiny.folder))
    assert code == 0
    assert re.search(r"^golden scores +skip .*yamnet-mini$", out, re.MULTILINE)
    assert out.endswith("backend numpy: 17 passed, 2 skipped\n")
    (tmp_path / "list.csv").write_text("path,labels\na.wav,Dog\n")
    csv = ("plugins", "check", "csv", "--kind", "label-reader")
    code, out, _ = yamkit(*csv, "--example", str(tmp_path / "list.csv"))
    assert code == 0
    assert out.endswith("label reader csv: 13 passed\n")
    code, out, _ = yamkit(*csv)
    assert re.search(r"^example +skip .*--example$", out, re.MULTILINE)
    code, _, err = yamkit(*csv, "--model", "x")
    assert (code, "--model" in err, "label reader" in err) == (2, True, True)


def test_check_says_what_is_wrong(
    yamkit, tmp_path: Path, monkeypatch, install_distribution
) -> None:
    (tmp_path / "half_done.py").write_text(
        "from yamkit.plugin import *\n@hookimpl\ndef yamkit_sinks():\n"
        "    yield SinkInfo(\n"
        "        name='half', summary='', factory='half_done:No', api=1, extension='x')\n"
    )
    install_distribution(tmp_path, "half-done", {"half": "half_done"})
    monkeypatch.syspath_prepend(tmp_path)
    code, out, _ = yamkit("plugins", "check", "half")
    assert code == 1
    (line,) = [line for line in out.splitlines() if line.startswith("factory resolves ")]
    assert line.split()[2] == "fail"
    assert "'half_done:No': AttributeError: module 'half_done' has no attribute 'No'" in line
    assert out.endswith("sink half: 3 passed, 1 failed, 12 skipped\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["numpy", "--model", "nope"], "model 'nope' is not installed (installed: yamnet-mini)"),
        (["nope"], "no plugin 'nope'; installed: audacity, "),
        (["onnx", "--kind", "sink"], "no sink 'onnx'; installed: audacity, "),
        (["onnx", "--kind", "zzz"], "kind 'zzz': must be one of backend, "),
    ],
)
def test_a_plugin_that_cannot_be_checked(yamkit, arguments: list[str], message: str) -> None:
    code, _, err = yamkit("plugins", "check", *arguments)
    assert (code, err.count("\n")) == (1 if "--model" in arguments else 2, 1)
    assert message in err


def test_a_name_of_two_kinds(yamkit, tmp_path: Path, monkeypatch, install_distribution) -> None:
    source = HOOK.format(name="json", api=1)
    (tmp_path / "two_kinds.py").write_text(source)
    install_distribution(tmp_path, "two-kinds", {"two": "two_kinds"})
    monkeypatch.syspath_prepend(tmp_path)
    code, _, err = yamkit("plugins", "check", "json")
    assert code == 2
    assert "'json' is a backend and a sink" in err
    assert "--kind" in err


@pytest.mark.parametrize(
    ("contract", "message"),
    [
        ("no_module:X", "contract 'no_module:X' of 'odd': ModuleNotFoundError"),
        ("json:dumps", "contract 'json:dumps' of 'odd': must be a subclass of yamkit.testing"),
    ],
)
def test_an_invalid_contract(
    yamkit, tmp_path: Path, monkeypatch, install_distribution, contract: str, message: str
) -> None:
    name = f"odd_{contract.partition(':')[0]}"
    source = HOOK.format(name="odd", api=1).replace("api=1", f"api=1, contract={contract!r}")
    (tmp_path / f"{name}.py").write_text(source)
    install_distribution(tmp_path, "odd", {"odd": name})
    monkeypatch.syspath_prepend(tmp_path)
    code, _, err = yamkit("plugins", "check", "odd")
    assert code == 1
    assert message in err
