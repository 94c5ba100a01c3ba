"""From the command line to the front end there are few calls, so that a traceback can be read."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import yamkit as package
from yamkit_logmel._frontend import LogMel

MOST = 10
ROOTS = (
    str(Path(package.__file__).parent),
    str(Path(sys.modules[LogMel.__module__].__file__).parent),
)


@pytest.fixture
def depths(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    """Frames of yamkit at each call of the front end, that one included."""
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(0).normal(0, 0.1, 100_000)
    soundfile.write("a.wav", noise, 16_000)
    soundfile.write("b.wav", noise, 8_000)
    soundfile.write("silence.wav", np.zeros(100_000), 16_000)
    found: list[int] = []
    patches = LogMel.patches

    def measured(self: LogMel, segment: np.ndarray) -> np.ndarray:
        frame, depth = sys._getframe(1), 1
        while frame is not None:
            depth += frame.f_code.co_filename.startswith(ROOTS)
            frame = frame.f_back
        found.append(depth)
        return patches(self, segment)

    monkeypatch.setattr(LogMel, "patches", measured)
    return found


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["a.wav"],
        ["silence.wav", "a.wav"],
        ["a.wav", "b.wav", "-o", "out.csv"],
        ["--events", "a.wav"],
        ["--per-patch", "--resume", "a.wav", "-o", "out.json"],
    ],
    ids=" ".join,
)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_few_calls_lead_to_the_front_end(
    yamkit, depths: list[int], arguments: list[str], jobs: str
) -> None:
    code, _, err = yamkit("classify", "--model", "yamnet-mini", "--jobs", jobs, *arguments)
    assert code == 0, err
    assert 0 < max(depths) <= MOST
