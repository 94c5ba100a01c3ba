"""Names of files that hold a segment of an AudioSet video, or all of it.

An id is that of a video, eleven characters, and may begin with ``-``, so many put a ``Y`` before
it. Behind it stand the start, or start and end, of a segment: in thousandths of a second, or in
seconds with decimals or without. A file without times holds the whole video.
"""

from __future__ import annotations

__all__ = ["segment_names"]

_PREFIXES = ("", "Y")
# What leaves least doubt comes first: 30 may be seconds or thousandths, 30_40 hardly.
_TIMES = (
    "_{start_ms}_{end_ms}",
    "_{start:.3f}_{end:.3f}",
    "_{start}_{end}",
    "_{start_s}_{end_s}",
    "_{start_ms}",
    "_{start:.3f}",
    "_{start}",
    "_{start_s}",
    "",
)


def segment_names(video: str, start: float, end: float) -> tuple[str, ...]:
    """Give the names that a segment's file may have, the likeliest first.

    Parameters
    ----------
    video : str
        Its id.
    start, end : float
        Of the segment, in seconds.

    Returns
    -------
    tuple of str
        Without suffix, but for the first, which names the clip in reports.
    """
    start_ms = round(start * 1000)
    times = [
        pattern.format(
            start=start,
            end=end,
            start_ms=start_ms,
            end_ms=round(end * 1000),
            start_s=int(start),
            end_s=int(end),
        )
        for pattern in _TIMES
    ]
    stems = [f"{prefix}{video}{time}" for time in times for prefix in _PREFIXES]
    return tuple(dict.fromkeys([f"{video}_{start_ms}.wav", *stems]))
