"""Arrays of an npz file whose bytes come from strangers.

A shape is compared before memory is taken, and nothing is unpickled.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.lib import format as npy

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DAMAGE", "ArrayError", "read_floats"]

DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    MemoryError,
    ValueError,
    TypeError,
    KeyError,
)
"""What zipfile and the reader of arrays raise for bytes that are not what they say."""

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


class ArrayError(ValueError):
    """An array is not the one that is wanted; says what it "is", "has" or "does not"."""


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
    found, fortran_order, dtype = _HEADERS[npy.read_magic(member)](member)
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
