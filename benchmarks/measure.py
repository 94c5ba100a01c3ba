"""Measures whole processes for the benchmark programs: wall time and peak memory of each.

It imports only the standard library: the kernel counts a child's peak memory from the size of the
process that started it, so that one must stay small.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import time
import wave
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measured:
    """One finished process."""

    wall_seconds: float
    peak_mb: float


def yamkit() -> str:
    """Return the `yamkit` command of this environment."""
    return str(Path(sys.executable).with_name("yamkit"))


def measure(command: list[str], stdin: Path | None = None) -> Measured:
    """Run a command without its output; a pipe sends it `stdin`."""
    feeder = None
    if stdin is not None:
        feeder = subprocess.Popen(["cat", str(stdin)], stdout=subprocess.PIPE)  # noqa: S607
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=feeder.stdout if feeder else None, stdout=subprocess.DEVNULL
    )
    if feeder is not None and feeder.stdout is not None:
        feeder.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if feeder is not None:
        feeder.wait()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Measured(wall, usage.ru_maxrss * unit / 1e6)


def median(runs: list[Measured]) -> Measured:
    """Return the median of each value."""
    return Measured(
        statistics.median(run.wall_seconds for run in runs),
        statistics.median(run.peak_mb for run in runs),
    )


def write_noise(path: Path, seconds: float, sample_rate: int = 44100, channels: int = 1) -> Path:
    """Write a 16-bit WAV of quiet noise, seeded; ten seconds of it are repeated."""
    samples = round(seconds * sample_rate)
    block = min(samples, 10 * sample_rate)
    generator = random.Random(0)  # noqa: S311
    noise = b"".join(
        generator.randrange(-3000, 3000).to_bytes(2, "little", signed=True)
        for _ in range(block * channels)
    )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.setnframes(samples)
        for start in range(0, samples, block):
            file.writeframesraw(noise[: min(block, samples - start) * 2 * channels])
    return path
