"""``yamkit info``: what it tells of a file is what is in it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import soundfile

from tests.yamkit.audio.sounds import StandardInput, Track, encode, four_events, mux, write

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "docs" / "reference" / "yamkit-info-1.schema.json").read_text())
SECONDS = 2.0


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sound(rate: int = 48_000, channels: int = 1) -> np.ndarray:
    return four_events(rate, channels, SECONDS)


def document(out: str) -> list[dict[str, Any]]:
    found = json.loads(out)
    jsonschema.validate(found, SCHEMA)
    return found["files"]


# Container and encoder, or subtype of libsndfile's; then container, codec and reader as told.
WITH_SNDFILE = {
    ("WAV", "PCM_16"): ("WAV", "pcm_16", "libsndfile"),
    ("WAV", "FLOAT"): ("WAV", "float", "libsndfile"),
    ("RF64", "PCM_24"): ("WAV", "pcm_s24le", "yamkit"),
    ("W64", "PCM_16"): ("W64", "pcm_16", "libsndfile"),
    ("AIFF", "PCM_16"): ("AIFF", "pcm_16", "libsndfile"),
    ("AU", "ULAW"): ("AU", "ulaw", "libsndfile"),
    ("CAF", "ALAC_16"): ("CAF", "alac_16", "libsndfile"),
    ("FLAC", "PCM_16"): ("FLAC", "flac", "libsndfile"),
    ("OGG", "VORBIS"): ("OGG", "vorbis", "libsndfile"),
    ("OGG", "OPUS"): ("OGG", "opus", "libsndfile"),
}
WITH_PYAV = {
    ("mp3", "libmp3lame"): ("MP3", "mp3", "PyAV"),
    ("mp2", "mp2"): ("MP2", "mp2", "PyAV"),
    ("adts", "aac"): ("ADTS", "aac", "PyAV"),
    ("ipod", "aac"): ("mov,mp4,m4a,3gp,3g2,mj2", "aac", "PyAV"),
    ("matroska", "flac"): ("matroska,webm", "flac", "PyAV"),
    ("webm", "libopus"): ("matroska,webm", "opus", "PyAV"),
    ("mpegts", "aac"): ("mpegts", "aac", "PyAV"),
    ("asf", "wmav2"): ("asf", "wmav2", "PyAV"),
    ("avi", "pcm_s16le"): ("avi", "pcm_s16le", "PyAV"),
    ("flv", "aac"): ("flv", "aac", "PyAV"),
    ("ac3", "ac3"): ("AC-3", "ac3", "PyAV"),
    ("wav", "adpcm_ms"): ("WAV", "ms_adpcm", "libsndfile"),
}


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", [*WITH_SNDFILE, *WITH_PYAV], ids="-".join)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_every_kind_of_file(yamkit, kind: tuple[str, str], channels: int) -> None:
    if kind in WITH_SNDFILE:
        data = write(*kind, sound(channels=channels), 48_000)
    else:
        data = encode(*kind, sound(channels=channels), 48_000, b="64000")
    Path("a.bin").write_bytes(data)
    container, codec, reader = (WITH_SNDFILE | WITH_PYAV)[kind]
    code, out, err = yamkit("info", "--json", "a.bin")
    assert (code, err) == (0, "")
    (found,) = document(out)
    seconds, promised = found.pop("duration_seconds"), found.pop("promised_seconds")
    assert found == {
        "path": "a.bin",
        "reader": reader,
        "container": container,
        "codec": codec,
        "sample_rate": 48_000,
        "channels": channels,
        "streams": 1,
        "stream": 1,
        "warnings": [],
    }
    assert seconds == pytest.approx(SECONDS, abs=0.1)
    assert promised is None or promised == pytest.approx(seconds, abs=0.1)
    code, out, err = yamkit("info", "a.bin")
    counted = "1 channel" if channels == 1 else "2 channels"
    promise = "the header states none" if promised is None else f"{promised:.3f} promised"
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "a.bin",
        f"  format   {container}, codec {codec}, reader {reader}",
        f"  sound    48000 Hz, {counted}, 1 sound stream",
        f"  seconds  {seconds:.3f} read, {promise}",
    ]


def make_folder() -> None:
    """A whole file, one whose end is missing, one that is none, and one below."""
    Path("rec/deep").mkdir(parents=True)
    soundfile.write("rec/whole.wav", sound(8000), 8000)
    soundfile.write("rec/cut.flac", sound(8000, 2), 8000)
    Path("rec/cut.flac").write_bytes(Path("rec/cut.flac").read_bytes()[:-2500])
    Path("rec/broken.wav").write_text("this is text")
    Path("rec/._whole.wav").write_bytes(b"metadata")
    Path("rec/notes.txt").write_text("not a sound file")
    soundfile.write("rec/deep/more.ogg", sound(8000), 8000)


def test_a_folder_as_text(yamkit) -> None:
    make_folder()
    code, out, err = yamkit("info", "--recursive", "rec")
    assert code == 1
    blocks = [block.splitlines() for block in out.split("\n\n")]
    assert [block[0] for block in blocks] == ["rec/cut.flac", "rec/deep/more.ogg", "rec/whole.wav"]
    cut = blocks[0]
    assert cut[2] == "  sound    8000 Hz, 2 channels, 1 sound stream"
    assert cut[3].endswith(" read, 2.000 promised")
    assert cut[4].startswith("  warning  ")
    assert "warning" not in "".join(blocks[1] + blocks[2])
    assert max(map(len, out.splitlines())) <= 80
    skipped, error, *rest = err.splitlines()
    assert skipped.startswith("skipped 1 hidden ._* file: ")
    assert error.startswith("error: rec/broken.wav: ")
    assert rest == [
        "1 of 4 files has warnings",
        "1 of 4 failed",
    ]


def test_a_folder_as_json(yamkit) -> None:
    make_folder()
    code, out, err = yamkit("info", "--recursive", "--json", "rec")
    assert code == 1
    broken, cut, more, whole = document(out)
    assert broken["path"] == "rec/broken.wav"
    assert broken["error"]["type"] == "DecodeError"
    assert f"error: {broken['error']['message']}\n" in err
    assert cut["duration_seconds"] < cut["promised_seconds"] == SECONDS
    assert len(cut["warnings"]) == 1
    assert (more["path"], more["warnings"], whole["warnings"]) == ("rec/deep/more.ogg", [], [])


def test_warnings_are_those_of_classify(yamkit, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = sound(8000, 2) * np.float32([1, -1])
    soundfile.write("anti.wav", samples, 8000, subtype="FLOAT")
    data = Path("anti.wav").read_bytes()
    Path("anti.wav").write_bytes(data[:-8000])
    (found,) = document(yamkit("info", "--json", "anti.wav")[1])
    assert "cancel each other" in " ".join(found["warnings"])
    monkeypatch.setenv("YAMKIT_MODEL", "yamnet-mini")
    _, out, _ = yamkit("classify", "--format", "json", "anti.wav")
    (clip,) = json.loads(out)["clips"]
    assert found["warnings"] == clip["warnings"]
    assert found["duration_seconds"] == clip["duration_seconds"]


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["missing.wav"], "AudioFileError", "missing.wav: no such file"),
        (["rec"], "AudioFileError", "rec is a directory; add --recursive to take the files in it"),
        (["--recursive", "empty"], "AudioFileError", "empty: no sound file in this directory"),
        (["none.wav"], "DecodeError", "none.wav: is empty"),
        (["silent.wav"], "AudioValueError", "silent.wav: contains no samples"),
        (["--stream", "2", "a.wav"], "DecodeError", "a.wav: no sound stream 2; it has 1"),
    ],
)
def test_failures(yamkit, as_json: bool, arguments: list[str], error: str, message: str) -> None:
    make_folder()
    Path("empty").mkdir()
    Path("none.wav").write_bytes(b"")
    soundfile.write("silent.wav", np.empty(0), 8000)
    soundfile.write("a.wav", sound(8000), 8000)
    code, out, err = yamkit("info", *(["--json"] if as_json else []), *arguments)
    assert (code, err) == (1, f"error: {message}\n")
    if as_json:
        assert document(out) == [
            {"path": arguments[-1], "error": {"type": error, "message": message}}
        ]
    else:
        assert out == ""


@pytest.mark.parametrize("arguments", [[], ["--stream", "0", "a.wav"], ["--stream", "x", "a.wav"]])
def test_wrong_usage(yamkit, arguments: list[str]) -> None:
    code, out, err = yamkit("info", *arguments)
    assert (code, out) == (2, "")
    assert (err[:7], err.count("\n")) == ("error: ", 1)


def test_the_others_go_on_whatever_one_file_provokes(
    yamkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from yamkit import audio

    real = audio.open_audio

    def failing(path: str, **options: Any) -> Any:
        if path == "large.wav":
            raise MemoryError("really\nlarge")
        return real(path, **options)

    monkeypatch.setattr(audio, "open_audio", failing)
    soundfile.write("a.wav", sound(8000), 8000)
    code, out, err = yamkit("info", "large.wav", "a.wav")
    assert code == 1
    assert out.startswith("a.wav\n")
    assert err == "error: large.wav: really large\n1 of 2 failed\n"


@pytest.mark.parametrize("stream", [None, 1, 2])
def test_several_sound_streams(yamkit, stream: int | None) -> None:
    tracks = [
        Track("aac", sound(48_000), 48_000, default=False),
        Track("flac", sound(16_000, 2), 16_000, default=True),
    ]
    Path("film.mkv").write_bytes(mux("matroska", tracks))
    chosen = [] if stream is None else ["--stream", str(stream)]
    (found,) = document(yamkit("info", "--json", *chosen, "film.mkv")[1])
    read = stream or 2
    assert (found["streams"], found["stream"]) == (2, read)
    assert found["codec"] == ("aac", "flac")[read - 1]
    assert found["sample_rate"] == (48_000, 16_000)[read - 1]
    assert bool(found["warnings"]) == (stream is None)
    code, out, _ = yamkit("info", *chosen, "film.mkv")
    assert code == 0
    assert f"2 sound streams, stream {read} read\n" in out


@pytest.mark.parametrize("kind", [("WAV", "PCM_16"), ("ipod", "aac")])
def test_standard_input(yamkit, monkeypatch: pytest.MonkeyPatch, kind: tuple[str, str]) -> None:
    make = write if kind in WITH_SNDFILE else encode
    data = make(*kind, sound(), 48_000)
    with io.TextIOWrapper(StandardInput(data)) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        code, out, err = yamkit("info", "--json", "-")
    assert (code, err) == (0, "")
    (found,) = document(out)
    assert found["path"] == "-"
    assert found["duration_seconds"] == pytest.approx(SECONDS, abs=0.1)


def test_names_cannot_break_a_line(yamkit) -> None:
    name = "a\n\x1b[31m\udcff.wav"
    soundfile.write("a.wav", sound(8000), 8000)
    Path("a.wav").rename(name)
    code, out, _ = yamkit("info", name)
    assert code == 0
    assert out.startswith("a\\n\\x1b[31m\\xff.wav\n  format ")
    (found,) = document(yamkit("info", "--json", name)[1])
    assert found["path"] == "a\n\x1b[31m\\xff.wav"


def test_long_warnings_are_wrapped_at_words(yamkit) -> None:
    soundfile.write("loud.wav", sound(8000) * 30_000, 8000, subtype="FLOAT")
    (found,) = document(yamkit("info", "--json", "loud.wav")[1])
    (warning,) = found["warnings"]
    _, out, _ = yamkit("info", "loud.wav")
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    assert " ".join(line.strip() for line in lines[4:]) == f"warning  {warning}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_an_interruption_keeps_what_was_found(number: int, as_json: bool) -> None:
    """The second file is a pipe that falls silent, so the run is surely inside it."""
    soundfile.write("a.wav", sound(8000), 8000)
    command = [sys.executable, "-m", "yamkit", "info", *(["--json"] if as_json else [])]
    with subprocess.Popen(
        [*command, "a.wav", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.buffer.write(Path("a.wav").read_bytes()[:4000])
        process.stdin.flush()
        shown = process.stdout.readline() + process.stdout.read(10)
        process.send_signal(number)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.send_signal(number)  # it came where Python does not look
        shown += process.stdout.read()
        assert process.stderr.read().split() == ["interrupted"]
    assert process.returncode == 128 + number
    if as_json:
        (found,) = document(shown)
        assert found["path"] == "a.wav"
    else:
        assert shown.startswith("a.wav\n  format   WAV, ")
