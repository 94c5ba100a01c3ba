"""Containers that PyAV reads, and files that would reach beyond themselves."""

from __future__ import annotations

import contextlib
import io
import socket

import av
import numpy as np
import pytest

from tests.yamkit.audio.faults import index_first, whole
from yamkit.audio import open_audio
from yamkit.audio.readers import containers
from yamkit.errors import AudioFileError, DecodeError

SECONDS = 3


def encode(container, codec="aac", rate=44100, with_sound=True, with_video=False):
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        if with_video:
            video = output.add_stream("mpeg4", rate=5, width=16, height=16)
            video.pix_fmt = "yuv420p"
        if with_sound:
            sound = output.add_stream(codec, rate=rate, layout="stereo")
            sine = 0.5 * np.sin(2 * np.pi * 440 * np.arange(SECONDS * rate) / rate)
            samples = np.stack([sine, 0 * sine]).astype(np.float32)
            resampler = av.AudioResampler(sound.format, "stereo", rate, frame_size=1024)
            frame = av.AudioFrame.from_ndarray(samples, "fltp", "stereo")
            frame.sample_rate = rate
            for piece in [*resampler.resample(frame), *resampler.resample(None)]:
                output.mux(sound.encode(piece))
            output.mux(sound.encode(None))
        if with_video:
            output.mux(video.encode(av.VideoFrame(16, 16, "yuv420p")))
            output.mux(video.encode(None))
    return file.getvalue()


def decode(data):
    with open_audio(io.BytesIO(data)) as source:
        return np.concatenate(list(source.blocks())), source


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("ipod", "aac", 44100),
        ("adts", "aac", 22050),
        ("mp4", "libopus", 48000),
        ("webm", "libopus", 48000),
        ("matroska", "aac", 44100),
        ("avi", "pcm_s16le", 8000),
    ],
)
def test_containers_are_decoded_at_their_own_rate_and_layout(container, codec, rate):
    result, source = decode(encode(container, codec, rate))
    assert result.dtype == np.float32
    assert (source.sample_rate, source.channels) == (rate, 2)
    assert abs(source.samples - SECONDS * rate) < 4096
    assert source.warnings == ()
    left, right = np.abs(result[rate : 2 * rate]).max(axis=0)
    assert left == pytest.approx(0.5, abs=0.05)
    assert right < 0.01
    spectrum = np.abs(np.fft.rfft(result[rate : 2 * rate, 0]))
    assert spectrum.argmax() == 440


def test_the_sound_of_a_video_file_from_any_place_in_a_file():
    stream = io.BytesIO(b"front" + encode("mp4", with_video=True))
    stream.seek(5)
    with open_audio(stream) as source:
        blocks = list(source.blocks())
    assert max(block.size for block in blocks) <= 1 << 16
    assert source.samples > SECONDS * 44100


def test_a_video_without_sound_is_an_error(tmp_path):
    path = tmp_path / "silent.mp4"
    path.write_bytes(encode("mp4", with_sound=False, with_video=True))
    with pytest.raises(DecodeError, match="silent.mp4: contains no sound, only other streams"):
        open_audio(path)


@pytest.mark.parametrize(("container", "rearrange"), [("adts", bytes), ("mp4", index_first)])
def test_what_comes_before_the_damage_is_decoded(container, rearrange):
    data = rearrange(encode(container))
    whole, source = decode(data)
    assert source.warnings == ()
    result, source = decode(data[: len(data) // 2])
    assert 0 < len(result) < 0.7 * len(whole)
    np.testing.assert_array_equal(result[:-2048], whole[: len(result) - 2048])
    assert len(source.warnings) == 1


def test_a_container_without_a_decodable_sample_is_an_error():
    data = index_first(encode("mp4"))
    with pytest.raises(DecodeError, match="^<BytesIO>: "):
        open_audio(io.BytesIO(data[: data.index(b"mdat") + 4]))


def test_no_file_opens_another_file_or_an_address(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        secret = tmp_path / "secret.m4a"
        secret.write_bytes(encode("ipod"))
        playlists = {
            "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{}\n#EXT-X-ENDLIST\n",
            "concat": "ffconcat version 1.0\nfile {}\n",
            "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\na={}\n"
            "m=audio 5004 RTP/AVP 0\n",
            "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011">'
            "<Period><AdaptationSet><Representation><BaseURL>{}</BaseURL>"
            "</Representation></AdaptationSet></Period></MPD>",
        }
        for kind, text in playlists.items():
            for target in (address, "secret.m4a", secret.as_uri(), str(secret)):
                for suffix in (".mp4", ".m3u8", ".wav", ".ts"):
                    path = tmp_path / f"{kind}{suffix}"
                    path.write_text(text.format(target))
                    with pytest.raises(DecodeError, match="not a sound file"):
                        open_audio(path)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()])
def test_errors_of_file_objects_are_not_lost(error):
    class Failing(io.BytesIO):
        left = 10**9

        def read(self, size=-1):
            self.left -= 1
            if self.left < 0:
                raise error
            return super().read(size)

    data = encode("matroska", "pcm_s16le")
    stream = Failing(data)
    decode_all(stream)
    needed = 10**9 - stream.left
    wanted = AudioFileError if isinstance(error, OSError) else KeyboardInterrupt
    for left in (needed // 2, needed - 2):
        stream = Failing(data)
        stream.left = left
        with pytest.raises(wanted):
            decode_all(stream)


def decode_all(stream):
    with open_audio(stream) as source:
        return sum(map(len, source.blocks()))


@pytest.mark.parametrize("tail", [b"wvpk\0\0\0\0\x10\x04" * 500, b"\xff" * 5000])
def test_junk_behind_wavpack_takes_little_time(tail, monkeypatch):
    opened = []
    original = containers._open
    monkeypatch.setattr(
        containers, "_open", lambda window: opened.append(window) or original(window)
    )
    samples, _ = decode(encode("wv", "wavpack") + tail)
    assert len(samples) == SECONDS * 44100
    assert len(opened) < 50


def test_a_stream_that_pyav_learns_of_late_ends_nothing(monkeypatch):
    data = encode("mpegts", "mp2")
    whole, _ = decode(data)

    class Late:
        """PyAV, where a stream that was not there at first comes up at the end."""

        def __init__(self, container):
            self._container, self._has_failed = container, False

        def __getattr__(self, name):
            return getattr(self._container, name)

        def demux(self, sound):
            yield from self._container.demux(sound)
            if not self._has_failed:
                self._has_failed = True
                raise IndexError("list index out of range")

    original = containers._open
    monkeypatch.setattr(containers, "_open", lambda window: Late(original(window)))
    samples, source = decode(data)
    np.testing.assert_array_equal(samples, whole)
    assert source.warnings == ()


def test_a_broken_packet_table_of_a_caf_writes_nothing_to_the_terminal(capfd):
    data = bytearray(whole("caf-alac"))
    at = data.index(b"pakt") + 36
    for value in (b"\x81", b"\xff"):
        data[at : at + 8] = 8 * value
        with contextlib.suppress(DecodeError), open_audio(io.BytesIO(bytes(data))) as source:
            for _block in source.mono():
                pass
    assert capfd.readouterr() == ("", "")
