"""Bounds of options: the same on the command line and in Python."""

from __future__ import annotations

__all__ = [
    "MAX_BATCH_SIZE",
    "MAX_CHANNELS",
    "MAX_MEDIAN_CELLS",
    "MAX_SAMPLE_RATE_HZ",
    "MAX_SPAN_SECONDS",
    "MAX_THREADS",
    "MIN_SAMPLE_RATE_HZ",
]

MAX_BATCH_SIZE = 4096
"""Largest batch, in patches; a larger one only takes more memory."""

MAX_THREADS = 1024
"""Most threads of one network call, and most jobs; engines hang with many thousands."""

MAX_SPAN_SECONDS = 86_400
"""Longest hop, shortest event and gap between events: a day."""

MAX_MEDIAN_CELLS = 9999
"""Longest median filter over the cells of events: more than an hour, at half a second each."""

MAX_CHANNELS = 1024
"""Most channels of a source; libsndfile has the same limit."""

MIN_SAMPLE_RATE_HZ = 100
"""Lowest sample rate of a file: nothing is audible below it, and 20 KB at 1 Hz would be hours."""

MAX_SAMPLE_RATE_HZ = 10_000_000
"""Highest sample rate of a source: above any recorder, below what damaged headers state."""
