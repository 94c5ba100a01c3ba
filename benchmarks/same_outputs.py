"""Runs over 40 commands with two versions of yamkit and compares their outputs.

    python benchmarks/same_outputs.py ../before . --report differences.txt

Each version is a source tree. Both run in the same Python environment and in a folder of the same
path, on the same files. Standard output, exit codes and files must be equal to the byte; messages
on standard error may have been reworded, so they are counted and listed in the report.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import math
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import wave
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOUND = ROOT / "docs" / "assets" / "four-events.wav"


@dataclass(frozen=True)
class Command:
    """One command line, what it reads on standard input, and what of it differs by nature."""

    arguments: tuple[str, ...]
    stdin: str | None = None
    masked: tuple[str, ...] = ()


@dataclass
class Written:
    """What a command wrote."""

    exit_code: int
    stdout: str
    stderr: str
    files: dict[str, str] = field(default_factory=dict)


def command(line: str, *, stdin: str | None = None, masked: tuple[str, ...] = ()) -> Command:
    """Make a command of a line without quotes."""
    return Command(tuple(line.split()), stdin, masked)


_TIMES = (
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d+(\+\d\d:\d\d)?",
    r'delay_seconds": [^}]*[}]?',
    r"\d+ ms",
)

EVENT_FORMATS = (
    "audacity", "raven", "webvtt", "srt", "textgrid", "dcase", "rttm", "jams", "tsv",
)  # fmt: skip

COMMANDS = (
    command("classify bark.wav"),
    command("classify --top all --format csv bark.wav"),
    command("classify --per-patch --format json bark.wav stereo.wav"),
    command("classify --per-patch --format jsonl --hop 0.24 bark.wav"),
    command("classify --format spreadsheet --recursive sounds/"),
    command("classify --recursive --output tags.csv sounds/"),
    command("classify --recursive --output tags.csv --resume sounds/"),
    command("classify --recursive --output tags.csv --retry-failed sounds/"),
    command("classify --recursive --output table.parquet --save-scores --save-embeddings sounds/"),
    command("classify --recursive --format json --format csv -o {folder}-{stem}.{ext} sounds/"),
    command("classify --recursive --save-scores --save-embeddings --format text -o npy/ sounds/"),
    command("classify --recursive --shard 1/2 -o part.csv sounds/"),
    command("classify --strict cut.wav bark.wav"),
    command("classify --channel 2 --format csv stereo.wav"),
    command("classify --aggregate max --format csv bark.wav"),
    command("classify --aggregate sounding --format csv bark.wav"),
    command("classify --classes Animal/ --not-classes Cat --format csv bark.wav"),
    command("classify --classes 283,Dog --format csv bark.wav"),
    command("classify --roll-up --threshold 0.2 --format csv bark.wav"),
    command("classify --threshold thresholds.csv --top all --format csv bark.wav"),
    command("classify --backend numpy --resampler resampy --format csv stereo.wav"),
    command("classify --events bark.wav"),
    *(command(f"classify --events --label-scores --format {name} bark.wav")
      for name in EVENT_FORMATS),
    command("classify --events --format json --enter 0.6 bark.wav"),
    command("classify --events --format csv --enter 0.05 bark.wav"),
    command("classify --events --format csv --enter 0.4 --leave 0.3 --median 3 bark.wav"),
    command("classify --events --format csv --most-specific --join-gap 1 --cells max bark.wav"),
    command("classify --events --format csv --threshold thresholds.csv --min-duration 1 bark.wav"),
    command("classify -", stdin="bark.wav"),
    command("classify --format json - ", stdin="cut.wav"),
    command("classify missing.wav text.txt bark.wav"),
    command("classify --enter 0.5 bark.wav"),
    command("classify --events --enter 0.1 --leave 0.4 bark.wav"),
    command("eval set.csv --audio sounds/ --report report --bootstrap 20",
            masked=(r"\d+(\.\d+)? s\b",)),
    command("eval set.csv --audio sounds/ --json --limit 3"),
    command("eval strong.tsv --audio sounds/ --json", masked=()),
    command("eval --from-scores report/scores.npz set.csv --json"),
    command("calibrate set.csv --audio sounds/ --least-examples 2 --cross-validation 2 -o cal.csv"),
    command("classify --calibration cal.csv --top all --format csv bark.wav"),
    command("calibrate strong.tsv --audio sounds/ --least-examples 2 --cross-validation 2 "
            "-o cells.csv"),
    command("classify --calibration cells.csv --events --format csv bark.wav"),
    command("listen -", stdin="bark.wav", masked=_TIMES),
    command("listen - --format jsonl --enter 0.4", stdin="bark.wav", masked=_TIMES),
    command("listen - --encoding s16le --sample-rate 16000 --gate -50", stdin="raw.s16",
            masked=_TIMES),
    command("info --json bark.wav stereo.wav cut.wav"),
    command("classes"),
    command("classes --search dog"),
    command("models list"),
    command("models info yamnet-mini"),
    command("models verify"),
    command("models export yamnet-mini --to onnx -o mini.onnx"),
    command("models import mini.onnx --name copy --like yamnet-mini"),
    command("classify --model copy --format csv bark.wav"),
    command("plugins --json"),
    command("plugins check csv --kind sink"),
    command("plugins new yamkit-mine --kind sink"),
    command("journal show tags.csv.journal"),
    command("selftest"),
)  # fmt: skip

_NOT_COMPARED = re.compile(r"\.journal$|\.journal-(wal|shm)$|(^|/)yamkit-mine/|\.onnx$|^home/")
"""Journals hold times, templates are text, and engines write their own names into graphs."""


def write_inputs(folder: Path) -> None:
    """Write the sounds and lists that the commands read, from a seed."""
    shutil.copyfile(SOUND, folder / "bark.wav")
    data = SOUND.read_bytes()
    (folder / "cut.wav").write_bytes(data[: len(data) * 2 // 3])
    with wave.open(str(SOUND)) as file:
        (folder / "raw.s16").write_bytes(file.readframes(file.getnframes()))
    (folder / "text.txt").write_text("no sound\n")
    _write_wave(folder / "stereo.wav", 2, 44_100, 4.0, seed=1)
    sounds = folder / "sounds"
    sounds.mkdir()
    (sounds / "broken.wav").write_bytes(b"RIFF....WAVE")
    rows, strong = ["path,labels"], ["filename\tonset\toffset\tevent_label"]
    for number in range(12):
        name = f"clip{number:02}.wav"
        if number % 3 == 2:
            _write_wave(sounds / name, 1, 16_000, 3.0, seed=number)
            rows.append(f"{name},Noise")
            strong.append(f"{name}\t0.0\t3.0\tNoise")
        else:
            start = 0.5 * (number // 3)
            _write_part(sounds / name, start, start + 4.0)
            rows.append(f"{name},Music" if number % 3 else f"{name},Animal;Bird")
            strong.append(f"{name}\t0.5\t2.5\t{'Music' if number % 3 else 'Bird'}")
    (folder / "set.csv").write_text("\n".join(rows) + "\n")
    (folder / "strong.tsv").write_text("\n".join(strong) + "\n")
    (folder / "thresholds.csv").write_text("name,threshold\nMusic,0.1\nAnimal,0.05\nBird,0.9\n")


def _write_wave(path: Path, channels: int, rate: int, seconds: float, seed: int) -> None:
    generator = random.Random(seed)  # noqa: S311
    pitch = 200 + 150 * seed
    values = [
        round(6000 * math.sin(2 * math.pi * pitch * at / rate) + generator.gauss(0, 400))
        for at in range(round(seconds * rate))
        for _ in range(channels)
    ]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{len(values)}h", *values))


def _write_part(path: Path, start: float, end: float) -> None:
    with wave.open(str(SOUND)) as source, wave.open(str(path), "wb") as file:
        rate = source.getframerate()
        source.setpos(round(start * rate))
        file.setparams(source.getparams())
        file.writeframes(source.readframes(round((end - start) * rate)))


def run_all(tree: Path, folder: Path) -> list[Written]:
    """Run every command with one version in a fresh folder."""
    folder.mkdir()
    write_inputs(folder)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (tree, tree / "backends", tree / "frontends"))),
        "YAMKIT_HOME": str(folder / "home"),
        "COLUMNS": "100",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    written = []
    before: dict[str, str] = {}
    for each in COMMANDS:
        stdin = None if each.stdin is None else (folder / each.stdin).read_bytes()
        process = subprocess.run(
            [sys.executable, "-m", "yamkit", *each.arguments],
            cwd=folder,
            env=environment,
            input=b"" if stdin is None else stdin,
            capture_output=True,
            check=False,
        )
        after = _files(folder)
        files = {name: value for name, value in after.items() if before.get(name) != value}
        before = after
        texts = [process.stdout.decode("utf-8", "replace"), process.stderr.decode()]
        for pattern in each.masked:
            texts = [re.sub(pattern, "*", text) for text in texts]
        written.append(Written(process.returncode, *texts, files))
    return written


def _files(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not _NOT_COMPARED.search(name):
            data = path.read_bytes()
            if path.suffix == ".npz":  # a ZIP file holds the time of writing
                with zipfile.ZipFile(path) as archive:
                    data = b"".join(archive.read(each) for each in sorted(archive.namelist()))
            if path.name == "report.txt":
                found[name] = data.decode()
            else:
                found[name] = hashlib.sha256(data).hexdigest()
    return found


def _difference(before: str, after: str) -> list[str]:
    return list(difflib.unified_diff(before.splitlines(), after.splitlines(), "before", "after"))


def main() -> int:
    """Compare two versions; the exit code is 1 where results differ."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--report", type=Path, default=Path("differences.txt"))
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "run"
        for tree in (options.before.resolve(), options.after.resolve()):
            results.append(run_all(tree, place))
            shutil.rmtree(place)
    lines: list[str] = []
    unequal = reworded = 0
    for each, before, after in zip(COMMANDS, *results, strict=True):
        wrong = []
        if before.exit_code != after.exit_code:
            wrong.append(f"exit code {before.exit_code} became {after.exit_code}")
        if before.stdout != after.stdout:
            wrong += ["standard output:", *_difference(before.stdout, after.stdout)]
        for name in sorted({*before.files, *after.files}):
            old, new = before.files.get(name, ""), after.files.get(name, "")
            if old != new:
                wrong += [f"file {name}:", *_difference(old, new)]
        messages = _difference(before.stderr, after.stderr)
        unequal += bool(wrong)
        reworded += bool(messages)
        if wrong or messages:
            lines += [f"=== yamkit {' '.join(each.arguments)}", *wrong]
            lines += ["--- messages", *messages] if messages else []
    options.report.write_text("\n".join(lines) + "\n")
    files = sum(len(each.files) for each in results[1])
    print(f"{len(COMMANDS)} commands, {files} files: {unequal} differ in what they write")
    print(f"messages reworded in {reworded}; see {options.report}")
    return int(unequal > 0)


if __name__ == "__main__":
    sys.exit(main())
