"""Shards follow from their number, in whatever process they are made."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from tests.training.small_recipe import CHANGES, RECIPE
from training.recipe import read_recipe
from training.teacher import open_teacher
from yamkit.models.bundle import ModelBundle

pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.fixture
def prepared(audio: Path, tmp_path: Path, tiny: ModelBundle):
    from training.prepare import prepare

    changes = {
        **CHANGES,
        "data.left_out": '{"collection1" = "left out"}',
        "data.validation_part": "0.3",
        "training.shard_size": "4",
        "training.pool_shards": "2",
        "training.batch_size": "8",
    }
    recipe = read_recipe(RECIPE, changes)
    teacher = open_teacher(tiny, 1)
    index = audio / "index.csv"
    said: list[str] = []
    mixer, validation = prepare(recipe, audio, index, teacher, tmp_path / "s.i16", said.append)
    teacher.close()
    return recipe, mixer, validation, said


def test_collections_that_are_left_out_are_nowhere(prepared) -> None:
    _, _, validation, said = prepared
    assert set(validation.collections) == {"collection0"}
    assert validation.patches.shape[1:] == (24, 20)
    assert len(validation.scores) == len(validation.patches) == len(validation.collections)
    assert any(line.startswith("training: ") and "of 1 collections" in line for line in said)


def test_another_process_makes_the_same_shard(prepared, tiny: ModelBundle) -> None:
    from training.stream import Shards

    recipe, mixer, _, _ = prepared
    shards = Shards(mixer, tiny, recipe)
    sent = pickle.loads(pickle.dumps(shards))  # as a process that is not forked gets it
    for number in (0, 3):
        one, other = shards[number], sent[number]
        np.testing.assert_array_equal(one.patches, other.patches)
        np.testing.assert_array_equal(one.logits, other.logits)
    assert (shards[0].patches != shards[1].patches).any()


def test_a_pool_that_begins_later_draws_the_same(prepared, tiny: ModelBundle) -> None:
    from training.stream import Pool, Shards

    recipe, mixer, _, _ = prepared
    shards = Shards(mixer, tiny, recipe)
    pool = Pool(shards, recipe, 0, workers=0)
    batches = [pool.batch() for _ in range(4)]
    later = Pool(shards, recipe, 2, workers=0)
    for batch in batches[2:]:
        same = later.batch()
        np.testing.assert_array_equal(batch.patches, same.patches)
        np.testing.assert_array_equal(batch.logits, same.logits)
    assert (batches[0].patches != batches[1].patches).any()
