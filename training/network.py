"""The network in PyTorch, built from yamkit's description and converted to canonical weights.

Patches and kernels are rotated by 180 degrees. ``same`` padding puts the odd zero at the end, and
PyTorch's symmetric padding at the beginning; after the rotation both agree, and no layer has to
copy its input to pad it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from yamkit.networks import mobilenet_v1

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["BATCH_NORM_EPSILON", "Student"]

BATCH_NORM_EPSILON = 1e-4
_MOMENTUM = 0.02
_FIRST_LOGIT = -6.0  # few classes are present at a time


class Student(nn.Module):
    """MobileNet v1 with random weights.

    Parameters
    ----------
    width : float
        See `yamkit.networks.mobilenet_v1`.
    classes : int
    """

    def __init__(self, width: float, classes: int) -> None:
        super().__init__()
        self.layers = mobilenet_v1(width)
        modules: list[nn.Module] = []
        for layer in self.layers:
            groups = layer.channels if layer.kind == "depthwise" else 1
            convolution = nn.Conv2d(
                layer.channels,
                layer.filters,
                layer.kernel,
                layer.stride,
                padding=layer.kernel // 2,
                groups=groups,
                bias=False,
            )
            nn.init.kaiming_normal_(convolution.weight, mode="fan_in", nonlinearity="relu")
            norm = nn.BatchNorm2d(layer.filters, BATCH_NORM_EPSILON, _MOMENTUM)
            norm.weight.requires_grad_(False)  # YAMNet's batch normalisation has no scale
            modules += [convolution, norm, nn.ReLU(inplace=True)]
        self.body = nn.Sequential(*modules)
        self.body.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.classifier = nn.Linear(self.layers[-1].filters, classes)
        nn.init.normal_(self.classifier.weight, 0, 0.02)
        nn.init.constant_(self.classifier.bias, _FIRST_LOGIT)

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """Return logits [B, C] of patches [B, frames, bands]."""
        turned = patches.flip((1, 2)).unsqueeze(1).contiguous(memory_format=torch.channels_last)
        logits: torch.Tensor = self.classifier(self.body(turned).mean((2, 3)))
        return logits

    def canonical_weights(self) -> dict[str, NDArray[np.float32]]:
        """Return the weights with the names and shapes of `yamkit.networks.weight_shapes`."""
        return {
            name: _turned(view.detach()).contiguous().numpy()
            for name, view in self._canonical_views().items()
        }

    def load_canonical_weights(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        """Load weights with the names and shapes of `yamkit.networks.weight_shapes`."""
        with torch.no_grad():
            for name, view in self._canonical_views().items():
                view.copy_(_turned(torch.tensor(weights[name])))

    def _canonical_views(self) -> dict[str, torch.Tensor]:
        """Return the network's tensors in canonical shapes, with rotated kernels."""
        views: dict[str, torch.Tensor] = {}
        for number, layer in enumerate(self.layers):
            convolution, norm = self.body[3 * number], self.body[3 * number + 1]
            assert isinstance(convolution, nn.Conv2d)
            assert isinstance(norm, nn.BatchNorm2d)
            assert norm.running_mean is not None
            assert norm.running_var is not None
            if layer.kind == "depthwise":
                views[f"{layer.name}/kernel"] = convolution.weight[:, 0].permute(1, 2, 0)
            else:
                views[f"{layer.name}/kernel"] = convolution.weight.permute(2, 3, 1, 0)
            views[f"{layer.name}/beta"] = norm.bias
            views[f"{layer.name}/mean"] = norm.running_mean
            views[f"{layer.name}/variance"] = norm.running_var
        views["classifier/kernel"] = self.classifier.weight.T
        views["classifier/bias"] = self.classifier.bias
        return views


def _turned(values: torch.Tensor) -> torch.Tensor:
    return values.flip((0, 1)) if values.ndim > 2 else values
