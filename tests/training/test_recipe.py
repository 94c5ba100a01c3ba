"""Recipes are read whole, and what is wrong in one is said in a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.small_recipe import CHANGES, RECIPE
from training.recipe import read_recipe
from yamkit.errors import ParameterError

HELD_OUT = {
    "librosa/data",
    "scikit-maad/scikit-maad",
    "kitzeslab/opensoundscape",
    "OpenTTD/OpenSFX",
    "minetest/minetest_game",
    "Fris0uman/CDDA-Soundpacks",
}


def test_the_recipe_of_yamnet_mini() -> None:
    recipe = read_recipe(RECIPE)
    assert (recipe.name, recipe.width) == ("yamnet-mini", 0.5)
    assert set(recipe.data.held_out) == HELD_OUT
    assert sum(recipe.mixtures.sounds) == pytest.approx(1)
    assert not HELD_OUT & {*recipe.data.validation_only, *recipe.data.left_out}


def test_random_numbers_are_never_used_twice() -> None:
    recipe = read_recipe(RECIPE)
    uses = ("mixtures", "batches", "generated")
    drawn = {recipe.random(use, n).random() for use in uses for n in range(5)}
    assert len(drawn) == 15
    assert recipe.random("mixtures", 1).random() in drawn


def test_a_recipe_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(b'name = "\xff"')
    with pytest.raises(ParameterError, match="not UTF-8 text"):
        read_recipe(path)


def test_changes() -> None:
    recipe = read_recipe(RECIPE, CHANGES)
    assert (recipe.name, recipe.training.steps) == ("pupil", 30)
    assert recipe.mixtures == read_recipe(RECIPE).mixtures


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("width = 0.5", "widht = 0.5", "unknown key 'widht'"),
        ("width = 0.5", "", "no key 'width'"),
        ("width = 0.5", "width = true", "width = True: must be float"),
        ("batch_size = 128", 'batch_size = "many"', "batch_size = 'many': must be int"),
        ("batch_size = 128", "batch_size = 0", "batch_size = 0: must be 2 to 65536"),
        ("balance = 0.6", "balance = 1.5", "balance = 1.5: must be 0 to 1"),
        ("balance = 0.6", "balance = nan", "balance = nan: must be 0 to 1"),
        ("[0.7, 0.25, 0.05]", "[0.7, 0.25]", "sounds = [0.7, 0.25]: must be"),
        ("[0.7, 0.25, 0.05]", "[1.5, -0.5]", "sounds = [1.5, -0.5]: must be 0 to 1"),
        ("[0.7, 0.25, 0.05]", '["all"]', "sounds = ['all']: must be 0 to 1"),
        ("[-30.0, 0.0]", "[0.0, -30.0]", "gain_db = [0.0, -30.0]: must be the lowest and"),
        ("[-30.0, 0.0]", "[-30.0]", "gain_db = [-30.0]: must be the lowest and"),
        (
            "generated_clips = 16_000",
            "generated_clips = 0",
            "generated_share = 0.2 requires generated_clips",
        ),
        ('"oramics/sampled" = "l', '"oramics/sampled" = 1 # "', "= 1: must be a reason"),
        ('"oramics/sampled"', '"librosa/data"', "'librosa/data' is both held_out and left_out"),
        ("[training]", "[learning]", "unknown key 'learning'"),
        ("[data]", "[[data]]", "data = ["),
        ("[mixtures]", "[mixtures", "recipe.toml"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.read_text().replace(old, new, 1))
    with pytest.raises(ParameterError) as caught:
        read_recipe(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"), [("training.stpes", "3"), ("nothing.at.all", "3"), ("name.more", "3")]
)
def test_changes_of_what_is_not_there(key: str, value: str) -> None:
    with pytest.raises(ParameterError, match="no such key"):
        read_recipe(RECIPE, {key: value})


def test_a_change_that_is_no_toml() -> None:
    with pytest.raises(ParameterError):
        read_recipe(RECIPE, {"training.steps": "many"})
