"""ONNX files, checked: inputs and outputs fit a model, and nothing is outside the file.

The outputs are put into one order, scores before embeddings, so that backends find them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import onnx
import onnx.checker
import onnx.shape_inference
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from yamkit._util.text import printable
from yamkit.errors import WeightFileError
from yamkit.models.onnx_operations import check_operations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["OnnxGraph", "check_self_contained", "read_onnx"]

_MAX_BYTES = 2**31 - 1  # the limit of protobuf
_STANDARD_DOMAINS = {"", "ai.onnx", "ai.onnx.ml"}

_ENGINE_DOMAINS = re.compile(
    r"ai\.onnx(\..*)?|com\.(microsoft|ms|intel|nvidia|amd|xilinx|qualcomm|qti|arm|apple|huawei)(\..*)?"
    r"|org\.(openvinotoolkit|pytorch)(\..*)?|trt(\..*)?|tensorrt(\..*)?|",
    re.IGNORECASE,
)
"""Domains of operators that an engine implements, or may implement in its next version."""


@dataclass(frozen=True)
class OnnxGraph:
    """A valid graph.

    Attributes
    ----------
    data : bytes
        The file, with its outputs in order.
    classes : int
        C.
    embedding_size : int
        E; 0 if the graph has no embeddings.
    """

    data: bytes
    classes: int
    embedding_size: int


def read_onnx(path: Path, patch_shape: tuple[int, ...]) -> OnnxGraph:
    """Read and check an ONNX file.

    It must have one float32 input [B, *patch_shape] with a dynamic first axis, and as outputs
    scores [B, C] in 0..1 and perhaps embeddings [B, E]. The outputs are found by the names
    ``scores`` and ``embeddings``, else they are the first and the second one.

    Parameters
    ----------
    path : Path
    patch_shape : tuple of int
        Shape of the input patches: (frames, bands) or (samples,).

    Raises
    ------
    WeightFileError
        If the file is not valid.
    """
    where = printable(path)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise WeightFileError(f"{where}: longer than {_MAX_BYTES} bytes")
        data = path.read_bytes()
    except OSError as error:
        raise WeightFileError(f"{where}: {error.strerror or 'cannot be read'}") from None
    model = _parse(data, where)
    _check_input(model.graph, patch_shape, where)
    scores, embeddings = _find_outputs(model.graph, where)
    order = [scores, embeddings] if embeddings else [scores]
    if list(model.graph.output) != order:
        chosen = [onnx.ValueInfoProto.FromString(value.SerializeToString()) for value in order]
        del model.graph.output[:]
        model.graph.output.extend(chosen)
        data = model.SerializeToString(deterministic=True)
    return OnnxGraph(
        data=data,
        classes=_columns(scores, where),
        embedding_size=_columns(embeddings, where) if embeddings else 0,
    )


def check_self_contained(data: bytes, where: str) -> Any:
    """Parse a file, and check that it contains all that it runs, and that a run ends.

    The file must not name another file. An operator must be standard, or a function that the file
    defines in a domain that does not belong to an engine: an engine would run its own operator
    instead. Loops must have a constant number of rounds.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    WeightFileError
        If the file is not valid.
    """
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError:
        raise WeightFileError(f"{where}: not an ONNX file") from None
    own = {(function.domain, function.name) for function in model.functions}
    for domain, name in own:
        if _ENGINE_DOMAINS.fullmatch(domain):
            raise WeightFileError(
                f"{where}: defines the operator {name!r:.40} in {domain!r:.40}, a domain that "
                "belongs to an engine; define its functions in your own domain"
            )
    for message in _messages(model):
        if isinstance(message, onnx.TensorProto) and (
            message.external_data or message.data_location == onnx.TensorProto.EXTERNAL
        ):
            raise WeightFileError(
                f"{where}: the tensor {message.name!r:.80} is in another file; save the model as "
                "one file"
            )
        if (
            isinstance(message, onnx.NodeProto)
            and message.domain not in _STANDARD_DOMAINS
            and (message.domain, message.op_type) not in own
        ):
            raise WeightFileError(
                f"{where}: the operator {message.op_type!r:.40} of {message.domain!r:.40} is not "
                "standard ONNX"
            )
    check_operations(model, where)
    return model


def _parse(data: bytes, where: str) -> Any:
    model = check_self_contained(data, where)
    if not model.graph.node:
        raise WeightFileError(f"{where}: not an ONNX file, or its graph is empty")
    try:
        onnx.checker.check_model(model)
        return onnx.shape_inference.infer_shapes(model)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError) as error:
        reason = printable(str(error).strip().partition("\n")[0])
        raise WeightFileError(f"{where}: invalid ONNX graph: {reason:.200}") from None


def _messages(message: Any) -> Iterator[Any]:
    """Walk a protobuf message and everything in it; protobuf itself bounds the depth."""
    pending = [message]
    while pending:
        message = pending.pop()
        yield message
        for field, value in message.ListFields():
            if field.message_type is not None:
                pending.extend([value] if hasattr(value, "ListFields") else value)


def _check_input(graph: Any, patch_shape: tuple[int, ...], where: str) -> None:
    # old files list the weights among the inputs
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    if len(inputs) != 1:
        raise WeightFileError(f"{where}: has {len(inputs)} inputs; must have one")
    (value,) = inputs
    shape = _shape(value)
    expected = f"float32 [batch, {', '.join(map(str, patch_shape))}]"
    found = f"{where}: its input {value.name!r:.80} is {_describe(value)}"
    if value.type.tensor_type.elem_type != onnx.TensorProto.FLOAT or shape is None:
        raise WeightFileError(f"{found}; must be {expected}")
    if len(shape) == 1:
        raise WeightFileError(
            f"{found}, a recording that the network divides into windows; yamkit passes windows: "
            f"export the part that scores them, with the input {expected}"
        )
    if len(shape) != 1 + len(patch_shape) or any(
        size not in (None, needed) for size, needed in zip(shape[1:], patch_shape, strict=True)
    ):
        raise WeightFileError(f"{found}; must be {expected}")
    if shape[0] is not None:
        raise WeightFileError(f"{found}; must be {expected}; export it with a dynamic first axis")


def _find_outputs(graph: Any, where: str) -> tuple[Any, Any | None]:
    outputs = list(graph.output)
    if not outputs:
        raise WeightFileError(f"{where}: has no output")
    named = {value.name: value for value in outputs}
    if "scores" in named:
        scores, embeddings = named["scores"], named.get("embeddings")
        if embeddings is None and len(outputs) == 2:
            embeddings = next(value for value in outputs if value is not scores)
        return scores, embeddings
    if len(outputs) > 2:
        raise WeightFileError(
            f"{where}: has {len(outputs)} outputs; name two of them 'scores' and 'embeddings'"
        )
    if outputs[0].name == "embeddings":
        raise WeightFileError(f"{where}: its first output is 'embeddings'; name the other 'scores'")
    return outputs[0], outputs[1] if len(outputs) == 2 else None


def _columns(value: Any, where: str) -> int:
    shape = _shape(value)
    is_float = value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    if not is_float or shape is None or len(shape) != 2 or not shape[1]:
        raise WeightFileError(
            f"{where}: its output {value.name!r:.80} is {_describe(value)}; must be float32 "
            "[batch, a fixed number]"
        )
    return shape[1]


def _shape(value: Any) -> list[int | None] | None:
    """Return the sizes of a value's axes, None for a dynamic one; None if it has no shape."""
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return None
    return [axis.dim_value if axis.HasField("dim_value") else None for axis in kind.shape.dim]


def _describe(value: Any) -> str:
    names = {number: name.lower() for name, number in onnx.TensorProto.DataType.items()}
    names[onnx.TensorProto.FLOAT] = "float32"
    kind = names.get(value.type.tensor_type.elem_type, "an unknown type")
    shape = _shape(value)
    if shape is None:
        return f"{kind} of unknown shape"
    return f"{kind} [{', '.join('any' if size is None else str(size) for size in shape)}]"
