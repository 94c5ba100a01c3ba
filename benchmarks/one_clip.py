"""Time and memory of `yamkit classify` on one clip, compared with a baseline command.

    python benchmarks/one_clip.py [CLIP] [--baseline 'COMMAND {clip}']

Processes run in turn; medians and ratios are printed. The default baseline tags the clip with the
engines of the published program: TensorFlow and tf_keras for network and front end, and resampy.
Without CLIP, 14 seconds of 44.1 kHz stereo noise are used. A model must be installed.
"""

from __future__ import annotations

import argparse
import shlex
import tempfile
from pathlib import Path

from measure import measure, median, write_noise, yamkit

SECONDS = 14


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--baseline",
        default=f"{shlex.quote(yamkit())} classify --backend keras --frontend logmel-tf "
        "--resampler resampy {clip}",
        help="command; {clip} stands for the clip",
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = arguments.clip or write_noise(Path(folder, "clip.wav"), SECONDS, channels=2)
        commands = {
            "yamkit": [yamkit(), "classify", str(clip)],
            "baseline": [
                part.replace("{clip}", str(clip)) for part in shlex.split(arguments.baseline)
            ],
        }
        for command in commands.values():
            measure(command)  # fills caches, the disk's and the backend's
        runs = {name: [] for name in commands}
        for _ in range(arguments.rounds):
            for name, command in commands.items():
                runs[name].append(measure(command))
    for name, command in commands.items():
        typical, line = median(runs[name]), shlex.join(command)
        print(f"{name:9}{typical.wall_seconds:7.2f} s{typical.peak_mb:8.0f} MB   {line}")
    ours, theirs = median(runs["yamkit"]), median(runs["baseline"])
    time_ratio = theirs.wall_seconds / ours.wall_seconds
    memory_ratio = theirs.peak_mb / ours.peak_mb
    print(f"ratio    {time_ratio:7.1f} x{memory_ratio:8.1f} x   baseline over yamkit")
    print(f"medians of {arguments.rounds} alternating runs of whole processes")


if __name__ == "__main__":
    main()
