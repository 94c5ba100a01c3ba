"""Fixtures of the tests of the core: small weight files in Keras' layout."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from yamkit.networks import mobilenet_v1, weight_shapes

CLASSES = 7


@pytest.fixture(scope="session")
def keras_weights():
    """Weights by the paths Keras 2 gives them: a quarter of YAMNet's width, seven classes."""
    random = np.random.default_rng(1)
    layers = mobilenet_v1(0.25)
    keras = {"beta": "bn/beta", "mean": "bn/moving_mean", "variance": "bn/moving_variance"}
    arrays = {}
    for name, shape in weight_shapes(layers, CLASSES).items():
        values = random.normal(0, 0.1, shape).astype("f4")
        layer, _, weight = name.rpartition("/")
        if layer == "classifier":
            arrays[f"dense/dense/{weight}:0"] = values
            continue
        if weight == "variance":
            values = abs(values) + 0.5
        layer += "" if layer == "layer1/conv" else "_conv"
        if layer.endswith("depthwise_conv") and weight == "kernel":
            weight, values = "depthwise_kernel", values[..., None]
        inner = keras.get(weight, weight)
        group = f"{layer}/bn" if inner.startswith("bn/") else layer
        arrays[f"{group}/{layer}/{inner}:0"] = values
    return arrays


@pytest.fixture(scope="session")
def write_h5():
    """Write arrays to an HDF5 file."""

    def write(path: Path, arrays: dict[str, np.ndarray], root: str = "") -> Path:
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file.create_dataset(root + name, data=array)
        return path

    return write


@pytest.fixture(scope="session")
def small_h5(keras_weights, write_h5, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound weight file; not to be changed."""
    return write_h5(tmp_path_factory.mktemp("h5") / "Small Net.h5", keras_weights)


@pytest.fixture(scope="session")
def small_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The class map that goes with `small_h5`."""
    path = tmp_path_factory.mktemp("classes") / "classes.csv"
    rows = "".join(f'{i},/m/{i},"Class {i}, of {CLASSES}"\n' for i in range(CLASSES))
    path.write_text(f"index,mid,display_name\n{rows}")
    return path
