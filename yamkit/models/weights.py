"""Canonical weights in a ``weights.npz``: read with every check, and written reproducibly.

Shapes are checked before memory is allocated, nothing is unpickled, and the same arrays always
give the same bytes.
"""

from __future__ import annotations

import io
import math
import zipfile
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.lib import format as npy

from yamkit._util.npz import DAMAGE, ArrayError, open_member, read_floats
from yamkit._util.text import printable
from yamkit.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["check_values", "read_weights", "write_weights"]

_MOST_AROUND = 4096
"""Most bytes of an npz file in addition to the values of an array: names and headers."""


def read_weights(
    stream: IO[bytes], shapes: Mapping[str, tuple[int, ...]], where: str
) -> dict[str, NDArray[np.float32]]:
    """Read exactly the arrays of a network.

    Parameters
    ----------
    stream : binary stream, seekable
        An npz file of float32 or float16 arrays, stored or deflated.
    shapes : mapping of str to tuple of int
        Names and shapes, from `yamkit.networks.weight_shapes`.
    where : str
        Name of the file in messages.

    Returns
    -------
    dict of str to ndarray, float32
        In the order of ``shapes``.

    Raises
    ------
    BundleError
        If an array is missing, unexpected, of another shape, not float or not finite.
    """
    most = _MOST_AROUND + sum(4 * math.prod(shape) + _MOST_AROUND for shape in shapes.values())
    if stream.seek(0, io.SEEK_END) > most:  # the list of members could take any memory
        raise BundleError(
            f"{where}: longer than {most} bytes, more than the network's weights need"
        )
    try:
        with zipfile.ZipFile(stream) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            if missing := [name for name in shapes if name not in members]:
                raise BundleError(f"{where}: {missing[0]} is missing")
            if extra := [name for name in members if name not in shapes]:
                raise BundleError(f"{where}: {extra[0]!r:.80} does not belong to the network")
            weights = {}
            for name, shape in shapes.items():
                with open_member(archive, members[name]) as member:
                    weights[name] = read_floats(member, shape)
    except BundleError:
        raise
    except ArrayError as error:
        raise BundleError(f"{where}: {name} {error}") from None
    except DAMAGE as error:
        reason = printable(str(error).partition("\n")[0] or type(error).__name__)
        raise BundleError(f"{where}: damaged, or not an npz file: {reason:.200}") from None
    for name, array in weights.items():
        if problem := check_values(name, array):
            raise BundleError(f"{where}: {name} {problem}")
    return weights


def write_weights(stream: IO[bytes], weights: Mapping[str, NDArray[np.floating]]) -> None:
    """Write an npz file, uncompressed, sorted by name, free of dates.

    Parameters
    ----------
    stream : binary stream
    weights : mapping of str to ndarray
        float16 is kept, everything else becomes float32.
    """
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(weights):
            array = weights[name]
            dtype = "<f2" if array.dtype == np.float16 else "<f4"
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.create_system = 3  # zipfile's default depends on the platform
            with archive.open(entry, "w") as member:
                npy.write_array(member, np.ascontiguousarray(array, dtype), version=(1, 0))


def check_values(name: str, array: NDArray[np.float32]) -> str:
    """Return what is wrong with the values of a weight; empty if nothing is."""
    if not np.isfinite(array).all():
        return "contains NaN or infinity"
    if name.endswith("/variance") and (array < 0).any():
        return "contains a negative variance"
    return ""
