"""The network with NumPy, in double precision: put your engine in its place."""

import numpy as np

from yamkit.networks import fold_batch_norm, mobilenet_v1, same_padding


class Mine:
    """The backend; see `yamkit.plugin.Backend`.

    Whatever takes time is done when it is opened. `predict` is a pure function of its batch: yamkit
    cuts, pads and times the stream.
    """

    def __init__(self, model, options):
        weights = model.load_weights()
        epsilon = model.network.batch_norm_epsilon
        self._layers = [
            (layer, *fold_batch_norm(layer, weights, epsilon))
            for layer in mobilenet_v1(model.network.width)
        ]
        self._kernel = weights["classifier/kernel"].astype(np.float64)  # [E, C]
        self._bias = weights["classifier/bias"].astype(np.float64)  # [C]

    def predict(self, patches):
        """Score a batch: [B, frames, bands] -> scores [B, C], embeddings [B, E]."""
        x = patches[..., np.newaxis].astype(np.float64)  # [B, frames, bands, 1]
        for layer, kernel, bias in self._layers:
            x = np.maximum(_convolve(x, layer, kernel.astype(np.float64)) + bias, 0)
        embeddings = x.mean(axis=(1, 2))
        logits = embeddings @ self._kernel + self._bias
        scores = np.exp(-np.logaddexp(0, -logits))  # the sigmoid, which overflows nowhere
        return scores.astype(np.float32), embeddings.astype(np.float32)

    def close(self):
        """Free what the engine holds; here there are arrays alone."""


def _convolve(x, layer, kernel):
    padding = [same_padding(size, layer.kernel, layer.stride)[1:] for size in x.shape[1:3]]
    x = np.pad(x, [(0, 0), *padding, (0, 0)])
    shape = (layer.kernel, layer.kernel)
    windows = np.lib.stride_tricks.sliding_window_view(x, shape, axis=(1, 2))
    windows = windows[:, :: layer.stride, :: layer.stride]  # [B, h, w, channels, kh, kw]
    if layer.kind == "depthwise":
        return np.einsum("bhwcij,ijc->bhwc", windows, kernel, optimize=True)
    return np.einsum("bhwcij,ijcf->bhwf", windows, kernel, optimize=True)
