"""Remote files through fsspec: ``s3://``, ``gs://``, ``hf://``, ``https://`` and its other schemes.

Only for names with ``://``, so nothing is fetched that the user did not name.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from typing import TYPE_CHECKING, Any, BinaryIO

from yamkit._util.text import printable
from yamkit.errors import AudioFileError
from yamkit.folders import has_audio_suffix, is_hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["find_in_uri", "is_uri", "open_uri", "uri_stamp"]

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_CHANGES = ("ETag", "etag", "mtime", "LastModified", "last_modified", "updated", "sha256")
"""Facts of fsspec's file systems that change with the content of a file."""


def is_uri(path: str) -> bool:
    """Return whether a path is a URI."""
    return _URI.match(path) is not None


def open_uri(uri: str) -> BinaryIO:
    """Open a file for reading.

    Raises
    ------
    AudioFileError
        If the file is missing, or fsspec or the package of the file system.
    """
    with _guard(uri):
        file_system, path = _resolve(uri)
        file: BinaryIO = file_system.open(path, "rb")
        return file


def find_in_uri(uri: str, metadata: Callable[[str], object] | None = None) -> Iterator[str] | None:
    """Return the sound files in a folder and its subfolders by name; None if it is not a folder.

    Parameters
    ----------
    uri : str
    metadata : callable, optional
        Receives names of ``._*`` files; see `yamkit.folders.sound_files`.

    Raises
    ------
    AudioFileError
        As `open_uri` does.
    """
    with _guard(uri):
        file_system, path = _resolve(uri)
        if not file_system.isdir(path):
            return None
        found = sorted(file_system.find(path))
    return (
        file_system.unstrip_protocol(name)
        for name in found
        if has_audio_suffix(name)
        and not any(is_hidden(part, metadata) for part in name[len(path) :].split("/"))
    )


def uri_stamp(uri: str) -> tuple[int, int] | None:
    """Return the size of a file and a number that changes with its content; None if unknown."""
    try:
        with _guard(uri):
            file_system, path = _resolve(uri)
            facts = file_system.info(path)
    except AudioFileError:
        return None
    changes = [str(facts[name]) for name in _CHANGES if facts.get(name) is not None]
    if not isinstance(facts.get("size"), int):
        return None
    digest = hashlib.sha256("\n".join(changes).encode()).digest()
    return facts["size"], int.from_bytes(digest[:7], "big")


def _resolve(uri: str) -> tuple[Any, str]:
    import fsspec

    file_system, path = fsspec.core.url_to_fs(uri)
    return file_system, path


@contextlib.contextmanager
def _guard(uri: str) -> Iterator[None]:
    """Turn any exception into one line: every file system has its own errors."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name == "fsspec":
            reason = "requires fsspec, which is not installed: pip install 'yamkit[remote]'"
        else:
            reason = f"requires {error.name}, which is not installed: pip install {error.name}"
        raise AudioFileError(f"{printable(uri)}: {reason}") from error
    except FileNotFoundError as error:
        raise AudioFileError(f"{printable(uri)}: no such file") from error
    except Exception as error:
        reason = " ".join(f"{error}".split()) or type(error).__name__
        raise AudioFileError(f"{printable(uri)}: {reason:.300}") from error
