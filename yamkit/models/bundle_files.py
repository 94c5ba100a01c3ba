"""Files of a bundle: their names, where they may be, and their SHA-256."""

from __future__ import annotations

import contextlib
import hashlib
from typing import IO, TYPE_CHECKING

from yamkit._util.text import printable
from yamkit.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from yamkit.types import NetworkSpec

__all__ = [
    "CLASSES_FILE",
    "MANIFEST_FILE",
    "WEIGHTS_FILE",
    "check_sha256",
    "damage",
    "file_sha256",
    "find_file",
    "network_file_name",
    "open_file",
    "read_file",
]

MANIFEST_FILE = "model.toml"
WEIGHTS_FILE = "weights.npz"
CLASSES_FILE = "classes.csv"


def network_file_name(network: NetworkSpec) -> str:
    """Return the name of the file that holds a network: its weights, or ``model.KIND``."""
    return WEIGHTS_FILE if network.kind == "mobilenet-v1" else f"model.{network.kind}"


def find_file(folder: Path, name: str) -> Path:
    """Return the path of a regular file inside the folder, links followed.

    Raises
    ------
    BundleError
        If the file is missing, not a regular file, or outside the folder.
    """
    path = folder / name
    shown = printable(path)
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
        is_file = path.is_file()
    except (OSError, RuntimeError, ValueError) as error:
        # RuntimeError: links in a circle, before 3.13; ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or printable(str(error))
        raise BundleError(f"{shown}: {reason}") from None
    if not inside:
        raise BundleError(f"{shown}: is outside the bundle")
    if not is_file:
        raise BundleError(f"{shown}: missing; a bundle is a folder with {MANIFEST_FILE}")
    return path


def open_file(path: Path) -> IO[bytes]:
    """Open a file for reading.

    Raises
    ------
    BundleError
        If the file cannot be opened.
    """
    with _reading(path):
        return path.open("rb")


def read_file(path: Path, limit: int) -> bytes:
    """Read a file of at most `limit` bytes.

    Raises
    ------
    BundleError
        If the file cannot be read or is longer.
    """
    with open_file(path) as stream, _reading(path):
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise BundleError(f"{printable(path)}: longer than {limit} bytes")
    return data


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, which is read in pieces.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as stream:
        return _sha256(stream)


def check_sha256(path: Path, stream: IO[bytes], expected: str) -> None:
    """Hash a stream from its position to its end, and compare the SHA-256.

    Raises
    ------
    BundleError
        If the stream cannot be read, or the SHA-256 differs.
    """
    with _reading(path):
        digest = _sha256(stream)
    if digest != expected:
        raise damage(path)


def damage(path: Path) -> BundleError:
    """Return the error for a file whose SHA-256 differs from the manifest."""
    return BundleError(
        f"{printable(path)}: SHA-256 differs from the manifest; install the model again with "
        "--replace"
    )


def _sha256(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while piece := stream.read(2**20):
        digest.update(piece)
    return digest.hexdigest()


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise BundleError(f"{printable(path)}: {reason}") from None
