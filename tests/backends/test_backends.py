"""Every backend on small random networks: against a direct evaluation, and what each promises."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from yamkit.errors import BundleError, ProviderWarning
from yamkit.networks import mobilenet_v1, same_padding, weight_shapes
from yamkit.plugin import BackendOptions
from yamkit.types import LogMelSpec, NetworkSpec, TagClass

NAMES = ["onnx", "numpy", pytest.param("keras", marks=pytest.mark.tensorflow)]
SHAPES = [(96, 64), (51, 37), (32, 33)]


@dataclass
class Fake:
    """A model in memory."""

    features: LogMelSpec
    network: NetworkSpec
    classes: tuple[TagClass, ...]
    weights: dict[str, np.ndarray]
    weights_sha256: str = "0" * 64
    name: str = "fake"
    path: Path | None = None
    loads: int = 0

    def load_weights(self):
        self.loads += 1
        return self.weights

    def network_path(self):
        return self.path


def fake(shape: tuple[int, int] = (51, 37), width: float = 0.25, seed: int = 0) -> Fake:
    random = np.random.default_rng(seed)
    layers = mobilenet_v1(width)
    weights = {}
    for name, form in weight_shapes(layers, 7).items():
        fan_in = 9 if "depthwise" in name else max(1, int(np.prod(form[:-1])))
        values = random.normal(0, (2 / fan_in) ** 0.5, form)
        if name.startswith("classifier"):
            values *= 0.05  # logits of a size at which a sigmoid tells them apart
        weights[name] = (np.abs(values) + 0.3 if name.endswith("variance") else values).astype("f4")
    features = LogMelSpec(
        "log-mel", 16000, 400, 160, 512, shape[1], 125.0, 7500.0, 0.001, shape[0], 10
    )
    classes = tuple(TagClass(i, "", f"class {i}") for i in range(7))
    network = NetworkSpec("mobilenet-v1", width, 1e-3, layers[-1].filters)
    return Fake(features, network, classes, weights)


def make(name: str, model: Fake, **options):
    options = BackendOptions(**options)
    if name == "onnx":
        from yamkit_onnx._backend import OnnxBackend

        return OnnxBackend(model, options)
    if name == "numpy":
        from yamkit_numpy._backend import NumpyBackend

        return NumpyBackend(model, options)
    pytest.importorskip("tf_keras")
    from yamkit_keras._backend import KerasBackend

    return KerasBackend(model, options)


def patches(model: Fake, count: int = 3, seed: int = 1) -> np.ndarray:
    shape = (count, *model.features.patch_shape)
    return np.random.default_rng(seed).normal(-2, 1.5, shape).astype(np.float32)


def direct(model: Fake, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Evaluate in float64, batch normalisation as it is written, an output pixel at a time."""
    image = x[..., np.newaxis].astype(float)
    for layer in mobilenet_v1(model.network.width):
        kernel = model.weights[f"{layer.name}/kernel"].astype(float)
        rows, top, bottom = same_padding(image.shape[1], layer.kernel, layer.stride)
        columns, left, right = same_padding(image.shape[2], layer.kernel, layer.stride)
        padded = np.pad(image, ((0, 0), (top, bottom), (left, right), (0, 0)))
        image = np.empty((len(x), rows, columns, layer.filters))
        for i in range(rows):
            for j in range(columns):
                y, z = i * layer.stride, j * layer.stride
                window = padded[:, y : y + layer.kernel, z : z + layer.kernel]
                if layer.kind == "depthwise":
                    image[:, i, j] = (window * kernel).sum(axis=(1, 2))
                else:
                    image[:, i, j] = np.tensordot(window, kernel, axes=3)
        mean, variance, beta = (
            model.weights[f"{layer.name}/{part}"].astype(float)
            for part in ("mean", "variance", "beta")
        )
        image = (image - mean) / np.sqrt(variance + model.network.batch_norm_epsilon) + beta
        image = np.maximum(image, 0)
    embeddings = image.mean(axis=(1, 2))
    logits = embeddings @ model.weights["classifier/kernel"] + model.weights["classifier/bias"]
    return 1 / (1 + np.exp(-logits)), embeddings


@pytest.mark.parametrize("name", NAMES)
def test_the_hook_describes_it(name: str) -> None:
    (info,) = import_module(f"yamkit_{name}").yamkit_backends()
    assert (info.name, info.api) == (name, 1)
    assert "mobilenet-v1" in info.networks
    assert "cpu" in info.providers
    module, _, factory = info.factory.partition(":")
    backend = make(name, fake())
    assert type(backend) is getattr(import_module(module), factory)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equal_to_the_definition(name: str, shape: tuple[int, int]) -> None:
    model = fake(shape)
    x = patches(model)
    scores, embeddings = make(name, model).predict(x)
    wanted_scores, wanted_embeddings = direct(model, x)
    assert scores.shape == (3, 7)
    assert embeddings.shape == (3, model.network.embedding_size)
    assert scores.dtype == embeddings.dtype == np.float32
    scale = np.abs(wanted_embeddings).max()
    np.testing.assert_allclose(embeddings, wanted_embeddings, rtol=0, atol=2e-5 * scale)
    np.testing.assert_allclose(scores, wanted_scores, rtol=0, atol=2e-5 * max(scale, 1))
    assert np.ptp(scores, axis=0).max() > 1e-3  # the inputs matter


@pytest.mark.parametrize("name", NAMES)
def test_what_every_backend_promises(name: str) -> None:
    model = fake()
    backend = make(name, model, threads=1 if name != "keras" else None)
    x = patches(model, 9)
    x.setflags(write=False)
    scores, embeddings = backend.predict(x)
    again, _ = backend.predict(x)
    np.testing.assert_array_equal(scores, again)
    assert ((scores >= 0) & (scores <= 1)).all()
    alone = np.concatenate([backend.predict(row[np.newaxis])[0] for row in x])
    np.testing.assert_allclose(scores, alone, rtol=0, atol=1e-6)
    none, nothing = backend.predict(x[:0])
    assert none.shape == (0, 7)
    assert nothing.shape == (0, embeddings.shape[1])
    found = {}
    threads = [
        threading.Thread(target=lambda i=i: found.update({i: backend.predict(x[i : i + 2])[0]}))
        for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, rows in found.items():
        np.testing.assert_allclose(rows, scores[i : i + 2], rtol=0, atol=1e-6)
    backend.close()
    backend.close()


@pytest.mark.parametrize("name", NAMES)
def test_extreme_patches_stay_finite(name: str) -> None:
    model = fake()
    x = np.full((2, *model.features.patch_shape), 1e4, np.float32)
    x[1] *= -1
    scores, _ = make(name, model).predict(x)
    assert np.isfinite(scores).all()


def test_onnx_without_such_a_provider() -> None:
    model = fake()
    with pytest.warns(ProviderWarning, match="provider 'coreml': .* cpu here; .* runs on cpu"):
        found = make("onnx", model, provider="coreml").predict(patches(model))
    wanted = make("onnx", model).predict(patches(model))
    np.testing.assert_array_equal(found[0], wanted[0])


def test_onnx_that_falls_back_in_silence(monkeypatch) -> None:
    import onnxruntime

    real = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime,
        "get_available_providers",
        lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"],
    )
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda *source, providers: real(*source, providers=["CPUExecutionProvider"]),
    )
    with pytest.warns(ProviderWarning, match="provider 'cuda': ONNX Runtime has cpu here"):
        make("onnx", fake(), provider="cuda")


@pytest.mark.parametrize("name", NAMES)
def test_a_large_batch(name: str) -> None:
    model = fake((20, 16))
    x = patches(model, 41)
    backend = make(name, model)
    scores, embeddings = backend.predict(x)
    parts = [backend.predict(x[start : start + 7]) for start in range(0, 41, 7)]
    np.testing.assert_allclose(scores, np.concatenate([p[0] for p in parts]), rtol=0, atol=1e-6)
    atol = 1e-5 * embeddings.max()
    np.testing.assert_allclose(embeddings, np.concatenate([p[1] for p in parts]), rtol=0, atol=atol)


@pytest.mark.parametrize("name", NAMES[:2])
@pytest.mark.parametrize("threads", [1, 3, None])
def test_threads_change_nothing(name: str, threads: int | None) -> None:
    model = fake((20, 16))
    x = patches(model, 10)
    scores, _ = make(name, model, threads=threads).predict(x)
    np.testing.assert_allclose(scores, make(name, model).predict(x)[0], rtol=0, atol=1e-6)


BLAS_THREADS = """
import sys
{before}
from threadpoolctl import threadpool_info, threadpool_limits
from yamkit_numpy import _backend, _threads
{after}

def threads(pools):
    return {{pool["num_threads"] for pool in pools if pool["user_api"] == "blas"}}

def numpys():  # SciPy's is another library, and no concern of the backend if it came later
    return threads(_threads._controller.info())

with threadpool_limits(2, "blas"):
    if numpys() != {{2}}:
        sys.exit("threadpoolctl does not know this BLAS library")
    first, second = _threads.one_blas_thread(), _threads.one_blas_thread()
    first.__enter__()
    second.__enter__()
    assert numpys() == {{1}}
    first.__exit__(None, None, None)
    assert numpys() == {{1}}, "the second is still inside"
    second.__exit__(None, None, None)
    assert threads(threadpool_info()) == {{2}}
print("done")
"""


@pytest.mark.parametrize("scipy", ["absent", "before", "after"])
@pytest.mark.long(reason="loads engines")
def test_numpy_gives_the_blas_threads_back(scipy: str) -> None:
    """In a process of its own: which BLAS libraries are loaded is a matter of the imports."""
    if scipy != "absent":
        pytest.importorskip("scipy")
    lines = {"before": "", "after": "", scipy: "import scipy.linalg"}
    script = BLAS_THREADS.format(**lines)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    if "threadpoolctl does not know" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_numpy_raises_what_its_threads_raise() -> None:
    model = fake((20, 16))
    backend = make("numpy", model, threads=2)
    with pytest.raises(TypeError, match="matmul"):
        backend.predict(np.full((9, 20, 16), "a"))


@pytest.mark.long(reason="loads engines")
class TestOnnxCache:
    """The graph is built once."""

    def test_a_hit_loads_no_weights(self, tmp_path: Path) -> None:
        model = fake()
        folder = tmp_path / "deep" / "cache"
        first = make("onnx", model, cache_folder=folder).predict(patches(model))[0]
        assert model.loads == 1
        assert sorted(path.suffix for path in folder.iterdir()) == [".onnx", ".sha256"]
        second = make("onnx", model, cache_folder=folder).predict(patches(model))[0]
        assert model.loads == 1
        np.testing.assert_array_equal(first, second)

    @pytest.mark.parametrize(
        "change",
        [
            {"weights_sha256": "1" * 64},
            {"features": replace(fake().features, patch_frames=60)},
            {"network": replace(fake().network, batch_norm_epsilon=0.5)},
        ],
    )
    def test_another_model_is_a_miss(self, tmp_path: Path, change: dict) -> None:
        make("onnx", fake(), cache_folder=tmp_path)
        other = replace(fake(), **change)
        make("onnx", other, cache_folder=tmp_path)
        assert other.loads == 1
        assert len(list(tmp_path.glob("*.onnx"))) == 2

    @pytest.mark.parametrize("damage", ["empty", "no graph", "one weight", "no digest"])
    def test_a_damaged_graph_is_built_again(self, tmp_path: Path, damage: str) -> None:
        make("onnx", fake(), cache_folder=tmp_path)
        (path,) = tmp_path.glob("*.onnx")
        whole = path.read_bytes()
        middle = len(whole) // 2
        if damage == "no digest":
            path.with_suffix(".sha256").unlink()
        else:
            flipped = bytes([whole[middle] ^ 1])
            path.write_bytes(
                {
                    "empty": b"",
                    "no graph": b"not a graph",
                    "one weight": whole[:middle] + flipped + whole[middle + 1 :],
                }[damage]
            )
        model = fake()
        make("onnx", model, cache_folder=tmp_path)
        assert model.loads == 1
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert path.with_suffix(".sha256").read_text() == digest
        make("onnx", model, cache_folder=tmp_path)
        assert model.loads == 1

    def test_a_folder_that_cannot_be_written_is_no_error(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        model = fake()
        make("onnx", model, cache_folder=tmp_path / "file" / "cache").predict(patches(model))
        assert [path.name for path in tmp_path.iterdir()] == ["file"]

    def test_a_folder_that_cannot_be_read_is_no_error(self, tmp_path: Path, monkeypatch) -> None:
        make("onnx", fake(), cache_folder=tmp_path)
        (path,) = tmp_path.glob("*.onnx")
        path.unlink()
        path.mkdir()
        model = fake()
        assert make("onnx", model, cache_folder=tmp_path).predict(patches(model))[0].shape == (3, 7)
        assert path.is_dir()

    def test_a_hit_imports_no_onnx(self, tmp_path: Path) -> None:
        make("onnx", fake(), cache_folder=tmp_path)
        code = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_backends import fake, make, patches
heavy = {{"onnx", "h5py", "tensorflow", "keras", "tf_keras", "scipy", "numba", "pandas"}}
model = fake()
make("onnx", model, cache_folder=Path({str(tmp_path)!r})).predict(patches(model))
assert model.loads == 0
print(sorted(heavy & set(sys.modules)))
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert (done.stdout, done.stderr) == ("[]\n", "")

    def test_a_write_that_fails_leaves_nothing(self, tmp_path: Path, monkeypatch) -> None:
        def full(self, target):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "replace", full)
        make("onnx", fake(), cache_folder=tmp_path)
        assert list(tmp_path.iterdir()) == []


class TestOwnOnnx:
    """Models that bring their own ONNX file."""

    @pytest.fixture
    def own(self, tmp_path: Path):
        """Make a model with a small graph; `inputs` and `outputs` change its signature."""
        onnx = pytest.importorskip("onnx")
        from onnx import TensorProto, helper

        def build(
            inputs=(("x", TensorProto.FLOAT, ["n", 4, 3]),),
            embeddings=True,
            classes=2,
            op="Sigmoid",
            rows="n",
        ) -> Fake:
            nodes = [
                helper.make_node("ReduceMean", ["x"], ["e"], axes=[1], keepdims=0),
                helper.make_node("Slice", ["e", "zero", "two", "one"], ["l"]),
                helper.make_node(op, ["l"], ["s"]),
            ]
            ints = [
                helper.make_tensor(name, TensorProto.INT64, [1], [value])
                for name, value in (("zero", 0), ("two", 2), ("one", 1))
            ]
            outputs = [helper.make_tensor_value_info("s", TensorProto.FLOAT, [rows, 2])]
            if embeddings:
                outputs.append(helper.make_tensor_value_info("e", TensorProto.FLOAT, [rows, 3]))
            graph = helper.make_graph(
                nodes,
                "own",
                [helper.make_tensor_value_info(*each) for each in inputs],
                outputs,
                ints,
            )
            proto = helper.make_model(
                graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
            )
            path = tmp_path / "model.onnx"
            onnx.save(proto, path)
            model = fake((4, 3))
            return replace(
                model,
                network=NetworkSpec("onnx", embedding_size=3 if embeddings else 0),
                classes=model.classes[:classes],
                path=path,
            )

        return build

    def test_it_runs(self, own) -> None:
        model = own()
        x = patches(model, 5)
        scores, embeddings = make("onnx", model).predict(x)
        np.testing.assert_allclose(embeddings, x.mean(axis=1), rtol=1e-5)
        np.testing.assert_allclose(scores, 1 / (1 + np.exp(-embeddings[:, :2])), rtol=1e-5)
        assert make("onnx", model).predict(x[:0])[1].shape == (0, 3)

    def test_without_embeddings(self, own) -> None:
        model = own(embeddings=False)
        scores, embeddings = make("onnx", model).predict(patches(model, 5))
        assert scores.shape == (5, 2)
        assert embeddings.shape == (5, 0)

    def test_no_onnx_file(self, own) -> None:
        model = own()
        model.path.write_bytes(b"no protobuf at all")
        with pytest.raises(BundleError, match="model.onnx: ONNX Runtime does not load it: ") as e:
            make("onnx", model)
        assert "\n" not in str(e.value)

    def test_wrong_inputs(self, own) -> None:
        from onnx import TensorProto

        model = own(inputs=(("x", TensorProto.FLOAT, ["n", 9, 3]),))
        with pytest.raises(BundleError, match="inputs x .*9, 3.*: must be one of float"):
            make("onnx", model)

    @pytest.mark.parametrize("shape", [["n", 4], ["n", 4, 3, 1], [1, 4, 3], [2, 4, 3]], ids=str)
    def test_other_axes(self, own, shape: list) -> None:
        from onnx import TensorProto

        model = own(inputs=(("x", TensorProto.FLOAT, shape),), rows=None)
        with pytest.raises(BundleError, match=r"one of float \[batch, 4, 3\]|does not load"):
            make("onnx", model)

    def test_free_axes(self, own) -> None:
        from onnx import TensorProto

        model = own(inputs=(("x", TensorProto.FLOAT, ["n", None, "bands"]),))
        assert make("onnx", model).predict(patches(model, 5))[0].shape == (5, 2)

    def test_inputs_of_another_type(self, own) -> None:
        from onnx import TensorProto

        model = own(inputs=(("x", TensorProto.DOUBLE, ["n", 4, 3]),))
        with pytest.raises(BundleError, match="tensor.double.|does not load"):
            make("onnx", model)

    def test_a_graph_that_does_not_run(self, own) -> None:
        import onnx

        model = own()
        proto = onnx.load(model.path)
        # as many rows as the trial has not
        shape = onnx.helper.make_tensor("five", onnx.TensorProto.INT64, [2], [5, 2])
        proto.graph.initializer.append(shape)
        proto.graph.node[-1].output[0] = "before"
        proto.graph.node.append(onnx.helper.make_node("Reshape", ["before", "five"], ["s"]))
        model.path.write_bytes(proto.SerializeToString())
        with pytest.raises(BundleError, match=r"ONNX Runtime does not (run|load) it: ") as caught:
            make("onnx", model)
        assert "\n" not in str(caught.value)

    def test_a_provider_that_falls_back(self, own, monkeypatch) -> None:
        import onnxruntime

        model = own()
        real = onnxruntime.InferenceSession
        monkeypatch.setattr(
            onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"]
        )
        monkeypatch.setattr(
            onnxruntime,
            "InferenceSession",
            lambda *source, providers: real(*source, providers=["CPUExecutionProvider"]),
        )
        with pytest.warns(ProviderWarning, match="provider 'cuda'"):
            make("onnx", model, provider="cuda")

    def test_wrong_outputs(self, own) -> None:
        with pytest.raises(BundleError, match=r"outputs s .*: must be float \[batch, 1\] and"):
            make("onnx", own(classes=1))


@pytest.mark.tensorflow
class TestKeras:
    """What TensorFlow does not allow is said in one line."""

    def test_no_gpu(self) -> None:
        tf = pytest.importorskip("tensorflow")
        if tf.config.list_physical_devices("GPU"):
            pytest.skip("there is a GPU")
        with pytest.warns(ProviderWarning, match="provider 'cuda': TensorFlow finds no GPU"):
            make("keras", fake(), provider="cuda")

    def test_threads_belong_to_the_process(self) -> None:
        make("keras", fake()).predict(patches(fake()))
        with pytest.warns(ProviderWarning, match="threads 17: TensorFlow already runs"):
            make("keras", fake(), threads=17)

    def test_threads_in_a_fresh_process(self) -> None:
        pytest.importorskip("tf_keras")
        code = (
            "import json; from yamkit_keras._backend import _set_threads, tf; _set_threads(1);"
            "_set_threads(1); print(json.dumps("
            "tf.config.threading.get_intra_op_parallelism_threads()))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        assert json.loads(done.stdout) == 1
