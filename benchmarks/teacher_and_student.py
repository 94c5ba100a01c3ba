"""The teacher and the small model compared: accuracy, agreement and speed.

From the root of the repository: ``python -m benchmarks.teacher_and_student --help``. It measures

- ESC-10 zero-shot: a clip's score for a category is that of the category's own AudioSet class, mean
  over patches; average precision of each category over all clips, and their mean;
- the same mean for each aggregate, and on how many clips silence is the highest class;
- agreement on the collections that the recipe holds out: unmixed patches, pooled and per
  collection (`training.agreement` has the definitions);
- patches per second of both models on the same backend, in turn.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from training.agreement import agreement, average_precision
from training.recipe import read_recipe
from training.sounds import collections_of
from yamkit import Tagger
from yamkit.errors import YamkitError
from yamkit.pipeline.compose import Pipeline
from yamkit.pipeline.options import PipelineOptions
from yamkit.scores.aggregate import AGGREGATES, ClipScores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.agreement import Agreement

RECIPE = Path(__file__).parent.parent / "training" / "recipes" / "yamnet-mini.toml"

BATCH = 16
"""Patches per network call, as by default in yamkit."""

# The categories of ESC-10 and the display names of AudioSet's classes.
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
    parser.add_argument(
        "--backends", nargs="*", default=["onnx", "numpy", "keras"], help="for the speed"
    )
    parser.add_argument("--repeats", type=int, default=9, help="of the timing")
    arguments = parser.parse_args()
    try:
        report(arguments)
    except (YamkitError, OSError) as error:
        parser.exit(1, f"Error: {error}\n")


def report(arguments: argparse.Namespace) -> None:
    with Tagger(arguments.teacher) as teacher, Tagger(arguments.student) as student:
        for title, tagger in (("teacher", teacher), ("student", student)):
            print(f"{title}: {tagger.model.name} {tagger.model.version}, {tagger.model.sha256}")
        esc10 = arguments.shared / "audio" / "esc10"
        results = [zero_shot(esc10, tagger) for tagger in (teacher, student)]
        print_esc10([result["mean"].precisions for result in results])
        print_aggregates(results)
        print_held_out(held_out(arguments.shared / "training-audio", teacher, student))
        for backend in arguments.backends:
            print_speed(backend, [teacher, student], arguments.repeats)


class ZeroShot(NamedTuple):
    """Results of an aggregate on ESC-10."""

    precisions: dict[str, float]  # average precision of each category
    silent: float  # share of clips whose highest class is silence


def zero_shot(folder: Path, tagger: Tagger) -> dict[str, ZeroShot]:
    """Score ESC-10, with each aggregate."""
    with (folder / "esc10.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    labels = np.array([row["category"] for row in rows])
    places = {entry.name: entry.index for entry in tagger.classes}
    silence = tagger.model.silence_index
    given: dict[str, list[NDArray[np.float32]]] = {name: [] for name in AGGREGATES}
    for row in rows:
        patches = tagger.tag(folder / "audio" / row["filename"]).scores
        for aggregate in AGGREGATES:
            clip_scores = ClipScores(aggregate, len(tagger.classes), silence)
            clip_scores.update(patches)
            given[aggregate].append(clip_scores.result())
    results = {}
    for aggregate, listed in given.items():
        scores = np.array(listed)
        precisions = {
            category: average_precision(labels == category, scores[:, places[name]])
            for category, name in CATEGORIES.items()
        }
        results[aggregate] = ZeroShot(precisions, float((scores.argmax(axis=1) == silence).mean()))
    return results


def held_out(folder: Path, teacher: Tagger, student: Tagger) -> dict[str, Agreement]:
    """Compare both on the collections that were never trained on, the last entry being all."""
    held_out = read_recipe(RECIPE).data.held_out
    pairs: dict[str, list[tuple[NDArray[np.float32], NDArray[np.float32]]]] = {}
    for path, collection in collections_of(folder, folder / "index.csv", print).items():
        if collection in held_out:
            pair = teacher.tag(folder / path).scores, student.tag(folder / path).scores
            pairs.setdefault(collection, []).append(pair)
    parts = {**dict(sorted(pairs.items())), "pooled": [p for part in pairs.values() for p in part]}
    return {
        name: agreement(*(np.concatenate(scores) for scores in zip(*part, strict=True)))
        for name, part in parts.items()
    }


def print_esc10(results: list[dict[str, float]]) -> None:
    print(f"\nESC-10, zero-shot average precision\n{'':16}  teacher  student")
    for category in CATEGORIES:
        print(f"{category:16}" + "".join(f"{result[category]:9.3f}" for result in results))
    means = [statistics.mean(result.values()) for result in results]
    print(f"{'mean':16}" + "".join(f"{value:9.3f}" for value in means))


def print_aggregates(results: list[dict[str, ZeroShot]]) -> None:
    print(f"\nESC-10, by aggregate\n{'':12}      mAP, silence first  (teacher, student)")
    for aggregate in AGGREGATES:
        figures = (
            f"{statistics.mean(result[aggregate].precisions.values()):9.3f}"
            f"{result[aggregate].silent:15.1%}"
            for result in results
        )
        print(f"{aggregate:12}" + "".join(figures))


def print_held_out(results: dict[str, Agreement]) -> None:
    print("\nheld-out collections: the student's first choice, by patches")
    titles = ("patches", "first", "in five", "clear", "first", "in five", "mAP", "classes")
    print(f"{'':26}" + "".join(f"{title:>9}" for title in titles))
    for name, part in results.items():
        print(
            f"{name:26}{part.patches:9,}{part.first:9.1%}{part.first_in_five:9.1%}"
            f"{part.clear_patches:9,}{part.clear_first:9.1%}{part.clear_first_in_five:9.1%}"
            f"{part.mean_average_precision:9.3f}{part.classes:9}"
        )
    print(
        "first: it is the teacher's, too; in five: it is among the teacher's first five; clear: "
        "patches where\nthe teacher's highest score is 0.3 or more; mAP: the truth is what the "
        "teacher scores with 0.3 or more"
    )


def print_speed(backend: str, taggers: list[Tagger], repeats: int) -> None:
    """Time only the networks, on one thread, in turn; the first turn is a warm-up."""
    networks = [
        Pipeline(
            tagger.model,
            PipelineOptions(backend=backend, frontend=tagger.frontend, batch_size=BATCH, threads=1),
        ).backend
        for tagger in taggers
    ]
    shape = taggers[0].model.features.patch_shape
    patches = np.random.default_rng(0).normal(-3, 2, (128, *shape)).astype(np.float32)
    rates = np.empty((repeats + 1, len(networks)))
    for turn in range(repeats + 1):
        for place, network in enumerate(networks):
            begin = time.perf_counter()
            for start in range(0, len(patches), BATCH):
                network.predict(patches[start : start + BATCH])
            rates[turn, place] = len(patches) / (time.perf_counter() - begin)
    slow, fast = np.median(rates[1:], axis=0)
    ratio = np.median(rates[1:, 1] / rates[1:, 0])
    print(
        f"\n{backend}, one thread: teacher {slow:,.0f} patches/s, student {fast:,.0f}: "
        f"{ratio:.2f} times as many"
    )


if __name__ == "__main__":
    main()
