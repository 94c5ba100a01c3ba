"""Compares what two models say of the same clips: the largest difference on a patch and on a clip.

python examples/compare.py FOLDER MODEL OTHER [--at-most NUMBER]

Each model is run by the backend that runs it; the exit code is 1 where a patch strays more than
NUMBER. With it the figures of the plugins' READMEs were measured.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from yamkit import Tagger


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of clips")
    parser.add_argument("models", nargs=2, metavar="MODEL")
    parser.add_argument("--backend", help="of the second model")
    parser.add_argument("--at-most", type=float, metavar="NUMBER")
    arguments = parser.parse_args()
    clips = sorted(p for p in arguments.folder.iterdir() if p.suffix in (".flac", ".wav", ".ogg"))
    if not clips:
        parser.error(f"{arguments.folder}: no clips")
    one, other = arguments.models
    patch = clip = 0.0
    patches = 0
    with Tagger(one) as first, Tagger(other, backend=arguments.backend) as second:
        for path in clips:
            wanted, found = first.tag(path), second.tag(path)
            assert wanted.scores.shape == found.scores.shape, path
            patches += len(wanted.scores)
            patch = max(patch, float(np.abs(wanted.scores - found.scores).max()))
            clip = max(clip, float(np.abs(wanted.clip_scores - found.clip_scores).max()))
        print(
            f"{one} in {first.backend} and {other} in {second.backend}, {len(clips)} clips, "
            f"{patches} patches: a score of a patch strays {patch:.2g}, of a clip's mean {clip:.2g}"
        )
    if arguments.at_most is not None and patch > arguments.at_most:
        sys.exit(f"at most {arguments.at_most:g} was wanted")


if __name__ == "__main__":
    main()
