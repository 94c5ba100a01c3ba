"""The bound on what one run of a graph executes."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.yamkit.models.test_onnx_file import graph
from yamkit.errors import WeightFileError
from yamkit.models.onnx_operations import check_operations


def _with_loop(trips: int | None, inner: onnx.NodeProto | None = None) -> onnx.ModelProto:
    """Add a loop to the graph; None stands for an unknown number of rounds."""
    model = graph()
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "true"))
    if trips is None:
        model.graph.node.append(helper.make_node("Size", ["patches"], ["trips"]))
    else:
        model.graph.initializer.append(numpy_helper.from_array(np.array(trips), "trips"))
    model.graph.node.append(_loop(inner))
    return model


def _loop(inner: onnx.NodeProto | None = None, trips: str = "trips") -> onnx.NodeProto:
    depth = 1 + int(inner.output[0][4:]) if inner else 0
    inputs = [
        helper.make_tensor_value_info(f"i{depth}", TensorProto.INT64, []),
        *(helper.make_tensor_value_info(f"{n}{depth}", TensorProto.BOOL, []) for n in ("c", "v")),
    ]
    outputs = [helper.make_tensor_value_info(f"{n}{depth}", TensorProto.BOOL, []) for n in "dw"]
    nodes = [helper.make_node("Identity", [f"c{depth}"], [f"{name}{depth}"]) for name in "dw"]
    body = helper.make_graph([*nodes, *([inner] if inner else [])], "body", inputs, outputs)
    return helper.make_node(
        "Loop", [trips, "true", "true"], [f"done{depth}"], body=body, name="round and round"
    )


def test_loops_end():
    check_operations(_with_loop(1000), "m")
    check_operations(_with_loop(1000, _loop()), "m")
    for model in (
        _with_loop(None),
        _with_loop(9, _loop(trips="i1")),
        _with_loop(9, _loop(trips="")),
    ):
        with pytest.raises(WeightFileError, match="the loop 'round and round' has no stated end"):
            check_operations(model, "m")
    for model in (_with_loop(2**62), _with_loop(10_000, _loop()), _with_loop(1000, _loop(_loop()))):
        with pytest.raises(WeightFileError, match="may execute more than 10,000,000 operators"):
            check_operations(model, "m")


def _with_functions(calls: int, last: str, count: int = 40) -> onnx.ModelProto:
    """Add functions, each of which calls the next one some times."""
    model = graph()
    model.opset_import.append(helper.make_opsetid("own", 1))
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("own", 1)]
    for number in range(count):
        called = f"f{number + 1}" if number < count - 1 else last
        domain = "own" if called.startswith("f") else ""
        body = [
            helper.make_node(called, [f"x{place}"], [f"x{place + 1}"], domain=domain)
            for place in range(calls)
        ]
        name = f"f{number}"
        model.functions.append(
            helper.make_function("own", name, ["x0"], [f"x{calls}"], body, opsets)
        )
    model.graph.node.append(helper.make_node("f0", ["scores"], ["unused"], domain="own"))
    return model


def test_functions_end():
    check_operations(_with_functions(1, "Neg"), "m")
    with pytest.raises(WeightFileError, match="may execute more than 10,000,000 operators"):
        check_operations(_with_functions(2, "Neg"), "m")
    with pytest.raises(WeightFileError, match="the function 'f0' calls itself"):
        check_operations(_with_functions(1, "f0"), "m")
    with pytest.raises(WeightFileError, match="call each other too deeply"):
        check_operations(_with_functions(1, "Neg", count=3000), "m")
