"""Arrays of an npz file whose bytes come from strangers.

Sizes are compared before memory is taken, and nothing is unpickled.
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
"""What zipfile and the reader of arrays raise for bytes that are not what they say."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MAGIC = b"\x93NUMPY"
_LENGTHS = {b"\1\0": "<H", b"\2\0": "<I"}
"""How the length of a header is written, by the version of the format."""

_MAX_HEADER_BYTES = 1024
"""NumPy writes 128 for an array of numbers."""

_FIELDS = tuple(
    re.compile(rb"""["']%s["']\s*:\s*%s\s*[,}]""" % pair)
    for pair in (
        (b"descr", rb"""["']([<>|=]?[?biufcmMOSUV]\d{0,4})["']"""),
        (b"fortran_order", rb"(True|False)"),
        (b"shape", rb"\(((?:\s*\d{1,18}\s*,)*\s*\d{0,18}\s*)\)"),
    )
)


class ArrayError(ValueError):
    """An array is not the one that is wanted; says what it "is", "has" or "does not"."""


def open_member(archive: zipfile.ZipFile, name: str | zipfile.ZipInfo) -> IO[bytes]:
    """Open a member of an npz file that is stored or deflated, as NumPy writes it.

    Others unpack without a bound: a few bytes of bz2 or LZMA become gigabytes at one call.

    Raises
    ------
    ArrayError
        If it is compressed in another way. Damaged bytes raise any of `DAMAGE`.
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
        That it must have.

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
        raise ArrayError(f"has the shape {list(found)}, it must have {list(shape)}")
    if dtype.kind != "f" or dtype.itemsize not in (2, 4):
        raise ArrayError(f"is of type {dtype}, it must be float32 or float16")
    length = math.prod(shape) * dtype.itemsize
    data = member.read(length + 1)  # reading past the end makes zipfile check its CRC
    if len(data) != length:
        raise ArrayError(f"does not hold {length} bytes of values")
    array = np.frombuffer(data, dtype)
    array = array.reshape(shape[::-1]).T if fortran_order else array.reshape(shape)
    return np.ascontiguousarray(array, np.float32)


def _read_header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read the shape, whether it is in Fortran's order, and the type of an array.

    NumPy's own reader takes headers of any length, and raises whatever Python's tokenizer does.
    See NumPy's NEP 1 for the format.
    """
    magic = member.read(len(_MAGIC) + 2)
    layout = _LENGTHS.get(magic[len(_MAGIC) :])
    if not magic.startswith(_MAGIC) or layout is None:
        raise ArrayError("is no array of NumPy")
    (length,) = struct.unpack(layout, member.read(struct.calcsize(layout)))
    if length > _MAX_HEADER_BYTES:
        raise ArrayError(f"has a header of {length} bytes, more than {_MAX_HEADER_BYTES}")
    text = member.read(length)
    descr, order, shape = (field.search(text) for field in _FIELDS)
    if descr is None or order is None or shape is None:
        raise ArrayError("has a header that is not one of an array of numbers")
    sizes = tuple(int(size) for size in shape[1].split(b",") if size.strip())
    return sizes, order[1] == b"True", np.dtype(descr[1].decode())
