"""Download of a published model: the only module that opens a connection, and only on request.

The file is counted and hashed while it arrives, in a scratch folder that is always removed, so a
server can cause nothing but an error message.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

from yamkit._util.text import printable
from yamkit.errors import DownloadError
from yamkit.models.catalogue import published
from yamkit.models.importing import write_h5_bundle
from yamkit.models.store import install

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from yamkit.models.bundle import ModelBundle
    from yamkit.models.catalogue import PublishedModel

__all__ = ["pull"]

_TIMEOUT_SECONDS = 30
_CHUNK_BYTES = 2**16


def pull(
    name: str = "yamnet",
    *,
    url: str | None = None,
    replace: bool = False,
    progress: Callable[[int, int], object] | None = None,
    model: PublishedModel | None = None,
) -> ModelBundle:
    """Download a published model, verify it, install it.

    Proxies are taken from the environment (``HTTPS_PROXY``, ``NO_PROXY``).

    Parameters
    ----------
    name : str
        Name of the model.
    url : str, optional
        Another place of the file; its SHA-256 must be the same.
    replace : bool
        Whether a model of that name may be replaced.
    progress : callable, optional
        Receives the bytes that have arrived and the bytes of the whole file.
    model : PublishedModel, optional
        The file and the rest of its bundle; by default the catalogue's entry of that name.

    Raises
    ------
    UnknownModelError
        If there is no published model of that name.
    DownloadError
        If the file cannot be downloaded, or is not the published one.
    WeightFileError, ModelExistsError, StoreError
        See `yamkit.models.importing.import_model`.
    """
    entry = model or published(name)
    url = url or entry.source
    if _scheme(url) not in ("http", "https"):
        raise DownloadError(f"{printable(url)}: must be an https:// or http:// URL")

    def build(folder: Path) -> None:
        path = folder.parent / ".download.h5"
        with path.open("wb") as stream:
            _fetch(url, _Receiver(stream, url, entry, progress))
        write_h5_bundle(folder, path, entry, name=name)

    return install(name, build, replace=replace)


class _Receiver:
    """A stream that counts and hashes, and refuses more bytes than the file has."""

    def __init__(
        self,
        stream: IO[bytes],
        url: str,
        entry: PublishedModel,
        progress: Callable[[int, int], object] | None,
    ) -> None:
        self._stream = stream
        self._url = printable(url)
        self._entry = entry
        self._progress = progress
        self._digest = hashlib.sha256()
        self.received = 0

    def write(self, data: bytes) -> int:
        self.received += len(data)
        if self.received > self._entry.size_bytes:
            raise DownloadError(
                f"{self._url}: longer than the {self._entry.size_bytes} bytes of the published "
                "file; nothing was installed"
            )
        self._stream.write(data)
        self._digest.update(data)
        if self._progress is not None:
            self._progress(self.received, self._entry.size_bytes)
        return len(data)

    def flush(self) -> None:
        self._stream.flush()

    def finish(self) -> None:
        if self.received != self._entry.size_bytes:
            raise DownloadError(
                f"{self._url}: ended after {self.received} of {self._entry.size_bytes} bytes; "
                "nothing was installed, try again"
            )
        if self._digest.hexdigest() != self._entry.sha256:
            raise DownloadError(
                f"{self._url}: SHA-256 {self._digest.hexdigest()} differs from the published "
                f"{self._entry.sha256}; nothing was installed"
            )


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError as error:
        raise DownloadError(f"{printable(url)}: {error}") from None


def _fetch(url: str, receiver: _Receiver) -> None:
    import requests
    from pooch import HTTPDownloader

    shown = printable(url)
    connections = ExitStack()

    def close_later(response: requests.Response, **_: object) -> None:
        # pooch leaves the connection of a failed download open
        connections.callback(response.close)

    download = HTTPDownloader(
        chunk_size=_CHUNK_BYTES,
        timeout=_TIMEOUT_SECONDS,
        headers={"Accept-Encoding": "identity"},  # the file itself, not compressed
        hooks={"response": close_later},
    )
    try:
        with connections:
            download(url, receiver, None)
    except requests.HTTPError as error:
        # only the number: the text comes from the server
        status = getattr(error.response, "status_code", "no")
        raise DownloadError(f"{shown}: the server answered with status {status}") from None
    except requests.Timeout:
        raise DownloadError(
            f"{shown}: no answer for {_TIMEOUT_SECONDS} seconds; try again"
        ) from None
    except requests.exceptions.ChunkedEncodingError:
        raise DownloadError(
            f"{shown}: the connection broke after {receiver.received} bytes; nothing was "
            "installed, try again"
        ) from None
    except requests.ConnectionError as error:
        raise DownloadError(
            f"{shown}: the connection failed ({_cause(error)}); HTTPS_PROXY sets a proxy, "
            "--url another address"
        ) from None
    except (requests.RequestException, ValueError) as error:
        reason = printable(str(error).partition("\n")[0])
        raise DownloadError(f"{shown}: {reason:.200}") from None
    receiver.finish()


def _cause(error: BaseException) -> str:
    """Return the innermost reason: requests and urllib3 wrap it several times."""
    while True:
        inner = getattr(error, "reason", None) or (error.args[-1] if error.args else None)
        if not isinstance(inner, Exception):
            break
        error = inner
    reason = printable(str(error).partition("\n")[0].rpartition(": ")[2])
    return f"{reason or type(error).__name__:.120}"
