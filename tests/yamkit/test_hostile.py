"""Files of strangers that broke a promise: one clear line each, in bounded memory and time."""

from __future__ import annotations

import pytest

from yamkit.errors import BundleError, WeightFileError
from yamkit.models.bundle import load_bundle
from yamkit.models.keras_h5 import read_keras_h5

BUNDLES = {
    "npz-bz2-bomb": "neither stored nor deflated",
    "npz-index-error": "has a header that is not one of an array of numbers",
    "npz-lzma-error": "neither stored nor deflated",
    "npz-token-error": "has a header that is not one of an array of numbers",
    "toml-dotted-key-10000": "a key of more than 16 parts",
    "toml-hex-int": "more than 256 characters",
    "toml-huge-patch": "it must be at most",
    "toml-name-surrogate": "damaged, or not an npz file",
    "toml-nested-repr": "a key of more than 16 parts",
}


@pytest.mark.parametrize("name", sorted(BUNDLES))
def test_bundles(shared, name):
    with pytest.raises(BundleError, match=BUNDLES[name]) as caught:
        load_bundle(shared / "cases" / "hostile" / name).verify()
    assert str(caught.value).isprintable()


def test_a_weight_file(shared):
    with pytest.raises(WeightFileError, match="damaged, or not as Keras 2 writes it"):
        read_keras_h5(shared / "cases" / "hostile" / "h5" / "keras-h5-314.bin")
