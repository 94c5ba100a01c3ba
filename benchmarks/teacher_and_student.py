"""The teacher and the small model side by side: what they hear, how far they agree, how fast.

From the root of the repository: ``python -m benchmarks.teacher_and_student --help``. It measures

- ESC-10 zero-shot: a clip's score for a category is that of the category's own AudioSet class, mean
  over patches; average precision of each category over all clips, and their mean;
- agreement on the collections that the recipe holds out: every patch, as it is, pooled and per
  collection (`training.agreement` has the definitions);
- patches a second of both models on the same backend, one after the other, again and again.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.agreement import Agreement, agreement, average_precision
from training.recipe import read_recipe
from training.sounds import collections_of
from yamkit import Tagger
from yamkit.models.store import find_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

RECIPE = Path(__file__).parent.parent / "training" / "recipes" / "yamnet-mini.toml"

# ESC-50's categories and the display names of AudioSet's classes.
CATEGORIES = {
    "dog": "Dog",
    "chainsaw": "Chainsaw",
    "crackling_fire": "Fire",
    "helicopter": "Helicopter",
    "rain": "Rain",
    "rooster": "Crowing, cock-a-doodle-doo",
    "sea_waves": "Waves, surf",
    "sneezing": "Sneeze",
    "clock_tick": "Tick-tock",
    "crying_baby": "Baby cry, infant cry",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="the shared folder")
    parser.add_argument("--teacher", default="yamnet", help="name or folder of a model")
    parser.add_argument("--student", default="yamnet-mini", help="name or folder of a model")
    parser.add_argument("--backends", nargs="*", default=["onnx", "numpy"], help="for the speed")
    parser.add_argument("--repeats", type=int, default=9, help="of the timing")
    arguments = parser.parse_args()
    with Tagger(arguments.teacher) as teacher, Tagger(arguments.student) as student:
        for title, tagger in (("teacher", teacher), ("student", student)):
            print(f"{title}: {tagger.model.name} {tagger.model.version}, {tagger.model.sha256}")
        esc10(arguments.shared / "audio" / "esc10", [teacher, student])
        held_out(arguments.shared / "training-audio", teacher, student)
    for backend in arguments.backends:
        speed(backend, arguments.teacher, arguments.student, arguments.repeats)


def esc10(folder: Path, taggers: list[Tagger]) -> None:
    """Print the average precision of each category."""
    with (folder / "esc10.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    labels = np.array([row["category"] for row in rows])
    names = [entry.name for entry in taggers[0].classes]
    columns = [names.index(name) for name in CATEGORIES.values()]
    results = []
    for tagger in taggers:
        clips = [tagger.tag(folder / "audio" / row["filename"]).clip_scores for row in rows]
        scores = np.array(clips)[:, columns]
        results.append(
            [
                average_precision(labels == category, scores[:, column])
                for column, category in enumerate(CATEGORIES)
            ]
        )
    print(f"\nESC-10, {len(rows)} clips, zero-shot average precision\n{'':16} teacher  student")
    for category, *values in zip(CATEGORIES, *results, strict=True):
        print(f"{category:16}" + "".join(f"{value:9.3f}" for value in values))
    print(f"{'mean':16}" + "".join(f"{statistics.mean(values):9.3f}" for values in results))


def held_out(folder: Path, teacher: Tagger, student: Tagger) -> None:
    """Print the agreement on the collections that were never trained on."""
    wanted = read_recipe(RECIPE).data.held_out
    scores: dict[str, list[tuple[NDArray[np.float32], NDArray[np.float32]]]] = {}
    for path, collection in collections_of(folder, folder / "index.csv").items():
        if collection in wanted:
            pair = teacher.tag(folder / path).scores, student.tag(folder / path).scores
            scores.setdefault(collection, []).append(pair)
    print("\nheld-out collections, agreement of the first choice on patches")
    print(
        f"{'':26}{'all':>8}{'first':>8}{'in 5':>8}{'clear':>8}{'first':>8}{'in 5':>8}"
        f"{'mAP':>8}{'classes':>9}"
    )
    for collection, pairs in sorted(scores.items()):
        _print_agreement(collection, pairs)
    _print_agreement("pooled", [pair for pairs in scores.values() for pair in pairs])
    print(
        "clear: the teacher's highest score is 0.3 or more; in 5: the student's first choice is "
        "among the teacher's first five"
    )


def _print_agreement(
    title: str, pairs: list[tuple[NDArray[np.float32], NDArray[np.float32]]]
) -> None:
    figures: Agreement = agreement(*(np.concatenate(part) for part in zip(*pairs, strict=True)))
    print(
        f"{title:26}{figures.patches:8,}{figures.first:8.1%}{figures.first_in_five:8.1%}"
        f"{figures.clear_patches:8,}{figures.clear_first:8.1%}{figures.clear_first_in_five:8.1%}"
        f"{figures.mean_average_precision:8.3f}{figures.classes:9}"
    )


def speed(backend: str, teacher: str, student: str, repeats: int) -> None:
    """Print patches a second, one thread, the network alone."""
    from yamkit.pipeline import Pipeline

    networks = []
    for name in (teacher, student):
        model = find_model(name)
        networks.append(
            Pipeline(
                model,
                backend=backend,
                frontend="logmel",
                resampler="polyphase",
                hop_seconds=None,
                batch_size=16,
                threads=1,
                provider="cpu",
            ).backend
        )
        shape = model.features.patch_shape
    patches = np.random.default_rng(0).normal(-3, 2, (128, *shape)).astype(np.float32)
    rates: list[list[float]] = [[], []]
    for _ in range(repeats + 1):
        for network, found in zip(networks, rates, strict=True):
            begin = time.perf_counter()
            network.predict(patches)
            found.append(len(patches) / (time.perf_counter() - begin))
    ratio = statistics.median(b / a for a, b in zip(rates[0][1:], rates[1][1:], strict=True))
    slow, fast = (statistics.median(found[1:]) for found in rates)
    print(
        f"\n{backend}, one thread: teacher {slow:,.0f} patches/s, student {fast:,.0f}: "
        f"{ratio:.2f} times as many"
    )


if __name__ == "__main__":
    main()
