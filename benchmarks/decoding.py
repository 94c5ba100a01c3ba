"""Decoding by yamkit against soundfile and PyAV bare, format by format, side by side.

    python benchmarks/decoding.py [--seconds 60] [--rounds 7] [--golden FOLDER]

A sound of noise, tones and pauses is made, two channels at 44.1 kHz (48 kHz for Opus), and written
in each format. In a round each library decodes each file once, in turn; the figures are medians of
rounds: seconds of sound in a second of processor time, and the ratios of that time within rounds.
soundfile reads blocks of 65,536 values as float32; PyAV decodes frame by frame and gives each as an
array, whatever its sample format; yamkit gives blocks of float32, checked for NaN, with damage
accounted for. `soundfile` is empty where it does not know the format. The exit code is 1 where
yamkit is slower than what it reads with by more than `--limit`.

With `--golden`, the FLAC clips in a folder are encoded as MP3, MP2, Ogg Vorbis and Ogg Opus, and
decoded by both libraries and yamkit: how many samples each gives, the largest difference of a
sample, and of a patch score of `yamnet-mini`.

Both decide the choices in `yamkit.audio.readers.choose`. Intact Ogg goes to libsndfile: both agree,
and it decodes Vorbis as fast, and Opus at the rates that the encoder was given. MP3 and MP2 go
frame by frame through FFmpeg's decoders: both agree, and though libsndfile takes half of the time,
its decoder writes to the terminal of its own accord, and ends at damage without a word.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import pstats
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import av
import numpy as np
import soundfile

from yamkit import Tagger
from yamkit.audio import open_audio

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK_VALUES = 1 << 16
CHANNELS = 2


class Format(NamedTuple):
    """A format, and who writes it: libsndfile by subtype, or FFmpeg by encoder."""

    name: str
    container: str
    subtype: str = ""
    encoder: str = ""
    rate: int = 44_100


FORMATS = (
    Format("WAV 16 bits", "WAV", subtype="PCM_16"),
    Format("WAV 24 bits", "WAV", subtype="PCM_24"),
    Format("WAV float", "WAV", subtype="FLOAT"),
    Format("W64", "W64", subtype="PCM_16"),
    Format("AIFF", "AIFF", subtype="PCM_16"),
    Format("CAF", "CAF", subtype="PCM_16"),
    Format("FLAC", "FLAC", subtype="PCM_16"),
    Format("Ogg Vorbis", "OGG", subtype="VORBIS"),
    Format("Ogg Opus", "OGG", subtype="OPUS", rate=48_000),
    Format("Ogg FLAC", "ogg", encoder="flac"),
    Format("MP3", "mp3", encoder="libmp3lame"),
    Format("MP2", "mp2", encoder="mp2"),
    Format("AAC (ADTS)", "adts", encoder="aac"),
    Format("M4A AAC", "ipod", encoder="aac"),
    Format("M4A ALAC", "ipod", encoder="alac"),
    Format("WebM Opus", "webm", encoder="libopus", rate=48_000),
    Format("MKV AAC", "matroska", encoder="aac"),
    Format("MPEG-TS AAC", "mpegts", encoder="aac"),
    Format("WMA", "asf", encoder="wmav2"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", metavar="TEXT", default="", help="formats named so")
    parser.add_argument("--limit", type=float, default=1.05, help="most time over the bare library")
    parser.add_argument("--profile", action="store_true", help="where yamkit's time goes, too")
    parser.add_argument("--golden", type=Path, help="FLAC clips to compare decoders with")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        formats = [each for each in FORMATS if arguments.only.lower() in each.name.lower()]
        slow = compare_speed(formats, Path(scratch), arguments) if formats else []
        if arguments.golden is not None:
            compare_samples(sorted(arguments.golden.glob("*.flac")), Path(scratch))
    if slow:
        print(f"slower than {arguments.limit:g} of the bare library: {', '.join(slow)}")
    sys.exit(bool(slow))


def compare_speed(formats: list[Format], scratch: Path, arguments: Any) -> list[str]:
    """Print a table of speeds; give the formats that are too slow."""
    print(
        f"{'':12}  {'read with':10}  {'yamkit':>8}  {'soundfile':>9}  {'PyAV':>8}"
        "  yamkit's time over soundfile's, PyAV's"
    )
    slow = []
    for each in formats:
        path = scratch / "sound"
        path.write_bytes(written(each, sound(arguments.seconds, each.rate)))
        with open_audio(path) as source:
            reader = source.decoded.reader
        ways: dict[str, Callable[[Path], float]] = {"yamkit": with_yamkit}
        if is_known_to_soundfile(path):
            ways["soundfile"] = with_soundfile
        ways["PyAV"] = with_pyav
        lengths = {name: way(path) for name, way in ways.items()}  # and the caches are warm
        assert max(lengths.values()) - min(lengths.values()) < 0.2, (each.name, lengths)
        rounds = [
            {name: timed(way, path) for name, way in ways.items()} for _ in range(arguments.rounds)
        ]
        speeds = {
            name: f"{arguments.seconds / statistics.median(each[name] for each in rounds):,.0f}"
            for name in ways
        }
        ratios = {
            name: statistics.median(each["yamkit"] / each[name] for each in rounds)
            for name in ways
            if name != "yamkit"
        }
        shown = "  ".join(f"{ratios[name]:9.2f}" if name in ratios else " " * 9 for name in OTHERS)
        print(
            f"{each.name:12}  {reader:10}  {speeds['yamkit']:>8}  "
            f"{speeds.get('soundfile', ''):>9}  {speeds['PyAV']:>8}  {shown}",
            flush=True,
        )
        bare = "soundfile" if reader == "libsndfile" and "soundfile" in ratios else "PyAV"
        if ratios[bare] > arguments.limit:
            slow.append(each.name)
        if arguments.profile:
            show_profile(path)
    return slow


OTHERS = ("soundfile", "PyAV")


def show_profile(path: Path) -> None:
    profile = cProfile.Profile()
    profile.runcall(with_yamkit, path)
    text = io.StringIO()
    pstats.Stats(profile, stream=text).sort_stats("tottime").print_stats(12)
    print("\n".join(line for line in text.getvalue().splitlines()[4:] if line.strip()))


# --- decoding: a path in, seconds out ---


def with_yamkit(path: Path) -> float:
    with open_audio(path) as source:
        samples = sum(len(block) for block in source.blocks())
        assert not source.warnings, source.warnings
        return samples / source.sample_rate


def with_soundfile(path: Path) -> float:
    samples = 0
    with soundfile.SoundFile(path) as file:
        length = BLOCK_VALUES // file.channels
        while read := len(file.read(length, dtype="float32", always_2d=True)):
            samples += read
        return samples / file.samplerate


def with_pyav(path: Path) -> float:
    samples = 0
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            frame.to_ndarray()
            samples += frame.samples
        return samples / frame.sample_rate


def is_known_to_soundfile(path: Path) -> bool:
    try:
        with soundfile.SoundFile(path):
            return True
    except soundfile.LibsndfileError:
        return False


def timed(way: Callable[[Path], float], path: Path) -> float:
    begin = time.process_time()
    way(path)
    return time.process_time() - begin


# --- what is decoded ---


def sound(seconds: float, rate: int) -> np.ndarray:
    """Make a sound that is no codec's easiest: tones, noise that swells, pauses; seeded."""
    random = np.random.default_rng(0)
    places = np.arange(round(seconds * rate)) / rate
    swell = np.clip(np.sin(2 * np.pi * places / 5), 0, 1)
    channels = [
        0.2 * np.sin(2 * np.pi * (440 + 100 * channel) * places) * np.roll(swell, rate)
        + 0.1 * swell * random.normal(0, 1, len(places))
        for channel in range(CHANNELS)
    ]
    return np.stack(channels, axis=1).astype(np.float32).clip(-1, 1)


def written(each: Format, samples: np.ndarray) -> bytes:
    """Encode a sound."""
    file = io.BytesIO()
    if each.subtype:
        # libsndfile's Vorbis and Opus encoders overflow their stack on very long writes
        with soundfile.SoundFile(
            file, "w", each.rate, samples.shape[1], each.subtype, format=each.container
        ) as goal:
            for start in range(0, len(samples), BLOCK_VALUES):
                goal.write(samples[start : start + BLOCK_VALUES])
        return file.getvalue()
    with av.open(file, "w", format=each.container) as output:
        layout = {1: "mono", 2: "stereo", 6: "5.1"}[samples.shape[1]]
        options = {"b": "64000"} if each.encoder == "wmav2" else {}
        stream: Any = output.add_stream(
            each.encoder, rate=each.rate, layout=layout, options=options
        )
        if each.encoder == "alac":
            stream.codec_context.format = "s16p"
        output.start_encoding()
        resampler = av.AudioResampler(
            stream.format.name, layout, each.rate, stream.codec_context.frame_size or 1024
        )
        flat = np.ascontiguousarray(samples.reshape(1, -1), np.float32)
        frame = av.AudioFrame.from_ndarray(flat, "flt", layout)
        frame.sample_rate, frame.pts = each.rate, 0
        for piece in [*resampler.resample(frame), *resampler.resample(None), None]:
            output.mux(stream.encode(piece))
    return file.getvalue()


# --- whether the libraries agree ---


def compare_samples(clips: list[Path], scratch: Path) -> None:
    """Print how far the libraries differ on clips that were encoded."""
    print("\nlargest difference from soundfile, of samples, patch scores and length")
    path = scratch / "clip"
    with Tagger("yamnet-mini") as tagger:
        for each in FORMATS:
            if each.name not in COMPARED:
                continue
            found: dict[str, list[tuple[float, float, int]]] = {"PyAV": [], "yamkit": []}
            for clip in clips:
                samples, rate = soundfile.read(clip, dtype="float32", always_2d=True)
                is_mpeg = COMPARED[each.name] == _MPEG_HZ
                if rate not in COMPARED[each.name] or (is_mpeg and samples.shape[1] > CHANNELS):
                    continue
                path.write_bytes(written(each._replace(rate=rate), samples))
                if not is_known_to_soundfile(path):  # mpg123 wants more than a frame or two
                    continue
                expected, known = soundfile.read(path, dtype="float32", always_2d=True)
                for name, read in (("PyAV", read_pyav), ("yamkit", read_yamkit)):
                    given, decoded_at = read(path)
                    if decoded_at == known:  # FFmpeg decodes Opus at 48 kHz alone
                        found[name].append(difference(tagger, expected, given, known))
            for name, rows in found.items():
                if not rows:
                    continue
                worst = [max(abs(row[column]) for row in rows) for column in range(3)]
                print(
                    f"{each.name:12}  {name:8} {len(rows):3} clips  {worst[0]:.1e}  {worst[1]:.1e}"
                    f"  {worst[2]:.0f} samples"
                )


def difference(
    tagger: Tagger, expected: np.ndarray, given: np.ndarray, rate: int
) -> tuple[float, float, int]:
    """Compare two decoded clips: mixed to one channel, since libraries order six as they like."""
    length = min(len(expected), len(given))
    mixed = [samples[:length].mean(axis=1) for samples in (expected, given)]
    scores = [tagger.tag(samples, rate).scores for samples in mixed]
    return (
        float(np.abs(mixed[0] - mixed[1]).max()),
        float(np.abs(scores[0] - scores[1]).max()),
        len(given) - len(expected),
    )


_MPEG_HZ = (16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
COMPARED = {
    "MP3": _MPEG_HZ,
    "MP2": _MPEG_HZ,
    "Ogg Vorbis": (8_000, 11_025, 12_000, *_MPEG_HZ, 96_000),
    "Ogg Opus": (8_000, 12_000, 16_000, 24_000, 48_000),
}
"""Formats that both libraries read, and the sample rates in Hz that they have."""


def read_yamkit(path: Path) -> tuple[np.ndarray, int]:
    with open_audio(path) as source:
        return np.concatenate(list(source.blocks())), source.sample_rate


def read_pyav(path: Path) -> tuple[np.ndarray, int]:
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
        resampler = av.AudioResampler("fltp", frames[0].layout, frames[0].sample_rate)
        ready = [each for frame in [*frames, None] for each in resampler.resample(frame)]
        return np.concatenate([each.to_ndarray().T for each in ready]), frames[0].sample_rate


if __name__ == "__main__":
    main()
