"""Results as text and arrays, to be kept or sent, and back: nothing of theirs is lost.

A record is JSON text and up to two arrays. The classes are known to both sides, so a tag is an
index and a score.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from yamkit.types import ClipEnd, ClipFailure, ClipStart, Event, PatchTags, Peak, Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from yamkit.types import SinkItem, TagClass

    Classes = Sequence[TagClass] | Mapping[int, TagClass]

__all__ = [
    "DAMAGE",
    "ItemOrder",
    "Record",
    "are_scores",
    "check_item",
    "from_record",
    "pack",
    "to_record",
    "unpack",
]

DAMAGE = (ValueError, TypeError, IndexError, KeyError, OverflowError, RecursionError)
"""What `from_record` raises for a record that `to_record` did not write."""

_ROUNDING = 1e-3
"""How far beyond 0 and 1 rounding may take a score, float16 included."""


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
    """Write an item down; what is no valid Unicode in it, as escapes."""
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
    if not isinstance(record.text, str):
        raise TypeError("a record that is no text")
    kind, *values = json.loads(record.text)
    if kind == "start":
        path, sample_rate, channels, *rest = values  # older journals lack the promised duration
        (promised,) = rest or [None]
        seconds = None if promised is None else _span(0, promised)[1]
        return ClipStart(_text(path), _count(sample_rate), _count(channels), seconds)
    if kind == "failure":
        path, name, message = values
        return ClipFailure(_text(path), _text(name), _text(message))
    if kind == "event":
        onset, offset, index, score = values
        return Event(*_span(onset, offset), _tag(index, score, classes))
    arrays = _scores(record.scores, dtype), _array(record.embedding, dtype)
    if kind == "patch":
        start, end, tags = values
        return PatchTags(*_span(start, end), _tags(tags, classes), *arrays)
    if kind == "end":
        duration, patches, tags, warnings, *rest = values
        (listed,) = rest or [[]]  # older journals lack peaks
        _, seconds = _span(0, duration)
        texts = tuple(_text(warning) for warning in warnings)
        peaks = tuple(Peak(_score(score), _span(start, seconds)[0]) for score, start in listed)
        _check_number(peaks, tags)
        return ClipEnd(seconds, _count(patches), _tags(tags, classes), texts, *arrays, peaks=peaks)
    raise ValueError(f"a record of kind {kind!r:.40}")


def check_item(item: SinkItem, classes: Classes) -> None:
    """See that `from_record` could have made an item.

    Parameters
    ----------
    item : ClipStart, PatchTags, Event, ClipEnd or ClipFailure
    classes : sequence of TagClass, or mapping by index
        The class map that its tags are of.

    Raises
    ------
    ValueError, TypeError, IndexError, KeyError, AttributeError
        If an item of that kind cannot have such values, or there is no such kind.
    """
    if isinstance(item, PatchTags):
        _span(item.start_seconds, item.end_seconds)
        _check_tags(item.tags, classes)
        _check_arrays(item)
    elif isinstance(item, Event):
        _span(item.onset_seconds, item.offset_seconds)
        _check_tags((item.tag,), classes)
    elif isinstance(item, ClipStart):
        _count(item.sample_rate)
        _count(item.channels)
        _span(0, item.promised_seconds or 0)
        _check_texts(item.path)
    elif isinstance(item, ClipFailure):
        _check_texts(item.path, item.type, item.message)
    elif isinstance(item, ClipEnd):
        _span(0, item.duration_seconds)
        _count(item.patches)
        _check_tags(item.tags, classes)
        _check_texts(*item.warnings)
        _check_arrays(item)
        for peak in item.peaks:
            _score(peak.score)
            _span(peak.start_seconds, item.duration_seconds)
        _check_number(item.peaks, item.tags)
    else:
        raise TypeError("not an item")


def _check_tags(tags: Sequence[Tag], classes: Classes) -> None:
    if type(tags) is not tuple:
        raise TypeError("tags that are no tuple")
    for tag in tags:
        if _tag(tag.index, tag.score, classes) != tag:
            raise ValueError("a tag with the name of another class")


def _check_number(peaks: Sequence[Peak], tags: Sequence[Any]) -> None:
    if peaks and len(peaks) != len(tags):
        raise ValueError("peaks of other tags")


def _check_texts(*texts: str) -> None:
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("not a text")


def _check_arrays(item: PatchTags | ClipEnd) -> None:
    for array in (item.scores, item.embedding):
        if array is not None and (array.ndim != 1 or array.dtype.kind != "f"):
            raise ValueError("not a row of floats")
    if item.scores is not None and not are_scores(item.scores):
        raise ValueError("not scores of 0 to 1")


@dataclass
class ItemOrder:
    """Checks that items are those of one clip: their order, and the lengths of their arrays.

    `add` and `end` raise `ValueError` where they are not.

    Attributes
    ----------
    classes : int
        Of the model.
    keeps_items : bool
        Whether all items come, and not only failures and ends with warnings.
    arrays : mapping of str to int, or None
        Lengths of ``scores`` and ``embedding`` where they were asked for; None if not known.
    per_patch : bool
        Whether arrays come with patches, rather than with the end of a clip.
    """

    classes: int
    keeps_items: bool
    arrays: Mapping[str, int] | None
    per_patch: bool
    _patches: int = 0
    _last: SinkItem | None = None

    def add(self, item: SinkItem) -> None:
        """Take the next item."""
        if isinstance(self._last, (ClipEnd, ClipFailure)):
            raise ValueError("more than a clip")
        is_first = self._last is None
        if self.keeps_items and not isinstance(item, ClipFailure):
            if is_first != isinstance(item, ClipStart):
                raise ValueError("a clip without a start")
        elif not isinstance(item, (ClipEnd, ClipFailure)) or not is_first:
            raise ValueError("more than is kept")
        self._last = item
        self._patches += isinstance(item, PatchTags)
        if isinstance(item, (PatchTags, ClipEnd)):
            self._check_arrays(item)
        has_patches = self.keeps_items and self.per_patch
        if has_patches and isinstance(item, ClipEnd) and self._patches != item.patches:
            raise ValueError("patches are missing")

    def end(self) -> None:
        """Learn that no more items come."""
        if isinstance(self._last, (ClipEnd, ClipFailure)):
            return
        if self.keeps_items or self._last is not None:
            raise ValueError("a clip without an end")

    def _check_arrays(self, item: PatchTags | ClipEnd) -> None:
        lengths = {
            name: len(array)
            for name in ("scores", "embedding")
            if (array := getattr(item, name)) is not None
        }
        if self.arrays is None:
            is_right = lengths.get("scores", self.classes) == self.classes
        elif self.keeps_items and self.per_patch == isinstance(item, PatchTags):
            is_right = lengths == self.arrays
        else:
            is_right = not lengths
        if not is_right:
            raise ValueError("arrays of other lengths")


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


def are_scores(values: NDArray[Any]) -> bool:
    """Tell whether values that were read are all scores: 0 to 1, but for rounding."""
    return bool(((values >= -_ROUNDING) & (values <= 1 + _ROUNDING)).all())  # NaN is neither


def _valid(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    value.encode()  # a lone surrogate is no text
    return value


def _count(value: Any) -> int:
    if type(value) is not int or not 1 <= value < 1 << 53:
        raise ValueError("not a count")
    return value


def _span(start: Any, end: Any) -> tuple[float, float]:
    """Check a time and one that is not before it, in seconds."""
    if {type(start), type(end)} <= {int, float} and 0 <= start <= end < float("inf"):
        return float(start), float(end)
    raise ValueError("not a span of time")


def _score(value: Any) -> float:
    if type(value) not in (int, float) or not -_ROUNDING <= value <= 1 + _ROUNDING:
        raise ValueError("not a score of 0 to 1")
    return float(value)


def _tag(index: Any, score: Any, classes: Classes) -> Tag:
    if type(index) is not int or index < 0:
        raise ValueError("not the index of a class")
    return Tag(index, classes[index].mid, classes[index].name, _score(score))


def _tags(tags: Any, classes: Classes) -> tuple[Tag, ...]:
    return tuple(_tag(index, score, classes) for index, score in tags)


def _bytes(array: NDArray[Any] | None) -> bytes | None:
    if array is None:
        return None
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def _array(data: bytes | None, dtype: str) -> NDArray[Any] | None:
    return None if data is None else np.frombuffer(data, np.dtype(dtype).newbyteorder("<"))


def _scores(data: bytes | None, dtype: str) -> NDArray[Any] | None:
    scores = _array(data, dtype)
    if scores is not None and not are_scores(scores):
        raise ValueError("not scores of 0 to 1")
    return scores
