"""Signals in the midst of every kind of command: its exit code, and nothing half-written."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import soundfile

from yamkit.models.bundle import ModelBundle

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")

COMMANDS = {
    "classify": ("yamkit.sinks._csv.CsvSink.write", "classify 0.wav 1.wav -o out.csv"),
    "classify to a folder": ("yamkit.sinks._csv.CsvSink.close", "classify 0.wav -o out/x.csv"),
    "eval": ("yamkit.evaluation.set_report.common_targets", "eval list.csv"),
    "eval report": ("yamkit.evaluation.report.class_csv", "eval list.csv --report out"),
    "calibrate": ("yamkit.evaluation.fitting.fit_calibration", "calibrate list.csv -o out.csv"),
    "calibrate file": ("yamkit.scores.calibration_file._text", "calibrate list.csv -o out.csv"),
    "info": ("yamkit.audio._source.AudioSource.mono", "info 0.wav"),
    "selftest": ("yamkit.selftest.run_selftest", "selftest"),
    "bench": ("yamkit.bench.measure", "bench --rounds 1"),
    "models list": ("yamkit.models.store.installed", "models list"),
    "models export": ("yamkit.export._difference", "models export {m} --to npz -o out.npz"),
    "plugins": ("yamkit.registry.registry", "plugins"),
    "plugins new": ("yamkit.cli._new_plugin.shutil.copytree", "plugins new yamkit-out --kind sink"),
}
"""What is interrupted, and by which command."""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_a_signal_ends_a_command(
    yamkit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tiny: ModelBundle,
    command: str,
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YAMKIT_MODEL", str(tiny.folder))
    rows = ["path,labels"]
    for number in range(4):
        noise = np.random.default_rng(number).normal(0, 0.1, 8000)
        soundfile.write(f"{number}.wav", noise, 8000)
        rows.append(f"{number}.wav,{('Speech', 'Dog')[number % 2]}")
    Path("list.csv").write_text("\n".join(rows))
    before = sorted(Path().rglob("*"))
    place, arguments = COMMANDS[command]

    def interrupted(*_: object, **__: object) -> object:
        signal.raise_signal(getattr(signal, name))
        signal.raise_signal(getattr(signal, name))  # the first one waits while results are written
        pytest.fail("went on")

    monkeypatch.setattr(place, interrupted)
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    code, _, err = yamkit(*arguments.format(m=tiny.folder).split())
    assert code == 128 + getattr(signal, name)
    assert err.splitlines()[-1].startswith("interrupted")
    assert handlers == [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    made = {path.name for path in Path().rglob("*") if path not in before and path.is_file()}
    assert not {each for each in made if "journal" not in each and "scores" not in each}, made
