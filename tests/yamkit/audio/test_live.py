"""Streams that are heard while they arrive: the sound of the file, as soon as it is there."""

from __future__ import annotations

import io

import numpy as np
import pytest

from tests.yamkit.audio.kinds import KINDS, libsndfile
from tests.yamkit.audio.sounds import Pipe, Track, four_events, mux
from yamkit.audio import open_audio, open_live
from yamkit.audio._live import _FRAMES
from yamkit.audio.formats.beginnings import _BEGINNINGS
from yamkit.errors import AudioFileError, AudioValueError, DecodeError


class Arriving:
    """A pipe that brings a few bytes at a time, and counts them."""

    def __init__(self, data: bytes, at_once: int = 500) -> None:
        self._file, self._at_once = io.BytesIO(data), at_once
        self.share = 0.0
        self._size = len(data)

    def read1(self, size: int) -> bytes:
        data = self._file.read(min(size, self._at_once))
        self.share = self._file.tell() / max(self._size, 1)
        return data

    def read(self, size: int) -> bytes:
        raise AssertionError("waits until all has come")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.long(reason="writes and decodes many files")
def test_the_sound_is_that_of_the_file_and_comes_while_it_arrives(kind):
    data = KINDS[kind]()
    with open_audio(io.BytesIO(data)) as file:
        wanted = np.concatenate(list(file.mono()))
    stream = Arriving(data)
    found, lags, position = [], [], 0
    with open_live(stream=stream) as live:
        assert live.sample_rate == file.sample_rate
        for block in live.mono():
            lags.append(stream.share * len(wanted) - position)
            found.append(block)
            position += len(block)
    samples = np.concatenate(found)
    # the walk over frames and FFmpeg's demuxers differ in the end of the last frame, if at all
    common = min(len(samples), len(wanted))
    assert abs(len(samples) - len(wanted)) <= 2048
    # libsndfile, which reads the file, rounds in the predictor of this codec in another way
    most = 0.02 if kind == "WAV MS" else 1e-6
    np.testing.assert_allclose(samples[:common], wanted[:common], rtol=0, atol=most)
    # of FLAC FFmpeg reads ten frames ahead, Ogg comes in pages, and MPEG has its sound late here
    assert max(lags) < 4.5 * file.sample_rate
    assert len(found) > 4


@pytest.mark.parametrize(
    "kind", ["Ogg Vorbis", "Ogg Opus", "Ogg FLAC", "FLAC", "MP3", "ADTS", "MPEG-TS", "WAV mu-law"]
)
@pytest.mark.long(reason="writes and decodes many files")
def test_programmes_behind_each_other_are_all_heard(kind):
    with open_live(stream=Pipe(KINDS[kind]() * 3)) as live:
        samples = sum(len(block) for block in live.mono())
    assert samples / live.sample_rate == pytest.approx(3 * 9.4, abs=0.2)


@pytest.mark.long(reason="writes and decodes many files")
def test_every_demuxer_is_tried():
    wanted = (
        {demuxer for *_, demuxer in _BEGINNINGS if demuxer} | set(_FRAMES.values()) | {"mpegts"}
    )
    seen = set()
    for kind in KINDS.values():
        with open_live(stream=Pipe(kind())) as live:
            seen |= set(live.decoded.container.split(","))
    assert wanted - {"amr"} <= seen  # of which there is no encoder


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"Dear reader,\n" * 900, "raw samples require --encoding and --sample-rate"),
        (np.random.default_rng(0).bytes(100_000), "raw samples require --encoding"),
        (bytes(100_000), "raw samples require --encoding"),
        (four_events()[:, 0].tobytes(), "raw samples require --encoding"),
        ((four_events()[:, 0] * 32767).astype("<i2").tobytes(), "raw samples require --encoding"),
        (libsndfile("CAF", "PCM_16"), "begins as a CAF file, which cannot be decoded while it"),
        (b"OggS" + bytes(50_000), "begins as an Ogg file"),
        (b"fLaC" + bytes(50_000), "begins as a FLAC file"),
        (b"RIFF\xff\xff\xff\xffWAVEfmt " + bytes(50), "begins as a WAV file"),
    ],
)
def test_what_cannot_be_heard_is_refused_with_a_way_out(data, reason):
    with pytest.raises((DecodeError, AudioValueError)) as caught:
        list(open_live(stream=Arriving(data, 4096)).blocks())
    assert str(caught.value).startswith("standard input: ")
    assert reason in str(caught.value)
    assert str(caught.value).endswith("ffmpeg -i FILE -f wav - | yamkit listen -") == bool(data)
    assert "\n" not in str(caught.value)


def test_bare_samples_are_refused_before_much_of_them_came():
    data = (four_events()[:, 0] * 32767).astype("<i2").tobytes()
    stream = Arriving(data)
    with pytest.raises(DecodeError, match="raw samples"):
        open_live(stream=stream)
    assert stream.share * len(data) < 10_000


def test_an_mp4_with_its_index_at_its_end_is_refused_by_its_reason():
    data = mux("mp4", [Track("aac", four_events(48_000), 48_000)])
    with pytest.raises(
        DecodeError, match="begins as an MP4 file; .*; its index may be at its end; FFmpeg turns"
    ):
        open_live(stream=Arriving(data))


def test_a_stream_that_does_not_wait_says_so():
    class Impatient(Arriving):
        def read1(self, size: int) -> bytes:
            return super().read1(size) if self.share < 0.5 else None

    source = open_live(stream=Impatient(KINDS["MP3"]()))
    with pytest.raises(AudioFileError, match="non-blocking"):
        list(source.blocks())
