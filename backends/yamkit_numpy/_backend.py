"""MobileNet v1 in NumPy, written for readability.

Every convolution is a matrix product or a sum of shifted images, and batch normalisation is folded
into kernel and bias.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from yamkit.networks import fold_batch_norm, mobilenet_v1, same_padding
from yamkit_numpy._threads import one_blas_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from yamkit.networks import Convolution
    from yamkit.plugin import BackendOptions, Model

__all__ = ["NumpyBackend"]

_MOST_AT_ONCE = 8
"""Patches of full width in one matrix product: more would not fit the cache."""


class NumpyBackend:
    """The backend; it holds only folded weights, so any thread may use it.

    A batch is divided among threads, each of which runs the whole network on its patches: this also
    distributes the convolutions that are not matrix products.

    Parameters
    ----------
    model : Model
        A model of kind ``mobilenet-v1``.
    options : BackendOptions
        ``threads`` None uses the cores that this process may use.
    """

    def __init__(self, model: Model, options: BackendOptions) -> None:
        weights = model.load_weights()
        epsilon = model.network.batch_norm_epsilon
        self._layers = [
            (layer, *fold_batch_norm(layer, weights, epsilon))
            for layer in mobilenet_v1(model.network.width)
        ]
        self._kernel = weights["classifier/kernel"]  # [E, C]
        self._bias = weights["classifier/bias"]  # [C]
        self._threads = options.thread_count
        self._most_at_once = max(1, round(_MOST_AT_ONCE / model.network.width))

    def predict(
        self, patches: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Score a batch; see `yamkit.plugin.Backend`."""
        count = len(patches)
        scores = np.empty((count, len(self._bias)), np.float32)
        embeddings = np.empty((count, len(self._kernel)), np.float32)
        size = max(1, min(self._most_at_once, -(-count // self._threads)))

        def run(start: int) -> None:
            part = slice(start, start + size)
            x = patches[part, :, :, np.newaxis]  # [B, frames, bands, 1]
            for layer, kernel, bias in self._layers:
                x = _convolve(x, layer, kernel, bias)  # [B, h, w, filters]
            embeddings[part] = x.mean(axis=(1, 2))
            scores[part] = _sigmoid(embeddings[part] @ self._kernel + self._bias)

        with one_blas_thread(), ThreadPoolExecutor(self._threads) as pool:
            for _ in pool.map(run, range(0, count, size)):
                pass  # raises the exceptions of the threads
        return scores, embeddings

    def close(self) -> None:
        """Do nothing: there are only arrays."""


def _convolve(
    x: NDArray[np.float32],
    layer: Convolution,
    kernel: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Convolve, add the bias, apply ReLU: [B, H, W, channels] -> [B, h, w, filters]."""
    if layer.kind == "pointwise":
        y = _product(x, kernel)
    elif layer.kind == "conv":
        y = _product(np.concatenate(_shifted(x, layer), axis=-1), kernel)
    else:
        y = _weighted_sum(_shifted(x, layer), kernel.reshape(-1, layer.channels))
    rows = _rows(y)
    rows += np.tile(bias, y.shape[2])
    np.maximum(rows, 0, out=rows)
    return y


def _rows(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Merge columns and channels into one axis: NumPy is slow over a short last axis."""
    rows: NDArray[np.float32] = x.reshape(*x.shape[:2], -1)
    return rows


def _shifted(x: NDArray[np.float32], layer: Convolution) -> list[NDArray[np.float32]]:
    """Return the input of each tap of the kernel: k * k views [B, h, w, channels]."""
    size, stride = layer.kernel, layer.stride
    height, *rows = same_padding(x.shape[1], size, stride)
    width, *columns = same_padding(x.shape[2], size, stride)
    x = np.pad(x, ((0, 0), rows, columns, (0, 0)))
    return [
        x[:, i : i + stride * height : stride, j : j + stride * width : stride]
        for i in range(size)
        for j in range(size)
    ]


def _weighted_sum(
    images: list[NDArray[np.float32]], taps: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Add k * k images [B, h, w, channels], each times its tap [channels]."""
    shape = images[0].shape
    row_taps = np.tile(taps, shape[2])  # [k * k, w * channels]
    y = _rows(images[0]) * row_taps[0]
    product = np.empty_like(y)
    for image, tap in zip(images[1:], row_taps[1:], strict=True):
        np.multiply(_rows(image), tap, out=product)
        y += product
    total: NDArray[np.float32] = y.reshape(shape)
    return total


def _product(x: NDArray[np.float32], kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Multiply [B, h, w, n] by a kernel of n rows.

    As one product of two matrices; with four axes NumPy would compute one for each image row.
    """
    matrix = kernel.reshape(x.shape[-1], -1)  # [n, filters]
    y: NDArray[np.float32] = x.reshape(-1, len(matrix)) @ matrix  # [B * h * w, filters]
    return y.reshape(*x.shape[:3], -1)


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute 1 / (1 + exp(-x)) without overflow."""
    smaller = np.exp(-np.abs(logits))
    scores: NDArray[np.float32] = np.where(logits >= 0, 1, smaller) / (1 + smaller)
    return scores
