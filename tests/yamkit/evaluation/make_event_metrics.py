"""Makes event_metrics.json: random events, and what the programs of the field say about them.

sed_eval (Mesaros, Heittola) and psds_eval (Bilen et al.) do not run beside current pandas and
setuptools, so what they give is kept::

    python -m venv old
    old/bin/pip install 'pandas<2.2' 'numpy<2' 'setuptools<81' psds_eval sed_eval
    old/bin/python tests/yamkit/evaluation/make_event_metrics.py
"""

from __future__ import annotations

import json
import random
import warnings
from pathlib import Path

import dcase_util
import pandas
import sed_eval
from psds_eval import PSDSEval

warnings.simplefilter("ignore")

CLASSES = ["a", "b", "c"]
POINTS = 8
SCENARIOS = {
    "psds_1": ({"dtc_threshold": 0.7, "gtc_threshold": 0.7, "cttc_threshold": 0.3}, 0.0, 1.0, 100),
    "psds_2": ({"dtc_threshold": 0.1, "gtc_threshold": 0.1, "cttc_threshold": 0.3}, 0.5, 1.0, 100),
    "psds_wide": (
        {"dtc_threshold": 0.5, "gtc_threshold": 0.5, "cttc_threshold": 0.3},
        1.0,
        0.0,
        2000,
    ),
}


def annotated(source: random.Random, duration: float) -> list:
    """Draw events of which none of a class overlaps another of it."""
    rows = []
    for label in CLASSES:
        place = source.uniform(0, 3)
        while place < duration - 0.5 and source.random() < 0.8:
            lasts = min(source.uniform(0.2, 4), duration - place)
            rows.append([label, round(place, 3), round(place + lasts, 3)])
            place += lasts + source.uniform(0.1, 4)
    return rows


def found(source: random.Random, rows: list, duration: float, sloppiness: float) -> list:
    """Blur events: shifted, missed, taken for another class, or made up."""
    kept = []
    for label, onset, offset in rows:
        if source.random() < 0.5 * sloppiness:
            continue
        if source.random() < 0.4 * sloppiness:
            label = source.choice(CLASSES)
        onset = max(0, onset + source.gauss(0, 0.6 * sloppiness))
        offset = min(duration, offset + source.gauss(0, 0.9 * sloppiness))
        kept.append([label, round(onset, 3), round(offset, 3)])
    for _ in range(int(4 * sloppiness)):
        onset = source.uniform(0, duration - 0.6)
        kept.append([source.choice(CLASSES), round(onset, 3), round(onset + 0.5, 3)])
    clean: list = []
    for row in sorted(kept):
        meets = clean and clean[-1][0] == row[0] and row[1] <= clean[-1][2]
        if row[1] < row[2] and not meets:
            clean.append(row)
    return clean


def problem(seed: int) -> dict:
    """Draw some clips, annotated, and found at several operating points."""
    source = random.Random(seed)
    durations = [round(source.uniform(5, 30), 2) for _ in range(6)]
    reference = [annotated(source, duration) for duration in durations]
    points = [
        [
            found(source, rows, duration, (point + 1) / POINTS)
            for rows, duration in zip(reference, durations, strict=True)
        ]
        for point in range(POINTS)
    ]
    return {"durations": durations, "reference": reference, "points": points}


def by_sed_eval(given: dict) -> dict:
    """Evaluate the events of one operating point."""
    segments = sed_eval.sound_event.SegmentBasedMetrics(CLASSES, time_resolution=1.0)
    events = sed_eval.sound_event.EventBasedMetrics(
        CLASSES, t_collar=0.2, percentage_of_length=0.5, event_matching_type="optimal"
    )

    def container(rows: list) -> object:
        return dcase_util.containers.MetaDataContainer(
            [
                {"filename": "x", "event_label": label, "onset": onset, "offset": offset}
                for label, onset, offset in rows
            ]
        )

    for rows, estimated in zip(given["reference"], given["points"][3], strict=True):
        segments.evaluate(container(rows), container(estimated))
        events.evaluate(container(rows), container(estimated))
    answer = {}
    for name, metric in (("segment", segments), ("event", events)):
        overall = metric.results_overall_metrics()
        answer[name] = {
            "f1": overall["f_measure"]["f_measure"],
            "precision": overall["f_measure"]["precision"],
            "recall": overall["f_measure"]["recall"],
            "error_rate": overall["error_rate"]["error_rate"],
            "substitution_rate": overall["error_rate"]["substitution_rate"],
            "class_f1": [
                metric.results_class_wise_metrics()[label]["f_measure"]["f_measure"]
                for label in CLASSES
            ],
        }
    return answer


def by_psds_eval(given: dict) -> dict:
    """Give PSDS over all operating points."""

    def table(clips: list) -> pandas.DataFrame:
        return pandas.DataFrame(
            [
                {"filename": str(n), "onset": onset, "offset": offset, "event_label": label}
                for n, rows in enumerate(clips)
                for label, onset, offset in rows
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
        answer[name] = metric.psds(alpha_ct=alpha_ct, alpha_st=alpha_st, max_efpr=most).value
    return answer


def main() -> None:
    """Write the file."""
    cases = [problem(seed) for seed in range(8)]
    for case in cases:
        case["answer"] = {**by_sed_eval(case), **by_psds_eval(case)}
    text = json.dumps({"classes": CLASSES, "cases": cases}, separators=(",", ":"))
    Path(__file__).with_name("event_metrics.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
