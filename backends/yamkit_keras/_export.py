"""Writes a model as TensorFlow's SavedModel or as a TFLite file, and runs it."""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit.errors import ExportError
from yamkit.features import fourier_basis, mel_matrix
from yamkit.types import LogMelSpec
from yamkit_keras._backend import build, tf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from yamkit.plugin import Model

__all__ = ["export"]


def export(
    model: Model, format_: str, path: Path, /, *, with_frontend: bool
) -> Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Write ``tf`` or ``tflite``; see `yamkit.plugin.Exporter`.

    Both have one signature, ``serving_default``, from ``patches`` or ``waveform`` to ``scores`` and
    ``embeddings``, with a dynamic first axis. TFLite computes in float32.
    """
    module, name = _module(model, with_frontend=with_frontend)
    if format_ == "tf":
        tf.saved_model.save(module, str(path), signatures={"serving_default": module.run})
        loaded = tf.saved_model.load(str(path))
        run = loaded.signatures["serving_default"]
        return lambda inputs: _outputs(run(**{name: tf.constant(inputs)}))
    with tempfile.TemporaryDirectory() as folder, _silence():
        tf.saved_model.save(module, folder, signatures={"serving_default": module.run})
        try:
            data = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ExportError(f"TensorFlow cannot convert it to TFLite: {reason:.200}") from None
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the interpreter's move to another package
        interpreter = tf.lite.Interpreter(model_path=str(path))
    runner = interpreter.get_signature_runner("serving_default")
    return lambda inputs: _outputs(runner(**{name: inputs}))


def _outputs(named: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return np.asarray(named["scores"]), np.asarray(named["embeddings"])


def _module(model: Model, *, with_frontend: bool) -> tuple[Any, str]:
    """Return a module whose ``run`` is the graph, and the name of its input."""
    features = model.features
    assert isinstance(features, LogMelSpec)  # a mobilenet-v1 expects them
    network = build(model)
    name, shape = "patches", tuple[int, ...](features.patch_shape)
    to_patches: Callable[[Any], Any] = tf.identity
    if with_frontend:
        name, shape = "waveform", (features.patch_window_samples,)
        to_patches = _frontend(features)
    signature = tf.TensorSpec([None, *shape], tf.float32, name=name)

    @tf.function(input_signature=[signature], autograph=False)  # type: ignore[untyped-decorator]
    def run(inputs: Any) -> Any:
        scores, embeddings = network(to_patches(inputs), training=False)
        return {"scores": scores, "embeddings": embeddings}

    module = tf.Module()
    module.network, module.run = network, run
    return module, name


def _frontend(features: LogMelSpec) -> Callable[[Any], Any]:
    """Return a function for log-mel patches of one window per row, in TFLite's operations."""
    basis = tf.constant(fourier_basis(features)[:, np.newaxis], tf.float32)  # [window, 1, 2 * bins]
    mel = tf.constant(mel_matrix(features), tf.float32)

    def patches(waveform: Any) -> Any:
        samples = waveform[:, :, tf.newaxis]
        spectrum = tf.nn.conv1d(samples, basis, features.stft_hop_samples, "VALID")
        real, imaginary = tf.split(spectrum, 2, axis=2)  # [B, frames, bins]
        magnitudes = tf.sqrt(real * real + imaginary * imaginary)
        return tf.math.log(magnitudes @ mel + features.log_offset)

    return patches


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Suppress what the converter writes to standard error."""
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
