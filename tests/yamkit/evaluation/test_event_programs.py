"""Metrics of events equal those of sed_eval and psds_eval on random problems."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.yamkit.evaluation.event_problems import (
    CLASSES,
    POINTS,
    PROBLEMS,
    by_yamkit,
    clips,
    differences,
    problem,
)
from yamkit.evaluation.events.counts import ClipEvents, merged
from yamkit.evaluation.events.psds import (
    PSDS_1,
    PSDS_2,
    PsdsScenario,
    intersection_counts,
    psds,
)

KEPT = json.loads(Path(__file__).with_name("event_metrics.json").read_text())
SCENARIOS = {
    "psds_1": PSDS_1,
    "psds_2": PSDS_2,
    "psds_wide": PsdsScenario(0.5, 0.5, 0.3, 1.0, 0.0, 20000),
}


def test_the_problems_include_every_kind() -> None:
    assert len(KEPT["answers"]) == PROBLEMS == 200
    events = [
        (row, given["durations"][n], rows)
        for given in map(problem, range(PROBLEMS))
        for n, rows in enumerate(given["reference"])
        for row in rows
    ]
    assert sum(row[1] == 0 for row, _, _ in events) > 100
    assert sum(row[2] == end for row, end, _ in events) > 100
    assert sum(row[1] < end < row[2] for row, end, _ in events) > 100
    assert sum(row[1] >= end for row, end, _ in events) > 100
    assert sum(row[1] == end for row, end, _ in events) > 10
    assert sum(rows.count(row) > 1 for row, _, rows in events) > 100
    assert (
        sum(any(row[0] == r[0] and row[1] < r[1] < row[2] for r in rows) for row, _, rows in events)
        > 100
    )


@pytest.mark.parametrize("seed", range(0, PROBLEMS, 10))
def test_equal_to_sed_eval(seed: int) -> None:
    for each in range(seed, seed + 10):
        found = by_yamkit(problem(each), each % POINTS)
        assert differences(found, KEPT["answers"][each]) == []


@pytest.mark.parametrize("seed", range(0, PROBLEMS, 10))
@pytest.mark.long(reason="many random problems")
def test_equal_to_psds_eval(seed: int) -> None:
    for each in range(seed, seed + 10):
        given = problem(each)
        annotated = {row[0] for rows in given["reference"] for row in rows}
        for name, scenario in SCENARIOS.items():
            held = [joined(clips(given, point)) for point in range(POINTS)]
            points = [intersection_counts(point, len(CLASSES), scenario) for point in held]
            found = psds(held[0], points, len(CLASSES), scenario)
            expected = KEPT["answers"][each][name]
            if len(annotated) == 1:  # psds_eval divides by the number of other classes
                assert expected == 0 <= found
            else:
                assert found == pytest.approx(expected, abs=1e-9), (each, name)


def joined(given: list[ClipEvents]) -> list[ClipEvents]:
    """Join found events of a class that overlap: psds_eval refuses them."""
    return [replace(clip, estimated=merged(clip.estimated)) for clip in given]
