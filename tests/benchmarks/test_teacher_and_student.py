"""What the model inside the package reaches, measured as the program does it.

Wanted are 0.87 on ESC-10, and on clear patches of the held-out collections the teacher's first
choice on half of them, one of its first five on four fifths.
"""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from benchmarks.teacher_and_student import (
    CATEGORIES,
    held_out,
    print_aggregates,
    print_esc10,
    print_held_out,
    zero_shot,
)
from yamkit import Tagger
from yamkit.models.bundle import ModelBundle
from yamkit.models.store import FALLBACK_MODEL
from yamkit.scores.aggregate import AGGREGATES


@pytest.mark.long(reason="starts processes")
def test_zero_shot(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Tagger(FALLBACK_MODEL) as student:
        found = zero_shot(shared / "audio" / "esc10", student)
    assert set(found) == set(AGGREGATES)
    assert set(found["mean"].precisions) == set(CATEGORIES)
    means = {name: statistics.mean(each.precisions.values()) for name, each in found.items()}
    assert means["mean"] >= 0.87
    assert means["sounding"] > means["mean"] + 0.01
    assert found["sounding"].silent < 0.02 < 0.15 < found["mean"].silent
    print_esc10([found["mean"].precisions] * 2)
    assert len(capsys.readouterr().out.splitlines()) == 4 + len(CATEGORIES)
    print_aggregates([found, found])
    assert len(capsys.readouterr().out.splitlines()) == 3 + len(AGGREGATES)


@pytest.mark.long(reason="starts processes")
def test_agreement(shared: Path, yamnet: ModelBundle, capsys: pytest.CaptureFixture[str]) -> None:
    with Tagger(yamnet) as teacher, Tagger(FALLBACK_MODEL) as student:
        found = held_out(shared / "training-audio", teacher, student)
    assert len(found) == 7
    pooled = found["pooled"]
    assert pooled.patches == sum(part.patches for name, part in found.items() if name != "pooled")
    assert pooled.clear_first >= 0.5
    assert pooled.clear_first_in_five >= 0.8
    print_held_out(found)
    assert f"{pooled.clear_first:.1%}" in capsys.readouterr().out
