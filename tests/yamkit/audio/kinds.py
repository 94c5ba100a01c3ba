"""The project's example in every kind of file that can be read from front to back."""

from __future__ import annotations

import io

import soundfile

from tests.yamkit.audio.sounds import Track, four_events, mux

FRAGMENTS = {"movflags": "frag_keyframe+empty_moov", "frag_duration": "100000"}


def libsndfile(container: str, subtype: str, rate: int = 16_000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, four_events(rate), rate, format=container, subtype=subtype)
    return file.getvalue()


def ffmpeg(container: str, codec: str, rate: int = 48_000, **options) -> bytes:
    track = Track(codec, four_events(rate), rate, options={"b": "64000"})
    return mux(container, [track], is_streamed=True, **options)


KINDS = {
    "WAV PCM": lambda: libsndfile("WAV", "PCM_16"),
    "WAV mu-law": lambda: libsndfile("WAV", "ULAW"),
    "WAV A-law": lambda: libsndfile("WAV", "ALAW"),
    "WAV extensible": lambda: libsndfile("WAVEX", "ULAW"),
    "WAV GSM": lambda: libsndfile("WAV", "GSM610"),
    "WAV IMA": lambda: libsndfile("WAV", "IMA_ADPCM"),
    "WAV MS": lambda: libsndfile("WAV", "MS_ADPCM"),
    "AU": lambda: libsndfile("AU", "ULAW"),
    "AIFF": lambda: libsndfile("AIFF", "PCM_24"),
    "AIFC": lambda: libsndfile("AIFF", "ULAW"),
    "W64": lambda: libsndfile("W64", "PCM_16"),
    "FLAC": lambda: libsndfile("FLAC", "PCM_16"),
    "Ogg Vorbis": lambda: libsndfile("OGG", "VORBIS"),
    "Ogg Opus": lambda: ffmpeg("ogg", "libopus"),
    "Ogg FLAC": lambda: ffmpeg("ogg", "flac"),
    "MP3": lambda: ffmpeg("mp3", "libmp3lame"),
    "MP3 with a tag": lambda: b"ID3\4\0\0\0\0\x10\0" + bytes(2048) + ffmpeg("mp3", "libmp3lame"),
    "MP3 joined midway": lambda: ffmpeg("mp3", "libmp3lame")[3333:],
    "MP2": lambda: ffmpeg("mp2", "mp2"),
    "ADTS": lambda: ffmpeg("adts", "aac"),
    "AC-3": lambda: ffmpeg("ac3", "ac3"),
    "E-AC-3": lambda: ffmpeg("eac3", "eac3"),
    "MPEG-TS": lambda: ffmpeg("mpegts", "aac", has_video=True),
    "MPEG": lambda: ffmpeg("mpeg", "mp2", has_video=True),
    "WebM": lambda: ffmpeg("webm", "libopus"),
    "Matroska": lambda: ffmpeg("matroska", "pcm_s16le", has_video=True),
    "MP4 in fragments": lambda: ffmpeg("mp4", "aac", options=FRAGMENTS),
    "FLV": lambda: ffmpeg("flv", "aac"),
    "AVI": lambda: ffmpeg("avi", "pcm_s16le", has_video=True),
    "WavPack": lambda: ffmpeg("wv", "wavpack"),
    "ASF": lambda: ffmpeg("asf", "wmav2", 44_100),
}
