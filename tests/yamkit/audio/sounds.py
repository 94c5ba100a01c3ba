"""Sounds for the tests of the decoders, and files of every kind that hold them.

`mux` and `encode` write with PyAV, `write` with libsndfile; `read` decodes with yamkit, as a test
wants it. Faults are made by `audio_faults`.
"""

from __future__ import annotations

import functools
import io
import json
import math
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from yamkit import Tagger, cli
from yamkit.audio import open_audio

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "docs" / "assets" / "four-events.wav"
"""9.4 s, 16 kHz, one channel: noise, song, music and tones, 2.4 s apart."""
_AMR = Path(__file__).with_name("four-events.amr")
"""The example at 8 kHz, by libopencore_amrnb at 4.75 kbit/s, which PyAV 19 no longer brings."""
_AMR_FRAME, _AMR_DELAY = 160, 50


class Pipe:
    """A binary stream that cannot seek."""

    def __init__(self, data: bytes) -> None:
        self.read = self.read1 = io.BytesIO(data).read

    def seekable(self) -> bool:
        return False


class StandardInput(io.BufferedReader):
    """What is on standard input, from a pipe."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))

    def seekable(self) -> bool:
        return False


@functools.cache
def four_events(rate: int = 16_000, channels: int = 1, seconds: float = 9.4) -> np.ndarray:
    """Give the beginning of the project's example, float32 [n, channels], not to be written to."""
    samples = soundfile.read(EXAMPLE, dtype="float32")[0]
    length = len(samples) * rate // 16_000
    spectrum = np.fft.rfft(samples)[: length // 2 + 1]
    resampled = np.fft.irfft(spectrum, length) * length / len(samples)
    resampled = resampled[: round(seconds * rate)]
    return np.repeat(resampled[:, None], channels, axis=1).astype(np.float32)


@dataclass(frozen=True)
class Track:
    """A sound stream to be written.

    Attributes
    ----------
    codec : str
        An encoder of FFmpeg; or "amrnb", for a part of the example as it was once encoded.
    samples : ndarray, float32 [n, channels]
    rate : int
        In Hz.
    edit : callable or None
        Takes the list of packets, gives the packets to be written.
    default : bool or None
        Whether the stream is marked as the default one; None leaves it to FFmpeg.
    options : dict
        Of the encoder.
    """

    codec: str
    samples: np.ndarray
    rate: int
    edit: Callable[[list[Any]], list[Any]] | None = None
    default: bool | None = None
    options: dict[str, str] = field(default_factory=dict)


def seconds_of(packet: Any) -> float:
    """Give the time a packet begins at."""
    return float(packet.pts * packet.time_base)


def mux(
    container: str,
    tracks: Sequence[Track],
    options: dict[str, str] | None = None,
    has_video: bool = False,
    is_streamed: bool = False,
) -> bytes:
    """Write sound streams into a container, with a picture if wanted.

    `is_streamed` is how a pipe gets it: nobody can go back and fill in a length.
    """
    import av

    file = io.BytesIO()
    goal = _WriteOnly(file) if is_streamed else file
    with av.open(goal, "w", format=container, options=options or {}) as output:
        packets = []
        if has_video:
            codec = "mpeg2video" if container.startswith("mpeg") else "mpeg4"
            video = output.add_stream(codec, rate=25, width=32, height=32)
            video.pix_fmt = "yuv420p"
        streams = []
        for track in tracks:
            stream = _add_stream(output, track)
            if track.default is not None:
                stream.disposition = av.stream.Disposition.default if track.default else 0
            if track.codec == "alac":
                stream.codec_context.format = "s16p"  # else 24 bits
            streams.append(stream)
        output.start_encoding()
        for stream, track in zip(streams, tracks, strict=True):
            made = _amr(stream, track) if track.codec == "amrnb" else _packets(stream, track)
            packets += track.edit(made) if track.edit else made
        if has_video:
            packets += _pictures(video, max(len(t.samples) / t.rate for t in tracks))
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            output.mux_one(packet)
    return file.getvalue()


class _WriteOnly:
    def __init__(self, file: io.BytesIO) -> None:
        self.write = file.write


def _add_stream(output: Any, track: Track) -> Any:
    import av

    if track.codec == "amrnb":
        with av.open(_AMR) as source:
            return output.add_stream_from_template(source.streams.audio[0])
    return output.add_stream(
        track.codec,
        rate=track.rate,
        layout={1: "mono", 2: "stereo", 6: "5.1"}[track.samples.shape[1]],
        options={"strict": "-2", **track.options},
    )


def _amr(stream: Any, track: Track) -> list[Any]:
    """Give packets that are kept, with the time stamps of their encoder."""
    import av

    length, example = len(track.samples), four_events(8000)
    first = next(
        number
        for number in range(len(example) // _AMR_FRAME)
        if np.array_equal(example[number * _AMR_FRAME :][:length], track.samples)
    )
    with av.open(_AMR) as source:
        packets = [packet for packet in source.demux(audio=0) if packet.size]
    packets = packets[first : first + math.ceil((length + _AMR_DELAY) / _AMR_FRAME)]
    for number, packet in enumerate(packets):
        packet.stream = stream
        packet.pts = packet.dts = number * _AMR_FRAME - _AMR_DELAY
        packet.duration = min(_AMR_FRAME, length - packet.pts)
    return packets


def _packets(stream: Any, track: Track) -> list[Any]:
    import av

    size = stream.codec_context.frame_size or 1024
    resampler = av.AudioResampler(stream.format.name, stream.layout, track.rate, size)
    samples = np.ascontiguousarray(track.samples.reshape(1, -1), np.float32)
    frame = av.AudioFrame.from_ndarray(samples, "flt", stream.layout.name)
    frame.sample_rate, frame.pts = track.rate, 0
    pieces = [*resampler.resample(frame), *resampler.resample(None), None]
    return [packet for piece in pieces for packet in stream.encode(piece) if packet.size]


def _pictures(stream: Any, seconds: float) -> list[Any]:
    import av

    packets = []
    for number in range(int(seconds * 25)):
        picture = av.VideoFrame(32, 32, "yuv420p")
        for plane in picture.planes:
            plane.update(bytes(plane.buffer_size))
        picture.pts = number
        packets += stream.encode(picture)
    return packets + stream.encode(None)


def encode(
    container: str,
    codec: str,
    samples: np.ndarray,
    rate: int,
    edit: Callable[[list[Any]], list[Any]] | None = None,
    options: dict[str, str] | None = None,
    **codec_options: str,
) -> bytes:
    """Write one sound into a container."""
    return mux(container, [Track(codec, samples, rate, edit, options=codec_options)], options)


def remux(
    data: bytes,
    container: str,
    edit: Callable[[list[Any]], list[Any]] | None = None,
    options: dict[str, str] | None = None,
) -> bytes:
    """Copy the packets of a sound file into another container."""
    import av

    file = io.BytesIO()
    with (
        av.open(io.BytesIO(data)) as source,
        av.open(file, "w", format=container, options=options or {}) as output,
    ):
        stream = output.add_stream_from_template(source.streams.audio[0])
        packets = [packet for packet in source.demux(audio=0) if packet.size]
        for packet in edit(packets) if edit else packets:
            packet.stream = stream
            output.mux_one(packet)
    return file.getvalue()


def write(
    container: str, subtype: str | None, samples: np.ndarray, rate: int, **more: Any
) -> bytes:
    """Write a sound with libsndfile."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=container, subtype=subtype, **more)
    return file.getvalue()


_PLACE = re.compile(r"\d ?(ms|s|min|h)\b|sound streams|channels?\b")
_NOT_FOR_PEOPLE = re.compile(r"errno|error -?\d|returned -?\d|0x[0-9a-f]|invalid data found", re.I)


def check_warnings(warnings: Sequence[str]) -> None:
    """Check that each is one line in words and says where: at a time, or in which streams."""
    for warning in warnings:
        assert "\n" not in warning
        assert len(warning) < 500
        assert _PLACE.search(warning), f"a warning without a place: {warning}"
        assert not _NOT_FOR_PEOPLE.search(warning), warning
    assert len(set(warnings)) == len(warnings)
    assert len(warnings) <= 100


@dataclass(frozen=True)
class Heard:
    """What yamkit made of a file."""

    samples: np.ndarray  # float32 [n, channels]
    rate: int
    warnings: tuple[str, ...]

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    @functools.cached_property
    def mono(self) -> np.ndarray:
        return self.samples.mean(axis=1)

    @functools.cached_property
    def scores(self) -> np.ndarray:
        """A row for each 0.48 s, of 0.96 s, by the model that comes with yamkit."""
        return _tagger().tag(self.mono, self.rate).scores


@functools.cache
def _tagger() -> Tagger:
    return Tagger("yamnet-mini")


def read(data: bytes, on_pipe: bool = False, **options: Any) -> Heard:
    """Decode a file in memory, and check what holds for every source."""
    with open_audio(Pipe(data) if on_pipe else io.BytesIO(data), **options) as source:
        blocks, decode = [], source.blocks

        def checked():
            for block in decode():
                assert block.dtype == np.float32
                assert block.shape[1] == source.channels
                assert 0 < block.size <= 1 << 16
                blocks.append(block)
                yield block

        source.blocks = checked  # what warnings there are, the mix may tell
        mixed = np.concatenate(list(source.mono()))
        samples = np.concatenate(blocks)
        assert len(mixed) == len(samples)
        assert source.samples == len(samples)
        assert np.isfinite(samples).all()
        check_warnings(source.warnings)
        return Heard(samples, source.sample_rate, source.warnings)


def classify(
    source: Path | bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[dict[str, Any] | None, str]:
    """Run `yamkit classify` on a file, or on standard input; give the clip, and standard error.

    There is no clip where the command failed.
    """
    name = "-"
    if isinstance(source, bytes):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(StandardInput(source)))
    else:
        name = str(source)
    arguments = ["yamkit", "classify", "--model", "yamnet-mini", "--format", "json", name]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    if caught.value.code:
        return None, err
    (clip,) = json.loads(out)["clips"]
    return clip, err
