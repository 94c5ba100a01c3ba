"""Files elsewhere: fsspec's memory, and a web server on loopback."""

from __future__ import annotations

import builtins
import functools
import http.server
import io
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from yamkit.audio import Found, NotFound, file_stamp, find_audio, open_audio
from yamkit.errors import AudioError, AudioFileError

fsspec = pytest.importorskip("fsspec")

SAMPLES = np.random.default_rng(0).normal(0, 0.1, (4000, 1)).astype(np.float32)


def sound(format_: str = "WAV", subtype: str = "FLOAT") -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, SAMPLES, 8000, format=format_, subtype=subtype)
    return stream.getvalue()


@pytest.fixture
def memory():
    """Fill fsspec's memory."""
    file_system = fsspec.filesystem("memory")
    file_system.store.clear()
    files = {
        "/corpus/b.wav": sound(),
        "/corpus/deep/a.flac": sound("FLAC", "PCM_16"),
        "/corpus/notes.txt": b"notes",
        "/corpus/.hidden/c.wav": sound(),
        "/corpus/deep/._a.flac": b"metadata",
        "/empty/notes.txt": b"notes",
    }
    for path, data in files.items():
        file_system.pipe(path, data)
    yield file_system
    file_system.store.clear()


def decoded(uri: str) -> np.ndarray:
    with open_audio(uri) as audio:
        return np.concatenate(list(audio.blocks()))


def test_a_file_elsewhere_is_decoded(memory) -> None:
    np.testing.assert_array_equal(decoded("memory://corpus/b.wav"), SAMPLES)
    np.testing.assert_allclose(decoded("memory://corpus/deep/a.flac"), SAMPLES, atol=2**-15)


def test_folders_elsewhere(memory) -> None:
    metadata: list[str] = []
    named = ["memory://corpus", "memory://empty", "memory://corpus/b.wav"]
    found = list(find_audio(named, True, metadata.append))
    assert metadata == ["._a.flac"]
    assert found[:2] == [Found("memory:///corpus/b.wav"), Found("memory:///corpus/deep/a.flac")]
    assert isinstance(found[2], NotFound)
    assert str(found[2].error) == "memory://empty: no sound file in this directory"
    assert found[3:] == [Found("memory://corpus/b.wav")]
    assert list(find_audio(["memory://corpus"], False)) == [Found("memory://corpus")]


def test_a_file_that_changed_has_another_stamp(memory, tmp_path: Path) -> None:
    assert file_stamp("memory://corpus/none.wav") is None
    path = tmp_path / "a.wav"
    path.write_bytes(sound())
    before = file_stamp(path.as_uri())
    assert before == file_stamp(path.as_uri())
    assert before[0] == path.stat().st_size
    path.write_bytes(sound() + b"more")
    assert file_stamp(path.as_uri()) != before


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("memory://corpus/none.wav", "no such file"),
        ("nothing://corpus/none.wav", "Protocol not known"),
        ("http://127.0.0.1:1/a.wav", "127.0.0.1"),
        ("memory://corpus/notes.txt", "not a sound file"),
    ],
)
def test_what_is_not_there_is_one_line(memory, uri: str, reason: str) -> None:
    with pytest.raises(AudioError) as caught:
        decoded(uri)
    message = str(caught.value)
    assert message.startswith(uri)
    assert reason in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("module", "wanted"), [("fsspec", "pip install 'yamkit[remote]'"), ("s3fs", "Install s3fs")]
)
def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, module: str, wanted: str
) -> None:
    original = builtins.__import__

    def without(name: str, *arguments, **options):
        if name.partition(".")[0] == module:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(AudioFileError, match=f"s3://bucket/a.wav: .*{wanted}".replace("[", r"\[")):
        open_audio("s3://bucket/a.wav")
    (found,) = find_audio(["s3://bucket"], True)
    assert isinstance(found, NotFound)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_web_server(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(sound())

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        uri = f"http://127.0.0.1:{server.server_address[1]}/a.wav"
        np.testing.assert_array_equal(decoded(uri), SAMPLES)
        with pytest.raises(AudioFileError, match="no such file"):
            open_audio(uri.replace("a.wav", "b.wav"))
        server.shutdown()
