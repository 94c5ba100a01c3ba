"""Networks as data: layers, names and shapes of canonical weights, cost.

Every backend builds its network from this description, so the numbers of an architecture are in
one place. Nothing here computes a score.

MobileNet v1: A. Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile
Vision Applications", 2017, table 1, as YAMNet uses it (no classifier dropout, biasless
convolutions, batch normalisation without a scale).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Convolution",
    "fold_batch_norm",
    "mobilenet_v1",
    "multiplications",
    "parameter_count",
    "same_padding",
    "weight_shapes",
]

_STEM_FILTERS = 32
# (stride of the depthwise convolution, filters of the pointwise one)
_BLOCKS = (
    (1, 64),
    (2, 128),
    (1, 128),
    (2, 256),
    (1, 256),
    (2, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (2, 1024),
    (1, 1024),
)


@dataclass(frozen=True)
class Convolution:
    """One convolution with ``same`` padding, followed by batch normalisation and ReLU.

    Attributes
    ----------
    name : str
        Prefix of its weights, such as ``layer2/depthwise``.
    kind : {"conv", "depthwise", "pointwise"}
        A depthwise convolution has one filter a channel, a pointwise one a 1 x 1 kernel.
    kernel, stride : int
        Edge of the square kernel and step, in both directions.
    channels, filters : int
        Channels in and out; equal for ``depthwise``.
    """

    name: str
    kind: Literal["conv", "depthwise", "pointwise"]
    kernel: int
    stride: int
    channels: int
    filters: int

    @property
    def kernel_shape(self) -> tuple[int, ...]:
        """Shape of the canonical kernel: [kh, kw, in, out], depthwise [kh, kw, channels]."""
        if self.kind == "depthwise":
            return (self.kernel, self.kernel, self.channels)
        return (self.kernel, self.kernel, self.channels, self.filters)


def mobilenet_v1(width: float) -> tuple[Convolution, ...]:
    """Return the convolutions of MobileNet v1, in order.

    Parameters
    ----------
    width : float
        Multiplier of every filter count; results are rounded to multiples of 8, at least 8.

    Returns
    -------
    tuple of Convolution
        27 convolutions; the last one's ``filters`` is the embedding size.
    """

    def scaled(filters: int) -> int:
        return max(8, int(filters * width + 4) // 8 * 8)

    channels = scaled(_STEM_FILTERS)
    layers = [Convolution("layer1/conv", "conv", 3, 2, 1, channels)]
    for number, (stride, filters) in enumerate(_BLOCKS, start=2):
        prefix, filters = f"layer{number}", scaled(filters)
        layers.append(
            Convolution(f"{prefix}/depthwise", "depthwise", 3, stride, channels, channels)
        )
        layers.append(Convolution(f"{prefix}/pointwise", "pointwise", 1, 1, channels, filters))
        channels = filters
    return tuple(layers)


def weight_shapes(layers: tuple[Convolution, ...], classes: int) -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every canonical weight.

    Parameters
    ----------
    layers : tuple of Convolution
    classes : int
        Outputs of the classifier.

    Returns
    -------
    dict of str to tuple of int
        For each convolution ``NAME/kernel``, ``NAME/beta``, ``NAME/mean``, ``NAME/variance``;
        then ``classifier/kernel`` [E, C] and ``classifier/bias`` [C].
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in layers:
        shapes[f"{layer.name}/kernel"] = layer.kernel_shape
        for statistic in ("beta", "mean", "variance"):
            shapes[f"{layer.name}/{statistic}"] = (layer.filters,)
    shapes["classifier/kernel"] = (layers[-1].filters, classes)
    shapes["classifier/bias"] = (classes,)
    return shapes


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int, int]:
    """Return ``same`` padding along one axis: the odd zero is at the end.

    Returns
    -------
    out, before, after : int
        Output size, zeros before, zeros after.
    """
    out = -(-size // stride)
    total = max((out - 1) * stride + kernel - size, 0)
    return out, total // 2, total - total // 2


def fold_batch_norm(
    layer: Convolution, weights: Mapping[str, NDArray[np.float32]], epsilon: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fold batch normalisation into a convolution with a bias.

    ``(conv(x) - mean) / sqrt(variance + epsilon) + beta``, computed in float64.

    Returns
    -------
    kernel : ndarray, float32, of ``layer.kernel_shape``
    bias : ndarray, float32 [filters]
    """
    kernel = weights[f"{layer.name}/kernel"].astype("float64")
    mean = weights[f"{layer.name}/mean"].astype("float64")
    beta = weights[f"{layer.name}/beta"].astype("float64")
    variance = weights[f"{layer.name}/variance"].astype("float64")
    scale = (variance + epsilon) ** -0.5
    return (kernel * scale).astype("float32"), (beta - mean * scale).astype("float32")


def parameter_count(layers: tuple[Convolution, ...], classes: int) -> int:
    """Count trainable weights: kernels, batch-norm offsets and the classifier.

    Running means and variances of batch normalisation are statistics and are not counted.
    """
    total = 0
    for name, shape in weight_shapes(layers, classes).items():
        if not name.endswith(("/mean", "/variance")):
            size = 1
            for length in shape:
                size *= length
            total += size
    return total


def multiplications(
    layers: tuple[Convolution, ...], patch_shape: tuple[int, int], classes: int
) -> int:
    """Count the multiplications of one patch in convolutions and classifier."""
    height, breadth = patch_shape
    total = 0
    for layer in layers:
        height = same_padding(height, layer.kernel, layer.stride)[0]
        breadth = same_padding(breadth, layer.kernel, layer.stride)[0]
        inputs = 1 if layer.kind == "depthwise" else layer.channels
        total += height * breadth * layer.kernel**2 * inputs * layer.filters
    return total + layers[-1].filters * classes
