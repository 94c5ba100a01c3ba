"""Write the metrics of sed_eval and psds_eval on the random problems of `event_problems`.

psds_eval (Bilen et al.) does not run with current pandas, so its results, and those of sed_eval
(Mesaros, Heittola), are kept in event_metrics.json::

    python3.11 -m venv old
    old/bin/pip install 'pandas<2.2' 'numpy<2' 'setuptools<81' psds_eval sed_eval
    old/bin/python tests/yamkit/evaluation/make_event_metrics.py

sed_eval runs next to yamkit, but not next to its tests, since one of its dependencies installs a
package ``tests``. ``--check SEEDS`` compares yamkit with it on that many other problems.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import warnings
from pathlib import Path
from typing import Any

from event_problems import (
    CLASSES,
    POINTS,
    PROBLEMS,
    Row,
    by_sed_eval,
    by_yamkit,
    differences,
    problem,
)

SCENARIOS = {
    "psds_1": ({"dtc_threshold": 0.7, "gtc_threshold": 0.7, "cttc_threshold": 0.3}, 0.0, 1.0, 100),
    "psds_2": ({"dtc_threshold": 0.1, "gtc_threshold": 0.1, "cttc_threshold": 0.3}, 0.5, 1.0, 100),
    "psds_wide": (
        {"dtc_threshold": 0.5, "gtc_threshold": 0.5, "cttc_threshold": 0.3},
        1.0,
        0.0,
        20000,
    ),
}


def joined(rows: list[Row]) -> list[Row]:
    """Join events of one class that overlap, which psds_eval refuses, or are written twice."""
    found: list[Row] = []
    for label, onset, offset in sorted(rows):
        if found and found[-1][0] == label and onset < found[-1][2]:
            found[-1] = (label, found[-1][1], max(offset, found[-1][2]))
        else:
            found.append((label, onset, offset))
    return found


def by_psds_eval(given: dict[str, Any]) -> dict[str, float]:
    """Return PSDS over all operating points."""
    import pandas
    from psds_eval import PSDSEval

    def table(clips: list[list[Row]]) -> Any:
        return pandas.DataFrame(
            [
                {"filename": str(n), "onset": onset, "offset": offset, "event_label": label}
                for n, rows in enumerate(clips)
                for label, onset, offset in joined(rows)
            ],
            columns=["filename", "onset", "offset", "event_label"],
        )

    metadata = pandas.DataFrame(
        [{"filename": str(n), "duration": each} for n, each in enumerate(given["durations"])]
    )
    answer = {}
    for name, (tolerances, alpha_ct, alpha_st, most) in SCENARIOS.items():
        metric = PSDSEval(ground_truth=table(given["reference"]), metadata=metadata, **tolerances)
        for point in given["points"]:
            metric.add_operating_point(table(point))
        value = metric.psds(alpha_ct=alpha_ct, alpha_st=alpha_st, max_efpr=most).value
        answer[name] = float(value)
    return answer


def without_nan(value: Any) -> Any:
    """Write NaN as None, which JSON has."""
    if isinstance(value, dict):
        return {key: without_nan(each) for key, each in value.items()}
    if isinstance(value, list):
        return [without_nan(each) for each in value]
    return None if math.isnan(value) else value


def main() -> None:
    """Write the file, or check yamkit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", type=int, metavar="SEEDS")
    seeds = parser.parse_args().check
    warnings.simplefilter("ignore")
    if seeds:
        found = []
        for seed in range(PROBLEMS, PROBLEMS + seeds):
            given, point = problem(seed), seed % POINTS
            wrong = differences(by_yamkit(given, point), by_sed_eval(given, point))
            found += [f"problem {seed}: {each}" for each in wrong]
        print("\n".join(found) or f"{seeds} problems: yamkit equals sed_eval")
        sys.exit(bool(found))
    answers = []
    for seed in range(PROBLEMS):
        given = problem(seed)
        answers.append(without_nan({**by_sed_eval(given, seed % POINTS), **by_psds_eval(given)}))
    text = json.dumps({"classes": CLASSES, "answers": answers}, separators=(",", ":"))
    Path(__file__).with_name("event_metrics.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
