"""Peak memory of a long recording against a short one, whole processes, in four ways.

    python benchmarks/memory.py --hours 10

A 44.1 kHz file, the same through a pipe, with `--per-patch --format json`, and through
`Tagger.stream`. Exits with 1 when a long run needs more than the limit over its short one. Needs
an installed model and, in the scratch folder, 320 MB for every hour.
"""

from __future__ import annotations

import argparse
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

SHORT_SECONDS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=10.0)
    parser.add_argument("--limit-mb", type=float, default=40.0)
    parser.add_argument("--scratch", type=Path, help="folder for the long file")
    arguments = parser.parse_args()
    seconds = round(arguments.hours * 3600)

    with tempfile.TemporaryDirectory(dir=arguments.scratch) as folder:
        clips = {
            SHORT_SECONDS: write_noise(Path(folder, "short.wav"), SHORT_SECONDS),
            seconds: write_noise(Path(folder, "long.wav"), seconds),
        }
        classify = [yamkit(), "classify"]
        ways = {
            "file": lambda length: measure([*classify, str(clips[length])]),
            "pipe": lambda length: measure([*classify, "-"], stdin=clips[length]),
            "per-patch JSON": lambda length: measure(
                [*classify, "--per-patch", "--format", "json", str(clips[length])]
            ),
            "Tagger.stream": lambda length: measure([sys.executable, "-c", STREAM, str(length)]),
        }
        ways["file"](SHORT_SECONDS)  # fills the cache of the backend
        print(f"{'':16}{'10 s':>10}{f'{arguments.hours:g} h':>10}{'more':>10}{'x real time':>14}")
        grown = False
        for name, way in ways.items():
            short, long = way(SHORT_SECONDS), way(seconds)
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
