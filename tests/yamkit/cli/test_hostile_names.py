"""Every command with every kind of hostile name: nothing acts, and no name makes a line."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from pathlib import Path
from typing import TextIO, cast

import click
import numpy as np
import pytest
import soundfile

from tests.yamkit.hostile_names import NAMES, acting
from yamkit._util.text import InertStream, inert, printable
from yamkit.cli import _inert_streams
from yamkit.cli._meters import Progress
from yamkit.cli._progress import _Bar
from yamkit.models.bundle import ModelBundle
from yamkit.registry import registry

pytestmark = pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX")

CLASSES = ("Speech", "Dog")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: ModelBundle) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YAMKIT_MODEL", str(tiny.folder))


def sounds(name: str) -> None:
    """A sound of that name, and a labelled set in which it names a file and a label."""
    Path("audio").mkdir()
    noise = np.random.default_rng(0).normal(0, 0.1, 8000)
    soundfile.write(f"{name}.wav", noise, 8000, format="WAV")
    soundfile.write(f"audio/{name}.wav", noise, 8000, format="WAV")
    Path("noise").write_bytes(b"no sound")
    rows = [("path", "labels"), (f"{name}.wav", "Speech")]
    for number in range(24):
        soundfile.write(f"audio/{number}.wav", noise * (number + 1) / 24, 8000)
        rows.append((f"{number}.wav", f"{CLASSES[number % 2]};{name}"))
    rows.append((f"missing {name}.wav", "Dog"))
    with Path("list.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    with Path(f"{name}.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("path", f"{name}tags"), ("x.wav", "Dog")])


COMMANDS = {
    "classify": ("classify", "{}.wav"),
    "classify events": ("classify", "--events", "{}.wav"),
    "classify several": ("classify", "{}.wav", "missing {}", "noise"),
    "classify json": ("classify", "--format", "json", "{}.wav", "missing {}"),
    "classify to a folder": ("classify", "{}.wav", "-o", "out/"),
    "classify to a place that is none": ("classify", "{}.wav", "-o", "noise/{}.csv"),
    "classify onto an input": ("classify", "{}.wav", "--format", "csv", "-o", "{}.wav"),
    "classify to one place": ("classify", "{}.wav", "audio/{}.wav", "-o", "{{stem}}.csv"),
    "a template": ("classify", "{}.wav", "-o", "{{{}}}.csv"),
    "recursive": ("classify", "--recursive", "--format", "jsonl", "audio", "missing {}"),
    "no format": ("classify", "{}.wav", "--format", "{}"),
    "no model": ("classify", "{}.wav", "--model", "{}"),
    "no folder of a model": ("classify", "{}.wav", "--model", "./{}"),
    "no backend": ("classify", "{}.wav", "--backend", "{}"),
    "no front end": ("classify", "{}.wav", "--frontend", "{}"),
    "no resampler": ("classify", "{}.wav", "--resampler", "{}"),
    "no runner": ("classify", "{}.wav", "--runner", "{}"),
    "no class": ("classify", "{}.wav", "--classes", "{}"),
    "no number": ("classify", "{}.wav", "--top", "{}"),
    "no option": ("classify", "--{}"),
    "no command": ("{}",),
    "a calibration": ("classify", "{}.wav", "--calibration", "{}.csv"),
    "thresholds": ("classify", "{}.wav", "--threshold", "{}.csv"),
    "info": ("info", "{}.wav", "missing {}", "noise"),
    "info json": ("info", "--json", "{}.wav", "missing {}", "noise"),
    "eval": ("eval", "list.csv", "--audio", "audio"),
    "eval json": ("eval", "list.csv", "--audio", "audio", "--json"),
    "eval of a bad list": ("eval", "{}.csv", "--audio", "audio"),
    "eval without audio": ("eval", "list.csv", "--audio", "{}"),
    "eval of a fold": ("eval", "list.csv", "--audio", "audio", "--fold", "{}"),
    "eval of a class": ("eval", "list.csv", "--audio", "audio", "--classes", "{}"),
    "eval layout": ("eval", "list.csv", "--audio", "audio", "--layout", "{}"),
    "eval report": ("eval", "list.csv", "--audio", "audio", "--report", "noise/{}"),
    "eval scores": ("eval", "list.csv", "--from-scores", "{}.csv"),
    "calibrate": ("calibrate", "list.csv", "--audio", "audio", "-o", "{} calibration.csv"),
    "calibrate to nowhere": ("calibrate", "list.csv", "--audio", "audio", "-o", "{}/x.csv"),
    "calibrate of a map": ("calibrate", "list.csv", "--label-map", "{}.csv", "-o", "x.csv"),
    "listen": ("listen", "{}"),
    "listen to a microphone": ("listen", "--microphone", "--device", "{}"),
    "classes": ("classes", "--search", "{}"),
    "models list": ("models", "list"),
    "models list json": ("models", "list", "--json"),
    "models info": ("models", "info", "{}"),
    "models info of a folder": ("models", "info", "./{}"),
    "models verify": ("models", "verify"),
    "models verify one": ("models", "verify", "{}"),
    "models remove": ("models", "remove", "{}"),
    "models import": ("models", "import", "{}.h5"),
    "models import as": ("models", "import", "noise", "--name", "{}"),
    "models export": ("models", "export", "{}", "--to", "onnx", "-o", "x"),
    "models export to": ("models", "export", "yamnet-mini", "--to", "{}", "-o", "x"),
    "models pull": ("models", "pull", "{}"),
    "plugins": ("plugins",),
    "plugins json": ("plugins", "--json"),
    "plugins check": ("plugins", "check", "{}"),
    "plugins new": ("plugins", "new", "{}", "--kind", "sink"),
    "plugins new kind": ("plugins", "new", "yamkit-x", "--kind", "{}"),
    "bench": ("bench", "--backend", "{}"),
    "selftest": ("selftest", "--model", "{}"),
}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, install_distribution):
    """Make what installs a model and a plugin of that name, both broken."""

    def install(name: str) -> None:
        home = tmp_path / "home"
        folder = home / "models" / name
        folder.mkdir(parents=True)
        (folder / "model.toml").write_text(f"name = '{name.encode().hex()}'\nschema = 9\n")
        monkeypatch.setenv("YAMKIT_HOME", str(home))
        site = tmp_path / "site"
        site.mkdir()
        (site / "hostile_plugin.py").write_text(f"raise RuntimeError({name!r})\n")
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.delitem(sys.modules, "hostile_plugin", raising=False)
        install_distribution(site, "hostile", {"hostile": "hostile_plugin"})
        registry.cache_clear()

    yield install
    monkeypatch.undo()
    registry.cache_clear()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["a\x1b[31m\x07\x9b\x7f\r\u2028\u202eb", "a\nerror: b"])
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_nothing_acts_in_what_a_command_prints(yamkit, installed, name: str, command: str) -> None:
    sounds(name)
    installed(name)
    code, out, err = yamkit(*(each.format(name) for each in COMMANDS[command]))
    assert acting(out) == acting(err) == set()
    assert "Traceback" not in err
    if "json" in command:
        document = json.loads(out)
        if command == "classify json":
            assert [each["path"] for each in document["clips"]] == [
                f"{name}.wav",
                f"missing {name}",
            ]
    assert not any(line.startswith("error: b") for line in (out + err).splitlines())
    if code == 2 and "Usage:" in err:
        err = err[err.index("Error: ") :]
    if code and not any(word in command for word in SEVERAL_LINES):
        assert err.count("\n") == 1 + err.count("using yamnet-mini"), err
    for path in Path("out").glob("*"):
        assert acting(path.name.replace("\n", "\x00")) == set()


SEVERAL_LINES = ("several", "json", "recursive", "info", "verify")
"""In the names of commands with several things that fail, each of which has a line."""


@pytest.mark.parametrize("kind", ["ESC", "newline", "line separator"])
def test_a_calibration_is_read_back_whatever_a_label_is_called(yamkit, kind: str) -> None:
    sounds(NAMES[kind])
    Path("map.csv").write_text("category,name\nSpeech,Speech\n")
    with Path("map.csv").open("a", newline="") as stream:
        csv.writer(stream).writerow((NAMES[kind], "Dog"))
    calibrate = ("calibrate", "list.csv", "--audio", "audio", "--label-map", "map.csv")
    code, out, err = yamkit(*calibrate, "--least-examples", "5", "-o", "calibration.csv")
    assert code == 0, err
    data = Path("calibration.csv").read_text(encoding="utf-8")
    assert acting(data) == acting(out + err) == set()
    code, out, err = yamkit("classify", "--calibration", "calibration.csv", "audio/1.wav")
    assert (code, err) == (0, "")


class Console(io.TextIOWrapper):
    """A console of Windows, or a pipe, that remembers what is written to it."""

    def __init__(self, *, is_console: bool) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", errors="backslashreplace", newline="")
        self._is_console = is_console

    def isatty(self) -> bool:
        return self._is_console

    def fileno(self) -> int:
        return 1

    @property
    def written(self) -> str:
        self.flush()
        return cast("io.BytesIO", self.buffer).getvalue().decode()


@pytest.mark.parametrize("is_console", [True, False])
@pytest.mark.parametrize("kind", NAMES)
def test_nothing_acts_on_a_console_of_windows(
    kind: str, is_console: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Click writes to the system, past a stream that has a console's number and a buffer."""
    past = io.StringIO()

    def find_console(stream: TextIO, encoding: str | None, errors: str | None) -> TextIO | None:
        try:
            stream.fileno()
        except OSError:
            return None
        is_found = is_console and encoding is None and errors is None
        return past if is_found and getattr(stream, "buffer", None) is not None else None

    monkeypatch.setattr("click._compat._get_windows_console_stream", find_console)
    monkeypatch.setattr(sys, "platform", "win32")
    streams = [Console(is_console=is_console) for _ in range(2)]
    for name, stream in zip(("stdout", "stderr"), streams, strict=True):
        monkeypatch.setattr(sys, name, stream)
    with _inert_streams():
        for err in (False, True):
            click.echo(NAMES[kind], err=err, color=True)
            click.echo(b"completion", err=err)
    assert past.getvalue() == ""
    shown = f"{inert(NAMES[kind])}\ncompletion\n"
    assert [stream.written for stream in streams] == [shown, shown]


@pytest.mark.parametrize("kind", NAMES)
def test_a_bar_shows_a_name_and_draws_all_the_same(kind: str, monkeypatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    name = NAMES[kind]
    bar = _Bar(
        lambda: Progress(1, 2, f"[red]{name}: 1 of 2"), cast("TextIO", InertStream(terminal))
    )
    bar.show()
    bar.show()
    drawn = terminal.getvalue()
    assert f"[red]{printable(name)}: 1 of 2" in drawn
    assert name not in drawn
    assert "\r\x1b[2K" in drawn  # rich's own sequences reach the terminal


def test_reports_hold_nothing_that_acts(yamkit) -> None:
    name = "\x1b\x9b\u202e\n".join("ab")
    sounds(name)
    Path("map.csv").write_text("category,name\nSpeech,Speech\n")
    with Path("map.csv").open("a", newline="") as stream:
        csv.writer(stream).writerow((name, "Dog"))
    code, _, err = yamkit(
        "eval", "list.csv", "--audio", "audio", "--label-map", "map.csv", "--report", "report"
    )
    assert code == 0, err
    for name_of_file in ("report.txt", "report.json", "classes.csv"):
        path = Path("report", name_of_file)
        assert acting(path.read_text(encoding="utf-8")) == set()
    document = json.loads(Path("report/report.json").read_text(encoding="utf-8"))
    assert name in [each["name"] for each in document["systems"][0]["classes"]]
    assert f"missing {name}.wav" in document["coverage"]["missing"]
    rows = Path("report/classes.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + len(document["systems"][0]["classes"])


def test_a_file_called_like_standard_input_is_a_file(yamkit, monkeypatch) -> None:
    class Refused:
        def __getattr__(self, name: str):
            raise AssertionError("standard input was touched")

    monkeypatch.setattr(sys, "stdin", Refused())
    soundfile.write("a.wav", np.zeros(8000), 8000)
    Path("a.wav").rename("-")  # libsndfile would write to standard output
    Path("list.csv").write_text("path,labels\n-,Speech\n")
    code, out, err = yamkit("eval", "list.csv", "--audio", ".")
    assert (code, err) == (0, "")
    assert "1 clips listed, 1 found, 1 scored" in out
    code, out, err = yamkit("classify", "./-")
    assert (code, err) == (0, "")
