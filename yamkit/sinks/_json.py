"""JSON and JSON Lines, written item by item: memory does not grow with the clip.

Both write the same clip objects, JSON within one document and JSON Lines one in a line.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from yamkit.schema import (
    end_dict,
    event_dict,
    failure_dict,
    patch_dict,
    run_dict,
    start_dict,
)
from yamkit.types import ClipEnd, ClipFailure, ClipStart, Event, PatchTags

if TYPE_CHECKING:
    from typing import IO

    from yamkit.types import RunInfo, SinkItem

__all__ = ["JsonLinesSink", "JsonSink"]


class _ClipObjects:
    """Clip objects on a stream, each between `before` (or `first`) and `after`.

    The first fields of an object are written with the first patch or event or with the end, so that
    a clip that fails before has only a path and an error.
    """

    def __init__(
        self,
        stream: IO[str],
        run: RunInfo,
        common: dict[str, Any],
        *,
        first: str,
        before: str,
        after: str,
    ) -> None:
        self._stream = stream
        self._common = common
        has_events = run.parameters.events is not None
        self._list = '"timeline": [], "events": [' if has_events else '"timeline": ['
        self._before, self._next, self._after = first, before, after
        self._head: dict[str, Any] = {}
        self._in_list = False

    def write(self, item: SinkItem) -> None:
        if isinstance(item, ClipStart):
            self._head = start_dict(item)
        elif isinstance(item, (PatchTags, Event)):
            entry = patch_dict(item) if isinstance(item, PatchTags) else event_dict(item)
            self._stream.write(", " if self._in_list else self._begin_list())
            self._stream.write(_dumps(entry))
            self._in_list = True
        elif isinstance(item, ClipEnd):
            head = "" if self._in_list else self._begin_list()
            self._finish(f"{head}], {_members(end_dict(item))}}}")
        elif isinstance(item, ClipFailure):
            head = "], " if self._in_list else self._begin({"path": item.path}) + ", "
            self._finish(f"{head}{_members(failure_dict(item))}}}")

    def _begin(self, fields: dict[str, Any]) -> str:
        return self._before + "{" + _members({**self._common, **fields})

    def _begin_list(self) -> str:
        return f"{self._begin(self._head)}, {self._list}"

    def _finish(self, text: str) -> None:
        self._stream.write(text + self._after)
        self._before = self._next
        self._in_list = False


class JsonSink:
    """One document: ``{"schema": "yamkit/1", ..., "clips": [...]}``."""

    def open(self, run: RunInfo, stream: IO[str]) -> None:
        """Write the fields before the clips."""
        self._stream = stream
        self._clips = _ClipObjects(stream, run, {}, first="\n", before=",\n", after="")
        stream.write("{" + _members(run_dict(run)) + ', "clips": [')

    def write(self, item: SinkItem) -> None:
        """Write an item."""
        self._clips.write(item)

    def close(self) -> None:
        """Close the array and the document."""
        self._stream.write("\n]}\n")

    def abort(self) -> None:
        """Do nothing: there is nothing to release."""


class JsonLinesSink:
    """One clip per line, each with the name and hash of the model."""

    def open(self, run: RunInfo, stream: IO[str]) -> None:
        """Keep the fields of every line: the model, and parameters other than the defaults."""
        common: dict[str, Any] = {"model": {"name": run.model.name, "sha256": run.model.sha256}}
        if run.parameters.events is not None:
            common["score_kind"] = run.parameters.score_kind
            common["event_score"] = run.parameters.events.score
        elif run.parameters.score_kind != "raw":
            common["score_kind"] = run.parameters.score_kind
        if run.parameters.channel != "mix":
            common["channel"] = run.parameters.channel
        if run.parameters.stream is not None:
            common["stream"] = run.parameters.stream
        self._clips = _ClipObjects(stream, run, common, first="", before="", after="\n")

    def write(self, item: SinkItem) -> None:
        """Write an item."""
        self._clips.write(item)

    def close(self) -> None:
        """Do nothing: every line is complete."""

    def abort(self) -> None:
        """Do nothing: there is nothing to release."""


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _members(fields: dict[str, Any]) -> str:
    """Return the members of an object without its braces."""
    return _dumps(fields)[1:-1]
