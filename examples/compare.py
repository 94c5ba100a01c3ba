"""Compares the scores of two models for the same clips: largest difference of patches and clips.

python examples/compare.py FOLDER MODEL OTHER [--at-most NUMBER]

The exit code is 1 if a score of a patch differs by more than NUMBER. The numbers in the READMEs of
the plugins were measured with this program.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from yamkit import Tagger


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of clips")
    parser.add_argument("models", nargs=2, metavar="MODEL")
    parser.add_argument("--backend", help="backend of the second model")
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
            a, b = first.tag(path), second.tag(path)
            assert a.scores.shape == b.scores.shape, path
            patches += len(a.scores)
            patch = max(patch, float(np.abs(a.scores - b.scores).max()))
            clip = max(clip, float(np.abs(a.clip_scores - b.clip_scores).max()))
        print(
            f"{one} in {first.backend} and {other} in {second.backend}, {len(clips)} clips, "
            f"{patches} patches: scores of patches differ by up to {patch:.2g}, means of clips by "
            f"up to {clip:.2g}"
        )
    if arguments.at_most is not None and patch > arguments.at_most:
        sys.exit(f"expected a difference of at most {arguments.at_most:g}")


if __name__ == "__main__":
    main()
