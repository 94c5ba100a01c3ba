"""WAV that arrives on a pipe, and everything else that does."""

from __future__ import annotations

import io
import struct
import sys

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from yamkit.audio import open_audio
from yamkit.audio._notes import Notes
from yamkit.audio.formats.incoming import Incoming
from yamkit.audio.readers.wav import open_wav
from yamkit.errors import AudioFileError, AudioValueError, DecodeError

NOISE = np.random.default_rng(0).uniform(-1, 1, (3000, 2)).astype(np.float32)
SUBTYPES = ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")


class Pipe:
    """A binary stream that cannot seek and gives what it has, cut as it likes."""

    def __init__(self, data, cuts=(4096,)):
        self._file = io.BytesIO(data)
        self._cuts = cuts
        self._reads = 0

    def seekable(self):
        return False

    def read1(self, size):
        cut = self._cuts[self._reads % len(self._cuts)]
        self._reads += 1
        return self._file.read(min(size, cut))

    def read(self, size):
        return self._file.read(size)


def encode(samples=NOISE, rate=22050, **options):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, **{"format": "WAV", "subtype": "PCM_16", **options})
    return file.getvalue()


def decode(file):
    with open_audio(file) as source:
        blocks = list(source.blocks())
        return np.concatenate(blocks), source


def with_sizes(wav, riff, data):
    at = wav.index(b"data")
    head = wav[:4] + struct.pack("<I", riff) + wav[8 : at + 4] + struct.pack("<I", data)
    return head + wav[at + 8 :]


def wav_of(chunk, values, form=b"RIFF", order="<", size=None):
    size = len(values) if size is None else size
    body = b"WAVE" + b"fmt " + struct.pack(f"{order}I", len(chunk)) + chunk
    body += b"data" + struct.pack(f"{order}I", size) + values
    return form + struct.pack(f"{order}I", len(body)) + body


@pytest.fixture
def no_spool(monkeypatch):
    def refuse():
        raise AssertionError("copied to a temporary file")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)


@pytest.mark.parametrize("container", ["WAV", "WAVEX", "RF64"])
@pytest.mark.parametrize("subtype", SUBTYPES)
def test_a_pipe_decodes_as_soundfile_does(container, subtype, no_spool):
    wav = encode(format=container, subtype=subtype)
    expected, rate = soundfile.read(io.BytesIO(wav), dtype="float32", always_2d=True)
    result, source = decode(Pipe(wav, (1, 4096, 7, 333)))
    np.testing.assert_array_equal(result, expected)
    assert (source.sample_rate, source.channels, source.samples) == (rate, 2, 3000)
    assert source.warnings == ()


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT"])
def test_big_endian_wav_decodes_as_soundfile_does(subtype, no_spool):
    wav = encode(subtype=subtype, endian="BIG")
    assert wav.startswith(b"RIFX")
    expected = soundfile.read(io.BytesIO(wav), dtype="float32", always_2d=True)[0]
    np.testing.assert_array_equal(decode(Pipe(wav))[0], expected)


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(1, 5000), min_size=1, max_size=8), channels=st.integers(1, 9))
def test_cuts_do_not_matter(cuts, channels):
    samples = np.random.default_rng(1).uniform(-1, 1, (500, channels))
    wav = encode(samples, subtype="PCM_24")
    expected = soundfile.read(io.BytesIO(wav), dtype="float32", always_2d=True)[0]
    np.testing.assert_array_equal(decode(Pipe(wav, cuts))[0], expected)


@pytest.mark.parametrize(
    ("riff", "data"),
    [
        (0, 0),
        (36, 0),
        (0xFFFFFFFF, 0),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x7FFFF024, 0x7FFFF000),
        (0x80000024, 0x80000000),
    ],
)
def test_placeholder_sizes_read_to_the_end_without_a_warning(riff, data):
    wav = with_sizes(encode(), riff, data)
    expected = soundfile.read(io.BytesIO(encode()), dtype="float32")[0]
    for file in (Pipe(wav), io.BytesIO(wav)):
        result, source = decode(file)
        np.testing.assert_array_equal(result, expected)
        assert source.warnings == ()


def test_an_rf64_without_a_size_reads_to_the_end():
    wav = bytearray(encode(format="RF64"))
    at = wav.index(b"ds64")
    wav[at + 8 : at + 24] = bytes(16)
    for file in (Pipe(bytes(wav)), io.BytesIO(wav)):
        assert len(decode(file)[0]) == 3000


def test_a_stream_without_end_is_read_as_it_comes():
    class Endless:
        reads = 0

        def __init__(self, head):
            self._head = head

        def seekable(self):
            return False

        def read1(self, size):
            self.reads += 1
            data, self._head = self._head[:size], self._head[size:]
            return data or bytes(min(size, 4000))

        read = None

    file = Endless(with_sizes(encode(NOISE[:0]), 0xFFFFFFFF, 0xFFFFFFFF))
    source = open_audio(file)
    blocks = source.blocks()
    before = file.reads
    for _ in range(5):
        assert next(blocks).shape == (1000, 2)
    assert file.reads == before + 5


def test_a_pipe_that_breaks_off_is_a_warning():
    result, source = decode(Pipe(encode()[: 44 + 4000 + 3]))
    assert len(result) == 1000
    assert source.warnings == ("breaks off at 0.045 s; the header promises 0.136 s",)


def test_a_pipe_that_breaks_off_at_once_is_an_error():
    with pytest.raises(DecodeError, match="^<Pipe>: no sample .*: breaks off at 0 s"):
        decode(Pipe(encode()[:46]))


def test_chunks_before_and_after_the_data_are_no_sound():
    wav = encode()
    junk = b"LIST" + struct.pack("<I", 70_001) + bytes(70_002)
    fact = b"ds64" + struct.pack("<I", 28) + bytes(28)
    wav = wav[:12] + junk + wav[12:36] + fact + junk + wav[36:] + junk
    assert len(decode(Pipe(wav))[0]) == 3000


def test_a_header_that_says_that_there_is_nothing_is_believed():
    wav = encode(NOISE[:0])
    wav = with_sizes(wav + b"LIST\x04\0\0\0abcd", len(wav) + 4, 0)
    for file in (Pipe(wav), io.BytesIO(wav)):
        with pytest.raises(AudioValueError, match="no samples"):
            decode(file)


@pytest.mark.parametrize(
    "options",
    [
        {"format": "FLAC"},
        {"format": "OGG", "subtype": "VORBIS"},
        {"format": "AIFF"},
        {"subtype": "IMA_ADPCM"},
        {"subtype": "ULAW"},
        {"format": "WAVEX", "subtype": "ALAW"},
    ],
)
def test_other_formats_on_a_pipe_are_copied_to_disk_first(options):
    data = encode(**options)
    expected = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)[0]
    result, source = decode(Pipe(data, (1, 9, 1000)))
    np.testing.assert_array_equal(result, expected)
    assert source.warnings == ()


@pytest.mark.parametrize("name", [b"ds64", b"fmt ", b"JUNK"])
def test_a_header_without_end_is_not_kept_in_memory(name):
    body = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16) if name == b"fmt " else b""
    chunk = name + struct.pack("<I", 4096) + body.ljust(4096, b"\0")
    incoming = Incoming(Pipe(b"RIFF\0\0\0\0WAVE" + 3000 * chunk))
    assert open_wav(incoming, Notes()) is None
    assert len(incoming._header) <= 2**20 + 2 * len(chunk)
    assert incoming.position <= 2**20 + 2 * len(chunk) or name == b"fmt "


def test_a_long_chunk_before_the_format_goes_to_disk():
    wav = encode()
    junk = b"JUNK" + struct.pack("<I", 2 << 20) + bytes(2 << 20)
    assert len(decode(Pipe(wav[:12] + junk + wav[12:], (1 << 16,)))[0]) == 3000


PCM_16 = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)


@pytest.mark.parametrize(
    "wav",
    [
        b"RIFF",
        b"RIFF\0\0\0\0WAVE",
        b"RIFF\0\0\0\0WAVEdata\x04\0\0\0abcd",
        wav_of(PCM_16, b"")[:24],
        wav_of(struct.pack("<HHIIHH", 1, 0, 8000, 0, 0, 16), bytes(8)),
        wav_of(struct.pack("<HHIIHH", 0xFFFE, 1, 8000, 16000, 2, 16) + bytes(24), bytes(8)),
        wav_of(struct.pack("<HHIIHH", 1, 1025, 8000, 0, 2050, 16), bytes(4100)),
        wav_of(struct.pack("<HHIIHH", 1, 1, 0, 0, 2, 16), bytes(8)),
        wav_of(struct.pack("<HHIIHH", 1, 1, 0xF0000000, 0, 2, 16), bytes(8)),
    ],
)
def test_malformed_headers_are_errors(wav):
    with pytest.raises((DecodeError, AudioValueError)) as caught:
        decode(Pipe(wav))
    assert "\n" not in str(caught.value)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 60), st.binary(min_size=1, max_size=6), st.booleans())
def test_damaged_headers_give_samples_or_a_clear_error(at, damage, extensible):
    wav = encode(NOISE[:50], format="WAVEX" if extensible else "WAV", subtype="FLOAT")
    wav = wav[:at] + damage + wav[at + len(damage) :]
    message = "<Pipe>: "
    try:
        decode(Pipe(wav))
    except (DecodeError, AudioValueError) as error:
        message = str(error)
    assert message.startswith("<Pipe>: ")


def test_odd_frame_sizes_are_left_to_libsndfile():
    wav = wav_of(struct.pack("<HHIIHH", 1, 2, 8000, 8000, 3, 16), bytes(8))
    assert decode(Pipe(wav))[0].shape == (2, 2)


def test_standard_input_is_dash(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Pipe2(encode())))
    result, source = decode("-")
    assert (len(result), source.name) == (3000, "-")


class Pipe2(io.BufferedReader):
    def __init__(self, data):
        super().__init__(io.BytesIO(data))

    def seekable(self):
        return False


def test_standard_input_from_a_file_is_read_in_place(monkeypatch, tmp_path, no_spool):
    path = tmp_path / "x.flac"
    path.write_bytes(encode(format="FLAC"))
    with path.open("rb") as file:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(file))
        assert len(decode("-")[0]) == 3000
        assert not file.closed


def test_empty_standard_input_is_said(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Pipe2(b"")))
    with pytest.raises(DecodeError, match="^standard input: is empty"):
        open_audio("-")


def test_a_terminal_or_nothing_as_standard_input_is_refused(monkeypatch):
    class Terminal(io.TextIOWrapper):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(io.BytesIO()))
    with pytest.raises(AudioFileError, match="is a terminal"):
        open_audio("-")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(AudioFileError, match="is closed"):
        open_audio("-")


@pytest.mark.parametrize(("value", "reason"), [(None, "non-blocking"), ("text", "must be binary")])
def test_streams_of_other_kinds_are_refused(value, reason):
    class Odd(Pipe):
        def read1(self, size):
            return value

    with pytest.raises(AudioFileError, match=f"^<Odd>: .*{reason}"):
        open_audio(Odd(b""))


def test_a_stream_that_stops_waiting_while_it_is_copied_is_refused():
    class Odd(Pipe):
        def read1(self, size):
            return super().read1(size) or None

    with pytest.raises(AudioFileError, match="non-blocking"):
        open_audio(Odd(encode(format="FLAC")))


def test_a_full_disk_is_said(monkeypatch):
    def full():
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with pytest.raises(AudioFileError, match="temporary file in .*: No space left .*TMPDIR"):
        open_audio(Pipe(encode(format="FLAC")))


def test_a_stream_that_fails_is_an_error_that_names_it():
    class Broken(Pipe):
        name = "line\n1"

        def read1(self, size):
            data = super().read1(size)
            if self._reads > 8:
                raise OSError(5, "Input/output error")
            return data

    with pytest.raises(AudioFileError, match=r"^line\\n1: Input/output error$"):
        decode(Broken(encode()))


def test_a_stream_without_read1_will_do():
    class Plain:
        def __init__(self, data):
            self.read = io.BytesIO(data).read

    assert len(decode(Plain(encode()))[0]) == 3000


@pytest.mark.parametrize("rate", [0, 1, 0xF0000000])
@pytest.mark.parametrize("size", [None, 0xFFFFFFFF])
def test_a_wav_of_an_impossible_rate_behind_another_is_said(rate, size):
    second = wav_of(struct.pack("<HHIIHH", 1, 1, rate, 2 * rate % 2**32, 2, 16), bytes(8000))
    for source in (Pipe(encode() + second, (1000,)), io.BytesIO(encode() + second)):
        samples, opened = decode(source)
        assert len(samples) == 3000
        (warning,) = opened.warnings
        assert "0.136 s" in warning


def test_names_of_chunks_in_great_number_take_little_time():
    junk = b"\x11" * 5000 + (b"data" + bytes(4)) * 16_000 + b"x"
    samples, opened = decode(Pipe(encode() + junk, (1 << 16,)))
    assert len(samples) > 3000
    assert len(opened.warnings) == 1


@pytest.mark.parametrize("name", [b"xxxx", bytes(4)])
def test_a_wav_of_chunks_without_end_is_an_error(name):
    with pytest.raises(DecodeError, match="100000 chunks"):
        decode(io.BytesIO(wav_of(PCM_16, b"")[:36] + (name + bytes(4)) * 110_000))
