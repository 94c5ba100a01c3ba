"""Progress: what is said of a run, and that it tears nothing apart; no test waits for a clock."""

from __future__ import annotations

import io
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from yamkit.cli import _progress
from yamkit.cli._progress import Meter, Steps
from yamkit.models.bundle import ModelBundle
from yamkit.run.clips import Clip
from yamkit.types import ClipEnd, ClipFailure

# --- the figures ---


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def reading(clip: Clip, seconds: float, promised: float | None) -> None:
    """Let a clip be open, and read as far as this."""
    decoded = SimpleNamespace(seconds_promised=promised)
    clip.audio = SimpleNamespace(samples=int(8000 * seconds), sample_rate=8000, decoded=decoded)


def ended(seconds: float, *warnings: str) -> ClipEnd:
    return ClipEnd(seconds, 1, (), warnings)


FAILED = ClipFailure("x.wav", "DecodeError", "x.wav: no")


def test_it_moves_within_one_long_file() -> None:
    clock, clips = Clock(), [Clip("long.wav")]
    meter = Meter(clips, clock=clock)
    assert meter.standing().text == "0:00 of audio"
    reading(clips[0], 60, 1200)
    clock.now += 2
    now = meter.standing()
    assert (now.done, now.total) == (60, 1200)
    assert now.text == "1:00 of 20:00, 30x real time, 0:38 left"
    reading(clips[0], 600, 1200)
    clock.now += 2
    assert meter.standing().text == "10:00 of 20:00, 150x real time, 0:04 left"


def test_it_moves_where_nobody_knows_the_end() -> None:
    clock, clips = Clock(), [Clip("-")]
    meter = Meter(clips, clock=clock)
    reading(clips[0], 4000, None)
    clock.now += 1000
    now = meter.standing()
    assert (now.done, now.total) == (4000, None)
    assert now.text == "1:06:40 of audio, 4.0x real time"


def test_clips_that_nobody_opened_are_as_long_as_the_others() -> None:
    clock, clips = Clock(), [Clip(f"{n}.wav") for n in range(10)]
    meter = Meter(clips, clock=clock)
    reading(clips[0], 10, 10)
    reading(clips[1], 5, 30)
    clock.now += 1
    assert (meter.standing().done, meter.standing().total) == (15, 10 * 20)
    assert meter.standing().text == "0:15 of ~3:20, 15x real time, 0:12 left, 0 of 10 files"
    meter.finished(ended(10))
    clips[0].audio = None
    assert (meter.standing().done, meter.standing().total) == (15, 10 * 20)
    for clip in clips[1:]:
        reading(clip, 20, 20)
        meter.finished(ended(20))
        clip.audio = None
    now = meter.standing()
    assert (now.done, now.total) == (190, 190)
    assert now.text == "3:10 of 3:10, 190x real time, 0:00 left, 10 of 10 files"


def test_failures_and_warnings_are_counted() -> None:
    clips = [Clip(f"{n}.wav") for n in range(5)]
    meter = Meter(clips, "clips", "tiny onnx", clock=Clock())
    meter.finished(ended(2, "truncated"))
    meter.finished(ended(2, "truncated", "empty"))
    meter.finished(FAILED)
    text = meter.standing().text
    assert text.startswith("tiny onnx: 0:04 of ~")
    assert text.endswith(", 3 of 5 clips, 1 failed, 2 with warnings")


def test_a_file_that_fails_late_was_read_as_far_as_that() -> None:
    clips = [Clip("a.wav"), Clip("b.wav")]
    meter = Meter(clips, clock=Clock())
    reading(clips[0], 50, 100)
    before = meter.standing().done
    meter.finished(FAILED)
    assert meter.standing().done == before == 50


def test_what_an_earlier_run_did_counts_as_done_and_not_as_speed() -> None:
    clock, clips = Clock(), [Clip(f"{n}.wav") for n in range(4)]
    meter = Meter(clips, clock=clock)
    meter.finished(None, is_new=False)
    meter.finished(ended(20), is_new=False)
    reading(clips[2], 10, 40)
    clock.now += 1
    now = meter.standing()
    assert (now.done, now.total) == (20 + 30 + 10, 20 + 30 + 40 + 30)
    assert now.text == "1:00 of ~2:00, 10x real time, 0:06 left, 2 of 4 files"


def test_parts_of_a_file_are_as_long_as_their_list_says() -> None:
    clips = [Clip("a.wav", 10, 20), Clip("a.wav", 100, 110)]
    meter = Meter(clips, clock=Clock())
    reading(clips[0], 4, 3600)
    assert (meter.standing().done, meter.standing().total) == (4, 20)
    reading(clips[0], 3600, 3600)
    assert (meter.standing().done, meter.standing().total) == (10, 20)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["done", "failed", "earlier", "open", "new"]),
            st.floats(0, 1e7),
            st.none() | st.floats(0, 1e9),
        ),
        max_size=20,
    ),
    st.floats(0, 1e6),
)
def test_figures_make_sense_whatever_headers_claim(states, elapsed: float) -> None:
    order = ["done", "failed", "earlier", "open", "new"]
    states = sorted(states, key=lambda each: order.index(each[0]))
    clock, clips = Clock(), [Clip(str(n)) for n in range(len(states))]
    meter = Meter(clips, clock=clock)
    clock.now += elapsed
    for clip, (state, seconds, promised) in zip(clips, states, strict=True):
        if state in ("done", "failed"):
            meter.finished(ended(seconds) if state == "done" else FAILED)
        elif state == "earlier":
            meter.finished(None, is_new=False)
        elif state == "open":
            reading(clip, seconds, promised)
    now = meter.standing()
    assert now.done >= 0
    assert now.total is None or now.total >= now.done
    assert "\n" not in now.text
    assert "nan" not in now.text
    assert "inf" not in now.text


def test_steps() -> None:
    clock = Clock()
    steps = Steps("fetching yamnet", " MB", 1e6, clock)
    clock.now += 65
    assert (steps.standing().total, steps.standing().text) == (None, "fetching yamnet: 1:05")
    steps.update(3_000_000, 15_000_000)
    assert steps.standing().text == "fetching yamnet: 3.0 of 15.0 MB, 4:20 left"
    steps.update(15_000_000, 15_000_000)
    assert steps.standing().text == "fetching yamnet: 15.0 of 15.0 MB, 0:00 left"


# --- what is shown ---


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


def test_a_bar_fits_its_line_and_a_line_beside_it_is_whole(terminal: Terminal) -> None:
    clips = [Clip(str(n)) for n in range(3)]
    meter = Meter(clips, clock=Clock())
    bar = _progress._Bar(meter.standing, terminal)
    beside = _progress._Beside(terminal, bar)
    bar.show()
    for number, clip in enumerate(clips):
        reading(clip, 100, None if number else 400)
        bar.show()
        meter.finished(ended(400, "x" * 200))
        print(f"warning: {number}: {'long ' * 40}", file=beside)
        beside.write("in two ")
        bar.show()
        beside.write("pieces\n")
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
    _progress._Bar(Meter(clips).standing, terminal).show()
    assert 10 < len(terminal.states()[-1][-1]) < int(columns)


def test_nothing_is_drawn_on_a_terminal_that_cannot_erase(terminal: Terminal, monkeypatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    _progress._Bar(Meter([Clip("a")]).standing, terminal).show()
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
    assert "--progress and --quiet at once" in err


def test_progress_of_a_resumed_run_counts_what_is_done(yamkit, ticks) -> None:
    run = ("classify", "good.wav", "nope.wav", "-o", "out.csv")
    ticks.left = 0
    assert yamkit(*run)[0] == 1
    soundfile.write("nope.wav", np.zeros(8000), 8000)
    seen = []

    class Watched(Meter):
        def finished(self, item, *, is_new=True) -> None:
            super().finished(item, is_new=is_new)
            seen.append((self.standing().text.partition(", ")[2], is_new))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["yamkit.cli.classify"], "Meter", Watched)
        assert yamkit(*run, "--retry-failed")[0] == 0
    assert [is_new for _, is_new in seen] == [False, True]
    assert "1 of 2 files" in seen[0][0]
    assert seen[1][0].endswith("2 of 2 files")
