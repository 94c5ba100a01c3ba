"""Speed of the two resamplers, in one process.

    python benchmarks/resample.py --from 44100 --to 16000

They resample the same noise in turn, in blocks of a tenth of a second. The medians, their ratio and
the largest difference are printed. It requires the extra `resampy`, whose compilation is not timed.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from yamkit.resamplers._polyphase import Polyphase
from yamkit.resamplers._resampy import Resampy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--from", dest="from_hz", type=int, default=44100)
    parser.add_argument("--to", dest="to_hz", type=int, default=16000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    samples = round(arguments.seconds * arguments.from_hz)
    signal = np.random.default_rng(0).normal(0, 0.2, samples).astype(np.float32)
    blocks = np.array_split(signal, max(1, round(arguments.seconds * 10)))

    def run(kind: type[Polyphase] | type[Resampy]) -> tuple[float, np.ndarray]:
        begin = time.perf_counter()
        resampler = kind(arguments.from_hz, arguments.to_hz)
        parts = [resampler.process(block) for block in blocks]
        result = np.concatenate([*parts, resampler.flush()])
        return time.perf_counter() - begin, result

    kinds = {"polyphase": Polyphase, "resampy": Resampy}
    results = {name: run(kind)[1] for name, kind in kinds.items()}  # compiles, builds tables
    times: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(arguments.rounds):
        for name, kind in kinds.items():
            times[name].append(run(kind)[0])
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{arguments.from_hz} -> {arguments.to_hz} Hz, medians of {arguments.rounds} rounds")
    for name, seconds in medians.items():
        print(f"{name:10}{1000 * seconds / arguments.seconds:8.3f} ms a second of sound")
    difference = np.abs(results["polyphase"] - results["resampy"]).max()
    print(f"ratio     {medians['resampy'] / medians['polyphase']:8.1f} x")
    print(f"largest difference {difference:.1e}")


if __name__ == "__main__":
    main()
