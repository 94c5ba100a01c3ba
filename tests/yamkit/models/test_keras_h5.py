from __future__ import annotations

import contextlib
import os
import sys

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yamkit.errors import WeightFileError
from yamkit.models.keras_h5 import read_here, read_keras_h5
from yamkit.networks import mobilenet_v1, parameter_count, weight_shapes

DEPTHWISE = "layer3/depthwise_conv/layer3/depthwise_conv/depthwise_kernel:0"
POINTWISE = "layer14/pointwise_conv/layer14/pointwise_conv/kernel:0"
STEM = "layer1/conv/layer1/conv/kernel:0"
VARIANCE = "layer7/pointwise_conv/bn/layer7/pointwise_conv/bn/moving_variance:0"
KERNEL = "dense/dense/kernel:0"
BIAS = "dense/dense/bias:0"


@pytest.fixture
def refused(keras_weights, write_h5, tmp_path):
    """Give the message for a file that `edit` has changed."""

    def message(changes=None, edit=None) -> str:
        arrays = {**keras_weights, **(changes or {})}
        arrays = {name: array for name, array in arrays.items() if array is not None}
        path = write_h5(tmp_path / "w.h5", arrays)
        if edit is not None:
            with h5py.File(path, "r+") as file:
                edit(file)
        with pytest.raises(WeightFileError) as caught:
            read_here(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
        return str(caught.value).removeprefix(f"{path}: ")

    return message


def test_canonical_names_and_shapes(small_h5, keras_weights):
    width, weights = read_here(small_h5)
    assert width == 0.25
    shapes = weight_shapes(mobilenet_v1(0.25), 7)
    assert {name: array.shape for name, array in weights.items()} == shapes
    assert {array.dtype for array in weights.values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(
        weights["layer3/depthwise/kernel"], keras_weights[DEPTHWISE][..., 0]
    )
    np.testing.assert_array_equal(weights["layer14/pointwise/kernel"], keras_weights[POINTWISE])
    np.testing.assert_array_equal(weights["layer7/pointwise/variance"], keras_weights[VARIANCE])
    np.testing.assert_array_equal(weights["classifier/bias"], keras_weights[BIAS])


@pytest.mark.parametrize("root", ["model_weights/", "yamnet/"])
def test_other_nestings(keras_weights, write_h5, tmp_path, root):
    _, weights = read_here(write_h5(tmp_path / "w.h5", keras_weights, root))
    np.testing.assert_array_equal(weights["layer1/conv/kernel"], keras_weights[STEM])


def test_a_numbered_dense_layer_and_no_suffixes(keras_weights, write_h5, tmp_path):
    arrays = {
        name.replace("dense", "dense_1").removesuffix(":0"): array
        for name, array in keras_weights.items()
    }
    _, weights = read_here(write_h5(tmp_path / "w.h5", arrays))
    np.testing.assert_array_equal(weights["classifier/kernel"], keras_weights[KERNEL])


@pytest.mark.parametrize("version", ["earliest", "v108", "v110", "latest"])
def test_every_version_of_the_file_format(keras_weights, tmp_path, version):
    with h5py.File(tmp_path / "w.h5", "w", libver=version) as file:
        for name, array in keras_weights.items():
            file.create_dataset(name, data=array)
    _, weights = read_here(tmp_path / "w.h5")
    np.testing.assert_array_equal(weights["classifier/kernel"], keras_weights[KERNEL])


def test_an_optimizer_beside_the_weights_is_ignored(keras_weights, write_h5, tmp_path):
    path = write_h5(tmp_path / "w.h5", keras_weights, "model_weights/")
    with h5py.File(path, "r+") as file:
        file["optimizer_weights/layer1/conv/kernel:0"] = np.zeros(3)
        file["model_weights/layer1"]["type"] = np.dtype("f4")  # neither a group nor an array
    assert read_here(path)[0] == 0.25


@pytest.mark.parametrize("dtype", ["f2", ">f4", "f8"])
def test_other_floats_become_float32(keras_weights, write_h5, tmp_path, dtype):
    arrays = {name: array.astype(dtype) for name, array in keras_weights.items()}
    _, weights = read_here(write_h5(tmp_path / "w.h5", arrays))
    assert weights["layer1/conv/kernel"].dtype == np.float32
    np.testing.assert_array_equal(
        weights["layer1/conv/kernel"], arrays[STEM].astype("f4"), strict=True
    )


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        (DEPTHWISE, "layer3/depthwise_conv/depthwise_kernel is missing"),
        (STEM, "layer1/conv/kernel is missing"),
        (VARIANCE, "layer7/pointwise_conv/bn/moving_variance is missing"),
        (BIAS, "dense/bias is missing"),
        (KERNEL, "dense/kernel is missing"),
    ],
)
def test_a_missing_weight_is_named(refused, name, missing):
    assert refused({name: None}) == missing


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        (
            STEM,
            (3, 3, 1, 16),
            "layer1/conv/kernel: shape [3, 3, 1, 16]: must be [3, 3,",
        ),
        (STEM, (3, 3, 1, 0), "layer1/conv/kernel: shape [3, 3, 1, 0]: must be [3, 3,"),
        (POINTWISE, (1, 1, 256, 8), "layer14/pointwise_conv/kernel: shape [1, 1, 256, 8]:"),
        (DEPTHWISE, (3, 3, 16), "layer3/depthwise_conv/depthwise_kernel: shape [3, 3, 16]"),
        (KERNEL, (1024, 7), "dense/kernel: shape [1024, 7]: must be [256, 7]"),
        (BIAS, (8,), "dense/kernel: shape [256, 7]: must be [256, 8]"),
        (BIAS, (), "dense/kernel: shape [256, 7]: must be [256, 1]"),
    ],
)
@pytest.mark.long(reason="tags many clips")
def test_a_misshapen_weight_is_named(refused, name, shape, message):
    assert refused({name: np.zeros(shape, "f4")}).startswith(message)


def test_values_that_are_no_weights(refused, keras_weights):
    broken = keras_weights[DEPTHWISE].copy()
    broken[0, 0, 0] = np.nan
    name = "layer3/depthwise_conv/depthwise_kernel"
    assert refused({DEPTHWISE: broken}) == f"{name} contains NaN or infinity"
    broken = np.full(keras_weights[DEPTHWISE].shape, 1e300)
    assert refused({DEPTHWISE: broken}) == f"{name} contains NaN or infinity"
    broken = -keras_weights[VARIANCE]
    assert refused({VARIANCE: broken}).endswith("moving_variance contains a negative variance")
    broken = keras_weights[DEPTHWISE].astype("i4")
    assert refused({DEPTHWISE: broken}) == f"{name}: type int32: must be float32"


def test_what_does_not_belong_is_named(refused, keras_weights):
    gamma = "layer1/conv/bn/layer1/conv/bn/gamma:0"
    message = refused({gamma: np.ones(8, "f4")})
    assert message.startswith("'layer1/conv/bn/gamma' does not belong to a MobileNet v1")
    assert "'layer15/conv/kernel'" in refused({"layer15/conv/kernel:0": np.ones(1, "f4")})
    assert "'extra/table'" in refused({"extra/table": np.ones(1, "f4")})
    second = {"dense_1/kernel:0": np.ones((1, 1)), "dense_1/bias:0": np.ones(1)}
    assert refused(second) == "dense layers dense, dense_1: must be exactly one"
    assert refused({f"again/{STEM}": keras_weights[STEM]}) == "layer1/conv/kernel occurs twice"


def test_files_of_something_else(write_h5, tmp_path, refused, keras_weights):
    text = tmp_path / "text.h5"
    text.write_text("not HDF5")
    with pytest.raises(WeightFileError, match=r"text\.h5: not a readable HDF5 file"):
        read_here(text)
    other = write_h5(tmp_path / "other.h5", {"layers/conv2d/vars/0": np.zeros(3)})
    with pytest.raises(WeightFileError, match="no dense layer with kernel and bias; .*weight file"):
        read_here(other)
    alone = write_h5(tmp_path / "dense.h5", {n: keras_weights[n] for n in (KERNEL, BIAS)})
    with pytest.raises(WeightFileError, match="layer1/conv/bn/beta is missing"):
        read_here(alone)
    root = write_h5(tmp_path / "root.h5", {"model_weights": np.zeros(3)})
    with pytest.raises(WeightFileError, match="model_weights is not a group"):
        read_here(root)
    with pytest.raises(WeightFileError, match="No such file"):
        read_here(tmp_path / "absent.h5")


def test_links_are_not_followed(refused, keras_weights, write_h5, tmp_path):
    secret = write_h5(tmp_path / "secret.h5", {"k": keras_weights[STEM]})

    def external(file):
        del file[STEM]
        file[STEM] = h5py.ExternalLink(str(secret), "/k")

    def soft(file):
        file.move(STEM, "elsewhere/kernel:0")
        file[STEM] = h5py.SoftLink("/elsewhere/kernel:0")

    for edit in (external, soft):
        assert refused(edit=edit) == f"{STEM} is a soft or external link; links are refused"


def test_arrays_that_lie_elsewhere_or_unpack_are_refused(refused, keras_weights, tmp_path):
    array = keras_weights[STEM]
    array.tofile(tmp_path / "raw")

    def stored(**options):
        def edit(file):
            del file[STEM]
            file.create_dataset(STEM, array.shape, "f4", **options)

        return edit

    def virtual(file):
        del file[STEM]
        layout = h5py.VirtualLayout(array.shape, "f4")
        layout[...] = h5py.VirtualSource(str(tmp_path / "other.h5"), "k", array.shape)
        file.create_virtual_dataset(STEM, layout)

    outside = [(str(tmp_path / "raw"), 0, array.nbytes)]
    for edit in (
        stored(chunks=True),
        stored(compression="gzip"),
        stored(external=outside),
        virtual,
    ):
        message = refused(edit=edit)
        assert message.startswith("layer1/conv/kernel: chunked, compressed or in another file")
    message = refused(edit=stored())  # HDF5 reserves no room before the first write
    assert message == "layer1/conv/kernel: has no values"


@pytest.mark.long(reason="tags many clips")
def test_groups_in_a_circle_and_without_end(refused):
    def circle(file):
        file["layer1/again"] = file["/"]

    def many(file):
        for number in range(10_001):
            file.create_group(f"many/{number}")

    assert refused(edit=circle) == "too many or too deeply nested objects"
    assert refused(edit=many) == "too many or too deeply nested objects"


def test_weights_longer_than_their_file(small_h5, monkeypatch):
    monkeypatch.setattr(h5py.Dataset, "nbytes", 10**9)
    with pytest.raises(WeightFileError, match="exceeds the file"):
        read_here(small_h5)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_cut_file_is_refused(small_h5, tmp_path, data):
    whole = small_h5.read_bytes()
    path = tmp_path / "cut.h5"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(WeightFileError, match=r"cut\.h5: "):
        read_here(path)


# the same damage every time: HDF5 itself may crash on damage nobody has tried
@settings(
    max_examples=25, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
@pytest.mark.long(reason="tags many clips")
def test_a_damaged_file_gives_weights_or_an_error(small_h5, tmp_path, data):
    whole = bytearray(small_h5.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, 20_000))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.h5"
    path.write_bytes(whole)
    with contextlib.suppress(WeightFileError):
        assert all(np.isfinite(array).all() for array in read_here(path)[1].values())


def test_the_shared_file_is_yamnet(shared):
    width, weights = read_here(shared / "models" / "yamnet.h5")
    assert width == 1.0
    trained = [n for n in weights if not n.endswith(("/mean", "/variance"))]
    count = sum(weights[name].size for name in trained)
    assert count == parameter_count(mobilenet_v1(1.0), 521) == 3_729_481


def test_names_in_the_file_cannot_break_a_message(refused, keras_weights):
    odd = "den\nse\x1b[31m"
    renamed = {f"{odd}/{odd}/bias:0": keras_weights[BIAS]}
    assert refused({BIAS: None, **renamed}).isprintable()
    assert refused({f"more/{odd}/kernel:0": keras_weights[KERNEL]}).isprintable()

    def soft(file):
        file[f"{odd}{'x' * 999}"] = h5py.SoftLink("/dense")

    message = refused(edit=soft)
    assert message.startswith(r"den\nse\x1b[31mxxx")
    assert len(message) < 300


def test_names_that_are_not_utf_8(keras_weights, write_h5, tmp_path):
    path = write_h5(tmp_path / "odd.h5", {**keras_weights, "odd_name": np.zeros(3, "f4")})
    content = path.read_bytes()
    assert content.count(b"odd_name") == 1
    path.write_bytes(content.replace(b"odd_name", b"odd_\xff\xfe__"))
    with pytest.raises(WeightFileError) as caught:
        read_here(path)
    assert str(caught.value) == rf"{path}: contains a name that is not UTF-8: b'odd_\xff\xfe__'"


@pytest.mark.long(reason="tags many clips")
def test_another_process_reads_the_same(small_h5):
    width, weights = read_keras_h5(small_h5)
    wanted_width, wanted = read_here(small_h5)
    assert (width, weights.keys()) == (wanted_width, wanted.keys())
    for name, array in wanted.items():
        np.testing.assert_array_equal(weights[name], array)


def test_what_the_other_process_refuses_is_said_here(write_h5, tmp_path):
    path = write_h5(tmp_path / "odd\n.h5", {"nothing": np.zeros(3, "f4")})
    with pytest.raises(WeightFileError) as wanted:
        read_here(path)
    with pytest.raises(WeightFileError) as caught:
        read_keras_h5(path)
    assert str(caught.value) == str(wanted.value)


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a script of a shell")
@pytest.mark.parametrize(
    ("end", "message"), [("kill -SEGV $$", "SIGSEGV"), ("exit 3", "exit code 3")]
)
def test_a_file_on_which_hdf5_crashes(small_h5, tmp_path, monkeypatch, end, message):
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{end}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(WeightFileError) as caught:
        read_keras_h5(small_h5)
    assert str(caught.value) == f"{small_h5}: damaged: HDF5 ended with {message}"
