"""Audio in: files, streams and arrays become blocks of float32 samples, in bounded memory.

Decoding, mixing down and the search for files live here; resampling and windows do not. The
decoders themselves are private modules, loaded when a source needs them.
"""

from __future__ import annotations

from yamkit.audio._arrays import (
    array_source,
    check_channels,
    check_sample_rate,
    one_channel,
    stream_source,
)
from yamkit.audio._files import Found, NotFound, display_path, file_stamp, find_audio
from yamkit.audio._live import open_live
from yamkit.audio._open import open_audio
from yamkit.audio._source import AudioSource
from yamkit.audio._values import LARGEST_SAMPLE
from yamkit.audio._wav import ENCODINGS

__all__ = [
    "ENCODINGS",
    "LARGEST_SAMPLE",
    "AudioSource",
    "Found",
    "NotFound",
    "array_source",
    "check_channels",
    "check_sample_rate",
    "display_path",
    "file_stamp",
    "find_audio",
    "one_channel",
    "open_audio",
    "open_live",
    "stream_source",
]
