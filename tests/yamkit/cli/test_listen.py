"""`yamkit listen`: lines while the stream goes on, and what ends it."""

from __future__ import annotations

import io
import json
import os
import select
import signal
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parents[3]
SOUND = ROOT / "docs" / "assets" / "four-events.wav"
RATE = 16000
PATIENCE = 120  # seconds until a line that does not come is a failure


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YAMKIT_MODEL", "yamnet-mini")


@pytest.fixture
def start():
    """Begin `yamkit listen` in a process of its own."""
    begun = []

    def run(*arguments: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-m", "yamkit", "listen", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        begun.append(process)
        return process

    yield run
    for process in begun:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()


def samples() -> np.ndarray:
    return soundfile.read(SOUND, dtype="int16")[0]


def read_line(process: subprocess.Popen) -> str:
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
    assert ready, "no line came"
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(process.stdout.fileno(), 1)
        assert piece, process.stderr.read().decode()
        line += piece
    return line.decode()


def feed(process: subprocess.Popen, data: np.ndarray) -> None:
    process.stdin.write(data.astype("<i2").tobytes())
    process.stdin.flush()


RAW = ("-", "--encoding", "s16le", "--sample-rate", str(RATE), "--format", "jsonl")
MUSIC = ("--classes", "Music", "--enter", "0.3", "--leave", "0.3")


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_a_line_comes_within_a_second_of_audio(start) -> None:
    process = start(*RAW, *MUSIC)
    assert json.loads(read_line(process))["type"] == "begin"
    sound = samples()
    with_events = subprocess.run(
        [sys.executable, "-m", "yamkit", "classify", SOUND, "--events", *MUSIC, "--format", "json"],
        capture_output=True,
        check=True,
    )
    (event,) = json.loads(with_events.stdout)["clips"][0]["events"]
    onset = round(event["onset_seconds"] * RATE)
    # not a sample more than a second behind the start of the first cell
    feed(process, sound[: onset + RATE])
    opened = json.loads(read_line(process))
    assert (opened["type"], opened["name"]) == ("open", "Music")
    assert opened["onset_seconds"] == event["onset_seconds"]
    offset = round(event["offset_seconds"] * RATE)
    feed(process, sound[onset + RATE : offset + RATE])
    closed = json.loads(read_line(process))
    assert closed["type"] == "close"
    assert closed["offset_seconds"] == event["offset_seconds"]
    assert closed["score"] == pytest.approx(event["score"], abs=1e-6)
    assert closed["reason"] == "silent"
    assert closed["onset_time"] == opened["onset_time"]
    assert closed["delay_seconds"] >= 0
    process.stdin.close()
    last = json.loads(read_line(process))
    assert (last["type"], last["events"]) == ("end", 1)
    assert last["duration_seconds"] == pytest.approx((offset + RATE) / RATE)
    assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_an_interruption_closes_open_events(start, number: int) -> None:
    process = start(*RAW, *MUSIC)
    read_line(process)
    feed(process, samples()[: 6 * RATE])
    assert json.loads(read_line(process))["type"] == "open"
    process.send_signal(number)
    closed = json.loads(read_line(process))
    assert (closed["type"], closed["reason"]) == ("close", "interrupted")
    assert closed["offset_seconds"] <= 6
    assert json.loads(read_line(process))["type"] == "end"
    assert process.wait(PATIENCE) == 128 + number
    assert "Traceback" not in process.stderr.read().decode()


class Piped(io.TextIOWrapper):
    """Standard input, with a file behind it."""

    def isatty(self) -> bool:
        return False


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch):
    """Put bytes on standard input."""
    streams = []

    def put(data: bytes) -> None:
        assert len(data) <= 65_536, "a pipe holds no more"
        reading, writing = os.pipe()
        with os.fdopen(writing, "wb") as stream:
            stream.write(data)
        stream = Piped(os.fdopen(reading, "rb"))
        streams.append(stream)
        monkeypatch.setattr(sys, "stdin", stream)

    yield put
    for stream in streams:
        stream.close()


def wav(data: np.ndarray, rate: int = RATE, subtype: str = "PCM_16") -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, data, rate, format="WAV", subtype=subtype)
    return stream.getvalue()


def test_text_lines(yamkit, pipe) -> None:
    pipe(SOUND.read_bytes()[: 44 + 2 * 30_000 - 4_000])
    code, out, err = yamkit("listen", "-", "--classes", "Ocean", "--enter", "0.3")
    assert code == 0
    opened, closed = out.splitlines()
    assert opened.split()[2:5] == ["0.000", "opens", "Ocean"]
    assert closed.endswith("s, ended)")
    assert err.startswith("listening: yamnet-mini, 16000 Hz, raw scores; an event opens 0.975 s")
    assert "listened for 1.7" in err
    assert "warning: standard input: breaks off at 1.75 s" in err


@pytest.mark.parametrize(
    "options", [["--enter", "0.4", "--median", "3"], ["--most-specific"]], ids=" ".join
)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_a_stream_has_the_events_of_the_file(yamkit, start, options: list[str]) -> None:
    process = start("-", "--format", "jsonl", *options)
    out, _ = process.communicate(SOUND.read_bytes(), timeout=PATIENCE)
    lines = [json.loads(line) for line in out.decode().splitlines()]
    _, text, _ = yamkit("classify", str(SOUND), "--events", "--format", "json", *options)
    wanted = [
        (each["onset_seconds"], each["offset_seconds"], each["name"])
        for each in json.loads(text)["clips"][0]["events"]
    ]
    found = [
        (each["onset_seconds"], each["offset_seconds"], each["name"])
        for each in lines
        if each["type"] == "close" and each["offset_seconds"] > each["onset_seconds"]
    ]
    assert sorted(found) == sorted(wanted)
    assert lines[-1]["events"] == len(found) > 0
    # what opened and turned out to be a class below is closed at once, and is no event
    void = [each for each in lines if each.get("offset_seconds") == each.get("onset_seconds", -1)]
    assert all(each["reason"] == "replaced" for each in void)
    assert bool(void) == ("--most-specific" in options)


CODED = {
    "mu-law": ("WAV", "ULAW"),
    "A-law": ("WAV", "ALAW"),
    "GSM": ("WAV", "GSM610"),
    "FLAC": ("FLAC", "PCM_16"),
    "Ogg": ("OGG", "VORBIS"),
    "MP3": ("MP3", "MPEG_LAYER_III"),
    "AU": ("AU", "ULAW"),
}


@pytest.mark.parametrize("kind", CODED)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_coded_streams_are_heard_while_they_arrive(yamkit, start, kind: str) -> None:
    container, subtype = CODED[kind]
    stream = io.BytesIO()
    soundfile.write(stream, samples(), RATE, format=container, subtype=subtype)
    data = stream.getvalue()
    Path("sound.bin").write_bytes(data)
    _, text, _ = yamkit("classify", "sound.bin", "--events", *MUSIC, "--format", "json")
    (event,) = json.loads(text)["clips"][0]["events"]
    process = start("-", *MUSIC, "--format", "jsonl")
    # FLAC and Ogg hold seconds back, and the end of the sound stays here until the line has come
    first = len(data) * 95 // 100
    process.stdin.write(data[:first])
    process.stdin.flush()
    assert json.loads(read_line(process))["type"] == "begin"
    opened = json.loads(read_line(process))
    assert (opened["type"], opened["onset_seconds"]) == ("open", event["onset_seconds"])
    process.stdin.write(data[first:])
    process.stdin.close()
    closed = json.loads(read_line(process))
    assert (closed["type"], closed["offset_seconds"]) == ("close", event["offset_seconds"])
    assert closed["score"] == pytest.approx(event["score"], abs=1e-6)
    end = json.loads(read_line(process))
    assert end["type"] == "end"
    assert end["duration_seconds"] == pytest.approx(9.4, abs=0.15)
    assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize(("encoding", "subtype"), [("mulaw", "ULAW"), ("alaw", "ALAW")])
def test_bare_samples_of_telephony(yamkit, pipe, encoding: str, subtype: str) -> None:
    data = io.BytesIO()
    soundfile.write(data, samples()[: 4 * RATE], RATE, format="RAW", subtype=subtype)
    Path("sound.wav").write_bytes(wav(samples()[: 4 * RATE], subtype=subtype))
    _, text, _ = yamkit("classify", "sound.wav", "--events", "--enter", "0.4", "--format", "json")
    pipe(data.getvalue())
    options = ["--encoding", encoding, "--sample-rate", str(RATE), "--enter", "0.4"]
    code, out, _ = yamkit("listen", "-", *options, "--format", "jsonl")
    assert code == 0
    closed = [line for line in map(json.loads, out.splitlines()) if line["type"] == "close"]

    def places(events: list[dict]) -> list[tuple]:
        keys = ("onset_seconds", "offset_seconds", "name")
        return sorted(tuple(each[key] for key in keys) for each in events)

    assert places(closed) == places(json.loads(text)["clips"][0]["events"])
    assert closed


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_times_of_day_never_run_backwards(start) -> None:
    process = start("-", "--enter", "0.2")
    out, _ = process.communicate(SOUND.read_bytes(), timeout=PATIENCE)
    lines = out.decode().splitlines()
    assert len(lines) > 20
    times = [line[:23] for line in lines]
    assert times == sorted(times)


def test_the_options_of_events_say_their_delay(yamkit, pipe) -> None:
    pipe(wav(np.zeros(20_000, np.int16)))
    options = ["--median", "3", "--min-duration", "1", "--join-gap", "0.5"]
    _, _, err = yamkit("listen", "-", *options)
    assert (
        "opens 2.415 s of audio after a score reaches --enter, and closes 1.935 s after its" in err
    )


def test_the_gate(yamkit, pipe) -> None:
    pipe(wav(np.zeros(25_000, np.int16)))
    _, out, err = yamkit("listen", "-", "--gate", "-50", "--format", "jsonl")
    assert json.loads(out.splitlines()[-1])["gated_seconds"] == pytest.approx(3 * 0.48)
    assert "1.4 s below the gate" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "--microphone"),
        (
            ["a b.wav"],
            2,
            "yamkit classify --events 'a b.w",
        ),
        (["-", "--microphone"], 2, "--microphone"),
        (["-", "--sample-rate", "8000"], 2, "--encoding"),
        (["-", "--encoding", "s16le"], 2, "--sample-rate"),
        (["-", "--encoding", "mp3", "--sample-rate", "8000"], 2, "encoding 'mp3'"),
        (
            ["-", "--encoding", "u8", "--sample-rate", "0"],
            2,
            "'--sample-rate': '0'",
        ),
        (["-"], 1, "--encoding"),
        (["-", "--classes", "Dgo"], 2, "did you mean 'Dog'"),
        (["-", "--median", "4"], 2, "median 4"),
    ],
)
def test_errors_are_one_line(yamkit, pipe, arguments, code: int, message: str) -> None:
    pipe(b"no sound at all, but text that is longer than any header")
    found, out, err = yamkit("listen", *arguments)
    assert (found, out) == (code, "")
    assert message in err.splitlines()[-1]


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_nan_counts_as_zero_and_is_said(start) -> None:
    raw = ("-", "--encoding", "f32le", "--sample-rate", str(RATE), "--format", "jsonl")
    process = start(*raw, *MUSIC)
    read_line(process)
    process.stdin.write((samples()[: 6 * RATE] / 32768).astype("<f4").tobytes())
    process.stdin.flush()
    assert json.loads(read_line(process))["type"] == "open"
    process.stdin.write(np.array([0, np.nan], "<f4").tobytes())
    process.stdin.close()
    closed = json.loads(read_line(process))
    assert (closed["type"], closed["reason"]) == ("close", "ended")
    end = json.loads(read_line(process))
    assert end["type"] == "end"
    (warning,) = end["warnings"]
    assert process.wait(PATIENCE) == 0
    assert warning == ("1 sample is not finite and counted as zero: first NaN at 6 s, channel 1")
    assert f"warning: standard input: {warning}" in process.stderr.read().decode()


class FakeDevices:
    """What `sounddevice` offers, without a sound card."""

    class PortAudioError(Exception):
        pass

    def __init__(self, sound: np.ndarray, wanted: list) -> None:
        self.default = types.SimpleNamespace(device=(1, 0))
        self._sound, self._wanted = sound, wanted
        self.is_lost = False

    def query_devices(self):
        return [
            {"name": "Speaker", "max_input_channels": 0, "default_samplerate": 48000.0},
            {"name": "USB Audio", "max_input_channels": 2, "default_samplerate": 16000.0},
            {"name": "Built-in Audio", "max_input_channels": 1, "default_samplerate": 44100.0},
        ]

    def InputStream(self, *, device, channels, samplerate, dtype, callback, finished_callback):  # noqa: N802
        self._wanted.append((device, channels, samplerate, dtype))
        if device == 2:
            raise self.PortAudioError("device is busy")
        fake = self
        if self.is_lost:
            self.finish = finished_callback

        class Stream:
            def __enter__(self):
                lost = types.SimpleNamespace(input_overflow=True)
                for place in range(0, len(fake._sound), 400):
                    callback(fake._sound[place : place + 400, np.newaxis], 400, None, None)
                callback(np.zeros((400, 1), np.float32), 400, None, lost)
                fake.finish()

            def __exit__(self, *exc_info):
                pass

        return Stream()

    def finish(self) -> None:
        """End the stream, as nothing else ends a microphone but an interruption."""
        for buffer in BUFFERS:
            buffer.end()


BUFFERS: list = []


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch):
    from yamkit.listening import sources

    wanted: list = []
    sound = (samples() / 32768).astype(np.float32)
    monkeypatch.setitem(sys.modules, "sounddevice", FakeDevices(sound, wanted))
    made = sources.Buffer

    def noted(*arguments, **options):
        buffer = made(*arguments, **options)
        BUFFERS.append(buffer)
        return buffer

    monkeypatch.setattr(sources, "Buffer", noted)
    yield wanted
    BUFFERS.clear()


def test_a_microphone(yamkit, devices: list) -> None:
    code, out, err = yamkit("listen", "--microphone", "--format", "jsonl", *MUSIC)
    assert code == 0
    assert devices == [(1, 1, 16000, "float32")]
    kinds = [json.loads(line)["type"] for line in out.splitlines()]
    assert kinds == ["begin", "open", "close", "end"]
    assert "microphone: USB Audio" in err
    assert "warning: the system lost samples" in err


def test_a_microphone_that_outruns_the_machine(
    yamkit, devices: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["yamkit.listening.sources"], "_BUFFER_SECONDS", 4)
    code, out, err = yamkit("listen", "--microphone", "usb", "--format", "jsonl", *MUSIC)
    assert code == 0
    last = json.loads(out.splitlines()[-1])
    assert last["dropped_seconds"] >= 4
    assert "s dropped" in err
    assert last["duration_seconds"] == pytest.approx(9.4 + 0.025)


def test_a_microphone_that_is_gone(yamkit, devices: list) -> None:
    sys.modules["sounddevice"].is_lost = True
    code, out, err = yamkit("listen", "--microphone", "--format", "jsonl", *MUSIC)
    assert code == 1
    assert "error: the microphone stopped" in err
    assert json.loads(out.splitlines()[-1])["type"] == "end"


def test_microphones_by_name(yamkit, devices: list) -> None:
    assert yamkit("listen", "--list-microphones")[1] == (
        "*  1  16000 Hz  2 channels  USB Audio\n   2  44100 Hz  1 channels  Built-in Audio\n"
    )
    code, _, err = yamkit("listen", "--microphone", "built-in")
    assert (code, err.splitlines()[-1]) == (1, "error: microphone 'Built-in Audio': device is busy")
    code, _, err = yamkit("listen", "--microphone", "audio")
    assert err.splitlines()[-1] == (
        "error: microphone 'audio': could be: 'USB Audio', 'Built-in Audio'; see: yamkit listen "
        "--list-microphones"
    )
    assert "known: 'USB Audio'" in yamkit("listen", "--microphone", "nobody")[2]


def test_a_machine_without_sounddevice(yamkit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    code, _, err = yamkit("listen", "--microphone")
    assert code == 1
    assert "pip install 'yamkit[mic]'" in err


def test_a_machine_without_portaudio(
    yamkit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    code, _, err = yamkit("listen", "--list-microphones")
    assert code == 1
    assert "PortAudio library (PortAudio library not found)" in err
