"""Runs networks in .tflite files; tensors are identified by shape and name, not by order."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from yamkit.errors import BundleError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from yamkit.plugin import BackendOptions, Model

__all__ = ["LiteRtBackend"]

_IDENTIFIER = b"TFL3"
_MOST_AT_ONCE = 16


class LiteRtBackend:
    """The backend. Each thread has its own interpreter, as one can serve only one call at a time.

    Parameters
    ----------
    model : Model
        Model with a network of kind ``tflite``: one float32 input, a patch or a batch of patches,
        and float32 outputs of C scores and, if the model has embeddings, of E numbers.
    options : BackendOptions
        If ``threads`` is None, it uses all cores that this process may use.

    Raises
    ------
    BundleError
        If the file is not a TFLite model, or has other tensors.
    """

    def __init__(self, model: Model, options: BackendOptions) -> None:
        path = model.network_path()
        self._where = str(path)
        self._content = path.read_bytes()
        self._threads = options.thread_count
        self._patch_shape = tuple(model.features.patch_shape)
        self._sizes = (len(model.classes), model.network.embedding_size)
        self._local = threading.local()
        if self._content[4:8] != _IDENTIFIER:
            raise BundleError(f"{path}: not a TFLite model")
        self._runner()

    def predict(
        self, patches: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Score a batch; see `yamkit.plugin.Backend`."""
        scores, embeddings = (np.empty((len(patches), size), np.float32) for size in self._sizes)
        runner = self._runner()
        for start in range(0, len(patches), runner.at_once):
            part = slice(start, start + runner.at_once)
            runner.run(patches[part], scores[part], embeddings[part])
        return scores, embeddings

    def close(self) -> None:
        """Release the interpreters."""
        self._local = threading.local()

    def _runner(self) -> _Runner:
        """Return the interpreter of this thread."""
        runner: _Runner | None = getattr(self._local, "runner", None)
        if runner is None:
            try:
                interpreter = Interpreter(model_content=self._content, num_threads=self._threads)
                runner = _Runner(interpreter, self._patch_shape, self._sizes)
            except (RuntimeError, ValueError) as error:
                line = (str(error).strip().splitlines() or [type(error).__name__])[0]
                raise BundleError(f"{self._where}: {line:.300}") from None
            self._local.runner = runner
        return runner


class _Runner:
    """An interpreter with its tensors for patches, scores and embeddings.

    Attributes
    ----------
    at_once : int
        Most patches of one run.
    """

    def __init__(
        self, interpreter: Interpreter, patch_shape: tuple[int, ...], sizes: tuple[int, int]
    ) -> None:
        self._interpreter, self._patch_shape = interpreter, patch_shape
        inputs = interpreter.get_input_details()
        if len(inputs) != 1 or inputs[0]["dtype"] != np.float32:
            raise ValueError(f"inputs {_described(inputs)}: must be one float32 tensor")
        shape = tuple(int(size) for size in inputs[0]["shape_signature"])
        self._has_batch = shape[1:] == patch_shape
        if not self._has_batch and shape != patch_shape:
            axes = ", ".join(map(str, patch_shape))
            raise ValueError(f"inputs {_described(inputs)}: must be [{axes}] or [batch, {axes}]")
        self._is_free = self._has_batch and shape[0] == -1
        self.at_once = _MOST_AT_ONCE if self._is_free else shape[0] if self._has_batch else 1
        self._input = inputs[0]["index"]
        self._count = -1
        self._prepare(1 if self._is_free else self.at_once)
        self._scores, self._embeddings = _outputs(interpreter, sizes)

    def run(
        self,
        patches: NDArray[np.float32],
        scores: NDArray[np.float32],
        embeddings: NDArray[np.float32],
    ) -> None:
        """Score at most `at_once` patches, and write the results into the arrays."""
        count = len(patches)
        if self._is_free:
            self._prepare(count)
        elif self._has_batch and count < self.at_once:  # fill a batch of fixed size
            rest = np.zeros((self.at_once - count, *self._patch_shape), np.float32)
            patches = np.concatenate([patches, rest])
        self._interpreter.set_tensor(self._input, patches if self._has_batch else patches[0])
        self._interpreter.invoke()
        scores[:] = self._rows(self._scores, scores.shape[1])[:count]
        if self._embeddings is not None:
            embeddings[:] = self._rows(self._embeddings, embeddings.shape[1])[:count]

    def _rows(self, tensor: int, size: int) -> Any:
        return self._interpreter.get_tensor(tensor).reshape(-1, size)

    def _prepare(self, count: int) -> None:
        if count == self._count:
            return
        if self._is_free:
            self._interpreter.resize_tensor_input(self._input, [count, *self._patch_shape])
        self._interpreter.allocate_tensors()
        self._count = count


def _outputs(interpreter: Interpreter, sizes: tuple[int, int]) -> tuple[int, int | None]:
    """Return the tensors of scores and embeddings, by size, or by name if sizes are equal."""
    outputs = interpreter.get_output_details()
    classes, embedding_size = sizes
    found: list[int | None] = []
    for name, size in (("score", classes), ("embedding", embedding_size)):
        fitting = [
            each
            for each in outputs
            if size and each["dtype"] == np.float32 and each["shape"][-1:].tolist() == [size]
        ]
        if len(fitting) > 1:
            named = _by_name(interpreter, name)
            fitting = [each for each in fitting if each["index"] in named]
        if len(fitting) != 1 and size:
            raise ValueError(
                f"outputs {_described(outputs)}: must have one float32 tensor of {size} {name}s"
            )
        found.append(int(fitting[0]["index"]) if size else None)
    scores, embeddings = found
    assert scores is not None
    return scores, embeddings


def _by_name(interpreter: Interpreter, name: str) -> set[int]:
    """Return the tensors that have this name in a signature."""
    found = set()
    for key in interpreter.get_signature_list():
        details = interpreter.get_signature_runner(key).get_output_details()
        found |= {each["index"] for output, each in details.items() if name in output}
    return found


def _described(tensors: list[dict[str, Any]]) -> str:
    shown = (
        f"{each['name']!r:.60} {np.dtype(each['dtype']).name} {each['shape'].tolist()}"
        for each in tensors
    )
    return ", ".join(shown) or "none"
