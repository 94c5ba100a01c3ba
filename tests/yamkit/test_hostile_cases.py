"""Inputs that broke a promise once: each gives one clear line or a result, in bounded memory.

They lie in the shared folder. Those of a kind go through one process, which may take no more memory
than the limit, and no more time for one of them.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.yamkit.hostile_names import acting

pytestmark = pytest.mark.skipif(os.name != "posix", reason="limits as POSIX has them")

SOUND = Path(__file__).parents[2] / "docs" / "assets" / "four-events.wav"
_MOST_BYTES = 1_500_000_000
_MOST_SECONDS = 60  # ten on a machine that does nothing else

RUN = f"""
import io, json, resource, signal, sys, traceback
resource.setrlimit(resource.RLIMIT_AS, ({_MOST_BYTES}, {_MOST_BYTES}))
from yamkit.cli import main
result = sys.stdout
for line in sys.stdin:
    signal.alarm({_MOST_SECONDS})
    sys.argv = ["yamkit", *json.loads(line)]
    sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    except Exception:
        code = traceback.print_exc() or 70
    answer = json.dumps([code, sys.stdout.getvalue(), sys.stderr.getvalue()])
    print(answer, file=result, flush=True)
"""

KINDS = {
    "bundles": (
        ["hostile/npz-*", "hostile/toml-*"],
        [
            ["models", "info", "{}"],
            ["models", "verify", "{}"],
            ["classify", "--model", "{}", "a.wav"],
        ],
    ),
    "networks": (
        ["hostile/onnx/*", "numbers/*.onnx", "hostile/h5/*"],
        [["models", "import", "{}", "--name", "x", "--like", "yamnet-mini"]],
    ),
    "labels": (
        ["hostile/labels/*", "hostile/eval-no-positives/*.csv", "numbers/*.[ct]sv"],
        [["eval", "{}", "--audio", "."], ["calibrate", "{}", "--audio", ".", "-o", "out.csv"]],
    ),
    "calibrations": (
        ["hostile/calibration/*", "hostile/scores/*.[ct]sv"],
        [["classify", "--calibration", "{}", "a.wav"], ["classify", "--threshold", "{}", "a.wav"]],
    ),
    "scores": (
        ["hostile/scores/*.npz", "hostile/scores/x"],
        [
            ["eval", "{folder}/d.csv", "--from-scores", "{}"],
            ["eval", "{folder}/strong.tsv", "--from-scores", "{}"],
            ["calibrate", "{folder}/weak.csv", "--from-scores", "{}", "-o", "out.csv"],
        ],
    ),
    "sounds": (
        ["hostile/float/*", "hostile/wav/*", "hostile/wav-differ/*", "numbers/ulaw.wav"],
        [["classify", "{}"], ["classify", "--events", "--format", "json", "{}"], ["info", "{}"]],
    ),
    "journals": (
        ["hostile/journal/*"],
        [["classify", "a.wav", "{}.wav", "-o", "{}.csv", "--resume"]],
    ),
}
"""Where each kind lies, and the commands that read it."""


def place(file: Path, kind: str) -> str:
    """Put a file where the command of its kind looks for it."""
    if file.suffix == ".gz":
        made = Path(file.stem)
        made.write_bytes(gzip.decompress(file.read_bytes()))
        return str(made.absolute())
    if kind == "journals":
        name = f"{file.name}-run"
        shutil.copyfile(file, f"{name}.csv.journal")
        shutil.copyfile(SOUND, f"{name}.wav")
        return name
    return str(file)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.long(reason="tags many clips")
def test_one_clear_line_or_a_result(
    kind: str, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.wav", "clip.wav"):
        shutil.copyfile(SOUND, name)
    patterns, commands = KINDS[kind]
    files = [file for pattern in patterns for file in sorted((shared / "cases").glob(pattern))]
    assert len(files) > 4
    calls = [
        [part.format(name, folder=file.parent) for part in command]
        for file in files
        for name in [place(file, kind)]
        for command in commands
    ]
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # each takes address space
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        input="".join(json.dumps(call) + "\n" for call in calls),
        capture_output=True,
        env={**os.environ, **threads},
        text=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, len(answers)) == (0, len(calls)), (
        f"{calls[len(answers) : len(answers) + 1]} ended the process: {done.stderr}"
    )
    faults = [
        (call, code, out[:300], err)
        for call, (code, out, err) in zip(calls, answers, strict=True)
        if not is_clear(code, out, err)
    ]
    assert not faults, "\n".join(map(str, faults))


def is_clear(code: int, out: str, err: str) -> bool:
    """Tell whether a command said what it should: on failure one line of what is wrong."""
    lines = [line for line in err.splitlines() if not line.startswith("using yamnet-mini")]
    errors = [line for line in lines if line.startswith("error: ")]
    told = errors + [line for line in out.splitlines() if ": FAIL: " in line]
    is_raw = any(word in err for word in ("Traceback", "Warning: ", ".py:"))
    if acting(out) or acting(err) or code not in (0, 1, 2) or is_raw:
        return False
    return len(told) == 1 if code else not errors
