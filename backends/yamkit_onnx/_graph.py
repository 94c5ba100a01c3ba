"""Builds the ONNX graph of a MobileNet v1 from its description and canonical weights.

Only this module imports `onnx`: a run with a cached graph does not need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from yamkit.features import fourier_basis, mel_matrix
from yamkit.networks import fold_batch_norm, mobilenet_v1, same_padding
from yamkit.types import LogMelSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from yamkit.plugin import Model

__all__ = ["build_graph"]

_OPSET = 17
_IR_VERSION = 8
"""Both are old on purpose: every ONNX Runtime that yamkit supports reads them."""


def build_graph(model: Model, *, with_frontend: bool = False) -> bytes:
    """Build the graph: ``patches`` [B, frames, bands] -> ``scores`` [B, C], ``embeddings`` [B, E].

    Batch normalisation is folded into the convolutions.

    Parameters
    ----------
    model : Model
        A model of kind ``mobilenet-v1``.
    with_frontend : bool
        Whether the input is ``waveform`` [B, patch_window_samples] instead.

    Returns
    -------
    bytes
        A serialised ``ModelProto``.
    """
    features = model.features
    assert isinstance(features, LogMelSpec)  # a mobilenet-v1 expects them
    weights = model.load_weights()
    layers = mobilenet_v1(model.network.width)
    nodes: list[Any] = []
    constants: dict[str, NDArray[Any]] = {}
    entry = _tensor("patches", *features.patch_shape)
    if with_frontend:
        entry = _tensor("waveform", features.patch_window_samples)
        _add_frontend(nodes, constants, features)
    constants["axis"] = np.array([1], np.int64)  # the one channel: [B, 1, frames, bands]
    nodes.append(helper.make_node("Unsqueeze", ["patches", "axis"], ["image"]))
    height, width = features.patch_shape
    before = "image"
    for layer in layers:
        kernel, bias = fold_batch_norm(layer, weights, model.network.batch_norm_epsilon)
        if layer.kind == "depthwise":
            kernel = kernel.transpose(2, 0, 1)[:, np.newaxis]  # [channels, 1, k, k]
        else:
            kernel = kernel.transpose(3, 2, 0, 1)  # [filters, channels, k, k]
        constants[f"{layer.name}/kernel"] = np.ascontiguousarray(kernel)
        constants[f"{layer.name}/bias"] = bias
        height, top, bottom = same_padding(height, layer.kernel, layer.stride)
        width, left, right = same_padding(width, layer.kernel, layer.stride)
        nodes.append(
            helper.make_node(
                "Conv",
                [before, f"{layer.name}/kernel", f"{layer.name}/bias"],
                [layer.name],
                kernel_shape=[layer.kernel, layer.kernel],
                strides=[layer.stride, layer.stride],
                pads=[top, left, bottom, right],
                group=layer.channels if layer.kind == "depthwise" else 1,
            )
        )
        before = f"{layer.name}/relu"
        nodes.append(helper.make_node("Relu", [layer.name], [before]))
    classifier = ["classifier/kernel", "classifier/bias"]
    constants |= {name: weights[name] for name in classifier}
    nodes += [
        helper.make_node("GlobalAveragePool", [before], ["pooled"]),  # [B, E, 1, 1]
        helper.make_node("Flatten", ["pooled"], ["embeddings"]),
        helper.make_node("Gemm", ["embeddings", *classifier], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "mobilenet-v1",
        [entry],
        [_tensor("scores", len(model.classes)), _tensor("embeddings", layers[-1].filters)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    proto = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION
    )
    onnx.checker.check_model(proto)
    serialised: bytes = proto.SerializeToString()
    return serialised


def _add_frontend(
    nodes: list[Any], constants: dict[str, NDArray[Any]], features: LogMelSpec
) -> None:
    """Compute log-mel patches of one window a row, by convolution with the Fourier basis."""
    basis = fourier_basis(features).T[:, np.newaxis]  # [2 * bins, 1, window]
    bins = features.fft_length // 2 + 1
    constants |= {
        "channel": np.array([1], np.int64),
        "basis": np.ascontiguousarray(basis, np.float32),
        "bins": np.array([bins, bins], np.int64),
        "mel": np.ascontiguousarray(mel_matrix(features).T, np.float32),  # [bands, bins]
        "offset": np.array(features.log_offset, np.float32),
    }
    nodes += [
        helper.make_node("Unsqueeze", ["waveform", "channel"], ["samples"]),  # [B, 1, n]
        helper.make_node(
            "Conv", ["samples", "basis"], ["spectrum"], strides=[features.stft_hop_samples]
        ),  # [B, 2 * bins, frames]
        helper.make_node("Split", ["spectrum", "bins"], ["real", "imaginary"], axis=1),
        helper.make_node("Mul", ["real", "real"], ["real_squared"]),
        helper.make_node("Mul", ["imaginary", "imaginary"], ["imaginary_squared"]),
        helper.make_node("Add", ["real_squared", "imaginary_squared"], ["power"]),
        helper.make_node("Sqrt", ["power"], ["magnitudes"]),  # [B, bins, frames]
        helper.make_node("MatMul", ["mel", "magnitudes"], ["mel_bands"]),  # [B, bands, frames]
        helper.make_node("Add", ["mel_bands", "offset"], ["above_zero"]),
        helper.make_node("Log", ["above_zero"], ["log_mel"]),
        helper.make_node("Transpose", ["log_mel"], ["patches"], perm=[0, 2, 1]),
    ]


def _tensor(name: str, *shape: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
