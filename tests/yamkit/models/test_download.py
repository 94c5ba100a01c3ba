from __future__ import annotations

import contextlib
import hashlib
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from yamkit.errors import DownloadError, ModelExistsError, UnknownModelError, WeightFileError
from yamkit.models import download
from yamkit.models.bundle_files import file_sha256
from yamkit.models.catalogue import published
from yamkit.models.classmap import parse_class_map
from yamkit.models.download import pull
from yamkit.models.store import find_model, models_folder


class Handler(BaseHTTPRequestHandler):
    """Sends the file of its server, well or badly, as the path says."""

    def do_GET(self):
        data = self.server.data
        self.server.asked.append((self.path, self.headers.get("Accept-Encoding")))
        path = self.path.rpartition("/")[2]
        if path == "missing":
            self.send_error(404, "Go \x1b[31maway")
        elif path == "dropped":
            self.close_connection = True
        elif path in ("again", "to-file"):
            self.send_response(302)
            target = "/good" if path == "again" else "file:///etc/hostname"
            self.send_header("Location", target)
            self.end_headers()
        elif path == "loop":
            self.send_response(302)
            self.send_header("Location", "/loop")
            self.end_headers()
        elif path == "truncated":
            self.send(data[:-10], len(data))
        elif path == "short":
            self.send(data[:-10], None)
        elif path == "corrupted":
            self.send(data[:-1] + bytes([data[-1] ^ 1]), len(data))
        elif path == "odd-length":
            self.send(data, "many")
        elif path == "endless":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(bytes(2**16))
            self.close_connection = True
        else:  # the good ones, and what a proxy is asked for
            self.send(data, len(data))

    def send(self, data, length):
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def server(small_h5, monkeypatch):
    """A server on loopback; no proxy of this machine comes between."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.data = small_h5.read_bytes()
        server.asked = []
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def entry(server, small_h5, small_classes):
    """A published model: the small weight file on the loopback server."""
    return replace(
        published("yamnet"),
        name="small",
        source=f"{server.url}/good",
        size_bytes=small_h5.stat().st_size,
        sha256=file_sha256(small_h5),
        classes=parse_class_map(small_classes.read_bytes(), "classes"),
        silence=None,
    )


def contents() -> list[str]:
    folder = models_folder()
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.long(reason="tags many clips")
def test_pull_installs_what_is_published(entry, server, small_h5):
    seen = []
    bundle = pull("small", model=entry, progress=lambda done, total: seen.append((done, total)))
    assert find_model("small") == bundle
    assert bundle.source == entry.source
    assert bundle.licence == "Apache-2.0"
    assert bundle.source_sha256 == entry.sha256
    assert len(bundle.classes) == 7
    bundle.verify()
    assert seen[-1] == (entry.size_bytes, entry.size_bytes)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert contents() == ["small"]
    assert server.asked == [("/good", "identity")]


@pytest.mark.parametrize("path", ["mirror/any.h5", "again"])
@pytest.mark.long(reason="tags many clips")
def test_another_url_and_redirects(entry, server, path):
    bundle = pull("small", url=f"{server.url}/{path}", model=entry)
    assert bundle.source == entry.source  # the hash says that it is the published file
    assert contents() == ["small"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing", "/missing: the server answered with status 404$"),
        ("dropped", "/dropped: the connection failed .*Remote end closed"),
        ("to-file", "/to-file: No connection adapters were found for 'file:///etc/hostname'"),
        ("loop", "/loop: Exceeded 30 redirects"),
        ("truncated", "/truncated: the connection broke after [0-9]+ bytes; nothing was installed"),
        ("short", "/short: ended after [0-9]+ of [0-9]+ bytes; nothing was installed, try again"),
        ("corrupted", "/corrupted: SHA-256 [0-9a-f]{64} differs from the published [0-9a-f]{64}"),
        ("odd-length", "/odd-length: "),
        ("endless", "/endless: longer than the [0-9]+ bytes of the published file"),
    ],
)
def test_what_goes_wrong_leaves_nothing(entry, server, path, message):
    with pytest.raises(DownloadError, match=message) as caught:
        pull("small", url=f"{server.url}/{path}", model=entry)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert contents() == []


@pytest.mark.long(reason="tags many clips")
def test_what_goes_wrong_leaves_the_model_that_was_there(entry, server):
    before = pull("small", model=entry)
    with pytest.raises(DownloadError):
        pull("small", url=f"{server.url}/corrupted", model=entry, replace=True)
    assert find_model("small") == before
    assert pull("small", model=entry, replace=True).sha256 == before.sha256
    assert contents() == ["small"]


def test_a_name_that_exists_is_not_even_asked_for(entry, server):
    pull("small", model=entry)
    server.asked.clear()
    with pytest.raises(ModelExistsError, match="--replace replaces it"):
        pull("small", model=entry)
    assert server.asked == []


def test_ctrl_c_leaves_nothing(entry):
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull("small", model=entry, progress=interrupt)
    assert contents() == []


@pytest.mark.long(reason="tags many clips")
def test_a_published_file_that_is_no_network(entry, server):
    server.data = b"not HDF5"
    odd = replace(entry, size_bytes=8, sha256=hashlib.sha256(server.data).hexdigest())
    with pytest.raises(WeightFileError, match="not a readable HDF5 file"):
        pull("small", model=odd)
    assert contents() == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "yamnet.h5", "//x/y"])
def test_other_schemes_are_refused(url):
    with pytest.raises(DownloadError, match="must be an https:// or http:// URL"):
        pull(url=url)
    assert contents() == []


def test_urls_that_lead_nowhere(entry, server):
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as closed:
        port = closed.server_port
    with pytest.raises(
        DownloadError, match=r"the connection failed \(.*[Rr]efused.*\); HTTPS_PROX"
    ):
        pull("small", url=f"http://127.0.0.1:{port}/x", model=entry)
    with pytest.raises(DownloadError, match="http://: "):
        pull("small", url="http://", model=entry)
    assert contents() == []


def test_a_server_that_does_not_answer(entry, monkeypatch):
    def late(*args, **kwargs):
        raise requests.ReadTimeout

    monkeypatch.setattr(requests, "get", late)
    with pytest.raises(DownloadError, match="no answer for 30 seconds; try again"):
        pull("small", model=entry)
    assert contents() == []


def test_a_full_disk(entry, monkeypatch):
    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download._Receiver, "write", full)
    with pytest.raises(OSError, match="cannot install small in .*: No space left on device"):
        pull("small", model=entry)
    assert contents() == []


def test_a_proxy_is_used(entry, server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", server.url)
    pull("small", url="http://audio.invalid/yamnet.h5", model=entry)
    assert [path for path, _ in server.asked] == ["http://audio.invalid/yamnet.h5"]


def test_an_unknown_name():
    with pytest.raises(UnknownModelError, match="published model 'vggish'"):
        pull("vggish")


@pytest.mark.parametrize("url", ["http://[::1", "http://[::1\n", "https://[x]/"])
def test_urls_that_are_none(url):
    with pytest.raises(DownloadError, match=r"^https?://\[") as caught:
        pull(url=url)
    assert str(caught.value).isprintable()
    assert contents() == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (requests.ConnectionError(), "ConnectionError"),
        (requests.ConnectionError(TimeoutError()), "TimeoutError"),
        (requests.ConnectionError(OSError("broken\x1b[31m\nmore")), r"broken\\x1b\[31m"),
    ],
)
def test_a_failure_that_says_little(entry, monkeypatch, error, reason):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(requests, "get", fail)
    with pytest.raises(DownloadError, match=rf"the connection failed \({reason}\); ") as caught:
        pull("small", model=entry)
    assert str(caught.value).isprintable()
    assert contents() == []
