"""What an item may hold: values in range, and the order of a clip's items.

Items come from plugins and from files of unknown origin.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yamkit.types import ClipEnd, ClipFailure, ClipStart, Event, PatchTags, Tag

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from yamkit.types import Peak, RunInfo, SinkItem, TagClass

    Classes = Sequence[TagClass] | Mapping[int, TagClass]

__all__ = [
    "DAMAGE",
    "ClipCheck",
    "ItemLayout",
    "ItemOrder",
    "are_scores",
    "check_item",
    "check_peaks",
    "to_count",
    "to_score",
    "to_span",
    "to_tag",
    "to_text",
]

DAMAGE = (ValueError, TypeError, IndexError, KeyError, OverflowError, RecursionError)
"""Exceptions that these checks, and the reading of a damaged record, raise."""

_ROUNDING = 1e-3
"""How far beyond 0 and 1 rounding may take a score, float16 included."""


@dataclass(frozen=True)
class ItemLayout:
    """What the items of a run hold.

    Attributes
    ----------
    classes : sequence of TagClass
        The model's.
    arrays : mapping of str to int
        Names (``scores``, ``embedding``) and lengths of the arrays that come with them.
    dtype : str
        Of the arrays.
    per_patch : bool
        Whether patches are reported, and the arrays are theirs rather than the clip's.
    has_events : bool
        Whether events are reported.
    """

    classes: Sequence[TagClass]
    arrays: Mapping[str, int] = field(default_factory=dict)
    dtype: str = "float16"
    per_patch: bool = False
    has_events: bool = False

    @classmethod
    def of(cls, run: RunInfo, classes: Sequence[TagClass], dtype: str = "float16") -> ItemLayout:
        """Return the layout of a run's items."""
        lengths = {"scores": len(classes), "embedding": run.embedding_size}
        return cls(
            classes,
            {name: lengths[name] for name in run.arrays},
            dtype,
            run.per_patch,
            run.parameters.events is not None,
        )


def check_item(item: SinkItem, classes: Classes) -> None:
    """Check the values of an item.

    Parameters
    ----------
    item : ClipStart, PatchTags, Event, ClipEnd or ClipFailure
    classes : sequence of TagClass, or mapping by index
        The class map of its tags.

    Raises
    ------
    ValueError, TypeError, IndexError, KeyError, AttributeError
        If a value is invalid, or the kind of item unknown.
    """
    if isinstance(item, PatchTags):
        to_span(item.start_seconds, item.end_seconds)
        _check_tags(item.tags, classes)
        _check_arrays(item)
    elif isinstance(item, Event):
        to_span(item.onset_seconds, item.offset_seconds)
        _check_tags((item.tag,), classes)
    elif isinstance(item, ClipStart):
        to_count(item.sample_rate)
        to_count(item.channels)
        to_span(0, item.promised_seconds or 0)
        _check_texts(item.path)
    elif isinstance(item, ClipFailure):
        _check_texts(item.path, item.type, item.message)
    elif isinstance(item, ClipEnd):
        to_span(0, item.duration_seconds)
        to_count(item.patches)
        _check_tags(item.tags, classes)
        _check_texts(*item.warnings)
        _check_arrays(item)
        for peak in item.peaks:
            to_score(peak.score)
            to_span(peak.start_seconds, item.duration_seconds)
        check_peaks(item.peaks, item.tags)
    else:
        raise TypeError("not an item")


def _check_tags(tags: Sequence[Tag], classes: Classes) -> None:
    if type(tags) is not tuple:
        raise TypeError("tags are not a tuple")
    for tag in tags:
        if to_tag(tag.index, tag.score, classes) != tag:
            raise ValueError("a tag with the name of another class")


def check_peaks(peaks: Sequence[Peak], tags: Sequence[Any]) -> None:
    """Check that peaks are absent, or as many as tags."""
    if peaks and len(peaks) != len(tags):
        raise ValueError("not a peak for each tag")


def _check_texts(*texts: str) -> None:
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("not text")


def _check_arrays(item: PatchTags | ClipEnd) -> None:
    for array in (item.scores, item.embedding):
        if array is not None and (array.ndim != 1 or array.dtype.kind != "f"):
            raise ValueError("not a row of floats")
    if item.scores is not None and not are_scores(item.scores):
        raise ValueError("scores outside 0-1")


@dataclass
class ItemOrder:
    """Checks that items are those of one clip: their order, and the lengths of their arrays.

    `add` and `end` raise `ValueError` where they are not.

    Attributes
    ----------
    layout : ItemLayout
    keeps_items : bool
        Whether all items come, and not only failures and ends with warnings.
    """

    layout: ItemLayout
    keeps_items: bool = True
    _patches: int = 0
    _last: SinkItem | None = None

    def add(self, item: SinkItem) -> None:
        """Check the next item."""
        if isinstance(self._last, (ClipEnd, ClipFailure)):
            raise ValueError("an item after the end of the clip")
        is_first = self._last is None
        if self.keeps_items and not isinstance(item, ClipFailure):
            if is_first != isinstance(item, ClipStart):
                raise ValueError("a start is missing, or comes twice")
        elif not isinstance(item, (ClipEnd, ClipFailure)) or not is_first:
            raise ValueError("an item that is not kept")
        self._last = item
        self._patches += isinstance(item, PatchTags)
        if isinstance(item, (PatchTags, ClipEnd)):
            self._check_arrays(item)
        has_patches = self.keeps_items and self.layout.per_patch
        if has_patches and isinstance(item, ClipEnd) and self._patches != item.patches:
            raise ValueError("patches are missing")

    def end(self) -> None:
        """Check that the clip has an end."""
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
        has_arrays = self.keeps_items and self.layout.per_patch == isinstance(item, PatchTags)
        if lengths != (self.layout.arrays if has_arrays else {}):
            raise ValueError("arrays of other names or lengths")


class ClipCheck:
    """Checks the items of a clip as they come.

    Parameters
    ----------
    path : str
        Of the clip, as its items have it.
    layout : ItemLayout
    """

    def __init__(self, path: str, layout: ItemLayout) -> None:
        self._path, self._layout = path, layout
        self._order = ItemOrder(layout)
        self._expected = PatchTags if layout.per_patch else Event if layout.has_events else None
        self._seconds = 0.0

    def add(self, item: SinkItem) -> None:
        """Check the next item; raise as `check_item` does."""
        check_item(item, self._layout.classes)
        if not isinstance(item, ClipFailure):  # which may come at any time
            self._order.add(item)
        if isinstance(item, (PatchTags, Event)):
            if type(item) is not self._expected:
                raise ValueError("a kind of item that this run does not report")
            start = item.start_seconds if isinstance(item, PatchTags) else item.onset_seconds
            if start < self._seconds:
                raise ValueError("it begins before the item before it")
            self._seconds = start
        elif not isinstance(item, ClipEnd) and item.path != self._path:
            raise ValueError("the path of another clip")


def are_scores(values: NDArray[Any]) -> bool:
    """Return whether all values are scores: 0 to 1, but for rounding."""
    return bool(((values >= -_ROUNDING) & (values <= 1 + _ROUNDING)).all())  # NaN is neither


def to_text(value: Any) -> str:
    """Return a text that is valid Unicode."""
    if not isinstance(value, str):
        raise TypeError("not text")
    value.encode()  # fails for a lone surrogate
    return value


def to_count(value: Any) -> int:
    """Return a whole number from 1."""
    if type(value) is not int or not 1 <= value < 1 << 53:
        raise ValueError("not a whole number from 1")
    return value


def to_span(start: Any, end: Any) -> tuple[float, float]:
    """Return two times in seconds, the second not before the first."""
    if {type(start), type(end)} <= {int, float} and 0 <= start <= end < float("inf"):
        return float(start), float(end)
    raise ValueError("not a span of time")


def to_score(value: Any) -> float:
    """Return a score, 0 to 1 but for rounding."""
    if type(value) not in (int, float) or not -_ROUNDING <= value <= 1 + _ROUNDING:
        raise ValueError("a score outside 0-1")
    return float(value)


def to_tag(index: Any, score: Any, classes: Classes) -> Tag:
    """Return the tag of a class."""
    if type(index) is not int or index < 0:
        raise ValueError("not the index of a class")
    return Tag(index, classes[index].mid, classes[index].name, to_score(score))
