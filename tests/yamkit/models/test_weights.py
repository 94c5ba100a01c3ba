from __future__ import annotations

import contextlib
import io
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib import format as npy

from yamkit.errors import BundleError
from yamkit.models.weights import read_weights, write_weights

SHAPES = {"b/kernel": (3, 2), "a/variance": (4,)}
WEIGHTS = {
    "b/kernel": np.arange(6, dtype="f4").reshape(3, 2),
    "a/variance": np.ones(4, "f4"),
}


def packed(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def npy_bytes(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    npy.write_array(stream, array)
    return stream.getvalue()


def header_bytes(shape: tuple[int, ...], descr: str = "<f4") -> bytes:
    stream = io.BytesIO()
    npy.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def long_header(version: bytes, layout: str, length: int, text: bytes = b"") -> bytes:
    return b"\x93NUMPY" + version + struct.pack(layout, length) + text


def read(data: bytes) -> dict[str, np.ndarray]:
    return read_weights(io.BytesIO(data), SHAPES, "w.npz")


def written(weights: dict[str, np.ndarray]) -> bytes:
    stream = io.BytesIO()
    write_weights(stream, weights)
    return stream.getvalue()


def test_what_is_written_is_read():
    weights = read(written(WEIGHTS))
    assert list(weights) == list(SHAPES)
    for name, array in weights.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, WEIGHTS[name])


def test_the_same_arrays_give_the_same_bytes():
    other = dict(reversed(WEIGHTS.items()))
    other["b/kernel"] = np.asfortranarray(WEIGHTS["b/kernel"].astype(">f8"))
    assert written(other) == written(WEIGHTS)


def test_numpy_reads_what_is_written_without_pickle():
    with np.load(io.BytesIO(written(WEIGHTS)), allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["b/kernel"], WEIGHTS["b/kernel"])


def test_half_precision_is_kept_and_widened_when_read():
    half = {name: array.astype("f2") for name, array in WEIGHTS.items()}
    data = written(half)
    assert len(data) < len(written(WEIGHTS))
    assert read(data)["b/kernel"].dtype == np.float32
    np.testing.assert_array_equal(read(data)["b/kernel"], WEIGHTS["b/kernel"])


def test_files_of_numpy_in_fortran_order_big_endian_and_compressed():
    stream = io.BytesIO()
    arrays = {
        "b/kernel": np.asfortranarray(WEIGHTS["b/kernel"].astype(">f4")),
        "a/variance": WEIGHTS["a/variance"],
    }
    np.savez_compressed(stream, **arrays)
    weights = read(stream.getvalue())
    np.testing.assert_array_equal(weights["b/kernel"], WEIGHTS["b/kernel"])
    assert weights["b/kernel"].flags.c_contiguous


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (npy_bytes(np.zeros((2, 3), "f4")), r"b/kernel has the shape \[2, 3\]: must be \[3,"),
        (npy_bytes(np.zeros((3, 2), "f8")), "b/kernel has the type float64: must be float32"),
        (npy_bytes(np.zeros((3, 2), "i4")), "b/kernel has the type int32"),
        (npy_bytes(np.full((3, 2), np.nan, "f4")), "b/kernel contains NaN or infinity"),
        (npy_bytes(np.full((3, 2), np.inf, "f2")), "b/kernel contains NaN or infinity"),
        (header_bytes((3, 2)) + bytes(20), "b/kernel does not contain 24 bytes"),
        (header_bytes((3, 2)) + bytes(28), "b/kernel does not contain 24 bytes"),
        (header_bytes((2**40, 2**20)), "b/kernel has the shape"),
        (header_bytes((3, 2), "|O"), "b/kernel has the type object"),
        (header_bytes((3, 2), "nonsense"), "b/kernel has a header that does not describe"),
        (long_header(b"\1\0", "<H", 2**16 - 1), "b/kernel has a header of 65535 bytes"),
        (long_header(b"\2\0", "<I", 2**32 - 1), "b/kernel has a header of 4294967295 bytes"),
        (long_header(b"\1\0", "<H", 9, b"{'shape':("), "header that does not describe"),
        (header_bytes((3, 2)).replace(b"'<f4'", b"('f',)"), "header that does not describe"),
        (header_bytes((3, 2)).replace(b"(3", b"\n("), "header that does not describe"),
        (b"\x93NUMPY\x01\x00\x01", "damaged, or not an npz file"),
        (b"\x93NUMPY\x03\x00", "b/kernel is not an array of NumPy"),
        (b"", "b/kernel is not an array of NumPy"),
    ],
)
def test_what_is_wrong_with_an_array_is_named(kernel, message):
    data = {"a/variance.npy": npy_bytes(WEIGHTS["a/variance"]), "b/kernel.npy": kernel}
    with pytest.raises(BundleError, match=message):
        read(packed(data))


def test_an_object_array_is_never_unpickled():
    stream = io.BytesIO()
    npy.write_array(stream, np.array([print] * 6, object).reshape(3, 2), allow_pickle=True)
    data = {"a/variance.npy": npy_bytes(WEIGHTS["a/variance"]), "b/kernel.npy": stream.getvalue()}
    with pytest.raises(BundleError, match="b/kernel has the type object"):
        read(packed(data))


def test_a_zip_bomb_is_refused_by_its_header():
    bomb = header_bytes((2**26,)) + bytes(2**22)
    data = packed({"a/variance.npy": bomb, "b/kernel.npy": b""}, zipfile.ZIP_DEFLATED)
    with pytest.raises(BundleError, match="is not an array of NumPy"):
        read(data)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused_before_they_unpack(method):
    members = {f"{name}.npy": npy_bytes(array) for name, array in WEIGHTS.items()}
    with pytest.raises(BundleError, match="b/kernel is neither stored nor deflated"):
        read(packed(members, method))


def test_a_file_longer_than_the_weights_is_not_listed():
    members = {f"{name}.npy": npy_bytes(array) for name, array in WEIGHTS.items()}
    members |= {f"b/kernel.npy{number}": b"" for number in range(1000)}
    with pytest.raises(BundleError, match="longer than [0-9]+ bytes"):
        read(packed(members))


def test_missing_and_superfluous_arrays_are_named():
    with pytest.raises(BundleError, match="w.npz: a/variance is missing"):
        read(written({"b/kernel": WEIGHTS["b/kernel"]}))
    with pytest.raises(BundleError, match="'c' does not belong to the network"):
        read(written({**WEIGHTS, "c": np.zeros(1)}))


def test_a_negative_variance_is_refused():
    with pytest.raises(BundleError, match="a/variance contains a negative variance"):
        read(written({**WEIGHTS, "a/variance": np.array([1, 1, -1, 1])}))


@given(st.data())
def test_damage_gives_the_weights_or_a_bundle_error(data):
    whole = bytearray(written(WEIGHTS))
    position = data.draw(st.integers(0, len(whole) - 1))
    whole[position] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, len(whole)))
    for damaged in (bytes(whole), bytes(whole[:cut])):
        with contextlib.suppress(BundleError):
            for name, array in read(damaged).items():
                np.testing.assert_array_equal(array, WEIGHTS[name])
