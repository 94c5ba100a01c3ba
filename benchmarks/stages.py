"""Which stage takes the time: decode, mix down and resample, front end, network, one core each.

    python benchmarks/stages.py FOLDER [--rounds N]

Every sound file in FOLDER goes through one stage after the other. The shortest time of the rounds
is printed, since other load on the machine only adds to it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from yamkit import Tagger
from yamkit.audio import open_audio
from yamkit.pipeline.windows import segments

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="yamnet")
    parser.add_argument("--backend", default="onnx")
    parser.add_argument("--frontend", default="logmel")
    parser.add_argument("--resampler", default="polyphase")
    parser.add_argument("--batch-size", type=int, default=16)
    arguments = parser.parse_args()
    files = sorted(path for path in arguments.folder.rglob("*") if path.is_file())
    parts = {
        name: getattr(arguments, name)
        for name in ("backend", "frontend", "resampler", "batch_size")
    }
    with Tagger(arguments.model, threads=1, **parts) as tagger:
        rounds = [stages(files, tagger) for _ in range(arguments.rounds)]
    network = min(each["network"] for each in rounds)
    for stage in rounds[0]:
        seconds = min(each[stage] for each in rounds)
        print(f"{stage:12}{seconds:8.3f} s{seconds / network:8.1%} of the network's time")


def stages(files: list[Path], tagger: Tagger) -> dict[str, float]:
    """Time each stage over all files, in seconds."""
    pipeline, features = tagger.pipeline, tagger.pipeline.features
    window, hop = features.patch_window_samples, features.patch_hop_samples
    spent = dict.fromkeys(("decode", "resample", "cut", "front end", "network"), 0.0)
    left: list[np.ndarray] = []

    def timed(stage: str, items: Iterable[T]) -> list[T]:
        begin = time.perf_counter()
        result = list(items)
        spent[stage] += time.perf_counter() - begin
        return result

    for file in files:
        with open_audio(str(file)) as audio:
            mixed = timed("decode", audio.mono())
            rate = audio.sample_rate
        samples = timed("resample", pipeline.resample(mixed, rate))
        cut = timed("cut", segments(samples, window, hop, pipeline.batch_size))
        patches = timed("front end", map(pipeline.frontend.patches, (s.samples for s in cut)))
        left.append(np.concatenate(patches))  # a copy: memory that is kept would cost the next file
    together = np.concatenate(left)
    size = pipeline.batch_size
    batches = [together[start : start + size] for start in range(0, len(together), size)]
    timed("network", map(pipeline.backend.predict, batches))
    return spent


if __name__ == "__main__":
    main()
