"""MobileNet v1 in tf_keras, layer by layer, with batch normalisation as trained.

Keras 2 has its own name, `tf_keras`: it does not depend on the Keras that is installed.
"""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit.errors import ProviderWarning
from yamkit.networks import mobilenet_v1

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is imported

import tensorflow as tf
import tf_keras

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from yamkit.networks import Convolution
    from yamkit.plugin import BackendOptions, Model

__all__ = ["KerasBackend", "build", "tf"]


class KerasBackend:
    """The backend; one traced function, which any thread may call.

    Parameters
    ----------
    model : Model
        A model of kind ``mobilenet-v1``.
    options : BackendOptions
        ``threads`` applies to TensorFlow's runtime, one per process: if it already runs with
        another number, that number is kept, with a `ProviderWarning`.
    """

    def __init__(self, model: Model, options: BackendOptions) -> None:
        _set_threads(options.threads)
        self._device = "/cpu:0"
        if options.provider != "cpu":
            if tf.config.list_logical_devices("GPU"):
                self._device = "/gpu:0"
            else:
                warnings.warn(
                    f"provider {options.provider!r}: TensorFlow finds no GPU; the network runs "
                    "on cpu",
                    ProviderWarning,
                    stacklevel=2,
                )
        with tf.device(self._device):
            network = build(model)

        signature = tf.TensorSpec([None, *model.features.patch_shape], tf.float32)

        @tf.function(input_signature=[signature], autograph=False)  # type: ignore[untyped-decorator]
        def predict(patches: Any) -> Any:
            return network(patches, training=False)

        self._predict = predict
        self._sizes = (len(model.classes), model.network.embedding_size)

    def predict(
        self, patches: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Score a batch; see `yamkit.plugin.Backend`."""
        if not len(patches):  # TensorFlow's depthwise convolution fails on an empty batch
            classes, embedding_size = self._sizes
            return np.empty((0, classes), np.float32), np.empty((0, embedding_size), np.float32)
        with tf.device(self._device):
            scores, embeddings = self._predict(tf.constant(patches))
        return scores.numpy(), embeddings.numpy()

    def close(self) -> None:
        """Do nothing: the network is freed with its last reference."""


def build(model: Model) -> Any:
    """Build [B, frames, bands] -> scores [B, C], embeddings [B, E]."""
    layers = tf_keras.layers
    weights = model.load_weights()
    patches = layers.Input(model.features.patch_shape)
    x = layers.Reshape((*model.features.patch_shape, 1))(patches)
    for layer in mobilenet_v1(model.network.width):
        x = _convolution(layer, weights)(x)
        epsilon = model.network.batch_norm_epsilon
        x = _set(
            layers.BatchNormalization(scale=False, epsilon=epsilon),
            x,
            [weights[f"{layer.name}/{name}"] for name in ("beta", "mean", "variance")],
        )
        x = layers.ReLU()(x)
    embeddings = layers.GlobalAveragePooling2D()(x)
    classifier = [weights["classifier/kernel"], weights["classifier/bias"]]
    dense = layers.Dense(len(model.classes), activation="sigmoid")
    scores = _set(dense, embeddings, classifier)
    return tf_keras.Model(patches, [scores, embeddings])


def _convolution(layer: Convolution, weights: Mapping[str, NDArray[np.float32]]) -> Any:
    kernel = weights[f"{layer.name}/kernel"]
    options = {"strides": layer.stride, "padding": "same", "use_bias": False}
    if layer.kind == "depthwise":
        convolution = tf_keras.layers.DepthwiseConv2D(layer.kernel, **options)
        kernel = kernel[..., np.newaxis]  # [k, k, channels, 1]
    else:
        convolution = tf_keras.layers.Conv2D(layer.filters, layer.kernel, **options)
    return lambda x: _set(convolution, x, [kernel])


def _set(layer: Any, x: Any, weights: list[NDArray[np.float32]]) -> Any:
    """Apply a layer, which creates its variables, and set them."""
    y = layer(x)
    layer.set_weights(weights)
    return y


def _set_threads(threads: int | None) -> None:
    if threads is None or tf.config.threading.get_intra_op_parallelism_threads() == threads:
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    except RuntimeError:
        warnings.warn(
            f"threads {threads}: TensorFlow already runs in this process with another number, and "
            "keeps it; choose the threads before anything uses TensorFlow",
            ProviderWarning,
            stacklevel=3,
        )
