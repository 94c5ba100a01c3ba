"""Progress as it is shown: what a terminal gets, and that nothing is torn apart."""

from __future__ import annotations

import io
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.yamkit.cli.meters import Clock, ended, reading
from yamkit.cli import _meters, _progress
from yamkit.cli._meters import ClipMeter
from yamkit.models.bundle import ModelBundle
from yamkit.run.clips import Clip


class Terminal(io.StringIO):
    """Standard error that is a terminal, and what can be read on it."""

    encoding, errors = "utf-8", "backslashreplace"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True

    def states(self) -> list[list[str]]:
        """Give all that was to be read, each time the line of the cursor was erased."""
        lines, states = [""], []
        for token in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|.", self.getvalue(), re.DOTALL):
            if token == "\x1b[2K":
                states.append(list(lines))
                lines[-1] = ""
            elif token == "\n":
                lines.append("")
            elif token != "\r" and token[0] != "\x1b":
                lines[-1] += token
        return [*states, lines]


class Ticks:
    """In place of the event that a ticker waits for: so many ticks, and none takes time."""

    left = 0
    waits: list[float]

    def wait(self, seconds: float) -> bool:
        type(self).waits.append(seconds)
        type(self).left -= 1
        return type(self).left < 0

    def set(self) -> None:
        pass


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> type[Ticks]:
    Ticks.left, Ticks.waits = 3, []
    monkeypatch.setattr(_progress, "Event", Ticks)
    return Ticks


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, ticks) -> Terminal:
    found = Terminal()
    monkeypatch.setattr(sys, "stderr", found)
    for name, value in {"COLUMNS": "80", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return found


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: ModelBundle):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YAMKIT_MODEL", str(tiny.folder))
    noise = np.random.default_rng(0).normal(0, 0.1, 8000)
    for folder in ("Speech", "Dog"):
        Path(folder).mkdir()
        for name in ("1.wav", "2.wav"):
            soundfile.write(f"{folder}/{name}", noise, 8000)
    soundfile.write("good.wav", noise, 8000)
    Path("cut.wav").write_bytes(Path("good.wav").read_bytes()[:8000])


def test_a_bar_fits_its_line_and_a_line_above_it_is_whole(terminal: Terminal) -> None:
    clips = [Clip(str(n)) for n in range(3)]
    meter = ClipMeter(clips, clock=Clock())
    bar = _progress._Bar(meter.progress, terminal)
    above = _progress._AboveBar(terminal, bar)
    bar.show()
    for number, clip in enumerate(clips):
        reading(clip, 100, None if number else 400)
        bar.show()
        meter.finished(ended(400, "x" * 200))
        print(f"warning: {number}: {'long ' * 40}", file=above)
        above.write("in two ")
        bar.show()
        above.write("pieces\n")
    with bar.hidden():
        assert terminal.states()[-1][-1] == ""
    lines = terminal.states()[-1]
    texts = [f"warning: {n}: {'long ' * 40}" for n in range(3)]
    assert lines == [line for text in texts for line in (text, "in two pieces")] + [""]
    bars = [state[-1] for state in terminal.states() if state[-1]]
    assert len(bars) == 7
    assert all(len(each) < 80 for each in bars)
    assert any("━" in each and "1:40 of" in each for each in bars)


@pytest.mark.parametrize("columns", ["20", "40", "79", "200"])
def test_a_bar_fits_any_terminal(terminal: Terminal, monkeypatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    clips = [Clip("a"), Clip("b")]
    reading(clips[0], 4000, 5000)
    _progress._Bar(ClipMeter(clips).progress, terminal).show()
    assert 10 < len(terminal.states()[-1][-1]) < int(columns)


def test_nothing_is_drawn_on_a_terminal_that_cannot_erase(terminal: Terminal, monkeypatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    _progress._Bar(ClipMeter([Clip("a")]).progress, terminal).show()
    assert terminal.getvalue() == ""


COMMANDS = {
    "classify": "good.wav cut.wav nope.wav good.wav",
    "classify --jobs 2": "good.wav cut.wav nope.wav good.wav",
    "classify --output out.csv": "good.wav cut.wav nope.wav good.wav",
    "classify -": "",
    "info": "good.wav cut.wav nope.wav",
    "eval .": "--limit 3",
    "calibrate .": "-o calibration.csv --least-examples 2 --cross-validation 2",
    "selftest": "",
    "models export": "{model} --to npz",
    "models import": "weights.h5 --classes classes.csv --replace",
    "bench --rounds 1 --seconds 1 --batch-size 1 --backend numpy": "",
}


@pytest.fixture
def arguments(request, tiny: ModelBundle, small_h5: Path, small_classes: Path) -> list[str]:
    """A command that does something, but for what comes on standard input."""
    shutil.copy(small_h5, "weights.h5")
    shutil.copy(small_classes, "classes.csv")
    return [*request.param.split(), *COMMANDS[request.param].format(model=tiny.folder).split()]


@pytest.fixture
def run(yamkit, monkeypatch):
    """Run a command that may have run before, with a file on standard input."""

    def run(*arguments: str) -> tuple[int, str, str]:
        Path("out.csv.journal").unlink(missing_ok=True)
        shutil.rmtree("tiny.npz", ignore_errors=True)
        Path("tiny.npz").unlink(missing_ok=True)
        with Path("good.wav").open("rb") as file, io.TextIOWrapper(file) as stream:
            monkeypatch.setattr(sys, "stdin", stream)
            return yamkit(*arguments)

    return run


@pytest.mark.parametrize("arguments", COMMANDS, indirect=True)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_every_long_command_shows_a_bar_and_takes_it_away(
    run, arguments: list[str], monkeypatch, ticks
) -> None:
    code, _, plain = run(*arguments)
    assert "progress" not in plain
    ticks.left, ticks.waits[:] = 30, []
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    assert run(*arguments)[0] == code
    states = terminal.states()
    drawn = [state[-1] for state in states if re.search(r"\d:\d\d|\d of \d", state[-1])]
    assert drawn
    assert all(len(each) < 80 for each in drawn)
    assert states[-1] == [*plain.splitlines(), ""]
    assert ticks.waits[0] < 1


@pytest.mark.parametrize("arguments", COMMANDS, indirect=True)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_lines_come_every_ten_seconds_where_nobody_watches(
    run, arguments: list[str], ticks
) -> None:
    ticks.left = 3
    _, _, err = run(*arguments, "--progress")
    lines = [line for line in err.splitlines() if line.startswith("progress: ")]
    assert len(lines) == 3
    assert all(re.search(r"\d:\d\d|\d of \d", line) for line in lines)
    assert ticks.waits == [10] * 4


@pytest.mark.parametrize("arguments", COMMANDS, indirect=True)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_quiet_leaves_errors_and_warnings_alone(
    run, arguments: list[str], terminal: Terminal
) -> None:
    run(*arguments, "--quiet")
    states = terminal.states()
    assert len(states) == 1
    shown = [line for line in states[0] if line]
    assert all(re.match(r"error: |warning: |\d+ of \d+ f", line) for line in shown)


def test_quiet_leaves_out_the_hint_about_the_model(yamkit, monkeypatch) -> None:
    monkeypatch.delenv("YAMKIT_MODEL")
    assert "using yamnet-mini" in yamkit("classify", "good.wav")[2]
    assert yamkit("classify", "good.wav", "-q")[2] == ""


def test_quiet_and_progress_exclude_each_other(yamkit) -> None:
    code, _, err = yamkit("classify", "good.wav", "--progress", "--quiet")
    assert code == 2
    assert "--progress" in err
    assert "--quiet" in err


def test_progress_of_a_resumed_run_counts_what_is_done(yamkit, ticks) -> None:
    run = ("classify", "good.wav", "nope.wav", "-o", "out.csv")
    ticks.left = 0
    assert yamkit(*run)[0] == 1
    soundfile.write("nope.wav", np.zeros(8000), 8000)
    seen = []

    class Watched(ClipMeter):
        def finished(self, item, *, is_new=True) -> None:
            super().finished(item, is_new=is_new)
            seen.append((self.progress().text.partition(", ")[2], is_new))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_meters, "ClipMeter", Watched)
        assert yamkit(*run, "--retry-failed")[0] == 0
    assert [is_new for _, is_new in seen] == [False, True]
    assert "1 of 2 files" in seen[0][0]
    assert seen[1][0].endswith("2 of 2 files")
