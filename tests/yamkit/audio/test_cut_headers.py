"""Headers that are cut off or damaged: one line, and the same from a file and from a pipe."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import example, given
from hypothesis import strategies as st

from tests.yamkit.audio.kinds import KINDS
from tests.yamkit.audio.sounds import Pipe, four_events
from yamkit.audio import open_audio, open_live
from yamkit.audio._notes import Notes
from yamkit.audio._source import Decoded
from yamkit.audio.formats.incoming import LONGEST_HEADER, Incoming
from yamkit.audio.readers.wav import open_wav
from yamkit.errors import AudioError, DecodeError
from yamkit.run.records import from_record, to_record
from yamkit.types import ClipStart

CUTS = (1, 3, 4, 8, 11, 12, 13, 20, 30, 36, 40, 43, 44, 46, 60, 80, 100, 150, 250, 400, 700)


def outcome(source) -> tuple[object, ...]:
    """What is heard of a source and said of it, or why nothing is; its name aside."""
    try:
        with source() as audio:
            samples = np.concatenate(list(audio.blocks()))
    except AudioError as error:
        return (str(error).partition(": ")[2],)
    return samples.shape, samples.tobytes(), audio.sample_rate, audio.warnings


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.long(reason="writes and decodes many files")
def test_a_cut_header_says_so_in_files_and_on_pipes(kind):
    whole = KINDS[kind]()
    for length in CUTS:
        data = whole[:length]
        file = outcome(lambda data=data: open_audio(io.BytesIO(data)))
        assert file == outcome(lambda data=data: open_audio(Pipe(data))), length
        live = outcome(lambda data=data: open_live(stream=Pipe(data)))
        for found in (file, live):
            if len(found) == 1:
                assert "\n" not in found[0]
                assert "is empty" not in found[0], length
                # the first twelve bytes tell the format, if anything does
                if length >= 12 and not kind.startswith(("MP3 j", "MP", "A", "E-AC", "Mat", "Web")):
                    assert "not a sound file" not in found[0], (length, found)


def wav(name: bytes, order: str = "<", tag: int = 1, width: int = 2) -> bytes:
    """A WAV of 100 samples with chunks around them."""
    channels, rate = 1, 16_000
    samples = four_events()[20_000:20_100, 0]
    data = (samples * 32767).astype(f"{order}i2").tobytes()
    if tag == 3:
        data = samples.astype(f"{order}f4").tobytes()

    def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
        return name + struct.pack(f"{order}I", len(body) if size is None else size) + body

    long = name in (b"RF64", b"BW64")
    format_ = struct.pack(f"{order}HHIIHH", tag, channels, rate, rate * width, width, 8 * width)
    chunks = [chunk(b"ds64", struct.pack("<QQQI", 0, len(data), 100, 0))] if long else []
    chunks += [
        chunk(b"fmt ", format_),
        chunk(b"LIST", b"INFOIART\4\0\0\0abcd"),
        chunk(b"data", data, 0xFFFFFFFF if long else None),
        chunk(b"LIST", b"INFOIART\4\0\0\0abcd"),
    ]
    body = b"WAVE" + b"".join(chunks)
    return chunk(name, body, 0xFFFFFFFF if long else None)


WAVS = {
    "RIFF": wav(b"RIFF"),
    "RIFX": wav(b"RIFX", ">"),
    "RF64": wav(b"RF64"),
    "BW64": wav(b"BW64"),
    "float": wav(b"RIFF", tag=3, width=4),
}
HEAD = 120


@pytest.mark.parametrize("kind", WAVS)
def test_what_the_mutations_begin_with_is_heard_whole(kind):
    for way in (io.BytesIO, Pipe):
        shape, _, rate, warnings = outcome(lambda way=way: open_audio(way(WAVS[kind])))
        assert (shape, rate, warnings) == ((100, 1), 16_000, ())


@given(
    kind=st.sampled_from(sorted(WAVS)),
    bytes_=st.dictionaries(st.integers(0, HEAD), st.integers(0, 255), max_size=4),
    sizes=st.dictionaries(
        st.integers(0, HEAD // 4),
        st.sampled_from([0, 1, 2, 16, 199, 200, 201, 4096, 2**20, 2**31, 0xFFFFFFFE, 0xFFFFFFFF]),
        max_size=2,
    ),
    end=st.integers(12, 400),
)
@example(kind="RF64", bytes_={}, sizes={21: 200}, end=400)
@example(kind="RF64", bytes_={}, sizes={21: 201}, end=400)
@example(kind="RF64", bytes_={}, sizes={21: 0x90000000}, end=400)
@example(kind="RIFF", bytes_={36: 0x80}, sizes={10: 0x90000000}, end=400)
def test_a_damaged_wav_is_the_same_from_a_file_and_from_a_pipe(kind, bytes_, sizes, end):
    data = bytearray(WAVS[kind])
    for place, size in sizes.items():
        data[4 * place : 4 * place + 4] = struct.pack("<I", size)
    for place, value in bytes_.items():
        data[place] = value
    damaged = bytes(data[:end])
    file = outcome(lambda: open_audio(io.BytesIO(damaged)))
    pipe = outcome(lambda: open_audio(Pipe(damaged)))
    assert file == pipe


def test_the_files_that_differed(shared):
    folder = shared / "cases" / "hostile" / "wav-differ"
    paths = sorted(folder.glob("*.wav"))
    assert paths
    for path in paths:
        file = outcome(lambda path=path: open_audio(path))
        assert file == outcome(lambda path=path: open_audio(Pipe(path.read_bytes()))), path
        assert len(file) > 1, path


class Endless:
    """A pipe that goes on and on, and counts what was taken."""

    def __init__(self, head: bytes, again: bytes) -> None:
        self._head, self._again = head, again
        self.taken = 0

    def read1(self, size: int) -> bytes:
        data = self._head or (self._again * (size // len(self._again) + 1))
        data, self._head = data[:size], (self._head[size:] if self._head else b"")
        self.taken += len(data)
        return data

    read = read1

    def seekable(self) -> bool:
        return False


@pytest.mark.parametrize(
    ("again", "reason"),
    [
        (b"ds64" + struct.pack("<I", 4096) + bytes(4096), "no sound in its first"),
        (b"ds64" + struct.pack("<I", 28) + bytes(28), "100000 chunks"),
        (b"JUNK" + struct.pack("<I", 0), "100000 chunks"),
        (b"LIST" + struct.pack("<I", 1 << 16) + bytes(1 << 16), "no sound in its first"),
    ],
)
@pytest.mark.long(reason="writes and decodes many files")
def test_chunks_without_end_before_the_sound_are_refused(again, reason, monkeypatch):
    monkeypatch.setattr("yamkit.audio.readers.wav._LONGEST_LEAD", 1 << 23)
    head = b"RF64\xff\xff\xff\xffWAVE" + WAVS["RIFF"][12:36]
    for opened in (open_audio, lambda stream: open_live(stream=stream)):
        stream = Endless(head, again)
        with pytest.raises(DecodeError, match=reason):
            opened(stream)
        assert stream.taken < 1 << 24


@pytest.mark.parametrize("size", [4096, 0, 0xFFFFFFFF])
def test_chunks_without_end_before_the_format_are_refused(size):
    again = b"ds64" + struct.pack("<I", size) + bytes(min(size, 4096))
    incoming = Incoming(Endless(b"RF64\xff\xff\xff\xffWAVE", again))
    if size:
        assert open_wav(incoming, Notes()) is None
        incoming.give_back()
    else:
        with pytest.raises(DecodeError, match="100000 chunks"):
            open_wav(incoming, Notes())
    assert incoming.position < 2 * LONGEST_HEADER


def test_a_long_chunk_before_the_sound_is_passed_over():
    chunk = b"JUNK" + struct.pack("<I", 3 << 20) + bytes(3 << 20)
    data = WAVS["RIFF"]
    long = data[:36] + chunk + data[36:]
    whole = outcome(lambda: open_audio(io.BytesIO(data)))
    for way in (io.BytesIO, Pipe):
        assert outcome(lambda way=way: open_audio(way(long)))[:3] == whole[:3]
    cut = long[: 5 << 19]
    assert outcome(lambda: open_audio(Pipe(cut))) == ("no sound in its first 2621440 bytes",)


@given(st.none() | st.floats())
def test_a_duration_that_is_none_is_not_promised(seconds):
    decoded = Decoded(
        16000, 1, iter(()), Notes(), "none", "none", "none", seconds_promised=seconds
    ).check()
    promised = decoded.seconds_promised
    assert promised is None or 0 <= promised <= 1e9
    assert promised == seconds or not (seconds is not None and 0 <= seconds <= 1e9)
    start = ClipStart("a.wav", 16000, 1, promised)
    assert from_record(to_record(start), (), "float16") == start


def test_an_mp3_whose_header_states_fewer_samples_than_its_delay():
    stream = io.BytesIO()
    soundfile.write(stream, four_events(16000), 16000, format="MP3")
    data = bytearray(stream.getvalue())
    at = max(data.find(b"Xing"), data.find(b"Info"))
    data[at + 8 : at + 12] = struct.pack(">I", 1)  # frames
    lame = data.find(b"LAME")
    data[lame + 21 : lame + 24] = b"\xff\xff\xff"  # delay and padding, 4095 samples each
    with open_audio(io.BytesIO(data)) as audio:
        assert audio.decoded.seconds_promised is None
