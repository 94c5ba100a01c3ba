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


def test_changes() -> None:
    recipe = read_recipe(RECIPE, CHANGES)
    assert (recipe.name, recipe.training.steps) == ("pupil", 30)
    assert recipe.mixtures == read_recipe(RECIPE).mixtures


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("width = 0.5", "widht = 0.5", "unknown key 'widht'"),
        ("width = 0.5", "", "no key 'width'"),
        ("width = 0.5", "width = true", "width = True; wanted float"),
        ("batch_size = 128", 'batch_size = "many"', "batch_size = 'many'; wanted int"),
        ("[training]", "[learning]", "unknown key 'learning'"),
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
