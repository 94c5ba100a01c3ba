"""The chunks of a WAV: codec, data, and whether sizes are right."""

from __future__ import annotations

import io
import struct

import pytest

from yamkit.audio.formats.wav import (
    CodedData,
    WavLayout,
    chunks_at_end,
    is_placeholder,
    parse_format,
    wav_layout,
)
from yamkit.audio.formats.window import Window
from yamkit.errors import DecodeError


def chunk(name: bytes, body: bytes, size: int | None = None, padding: bytes = b"\0") -> bytes:
    length = len(body) if size is None else size
    return name + struct.pack("<I", length) + body + padding * (len(body) % 2)


def fmt(tag: int = 1, channels: int = 1, frame_size: int = 2, bits: int = 16) -> bytes:
    return struct.pack("<HHIIHH", tag, channels, 8000, 8000 * frame_size, frame_size, bits)


FORMAT = chunk(b"fmt ", fmt())
DATA = chunk(b"data", bytes(10))


def layout(*chunks: bytes, magic: bytes = b"RIFF") -> WavLayout:
    data = magic + bytes(4) + b"WAVE" + b"".join(chunks)
    return wav_layout(Window(io.BytesIO(data), 0))


@pytest.mark.parametrize(
    "chunks",
    [
        (FORMAT, DATA),
        (FORMAT, chunk(b"LIST", b"odd"), DATA, chunk(b"cue ", b"x")),
        (FORMAT, DATA, bytes(4096)),
    ],
)
def test_sizes_that_are_right(chunks: tuple[bytes, ...]) -> None:
    assert layout(*chunks) == (None, True)


@pytest.mark.parametrize(
    "chunks",
    [
        (FORMAT,),
        (FORMAT, DATA, DATA),
        (FORMAT, chunk(b"odd!", b""), DATA),
        (FORMAT, chunk(b"data", bytes(10), size=12)),
        (FORMAT, chunk(b"data", bytes(11), padding=b"L")),
        (FORMAT, chunk(b"data", b"x" * 10, size=4)),
        (FORMAT, DATA, bytes(4097)),
        (FORMAT, DATA, b"tail of another kind"),
    ],
)
def test_sizes_that_are_wrong(chunks: tuple[bytes, ...]) -> None:
    assert layout(*chunks) == (None, False)


def test_64_bit_files_are_never_plain() -> None:
    assert layout(FORMAT, DATA, magic=b"RF64") == (None, False)
    assert layout(FORMAT, DATA, magic=b"OggS") == (None, False)


@pytest.mark.parametrize(("size", "end"), [(None, 54), (4, 48), (0xFFFFFFFF, 54), (99, 54)])
def test_coded_data_is_found_with_its_place(size: int | None, end: int) -> None:
    data = chunk(b"data", bytes(10), size=size)
    assert layout(chunk(b"fmt ", fmt(tag=0x55)), data) == (CodedData(0x55, 44, end), False)
    subtype = fmt(tag=0xFFFE) + struct.pack("<HHIH", 22, 16, 4, 0x55) + bytes(14)
    coded = layout(chunk(b"fmt ", subtype), data).coded
    assert coded is not None
    assert (coded.tag, coded.start) == (0x55, 68)


def test_chunks_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yamkit.audio.formats.wav.MOST_CHUNKS", 50)
    assert layout(*[chunk(b"JUNK", b"")] * 47, FORMAT, DATA).is_plain
    with pytest.raises(DecodeError, match="50 chunks"):
        layout(*[chunk(b"JUNK", b"")] * 50, FORMAT, DATA)


@pytest.mark.parametrize(
    ("chunk_", "codec"),
    [
        (fmt(), "pcm_s16le"),
        (fmt(frame_size=1, bits=8), "pcm_u8"),
        (fmt(tag=3, frame_size=8, bits=64), "pcm_f64le"),
        (fmt(tag=7, frame_size=1, bits=8), "pcm_mulaw"),
        (fmt(channels=2, frame_size=6, bits=24), "pcm_s24le"),
        (fmt(channels=0), None),
        (fmt(channels=2, frame_size=3), None),
        (fmt(bits=17), None),
        (fmt(tag=2), None),
        (fmt()[:15], None),
    ],
)
def test_formats(chunk_: bytes, codec: str | None) -> None:
    pcm = parse_format(chunk_, "<")
    assert (None if pcm is None else pcm.codec) == codec


def test_chunks_at_the_end_are_found_whatever_comes_before() -> None:
    tail = chunk(b"LIST", b"odd") + chunk(b"id3 ", b"abcd")
    for sound in (b"", b"data", bytes(9) + b"LIST\1"):
        assert chunks_at_end(sound + tail, "<") == len(sound)
    assert chunks_at_end(tail[:-2], "<") == len(tail) - 2


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_placeholders(size: int) -> None:
    assert is_placeholder(size)
    assert not is_placeholder(0x7FFEFFFF)
