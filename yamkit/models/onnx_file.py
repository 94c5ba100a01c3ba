"""Checks an ONNX file: what goes in and out fits a model, nothing lies outside the file, it ends.

The graph's outputs end up in one order, scores and then embeddings: so backends find them.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import onnx
import onnx.checker
import onnx.numpy_helper
import onnx.shape_inference
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from yamkit._util.text import printable
from yamkit.errors import WeightFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["OnnxGraph", "check_self_contained", "read_onnx"]

_MAX_BYTES = 2**31 - 1  # the limit of protobuf
_STANDARD_DOMAINS = {"", "ai.onnx", "ai.onnx.ml"}

_ENGINE_DOMAINS = re.compile(
    r"ai\.onnx(\..*)?|com\.(microsoft|ms|intel|nvidia|amd|xilinx|qualcomm|qti|arm|apple|huawei)(\..*)?"
    r"|org\.(openvinotoolkit|pytorch)(\..*)?|trt(\..*)?|tensorrt(\..*)?|",
    re.IGNORECASE,
)
"""Domains whose operators engines bring themselves, or may bring in their next version."""

_MOST_OPERATIONS = 10**7
"""Most operators that one run of a graph may execute; YAMNet's has about a hundred."""

_ASSUMED_TRIPS = 1000
"""Runs of a graph within an operator that is no loop, such as Scan: once for a row of a tensor."""


@dataclass(frozen=True)
class OnnxGraph:
    """A graph that a model can be made of.

    Attributes
    ----------
    data : bytes
        The file, its outputs in order.
    classes : int
        C.
    embedding_size : int
        E, 0 where the graph gives no embeddings.
    """

    data: bytes
    classes: int
    embedding_size: int


def read_onnx(path: Path, patch_shape: tuple[int, ...]) -> OnnxGraph:
    """Read and check an ONNX file.

    It must take one float32 input [B, *patch_shape] with a free first axis, and give scores
    [B, C], in 0..1, and perhaps embeddings [B, E]. They are found by the names ``scores`` and
    ``embeddings``, else they are the first and the second output.

    Parameters
    ----------
    path : Path
    patch_shape : tuple of int
        Of the patches it will be given: (frames, bands) or (samples,).

    Raises
    ------
    WeightFileError
        If it is not such a file.
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
    """Parse a file, and see that it holds all that it runs, and that it comes to an end.

    It names no other file. An operator is standard, or a function that the file itself defines, in
    a domain that belongs to no engine: an engine would run its own operator in its place. Loops
    have a number of rounds that is a constant of the file.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    WeightFileError
        If it is not such a file.
    """
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError:
        raise WeightFileError(f"{where}: not an ONNX file") from None
    own = {(function.domain, function.name) for function in model.functions}
    for domain, name in own:
        if _ENGINE_DOMAINS.fullmatch(domain):
            raise WeightFileError(
                f"{where}: it defines the operator {name!r:.40} of {domain!r:.40}, a domain that "
                "belongs to an engine; give its functions a domain of your own"
            )
    for message in _messages(model):
        if isinstance(message, onnx.TensorProto) and (
            message.external_data or message.data_location == onnx.TensorProto.EXTERNAL
        ):
            raise WeightFileError(
                f"{where}: the tensor {message.name!r:.80} lies in another file; save the model "
                "as one file"
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
    _check_operations(model, where)
    return model


def _check_operations(model: Any, where: str) -> None:
    """Bound the operators that one run executes, all branches and all rounds of loops included."""
    functions = {(function.domain, function.name): function for function in model.functions}
    counts: dict[tuple[str, str], int] = {}  # of operators, by function; 0 while it is counted

    def of_function(key: tuple[str, str]) -> int:
        if counts.get(key) == 0:
            raise WeightFileError(f"{where}: the function {key[1]!r:.40} calls itself")
        if key not in counts:
            counts[key] = 0
            counts[key] = 1 + of_nodes(functions[key].node, {})
        return counts[key]

    def of_nodes(nodes: Any, outer: Mapping[str, int]) -> int:
        known = dict(outer)
        count = 0
        for node in nodes:
            for name in node.output:
                known.pop(name, None)
            if node.op_type == "Constant" and node.output and node.attribute:
                value = node.attribute[0]
                if value.name == "value_int":
                    known[node.output[0]] = value.i
                else:
                    known.update(_numbers(node.output[0], value.t))
            count += 1
            key = (node.domain, node.op_type)
            if key in functions:
                count += of_function(key)
            for graph in _graphs(node):
                count += rounds(node, known) * of_graph(graph, known)
            if count > _MOST_OPERATIONS:
                raise WeightFileError(
                    f"{where}: one run may take more than {_MOST_OPERATIONS:,} operators; export "
                    "the network with fewer rounds of its loops"
                )
        return count

    def of_graph(graph: Any, outer: Mapping[str, int]) -> int:
        own = {value.name for value in graph.input}
        known = {name: value for name, value in outer.items() if name not in own}
        for tensor in graph.initializer:
            known.update(_numbers(tensor.name, tensor))
        return of_nodes(graph.node, known)

    def rounds(node: Any, known: Mapping[str, int]) -> int:
        if node.op_type == "If":
            return 1
        if node.op_type != "Loop":
            return _ASSUMED_TRIPS
        trips = known.get(node.input[0]) if node.input else None
        if trips is None:
            raise WeightFileError(
                f"{where}: the loop {node.name!r:.40} has no end that the file "
                "states; export the network with a constant number of rounds"
            )
        return max(0, trips)

    try:
        of_graph(model.graph, {})
    except RecursionError:
        raise WeightFileError(f"{where}: its functions call each other too deeply") from None


def _graphs(node: Any) -> list[Any]:
    """List the graphs that an operator runs."""
    attributes = [each for each in node.attribute if each.HasField("g") or each.graphs]
    return [graph for each in attributes for graph in (each.g, *each.graphs)]


def _numbers(name: str, tensor: Any) -> dict[str, int]:
    """Give the value of a tensor that is one whole number, by its name; nothing for another."""
    if tensor.data_type == onnx.TensorProto.INT64 and list(tensor.dims) in ([], [1]):
        with contextlib.suppress(ValueError, TypeError):
            return {name: int(onnx.numpy_helper.to_array(tensor).item())}
    return {}


def _parse(data: bytes, where: str) -> Any:
    model = check_self_contained(data, where)
    if not model.graph.node:
        raise WeightFileError(f"{where}: not an ONNX file, or its graph is empty")
    try:
        onnx.checker.check_model(model)
        return onnx.shape_inference.infer_shapes(model)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError) as error:
        reason = printable(str(error).strip().partition("\n")[0])
        raise WeightFileError(f"{where}: not a sound ONNX graph: {reason:.200}") from None


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
        raise WeightFileError(f"{where}: has {len(inputs)} inputs, a model has one")
    (value,) = inputs
    shape = _shape(value)
    wanted = f"float32 [batch, {', '.join(map(str, patch_shape))}]"
    found = f"{where}: its input {value.name!r:.80} is {_describe(value)}"
    if value.type.tensor_type.elem_type != onnx.TensorProto.FLOAT or shape is None:
        raise WeightFileError(f"{found}, it must be {wanted}")
    if len(shape) == 1:
        raise WeightFileError(
            f"{found}, a recording of any length that the network cuts by itself; yamkit feeds it "
            f"windows: export the part that scores them, whose input is {wanted}"
        )
    if len(shape) != 1 + len(patch_shape) or any(
        size not in (None, needed) for size, needed in zip(shape[1:], patch_shape, strict=True)
    ):
        raise WeightFileError(f"{found}, it must be {wanted}")
    if shape[0] is not None:
        raise WeightFileError(f"{found}, it must be {wanted}; export it with a dynamic first axis")


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
            f"{where}: has {len(outputs)} outputs; name the right ones 'scores' and 'embeddings'"
        )
    if outputs[0].name == "embeddings":
        raise WeightFileError(f"{where}: its first output is 'embeddings'; name the other 'scores'")
    return outputs[0], outputs[1] if len(outputs) == 2 else None


def _columns(value: Any, where: str) -> int:
    shape = _shape(value)
    is_float = value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    if not is_float or shape is None or len(shape) != 2 or not shape[1]:
        raise WeightFileError(
            f"{where}: its output {value.name!r:.80} is {_describe(value)}, it must be float32 "
            "[batch, a fixed number]"
        )
    return shape[1]


def _shape(value: Any) -> list[int | None] | None:
    """Give the sizes of a value's axes, None for a free one; None for all if it has no shape."""
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return None
    return [axis.dim_value if axis.HasField("dim_value") else None for axis in kind.shape.dim]


def _describe(value: Any) -> str:
    names = {number: name.lower() for name, number in onnx.TensorProto.DataType.items()}
    names[onnx.TensorProto.FLOAT] = "float32"
    kind = names.get(value.type.tensor_type.elem_type, "something odd")
    shape = _shape(value)
    if shape is None:
        return f"{kind} of unknown shape"
    return f"{kind} [{', '.join('any' if size is None else str(size) for size in shape)}]"
