"""Arrays in npz files from strangers.

Sizes are checked before memory is allocated, and nothing is unpickled.
"""

from __future__ import annotations

import math
import re
import struct
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DAMAGE", "ArrayError", "open_member", "read_floats"]

DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    MemoryError,
    ValueError,
    TypeError,
    LookupError,
    OverflowError,
    struct.error,
)
"""Exceptions that zipfile and the reader of arrays raise for damaged bytes."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MAGIC = b"\x93NUMPY"
_LENGTHS = {b"\1\0": "<H", b"\2\0": "<I"}
"""Layout of the length of a header, by format version."""

_MAX_HEADER_BYTES = 1024
"""Longest header; NumPy writes 128 bytes for an array of numbers."""

_FIELDS = tuple(
    re.compile(rb"""["']%s["']\s*:\s*%s\s*[,}]""" % pair)
    for pair in (
        (b"descr", rb"""["']([<>|=]?[?biufcmMOSUV]\d{0,4})["']"""),
        (b"fortran_order", rb"(True|False)"),
        (b"shape", rb"\(((?:\s*\d{1,18}\s*,)*\s*\d{0,18}\s*)\)"),
    )
)


class ArrayError(ValueError):
    """An array is not as required; the message follows the name of the array."""


def open_member(archive: zipfile.ZipFile, name: str | zipfile.ZipInfo) -> IO[bytes]:
    """Open a stored or deflated member of an npz file, as NumPy writes it.

    Other methods unpack without a bound: a few bytes of bz2 or LZMA become gigabytes in one call.

    Raises
    ------
    ArrayError
        If it is compressed by another method. Damaged bytes raise any of `DAMAGE`.
    """
    info = archive.getinfo(name) if isinstance(name, str) else name
    if info.compress_type not in _METHODS:
        raise ArrayError("is neither stored nor deflated")
    return archive.open(info)


def read_floats(member: IO[bytes], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Read an array of an npz file.

    Parameters
    ----------
    member : binary stream
        An open member of the archive.
    shape : tuple of int
        Required shape.

    Returns
    -------
    ndarray, float32
        Values may be anything, NaN included.

    Raises
    ------
    ArrayError
        If the array has another shape, is neither float32 nor float16, or is not whole. Damaged
        bytes raise any of `DAMAGE`.
    """
    found, fortran_order, dtype = _read_header(member)
    if found != shape:
        raise ArrayError(f"has the shape {list(found)}: must be {list(shape)}")
    if dtype.kind != "f" or dtype.itemsize not in (2, 4):
        raise ArrayError(f"has the type {dtype}: must be float32 or float16")
    length = math.prod(shape) * dtype.itemsize
    data = member.read(length + 1)  # reading past the end makes zipfile check its CRC
    if len(data) != length:
        raise ArrayError(f"does not contain {length} bytes of values")
    array = np.frombuffer(data, dtype)
    array = array.reshape(shape[::-1]).T if fortran_order else array.reshape(shape)
    return np.ascontiguousarray(array, np.float32)


def _read_header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return the shape of an array, whether it is in Fortran order, and its type.

    NumPy's reader accepts headers of any length, and raises what Python's tokenizer raises. See
    NumPy's NEP 1 for the format.
    """
    magic = member.read(len(_MAGIC) + 2)
    layout = _LENGTHS.get(magic[len(_MAGIC) :])
    if not magic.startswith(_MAGIC) or layout is None:
        raise ArrayError("is not an array of NumPy")
    (length,) = struct.unpack(layout, member.read(struct.calcsize(layout)))
    if length > _MAX_HEADER_BYTES:
        raise ArrayError(f"has a header of {length} bytes, more than {_MAX_HEADER_BYTES}")
    text = member.read(length)
    descr, order, shape = (field.search(text) for field in _FIELDS)
    if descr is None or order is None or shape is None:
        raise ArrayError("has a header that does not describe an array of numbers")
    sizes = tuple(int(size) for size in shape[1].split(b",") if size.strip())
    return sizes, order[1] == b"True", np.dtype(descr[1].decode())
