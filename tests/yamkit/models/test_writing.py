"""Bundles as they are written."""

from __future__ import annotations

import numpy as np
import pytest

from tests.yamkit.models.bundles import arguments
from yamkit.errors import BundleError, ParameterError
from yamkit.models.writing import ModelDescription, write_bundle


def test_writing_twice_gives_the_same_bytes(tiny, tmp_path):
    bundle = write_bundle(
        tmp_path, ModelDescription(**arguments(tiny)), weights=tiny.load_weights()
    )
    assert bundle.sha256 == tiny.sha256
    for name in tiny.files:
        assert (tmp_path / name).read_bytes() == (tiny.folder / name).read_bytes()


def test_half_precision_weights(tiny, tmp_path):
    half = {name: array.astype(np.float16) for name, array in tiny.load_weights().items()}
    bundle = write_bundle(tmp_path, ModelDescription(**arguments(tiny)), weights=half)
    for name, array in bundle.load_weights().items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, half[name].astype(np.float32))


@pytest.mark.parametrize("given", [{}, {"weights": {}, "network_file": b""}])
def test_either_weights_or_a_graph_is_written(tiny, tmp_path, given):
    with pytest.raises(ParameterError, match="weights= and network_file="):
        write_bundle(tmp_path, ModelDescription(**arguments(tiny)), **given)
    assert not list(tmp_path.iterdir())


def test_text_that_is_not_unicode_is_not_written(tiny, tmp_path):
    with pytest.raises(BundleError, match="must be valid Unicode"):
        write_bundle(
            tmp_path, ModelDescription(**arguments(tiny) | {"source": "\udc80"}), network_file=b""
        )


def test_unsound_arguments_are_not_a_bundle(tiny, tmp_path):
    with pytest.raises(BundleError, match="name 'Tiny'"):
        write_bundle(tmp_path, ModelDescription(**arguments(tiny) | {"name": "Tiny"}), weights={})
