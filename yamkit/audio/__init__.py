"""Audio in: files, streams, arrays and microphones become blocks of float32 samples.

Memory is bounded. Resampling and windows are not here. `formats` knows what the bytes of a file
state, `readers` decode them; a reader loads when a source needs it.
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
from yamkit.audio._microphone import Microphone, list_microphones, open_microphone
from yamkit.audio._open import open_audio
from yamkit.audio._source import AudioSource
from yamkit.audio._values import LARGEST_SAMPLE
from yamkit.audio.formats.pcm import ENCODINGS

__all__ = [
    "ENCODINGS",
    "LARGEST_SAMPLE",
    "AudioSource",
    "Found",
    "Microphone",
    "NotFound",
    "array_source",
    "check_channels",
    "check_sample_rate",
    "display_path",
    "file_stamp",
    "find_audio",
    "list_microphones",
    "one_channel",
    "open_audio",
    "open_live",
    "open_microphone",
    "stream_source",
]
