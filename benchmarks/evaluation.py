"""Time and memory of evaluating 20,000 clips and 521 classes, compared with scikit-learn.

    python benchmarks/evaluation.py [--clips N] [--bootstrap N]

Truth and scores are random: two labels per clip, as in AudioSet. Each part runs in its own process,
whose peak memory is printed. scikit-learn computes only average precision and AUC, class by class,
of the same numbers.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

CLASSES = 521


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=20_000)
    parser.add_argument("--bootstrap", type=int, default=1_000, help="resamples")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        print(json.dumps(PARTS[arguments.part](arguments.clips, arguments.bootstrap)))
        return
    found = {}
    for part in PARTS:
        command = [sys.executable, __file__, "--part", part, "--clips", str(arguments.clips)]
        command += ["--bootstrap", str(arguments.bootstrap)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found[part] = seconds, peak_mb = json.loads(done.stdout)
        print(f"{part:16}{seconds:8.2f} s{peak_mb:8.0f} MB")
    ratio = found["scikit-learn"][0] / found["metrics"][0]
    print(f"{'ratio':16}{ratio:8.1f} x   scikit-learn's two metrics over all of ours")
    print(f"{arguments.clips:,} clips, {CLASSES} classes, {arguments.bootstrap:,} resamples")


def problem(clips: int):
    import numpy as np

    random = np.random.default_rng(0)
    truth = random.random((clips, CLASSES)) < 2 / CLASSES
    return truth, random.random((clips, CLASSES), np.float32) + np.float32(0.1) * truth


def timed(work):
    begin = time.perf_counter()
    work()
    seconds = time.perf_counter() - begin
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run_metrics(clips: int, _: int):
    from yamkit.evaluation import evaluate

    truth, scores = problem(clips)
    return timed(lambda: evaluate(truth, scores, [str(n) for n in range(CLASSES)]))


def run_bootstrap(clips: int, count: int):
    from yamkit.evaluation import evaluate

    truth, scores = problem(clips)
    names = [str(n) for n in range(CLASSES)]
    return timed(lambda: evaluate(truth, scores, names, bootstrap=count))


def run_scikit_learn(clips: int, _: int):
    from sklearn.metrics import average_precision_score, roc_auc_score

    truth, scores = problem(clips)

    def work() -> None:
        for column in range(CLASSES):
            average_precision_score(truth[:, column], scores[:, column])
            roc_auc_score(truth[:, column], scores[:, column])

    return timed(work)


PARTS = {
    "metrics": run_metrics,
    "scikit-learn": run_scikit_learn,
    "with bootstrap": run_bootstrap,
}

if __name__ == "__main__":
    main()
