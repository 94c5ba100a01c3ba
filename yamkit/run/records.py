"""Items as text and arrays, to be kept or sent, and back without loss.

A record is JSON text and up to two arrays. Both sides know the classes, so a tag is an index and a
score.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from yamkit.run.checks import (
    are_scores,
    check_peaks,
    to_count,
    to_score,
    to_span,
    to_tag,
    to_text,
)
from yamkit.types import ClipEnd, ClipFailure, ClipStart, Event, PatchTags, Peak

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from yamkit.run.checks import Classes
    from yamkit.types import SinkItem, Tag

__all__ = ["Record", "from_record", "pack", "to_record", "unpack"]


class Record(NamedTuple):
    """An item of results.

    Attributes
    ----------
    text : str
        JSON.
    scores, embedding : bytes or None
        Little-endian floats.
    """

    text: str
    scores: bytes | None = None
    embedding: bytes | None = None


def to_record(item: SinkItem) -> Record:
    """Return the record of an item; escapes stand for invalid Unicode."""
    if isinstance(item, ClipStart):
        start = [_valid(item.path), item.sample_rate, item.channels, item.promised_seconds]
        return Record(json.dumps(["start", *start]))
    if isinstance(item, ClipFailure):
        texts = map(_valid, (item.path, item.type, item.message))
        return Record(json.dumps(["failure", *texts]))
    if isinstance(item, Event):
        onset, offset, tag = item.onset_seconds, item.offset_seconds, item.tag
        return Record(json.dumps(["event", onset, offset, tag.index, tag.score]))
    tags = [[tag.index, tag.score] for tag in item.tags]
    if isinstance(item, PatchTags):
        text = json.dumps(["patch", item.start_seconds, item.end_seconds, tags])
    else:
        warnings = [_valid(warning) for warning in item.warnings]
        peaks = [[peak.score, peak.start_seconds] for peak in item.peaks]
        text = json.dumps(["end", item.duration_seconds, item.patches, tags, warnings, peaks])
    return Record(text, _bytes(item.scores), _bytes(item.embedding))


def from_record(record: Record, classes: Classes, dtype: str) -> SinkItem:
    """Return the item of a record.

    Parameters
    ----------
    record : Record
    classes : sequence of TagClass, or mapping by index
        The class map of the tags.
    dtype : str
        Of the arrays.

    Raises
    ------
    ValueError, TypeError, IndexError, KeyError, OverflowError, RecursionError
        If `to_record` did not write it; see `yamkit.run.checks.DAMAGE`.
    """
    if not isinstance(record.text, str):
        raise TypeError("a record that is not text")
    kind, *values = json.loads(record.text)
    if kind == "start":
        path, sample_rate, channels, *rest = values  # older journals lack the promised duration
        (promised,) = rest or [None]
        seconds = None if promised is None else to_span(0, promised)[1]
        return ClipStart(to_text(path), to_count(sample_rate), to_count(channels), seconds)
    if kind == "failure":
        path, name, message = values
        return ClipFailure(to_text(path), to_text(name), to_text(message))
    if kind == "event":
        onset, offset, index, score = values
        return Event(*to_span(onset, offset), to_tag(index, score, classes))
    arrays = _scores(record.scores, dtype), _array(record.embedding, dtype)
    if kind == "patch":
        start, end, tags = values
        return PatchTags(*to_span(start, end), _tags(tags, classes), *arrays)
    if kind == "end":
        duration, patches, tags, warnings, *rest = values
        (listed,) = rest or [[]]  # older journals lack peaks
        _, seconds = to_span(0, duration)
        texts = tuple(to_text(warning) for warning in warnings)
        peaks = tuple(Peak(to_score(score), to_span(start, seconds)[0]) for score, start in listed)
        check_peaks(peaks, tags)
        return ClipEnd(
            seconds, to_count(patches), _tags(tags, classes), texts, *arrays, peaks=peaks
        )
    raise ValueError(f"an unknown kind of record: {kind!r:.40}")


def pack(items: Iterable[SinkItem]) -> bytes:
    """Return several items as one JSON text."""
    return json.dumps(
        [
            [
                part if part is None or isinstance(part, str) else b64encode(part).decode()
                for part in to_record(item)
            ]
            for item in items
        ]
    ).encode()


def unpack(data: bytes, classes: Classes, dtype: str) -> Iterator[SinkItem]:
    """Yield the items of `pack`; raise as `from_record`."""
    for text, *arrays in json.loads(data):
        scores, embedding = (None if each is None else b64decode(each) for each in arrays)
        yield from_record(Record(text, scores, embedding), classes, dtype)


def _valid(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _tags(tags: Any, classes: Classes) -> tuple[Tag, ...]:
    return tuple(to_tag(index, score, classes) for index, score in tags)


def _bytes(array: NDArray[Any] | None) -> bytes | None:
    if array is None:
        return None
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def _array(data: bytes | None, dtype: str) -> NDArray[Any] | None:
    return None if data is None else np.frombuffer(data, np.dtype(dtype).newbyteorder("<"))


def _scores(data: bytes | None, dtype: str) -> NDArray[Any] | None:
    scores = _array(data, dtype)
    if scores is not None and not are_scores(scores):
        raise ValueError("scores outside 0-1")
    return scores
