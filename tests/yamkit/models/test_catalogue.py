from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

import pytest

from yamkit.errors import UnknownModelError
from yamkit.models.catalogue import published, published_names
from yamkit.networks import mobilenet_v1, multiplications, parameter_count


@pytest.mark.parametrize("name", published_names())
def test_every_published_model_is_complete(name):
    model = published(name)
    assert model.name == name
    assert urlsplit(model.source).scheme == "https"
    assert len(model.sha256) == hashlib.sha256().digest_size * 2
    assert model.size_bytes > 0
    assert model.licence
    assert model.classes


def test_yamnet_costs_what_is_known_of_it():
    model = published("yamnet")
    layers = mobilenet_v1(model.network.width)
    assert len(model.classes) == 521
    assert parameter_count(layers, 521) == 3_729_481
    assert multiplications(layers, model.features.patch_shape, 521) == 69_165_056
    assert model.features.patch_window_samples == 15_600


def test_an_unknown_model():
    with pytest.raises(UnknownModelError, match="'vggish': must be one of yamnet; `yamkit models"):
        published("vggish")
