"""Files of strangers that broke a promise: one clear line each, in bounded memory and time."""

from __future__ import annotations

import gzip

import numpy as np
import onnx
import pytest

from tests.yamkit.audio.sounds import Pipe
from yamkit.audio import open_audio
from yamkit.errors import BundleError, DecodeError, WeightFileError
from yamkit.models.bundle import load_bundle
from yamkit.models.importing import ImportOptions, import_model
from yamkit.models.keras_h5 import read_keras_h5
from yamkit.models.store import find_model
from yamkit.pipeline.trial import try_network
from yamkit.plugin import BackendOptions
from yamkit_onnx._backend import OnnxBackend

BUNDLES = {
    "npz-bz2-bomb": "neither stored nor deflated",
    "npz-index-error": "has a header that does not describe an array of numbers",
    "npz-lzma-error": "neither stored nor deflated",
    "npz-token-error": "has a header that does not describe an array of numbers",
    "toml-dotted-key-10000": "a key of more than 16 parts",
    "toml-hex-int": "more than 256 characters",
    "toml-huge-patch": "must be at most",
    "toml-name-surrogate": "damaged, or not an npz file",
    "toml-nested-repr": "a key of more than 16 parts",
}


@pytest.mark.parametrize("name", sorted(BUNDLES))
def test_bundles(shared, name):
    with pytest.raises(BundleError, match=BUNDLES[name]) as caught:
        load_bundle(shared / "cases" / "hostile" / name).verify()
    assert str(caught.value).isprintable()


@pytest.mark.long(reason="tags many clips")
def test_a_weight_file(shared):
    with pytest.raises(WeightFileError, match="damaged, or not written by Keras 2"):
        read_keras_h5(shared / "cases" / "hostile" / "h5" / "keras-h5-314.bin")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hostile/onnx/loop-forever.onnx", "may execute more than 10,000,000 operators"),
        ("hostile/onnx/shadow-contrib.onnx", "a domain that belongs to an engine"),
        ("numbers/bntrain.onnx", "the scores of a patch differ by .* export the network in inf"),
        ("numbers/hub.onnx", "a recording that the network divides"),
    ],
)
def test_networks(shared, name, message):
    path = shared / "cases" / name
    mini = find_model("yamnet-mini")
    with pytest.raises((BundleError, WeightFileError), match=message) as caught:
        import_model(path, name="x", options=ImportOptions(like=mini), check=try_network)
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).isprintable()


def test_the_engine_runs_the_graph_that_was_checked(shared, tmp_path):
    path = tmp_path / "polyglot.onnx"
    path.write_bytes(gzip.decompress((shared / "cases/hostile/onnx/polyglot.onnx.gz").read_bytes()))
    bundle = import_model(
        path, name="x", options=ImportOptions(like=find_model("yamnet-mini")), check=try_network
    )
    scores, _ = OnnxBackend(bundle, BackendOptions()).predict(np.ones((1, 96, 64), np.float32))
    initializers = {
        each.name: onnx.numpy_helper.to_array(each)
        for each in onnx.load_model_from_string(path.read_bytes()).graph.initializer
    }
    (kernel,) = (value for value in initializers.values() if value.ndim == 2)
    logits = np.ones((1, 64)) @ kernel
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-logits)), atol=1e-5)


@pytest.mark.parametrize("is_pipe", [False, True])
def test_a_file_at_1_hz(shared, is_pipe):
    path = shared / "cases" / "hostile" / "wav" / "hz1-20k.wav"
    with pytest.raises(DecodeError, match="sample rate 1 Hz: must be 100 to 10000000"):
        open_audio(Pipe(path.read_bytes()) if is_pipe else path)
