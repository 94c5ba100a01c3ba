"""MobileNet v1 with NumPy alone, to be read.

Every convolution is a matrix product or a sum of shifted images, and batch normalisation is folded
into kernel and bias.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from yamkit.networks import fold_batch_norm, mobilenet_v1, same_padding

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from yamkit.networks import Convolution
    from yamkit.plugin import BackendOptions, Model

__all__ = ["NumpyBackend"]

_SLICE = 4
"""Patches computed at once: their images stay in the cache, their matrices are large enough."""


class NumpyBackend:
    """The backend; holds folded weights alone, so any thread may use it.

    Parameters
    ----------
    model : Model
        Of kind ``mobilenet-v1``.
    options : BackendOptions
        ``threads`` are those of NumPy's BLAS library.
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
        self._threads = options.threads

    def predict(
        self, patches: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Score a batch; see `yamkit.plugin.Backend`."""
        scores = np.empty((len(patches), len(self._bias)), np.float32)
        embeddings = np.empty((len(patches), len(self._kernel)), np.float32)
        with self._thread_limit():
            for start in range(0, len(patches), _SLICE):
                part = slice(start, start + _SLICE)
                x = patches[part, :, :, np.newaxis]  # [B, frames, bands, 1]
                for layer, kernel, bias in self._layers:
                    x = _convolve(x, layer, kernel, bias)  # [B, h, w, filters]
                embeddings[part] = x.mean(axis=(1, 2))
                scores[part] = _sigmoid(embeddings[part] @ self._kernel + self._bias)
        return scores, embeddings

    def close(self) -> None:
        """Do nothing: there are arrays alone."""

    def _thread_limit(self) -> AbstractContextManager[object]:
        if self._threads is None:
            return nullcontext()
        from threadpoolctl import threadpool_limits

        limits: AbstractContextManager[object] = threadpool_limits(self._threads, "blas")
        return limits


def _convolve(
    x: NDArray[np.float32],
    layer: Convolution,
    kernel: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Convolve, add the bias, cut at zero: [B, H, W, channels] -> [B, h, w, filters]."""
    if layer.kind == "pointwise":
        y = x @ kernel[0, 0]  # [B, H, W, channels] @ [channels, filters]
    else:
        size, stride = layer.kernel, layer.stride
        height, *rows = same_padding(x.shape[1], size, stride)
        width, *columns = same_padding(x.shape[2], size, stride)
        x = np.pad(x, ((0, 0), rows, columns, (0, 0)))
        if layer.kind == "conv":
            windows = sliding_window_view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]
            # [B, h, w, channels * k * k] @ [channels * k * k, filters]
            windows = windows.reshape(len(x), height, width, -1)
            y = windows @ kernel.transpose(2, 0, 1, 3).reshape(-1, layer.filters)
        else:
            y = np.zeros((len(x), height, width, layer.filters), np.float32)
            product = np.empty_like(y)
            for i in range(size):
                for j in range(size):
                    down = slice(i, i + stride * height, stride)
                    right = slice(j, j + stride * width, stride)
                    np.multiply(x[:, down, right], kernel[i, j], out=product)
                    y += product
    y += bias
    return np.maximum(y, 0, out=y)


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute 1 / (1 + exp(-x)) without overflow."""
    smaller = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1, smaller) / (1 + smaller)
