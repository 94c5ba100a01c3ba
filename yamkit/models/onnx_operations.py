"""A bound on the operators that one run of an ONNX graph executes: branches and loops included.

An engine cannot be interrupted, so a graph whose loops have no stated end is refused.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import onnx
import onnx.numpy_helper

from yamkit.errors import WeightFileError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["check_operations"]

_MOST_OPERATIONS = 10**7
"""Most operators that one run of a graph may execute; YAMNet's has about a hundred."""

_ASSUMED_ROUNDS = 1000
"""Rounds of an operator that runs a graph and is not a loop, such as Scan: once for each row."""


def check_operations(model: Any, where: str) -> None:
    """Refuse a graph that may execute too many operators in one run.

    Parameters
    ----------
    model : onnx.ModelProto
    where : str
        Name of the file in messages.

    Raises
    ------
    WeightFileError
        If there are too many, a loop has no stated end, or functions call each other in a circle or
        too deeply.
    """
    try:
        _Counter(model, where).in_graph(model.graph, {})
    except RecursionError:
        raise WeightFileError(f"{where}: its functions call each other too deeply") from None


class _Counter:
    """Counts operators of graphs, and of the functions that a file defines, once for each."""

    def __init__(self, model: Any, where: str) -> None:
        self._where = where
        self._functions = {(each.domain, each.name): each for each in model.functions}
        self._counts: dict[tuple[str, str], int] = {}  # by function; 0 while it is being counted

    def in_graph(self, graph: Any, outer: Mapping[str, int]) -> int:
        """Count the operators of a graph; `outer` are the whole numbers known outside of it."""
        own = {value.name for value in graph.input}
        known = {name: value for name, value in outer.items() if name not in own}
        for tensor in graph.initializer:
            known.update(_number(tensor.name, tensor))
        return self._in_nodes(graph.node, known)

    def _in_nodes(self, nodes: Any, outer: Mapping[str, int]) -> int:
        known = dict(outer)
        count = 0
        for node in nodes:
            for name in node.output:
                known.pop(name, None)
            known.update(_constant(node))
            count += 1
            key = (node.domain, node.op_type)
            if key in self._functions:
                count += self._in_function(key)
            for graph in _graphs(node):
                count += self._rounds(node, known) * self.in_graph(graph, known)
            if count > _MOST_OPERATIONS:
                raise WeightFileError(
                    f"{self._where}: one run may execute more than {_MOST_OPERATIONS:,} operators; "
                    "export the network with fewer rounds of its loops"
                )
        return count

    def _in_function(self, key: tuple[str, str]) -> int:
        if self._counts.get(key) == 0:
            raise WeightFileError(f"{self._where}: the function {key[1]!r:.40} calls itself")
        if key not in self._counts:
            self._counts[key] = 0
            self._counts[key] = 1 + self._in_nodes(self._functions[key].node, {})
        return self._counts[key]

    def _rounds(self, node: Any, known: Mapping[str, int]) -> int:
        if node.op_type == "If":
            return 1
        if node.op_type != "Loop":
            return _ASSUMED_ROUNDS
        rounds = known.get(node.input[0]) if node.input else None
        if rounds is None:
            raise WeightFileError(
                f"{self._where}: the loop {node.name!r:.40} has no stated end; export the network "
                "with a constant number of rounds"
            )
        return max(0, rounds)


def _graphs(node: Any) -> list[Any]:
    """List the graphs that an operator runs."""
    attributes = [each for each in node.attribute if each.HasField("g") or each.graphs]
    return [graph for each in attributes for graph in (each.g, *each.graphs)]


def _constant(node: Any) -> dict[str, int]:
    """Return the value of a constant operator by its name, if it is one whole number."""
    if node.op_type != "Constant" or not node.output or not node.attribute:
        return {}
    value = node.attribute[0]
    if value.name == "value_int":
        return {node.output[0]: value.i}
    return _number(node.output[0], value.t)


def _number(name: str, tensor: Any) -> dict[str, int]:
    """Return the value of a tensor by its name, if it is one whole number."""
    if tensor.data_type == onnx.TensorProto.INT64 and list(tensor.dims) in ([], [1]):
        with contextlib.suppress(ValueError, TypeError):
            return {name: int(onnx.numpy_helper.to_array(tensor).item())}
    return {}
