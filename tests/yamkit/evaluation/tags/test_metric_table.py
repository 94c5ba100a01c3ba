"""The table of metrics is the only place to change for a new metric, besides its page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.yamkit.evaluation.reports import set_report
from yamkit.evaluation import METRICS, report
from yamkit.evaluation.tags import evaluate, metric_table
from yamkit.evaluation.tags import report as tags_report
from yamkit.evaluation.tags.counts import ScoredClips
from yamkit.evaluation.tags.metric_table import (
    CLASS_METRICS,
    SET_METRICS,
    ClassMetric,
    SetMetric,
    compute_metrics,
)

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "evaluation.md"


def test_every_metric_has_its_own_key_and_title() -> None:
    for table in (CLASS_METRICS, SET_METRICS):
        assert len({metric.key for metric in table}) == len(table)
    assert len(set(METRICS.values())) == len(METRICS)
    keys = {metric.key for metric in CLASS_METRICS}
    assert {metric.over for metric in SET_METRICS} <= keys | {None}


def test_every_metric_is_on_its_page() -> None:
    page = PAGE.read_text("utf-8")
    assert [title for title in METRICS.values() if title not in page] == []
    assert [metric.key for metric in CLASS_METRICS if f"`{metric.key}`" not in page] == []


def test_shapes_are_those_of_classes_and_weightings() -> None:
    random = np.random.default_rng(0)
    truth, scores = random.random((20, 3)) < 0.4, random.random((20, 3))
    counts = ScoredClips(truth, scores, 0.5).count(random.integers(0, 3, (20, 7)).astype("f8"))
    summary, classes = compute_metrics(counts)
    assert {value.shape for value in summary.values()} == {(7,)}
    assert {value.shape for value in classes.values()} == {(3, 7)}


def test_a_new_metric_is_in_every_report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    of_class = ClassMetric("share_tagged", lambda counts: counts.tagged / 12, "tagged")
    of_set = SetMetric("mean_share", "share, mean", lambda _, classes: classes["share_tagged"][0])
    for module in (metric_table, evaluate, tags_report):
        monkeypatch.setattr(module, "CLASS_METRICS", (*CLASS_METRICS, of_class))
        monkeypatch.setattr(module, "SET_METRICS", (*SET_METRICS, of_set), raising=False)
    item = set_report(4, bootstrap=5)
    other = replace(item, system={"model": "other"})
    assert "share_tagged" in item.report.classes[0].metrics
    text = report.as_text([item, other])
    assert "share, mean" in text
    assert "  tagged" in text
    document = json.loads(report.as_json_text([item, other]))
    (first, second), (difference,) = document["systems"], document["differences"]
    assert first["summary"]["mean_share"] == second["summary"]["mean_share"]
    assert difference["summary"]["mean_share"]["value"] == 0
    assert len(first["classes"][0]["intervals"]["share_tagged"]) == 2
    report.write_report([item], tmp_path)
    head = (tmp_path / "classes.csv").read_text().splitlines()[0]
    assert head.endswith("share_tagged,share_tagged_low,share_tagged_high")
