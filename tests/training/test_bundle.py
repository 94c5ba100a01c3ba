"""What a training gives is a bundle, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.training.small_recipe import CHANGES, RECIPE
from training.recipe import read_recipe
from yamkit.errors import ParameterError
from yamkit.models.bundle import ModelBundle
from yamkit.networks import mobilenet_v1, weight_shapes

pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.fixture
def weights(tiny: ModelBundle) -> dict[str, np.ndarray]:
    shapes = weight_shapes(mobilenet_v1(0.25), len(tiny.classes))
    random = np.random.default_rng(0)
    return {name: random.random(shape, np.float32) for name, shape in shapes.items()}


def test_halves_are_near_enough(weights, tmp_path: Path, tiny: ModelBundle) -> None:
    from training.bundle import export

    bundle = export(weights, read_recipe(RECIPE, CHANGES), tiny, tmp_path / "deep" / "pupil")
    for name, value in bundle.load_weights().items():
        np.testing.assert_allclose(value, weights[name], rtol=1 / 2048, atol=3e-8, err_msg=name)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["pupil"]


@pytest.mark.parametrize("value", [1e5, np.nan])
def test_a_weight_that_no_half_holds(weights, value, tmp_path: Path, tiny: ModelBundle) -> None:
    from training.bundle import export

    weights["classifier/bias"][2] = value
    with pytest.raises(ParameterError, match=r"classifier/bias: a weight of .* beyond float16"):
        export(weights, read_recipe(RECIPE, CHANGES), tiny, tmp_path / "pupil")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"name": '"No name"'},
            "recipe: name 'No name'",
        ),
        ({"source": '"two\\nlines"'}, "recipe: source"),
    ],
)
def test_what_makes_no_bundle_is_found_before(
    change, message, tiny: ModelBundle, tmp_path: Path
) -> None:
    from training.bundle import check_export

    check_export(read_recipe(RECIPE, CHANGES), tiny, tmp_path / "deep" / "pupil")
    assert list((tmp_path / "deep").iterdir()) == []
    with pytest.raises(ParameterError) as caught:
        check_export(read_recipe(RECIPE, {**CHANGES, **change}), tiny, tmp_path / "pupil")
    assert str(caught.value).startswith(message)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        check_export(read_recipe(RECIPE, CHANGES), tiny, tmp_path / "file" / "pupil")
