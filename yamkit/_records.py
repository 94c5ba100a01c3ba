"""Results as text and arrays, to be kept or sent, and back: nothing of theirs is lost.

A record is JSON text and up to two arrays. The classes are known to both sides, so a tag is an
index and a score.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from yamkit.types import ClipEnd, ClipFailure, ClipStart, Event, PatchTags, Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from yamkit.types import SinkItem, TagClass

    Classes = Sequence[TagClass] | Mapping[int, TagClass]

__all__ = ["DAMAGE", "Record", "from_record", "pack", "to_record", "unpack"]

DAMAGE = (ValueError, TypeError, IndexError, KeyError)
"""What `from_record` raises for a record that `to_record` did not write."""


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
    """Write an item down."""
    if isinstance(item, ClipStart):
        return Record(json.dumps(["start", item.path, item.sample_rate, item.channels]))
    if isinstance(item, ClipFailure):
        return Record(json.dumps(["failure", item.path, item.type, item.message]))
    if isinstance(item, Event):
        onset, offset, tag = item.onset_seconds, item.offset_seconds, item.tag
        return Record(json.dumps(["event", onset, offset, tag.index, tag.score]))
    tags = [[tag.index, tag.score] for tag in item.tags]
    if isinstance(item, PatchTags):
        text = json.dumps(["patch", item.start_seconds, item.end_seconds, tags])
    else:
        text = json.dumps(["end", item.duration_seconds, item.patches, tags, list(item.warnings)])
    return Record(text, _bytes(item.scores), _bytes(item.embedding))


def from_record(record: Record, classes: Classes, dtype: str) -> SinkItem:
    """Read an item.

    Parameters
    ----------
    record : Record
    classes : sequence of TagClass, or mapping by index
        The class map that the tags are of.
    dtype : str
        Of the arrays.

    Raises
    ------
    ValueError, TypeError, IndexError, KeyError
        If it is no record.
    """
    kind, *values = json.loads(record.text)
    if kind == "start":
        path, sample_rate, channels = values
        return ClipStart(str(path), int(sample_rate), int(channels))
    if kind == "failure":
        path, name, message = values
        return ClipFailure(str(path), str(name), str(message))
    if kind == "event":
        onset, offset, index, score = values
        (tag,) = _tags([[index, score]], classes)
        return Event(float(onset), float(offset), tag)
    arrays = _array(record.scores, dtype), _array(record.embedding, dtype)
    if kind == "patch":
        start, end, tags = values
        return PatchTags(float(start), float(end), _tags(tags, classes), *arrays)
    if kind == "end":
        duration, patches, tags, warnings = values
        texts = tuple(str(warning) for warning in warnings)
        return ClipEnd(float(duration), int(patches), _tags(tags, classes), texts, *arrays)
    raise ValueError(f"a record of kind {kind!r}")


def pack(items: Iterable[SinkItem]) -> bytes:
    """Write several items down as one text."""
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
    """Give the items of `pack`; see `from_record`."""
    for text, *arrays in json.loads(data):
        scores, embedding = (None if each is None else b64decode(each) for each in arrays)
        yield from_record(Record(text, scores, embedding), classes, dtype)


def _tags(tags: Any, classes: Classes) -> tuple[Tag, ...]:
    return tuple(
        Tag(index, classes[index].mid, classes[index].name, float(score)) for index, score in tags
    )


def _bytes(array: NDArray[Any] | None) -> bytes | None:
    if array is None:
        return None
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def _array(data: bytes | None, dtype: str) -> NDArray[Any] | None:
    if data is None:
        return None
    return np.frombuffer(data, np.dtype(dtype).newbyteorder("<"))
