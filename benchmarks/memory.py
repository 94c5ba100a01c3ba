"""Peak memory of processes for a long recording and for a short one, in five ways.

    python benchmarks/memory.py --hours 10

A 44.1 kHz WAV, the same through a pipe, with `--per-patch --format json`, an M4A, and through
`Tagger.stream`. The exit code is 1 if a long run needs more than its short one plus the limit. The
scratch folder needs 350 MB per hour.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import measure, write_noise, yamkit

STREAM = """
import sys
import numpy as np
from yamkit import Tagger
block = np.random.default_rng(0).normal(0, 0.05, 44100).astype(np.float32)
with Tagger() as tagger:
    patches = 0
    for batch in tagger.stream((block for _ in range(int(sys.argv[1]))), 44100):
        patches += len(batch.scores)
assert patches > 0
"""

# Minutes are encoded once, and their packets written again and again with increasing times.
M4A = """
import sys
import av
import numpy as np
path, seconds, rate = sys.argv[1], int(sys.argv[2]), 44100
noise = np.random.default_rng(0).normal(0, 0.05, (1, min(seconds, 300) * rate)).astype(np.float32)
with av.open(path, "w", format="ipod") as output:
    stream = output.add_stream("aac", rate=rate, layout="mono")
    output.start_encoding()
    frame = av.AudioFrame.from_ndarray(noise, "fltp", "mono")
    frame.sample_rate, frame.pts = rate, 0
    resampler = av.AudioResampler("fltp", "mono", rate, 1024)
    pieces = [*resampler.resample(frame), *resampler.resample(None), None]
    made = [bytes(packet) for piece in pieces for packet in stream.encode(piece)]
    for number in range(seconds * rate // 1024):
        packet = av.Packet(made[number % len(made)])
        packet.stream, packet.time_base = stream, stream.time_base
        packet.pts = packet.dts = number * 1024
        packet.duration = 1024
        output.mux_one(packet)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=10.0)
    parser.add_argument("--short", type=int, default=10, metavar="SECONDS")
    parser.add_argument("--only", metavar="TEXT", default="", help="ways with this in their name")
    parser.add_argument("--limit-mb", type=float, default=40.0)
    parser.add_argument("--scratch", type=Path, help="folder for the long files")
    arguments = parser.parse_args()
    brief, seconds = arguments.short, round(arguments.hours * 3600)

    with tempfile.TemporaryDirectory(dir=arguments.scratch) as folder:

        def file(suffix: str, length: int) -> Path:
            """Return a recording; it is made when it is first needed."""
            path = Path(folder, f"{length}.{suffix}")
            if not path.exists() and suffix == "m4a":
                subprocess.run([sys.executable, "-c", M4A, str(path), str(length)], check=True)
            elif not path.exists():
                write_noise(path, length)
            return path

        classify = [yamkit(), "classify"]
        ways = {
            "file": lambda length: measure([*classify, str(file("wav", length))]),
            "pipe": lambda length: measure([*classify, "-"], stdin=file("wav", length)),
            "per-patch JSON": lambda length: measure(
                [*classify, "--per-patch", "--format", "json", str(file("wav", length))]
            ),
            "M4A": lambda length: measure([*classify, str(file("m4a", length))]),
            "Tagger.stream": lambda length: measure([sys.executable, "-c", STREAM, str(length)]),
        }
        ways["file"](brief)  # fills the cache of the backend
        lengths = f"{f'{brief} s':>10}{f'{arguments.hours:g} h':>10}"
        print(f"{'':16}{lengths}{'more':>10}{'x real time':>14}")
        grown = False
        for name, way in ways.items():
            if arguments.only.lower() not in name.lower():
                continue
            short, long = way(brief), way(seconds)
            more = long.peak_mb - short.peak_mb
            grown |= more > arguments.limit_mb
            print(
                f"{name:16}{short.peak_mb:7.1f} MB{long.peak_mb:7.1f} MB{more:7.1f} MB"
                f"{seconds / long.wall_seconds:14.0f}",
                flush=True,
            )
    print(f"limit: {arguments.limit_mb:g} MB more: {'exceeded' if grown else 'kept'}")
    sys.exit(grown)


if __name__ == "__main__":
    main()
