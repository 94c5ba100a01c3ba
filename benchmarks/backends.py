"""Only the network: numpy, onnx and keras, and the tf_keras model called directly, on one thread.

    python benchmarks/backends.py [--rounds N] [--model yamnet]

All get the same patches in the same batches, one after the other in every round. The medians of the
patches per second and of the ratios are printed. NumPy must reach a fifth of ONNX Runtime, and the
backend `keras` the speed of its model when that is called directly.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from yamkit.models.store import find_model
from yamkit.plugin import BackendOptions

BATCH = 16
PATCHES = 160


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--model", default="yamnet")
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model = find_model(arguments.model)
    options = BackendOptions(1, "cpu", None)

    from yamkit_keras._backend import KerasBackend, _build
    from yamkit_numpy._backend import NumpyBackend
    from yamkit_onnx._backend import OnnxBackend

    direct = _build(model)
    # the engine's own threads were set above, for both
    keras = KerasBackend(model, BackendOptions(None, "cpu", None))
    calls = {
        "onnx": OnnxBackend(model, options).predict,
        "numpy": NumpyBackend(model, options).predict,
        "keras": keras.predict,
        "tf_keras, predict_on_batch": direct.predict_on_batch,
        "tf_keras, called": lambda x: [np.asarray(y) for y in direct(x, training=False)],
    }
    random = np.random.default_rng(0)
    patches = random.normal(-2, 2, (PATCHES, *model.features.patch_shape)).astype(np.float32)
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(arguments.rounds + 1):
        for name, call in calls.items():
            begin = time.perf_counter()
            for start in range(0, PATCHES, BATCH):
                call(patches[start : start + BATCH])
            if number:  # the first round warms up
                seconds[name].append(time.perf_counter() - begin)
    for name, found in seconds.items():
        print(f"{name:28}{PATCHES / statistics.median(found):8,.0f} patches/s")

    def ratio(name: str, other: str) -> float:
        pairs = zip(seconds[name], seconds[other], strict=True)
        return statistics.median(one / two for one, two in pairs)

    slower = ratio("numpy", "onnx")
    print(f"numpy takes {slower:.2f} times as long as onnx (limit 5)")
    against = {name: ratio("keras", name) for name in list(calls)[3:]}
    for name, value in against.items():
        print(f"keras takes {value:.3f} times as long as {name}")
    if slower > 5:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
