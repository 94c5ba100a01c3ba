"""Memory over duration: `yamkit classify` on an hour in one file, against the same on a minute.

    python benchmarks/long_file.py [--hours 1] [--rounds 3] [--scratch FOLDER]

44.1 kHz stereo WAV of noise, on all cores, with every patch reported. Each run has its own
process; the medians of wall time and peak memory are printed. The hour may take 60 MB more.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from measure import measure, median, write_noise, yamkit

LIMIT_MB = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="yamnet")
    parser.add_argument("--scratch", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as folder:
        lengths = {"a minute": 60.0, f"{arguments.hours:g} hours": 3600 * arguments.hours}
        commands = {}
        for name, seconds in lengths.items():
            path = write_noise(Path(folder, f"{seconds:.0f}.wav"), seconds, channels=2)
            output = Path(folder, f"{seconds:.0f}.jsonl")
            commands[name] = [
                *(yamkit(), "classify", str(path), "--model", arguments.model, "--per-patch"),
                *("--output", str(output)),
            ]
        runs = {
            name: [measure(command) for _ in range(arguments.rounds)]
            for name, command in commands.items()
        }
    peaks = []
    for name, found in runs.items():
        typical = median(found)
        peaks.append(typical.peak_mb)
        speed = lengths[name] / typical.wall_seconds
        print(
            f"{name:10}{typical.wall_seconds:8.2f} s ({speed:,.0f} times real time)"
            f"{typical.peak_mb:8.0f} MB"
        )
    more = peaks[1] - peaks[0]
    print(f"{more:+.0f} MB for {lengths[name] / 60:.0f} times the duration (limit {LIMIT_MB} MB)")
    if more > LIMIT_MB:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
