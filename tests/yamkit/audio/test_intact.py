"""No false alarms: every kind of file that can be written here, whole, is heard whole, unwarned."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile

from tests.yamkit.audio import faults as faults
from tests.yamkit.audio.faults import KINDS, whole
from tests.yamkit.audio.sounds import Pipe, Track, classify, four_events, mux, read, remux, write
from tests.yamkit.audio.test_open import FORMATS
from yamkit.audio import open_audio
from yamkit.errors import DecodeError

pytestmark = pytest.mark.slow(reason="decodes thousands of files that it makes")

SECONDS = 3.0
WAYS = pytest.mark.parametrize("on_pipe", [False, True], ids=["file", "pipe"])

PCM = "pcm_s16le pcm_s24le pcm_s32le pcm_f32le pcm_f64le"
LAW = "pcm_alaw pcm_mulaw"
ADPCM = "adpcm_ms adpcm_ima_wav adpcm_yamaha adpcm_swf"
# What FFmpeg writes into each container and reads again.
HELD = {
    "3g2": "aac amrnb",
    "3gp": "aac amrnb",
    "ac3": "ac3",
    "adts": "aac",
    "aiff": f"adpcm_ima_qt pcm_s16le pcm_s16be pcm_f32be pcm_u8 pcm_s8 {LAW} pcm_s24be",
    "amr": "amrnb",
    "asf": f"aac ac3 eac3 flac libmp3lame mp2 wmav1 wmav2 {ADPCM} g722 g726 {PCM} pcm_u8 {LAW}",
    "au": f"pcm_s16be pcm_f32be pcm_s8 {LAW} pcm_s24be",
    "avi": f"aac ac3 eac3 flac libmp3lame mp2 {ADPCM} {PCM} {LAW} amrnb g722 g726 wmav2",
    "caf": f"ac3 alac libmp3lame mp2 amrnb adpcm_ms adpcm_ima_wav {PCM} pcm_s8 {LAW}",
    "dvd": "ac3 mp2 pcm_s16be pcm_dvd",
    "eac3": "eac3",
    "f4v": "aac libmp3lame",
    "flac": "flac",
    "flv": f"aac ac3 eac3 flac libopus libmp3lame adpcm_swf nellymoser pcm_s16le pcm_u8 {LAW}",
    "ipod": "aac ac3 alac",
    "ircam": f"pcm_s16le pcm_f32le {LAW} pcm_s32le",
    "ismv": f"aac alac libmp3lame mp2 {PCM}",
    "matroska": f"aac ac3 eac3 alac flac libmp3lame mp2 libopus vorbis wavpack tta {PCM} pcm_u8",
    "mov": f"aac ac3 eac3 alac libmp3lame mp2 amrnb adpcm_ima_qt {PCM} pcm_u8 {LAW}",
    "mp2": "mp2",
    "mp3": "libmp3lame",
    "mp4": f"aac ac3 eac3 alac flac libmp3lame mp2 libopus {PCM}",
    "mpeg": "ac3 libmp3lame mp2 pcm_s16be pcm_dvd",
    "mpegts": "aac ac3 eac3 libmp3lame mp2 libopus",
    "oga": "flac libopus vorbis",
    "ogg": "flac libopus vorbis",
    "opus": "libopus",
    "spx": "flac libopus",
    "svcd": "ac3 mp2",
    "tta": "tta",
    "vcd": "ac3 mp2",
    "vob": "ac3 libmp3lame mp2 pcm_s16be pcm_dvd",
    "voc": f"pcm_s16le pcm_u8 {LAW}",
    "w64": f"adpcm_ms adpcm_ima_wav {PCM} pcm_u8 {LAW}",
    "wav": f"ac3 eac3 flac libmp3lame mp2 {ADPCM} g722 g723_1 g726 {PCM} pcm_u8 {LAW}",
    "webm": "libopus vorbis",
    "wv": "wavpack",
}
HELD = [(container, codec) for container, codecs in HELD.items() for codec in codecs.split()]
RATES = {
    "amrnb": 8000, "g723_1": 8000, "g726": 8000, "g722": 16_000,
    "libopus": 48_000, "pcm_dvd": 48_000,
}  # fmt: skip
BIT_RATES = {"g723_1": "6300", "wmav1": "64000", "wmav2": "64000"}
FRAMES = {
    "aac": 1024, "ac3": 1536, "eac3": 1536, "libmp3lame": 1152, "mp2": 1152, "wmav1": 2048,
    "wmav2": 2048, "libopus": 960, "vorbis": 1024, "amrnb": 160, "g723_1": 240,
    "adpcm_ms": 2036, "adpcm_ima_wav": 2041, "adpcm_yamaha": 2048, "adpcm_swf": 4096,
    "adpcm_ima_qt": 64, "nellymoser": 256,
}  # fmt: skip
# By how much the encoder is late: heard where the container has no word for it.
DELAYS = {
    "aac": 1024, "ac3": 256, "eac3": 256, "libmp3lame": 1105, "mp2": 481, "libopus": 312,
    "amrnb": 80, "g722": 22, "g723_1": 60, "nellymoser": 128,
}  # fmt: skip
DECLARE = {
    "3g2", "3gp", "flac", "ipod", "matroska", "mov", "mp3", "mp4", "oga", "ogg", "opus",
    "spx", "webm", "caf",
}  # fmt: skip


def _written(container, codec, is_streamed=False, channels=None):
    rate = 8000 if (container, codec[:5]) == ("flv", "pcm_a") else RATES.get(codec, 44_100)
    rate = 8000 if (container, codec) == ("flv", "pcm_mulaw") else rate
    rate = 20_000 if (container, codec) == ("voc", "pcm_u8") else rate  # it holds a rounded period
    channels = channels or (2 if codec == "vorbis" else 1)
    options = {"b": BIT_RATES[codec]} if codec in BIT_RATES else {}
    samples = four_events(rate, channels, SECONDS)
    track = Track(codec, samples, rate, options=options)
    return mux(container, [track], is_streamed=is_streamed), samples, rate


def _check_whole(heard, samples, rate, frame, delay):
    assert heard.warnings == ()
    assert (heard.rate, heard.samples.shape[1]) == (rate, samples.shape[1])
    assert -frame <= len(heard.samples) - len(samples) <= frame + delay
    assert -1 <= _lag(heard.mono, samples.mean(axis=1)) <= frame + delay


def _lag(got, wanted):
    length = 2 * max(len(got), len(wanted))
    spectra = [np.fft.rfft(each, length) for each in (got, wanted)]
    likeness = np.fft.irfft(spectra[0] * spectra[1].conj(), length)
    lag = int(likeness.argmax())
    return lag - length if lag > length // 2 else lag


@WAYS
@pytest.mark.parametrize(("container", "codec"), HELD)
def test_what_pyav_writes_is_heard_whole(container, codec, on_pipe):
    data, samples, rate = _written(container, codec)
    frame = FRAMES.get(codec, 8 if container == "w64" else 0)  # FFmpeg's W64 counts its padding
    delay = 0 if container in DECLARE else DELAYS.get(codec, 0)
    heard = read(data, on_pipe)
    if codec.startswith("wma"):  # the decoder keeps the first frame to itself
        assert heard.warnings == ()
        assert -2 * frame <= len(heard.samples) - len(samples) <= frame
        return
    _check_whole(heard, samples, rate, frame, delay)


# Headers that nobody could go back to and fill in.
STREAMED = """
    ac3:ac3 adts:aac aiff:pcm_s16be aiff:pcm_f32be amr:amrnb asf:wmav2 asf:libmp3lame
    au:pcm_s16be avi:libmp3lame avi:pcm_s16le caf:pcm_s16be caf:pcm_f32le eac3:eac3 flac:flac
    flv:aac flv:libmp3lame ircam:pcm_s16le ismv:aac ismv:alac matroska:aac matroska:flac
    matroska:libmp3lame matroska:libopus matroska:pcm_s16le mp2:mp2 mp3:libmp3lame mpeg:mp2
    mpegts:aac mpegts:ac3 mpegts:mp2 ogg:flac ogg:libopus ogg:vorbis tta:tta voc:pcm_s16le
    w64:pcm_s16le w64:pcm_f32le wav:pcm_s16le wav:pcm_s24le wav:pcm_f32le wav:pcm_alaw
    wav:adpcm_ms wav:libmp3lame webm:libopus wv:wavpack
"""


@WAYS
@pytest.mark.parametrize("kind", STREAMED.split())
def test_what_was_written_to_a_pipe_is_heard_whole(kind, on_pipe):
    container, codec = kind.split(":")
    data, samples, rate = _written(container, codec, is_streamed=True)
    heard = read(data, on_pipe)
    assert heard.warnings == ()
    frame, delay = FRAMES.get(codec, 0), DELAYS.get(codec, 0)
    assert -2 * frame <= len(heard.samples) - len(samples) <= frame + delay
    assert heard.rate == rate


@WAYS
@pytest.mark.parametrize(("container", "subtype"), FORMATS)
@pytest.mark.parametrize("channels", [1, 2])
def test_what_libsndfile_writes_is_heard_whole(container, subtype, channels, on_pipe):
    samples = four_events(16_000, channels, SECONDS)
    try:
        data = write(container, subtype, samples, 16_000)
    except soundfile.LibsndfileError:
        pytest.skip(f"libsndfile writes no {channels} channels there")
    expected = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)[0]
    heard = read(data, on_pipe)
    assert heard.warnings == ()
    frame = FRAMES["libmp3lame"] if container == "MP3" else 0
    assert abs(len(heard.samples) - len(expected)) <= frame
    length = min(len(heard.samples), len(expected))
    close = 1e-3 if subtype in ("VORBIS", "OPUS", "MPEG_LAYER_III") else 1e-6
    np.testing.assert_allclose(heard.samples[:length], expected[:length], rtol=0, atol=close)


CODED = [("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("FLAC", "PCM_16")]


@pytest.mark.parametrize("rate", [8000, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("container", "subtype"), CODED)
def test_every_rate(container, subtype, channels, rate):
    if subtype == "OPUS" and rate not in (8000, 12_000, 16_000, 24_000, 48_000):
        rate = 48_000
    samples = four_events(rate, channels, SECONDS)
    heard = read(write(container, subtype, samples, rate))
    assert heard.warnings == ()
    # Opus may be heard at its own 48 kHz.
    assert heard.rate == rate or subtype == "OPUS"
    assert heard.seconds == pytest.approx(SECONDS, abs=1152 / rate if container == "MP3" else 1e-3)


@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("bit_rate", ["64000", "160000"])
def test_mp2_of_every_rate(rate, channels, bit_rate):
    samples = four_events(rate, channels, SECONDS)
    heard = read(mux("mp2", [Track("mp2", samples, rate, options={"b": bit_rate})]))
    _check_whole(heard, samples, rate, 1152, 481)


@pytest.mark.parametrize("mode", ["CONSTANT", "AVERAGE", "VARIABLE"])
def test_mp3_of_every_bit_rate_mode(mode):
    samples = four_events(44_100, 2, SECONDS)
    heard = read(write("MP3", "MPEG_LAYER_III", samples, 44_100, bitrate_mode=mode))
    assert heard.warnings == ()
    assert len(heard.samples) == pytest.approx(len(samples), abs=2 * 1152 + 1105)


@pytest.mark.parametrize("codec", ["aac", "ac3"])
@pytest.mark.parametrize("container", ["matroska", "mpegts", "mp4"])
def test_six_channels(container, codec):
    samples = four_events(48_000, 6, SECONDS) * np.float32([1, 0.9, 0.8, 0.1, 0.6, 0.5])
    heard = read(mux(container, [Track(codec, samples, 48_000)]))
    assert heard.samples.shape[1] == 6
    assert heard.warnings == ()
    assert heard.seconds == pytest.approx(SECONDS, abs=0.06)


BEHIND = {
    "ID3v1": faults.ID3V1,
    "APE and ID3v1": faults.APE + faults.ID3V1,
    "padding": bytes(4096),
    "ID3v2 at the end": faults.id3v2(),
}


@WAYS
@pytest.mark.parametrize("tail", BEHIND)
@pytest.mark.parametrize("name", ["flac", "mp3", "mp2", "aac", "wav", "ogg-vorbis", "aiff"])
def test_what_stands_behind_the_sound_is_no_damage(name, tail, on_pipe):
    heard = read(whole(name) + BEHIND[tail], on_pipe)
    assert heard.warnings == ()
    assert heard.seconds == pytest.approx(9.4, abs=2 * KINDS[name].frame_seconds + 1e-9)


def test_flac_with_a_picture_and_padding_before_the_sound():
    data = write("FLAC", "PCM_16", four_events(), 16_000)
    picture = struct.pack(">B", 6) + (70_000).to_bytes(3, "big") + bytes(70_000)
    padding = struct.pack(">B", 1) + (9000).to_bytes(3, "big") + bytes(9000)
    assert data[4] == 0  # STREAMINFO, not the last
    for blocks in (padding, padding + padding, picture.replace(b"\6", b"\2", 1)):
        heard = read(data[:42] + blocks + data[42:])
        assert heard.warnings == ()
        assert heard.seconds == 9.4


def test_vorbis_copied_into_other_containers():
    for channels in (1, 2):
        samples = four_events(44_100, channels, SECONDS)
        ogg = write("OGG", "VORBIS", samples, 44_100)
        for container in ("ogg", "webm", "matroska"):
            heard = read(remux(ogg, container))
            assert heard.warnings == ()
            assert len(heard.samples) == pytest.approx(len(samples), abs=2048)
            assert abs(_lag(heard.mono, samples.mean(axis=1))) <= 45  # 1 ms: Matroska's clock


OTHERS = """
    alp:adpcm_ima_alp ast:pcm_s16be_planar dfpwm:dfpwm g722:g722 gxf:pcm_s16le
    kvag:adpcm_ima_ssi latm:aac mmf:adpcm_yamaha mulaw:pcm_mulaw nut:aac rm:ac3 rso:pcm_u8
    sox:pcm_s32le swf:libmp3lame wsaud:adpcm_ima_ws wtv:mp2 s16le:pcm_s16le wav:aac mpegts:flac
"""


@pytest.mark.parametrize("kind", OTHERS.split())
def test_what_is_not_taken_is_refused_by_one_line(kind):
    container, codec = kind.split(":")
    rate = 22_050 if codec == "adpcm_ima_alp" else 48_000 if container == "gxf" else 44_100
    samples = four_events(rate, 1, SECONDS)
    data = mux(container, [Track(codec, samples, rate)])
    message, seconds = "", SECONDS
    try:
        heard = read(data)
        seconds = heard.seconds
    except DecodeError as error:
        message = str(error)
    assert "\n" not in message
    assert seconds == pytest.approx(SECONDS, abs=0.15)


@pytest.mark.parametrize("name", ["wav", "flac", "mp3", "m4a", "webm-opus", "ogg-vorbis", "aac"])
@pytest.mark.parametrize("way", ["path", "-"])
def test_the_command_line_says_nothing_of_whole_files(name, way, tmp_path, monkeypatch, capsys):
    source = whole(name)
    if way == "path":
        source = tmp_path / "whole.bin"
        source.write_bytes(whole(name))
    clip, err = classify(source, monkeypatch, capsys)
    assert "warning" not in err
    assert clip is not None
    assert "warnings" not in clip
    assert clip["duration_seconds"] == pytest.approx(9.4, abs=0.06)


@pytest.mark.parametrize("name", ["wav", "wav-adpcm", "aiff", "au", "caf", "w64", "rf64", "flac"])
def test_mono_is_the_mean_of_the_channels_or_one_of_them(name):
    kind = KINDS[name]
    samples = four_events(kind.rate, 2, SECONDS) * np.float32([1, 0.25])
    data = kind.encode(samples)
    heard = read(data)
    wanted = {"mix": heard.mono, 1: heard.samples[:, 0], 2: heard.samples[:, 1]}
    for source in (io.BytesIO, Pipe):
        for channel, expected in wanted.items():
            with open_audio(source(data)) as opened:
                got = np.concatenate(list(opened.mono(channel)))
            assert got.dtype == np.float32
            np.testing.assert_allclose(got, expected, atol=1e-6)
            assert opened.warnings == ()
