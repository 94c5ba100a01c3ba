"""Names of files with a segment of an AudioSet video, or with the whole video.

A video id has eleven characters, and may begin with ``-``, so many people prefix it with ``Y``. The
start of the segment, or start and end, may follow: in milliseconds, or in seconds with or without
decimals. A file without times is the whole video.
"""

from __future__ import annotations

__all__ = ["segment_names"]

_PREFIXES = ("", "Y")
# the least ambiguous first: 30 may be seconds or milliseconds, 30_40 hardly
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
    """Return the names that the file of a segment may have, the likeliest first.

    Parameters
    ----------
    video : str
        Id of the video.
    start, end : float
        Segment, in seconds.

    Returns
    -------
    tuple of str
        Without suffix, except the first, which names the clip in reports.
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
