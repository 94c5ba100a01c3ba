"""Apache Parquet: one typed table of many clips, for pandas, DuckDB, Polars and Spark.

There is one row per tag. A clip without tags, or a patch without tags in runs with patches, has one
row without a tag; a clip that failed has one with the error. Saved arrays are in the first row of
their clip or patch. In runs with events a row is an event, without a rank; saved arrays and
warnings of a clip follow its events in a row without a tag.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from yamkit.schema import run_dict
from yamkit.types import ClipEnd, ClipFailure, ClipStart, Event, PatchTags

if TYPE_CHECKING:
    from typing import IO

    from yamkit.types import RunInfo, SinkItem, Tag

__all__ = ["ParquetSink"]

_NAME = pa.dictionary(pa.int32(), pa.string())
_COLUMNS = {
    "path": _NAME,
    "start_seconds": pa.float64(),
    "end_seconds": pa.float64(),
    "start_ms": pa.int64(),
    "end_ms": pa.int64(),
    "rank": pa.int32(),
    "index": pa.int32(),
    "mid": _NAME,
    "name": _NAME,
    "score": pa.float32(),
    "channel": _NAME,
    "stream": pa.int32(),
    "warnings": pa.list_(pa.string()),
    "error_type": _NAME,
    "error": pa.string(),
}
_ARRAY = pa.list_(pa.float32())
"""Type of saved arrays, which are rounded to 16 bits: Spark and fastparquet lack FLOAT16."""

_GROUP_ROWS = 1 << 16
_GROUP_VALUES = 1 << 22
"""Most array values in a row group: 16 MB."""


class ParquetSink:
    """Columns: path, times in seconds and whole milliseconds, tag, channel, warnings, error."""

    def open(self, run: RunInfo, stream: IO[bytes]) -> None:
        """Write the schema, with model and parameters as metadata."""
        columns = {**_COLUMNS, **dict.fromkeys(run.arrays, _ARRAY)}
        description = {**run_dict(run), "shard": "{}/{}".format(*run.shard)}
        metadata = {"yamkit": json.dumps(description, ensure_ascii=False)}
        self._schema = pa.schema(columns, metadata=metadata)
        self._writer = pq.ParquetWriter(stream, self._schema, compression="zstd")
        self._input = {"channel": str(run.parameters.channel), "stream": run.parameters.stream}
        self._per_patch = run.per_patch
        self._has_events = run.parameters.events is not None
        self._events = 0
        self._arrays = run.arrays
        self._rows: list[dict[str, Any]] = []
        self._values = 0
        self._path = ""

    def write(self, item: SinkItem) -> None:
        """Write the rows of an item."""
        if isinstance(item, ClipStart):
            self._path, self._events = item.path, 0
        elif isinstance(item, Event):
            self._events += 1
            times = _times(item.onset_seconds, item.offset_seconds)
            self._rows.append({"path": self._path, **times, **_tag(item.tag)})
        elif isinstance(item, ClipEnd) and self._has_events:
            if self._arrays or item.warnings or not self._events:
                tagless = replace(item, tags=())
                self._add(0.0, item.duration_seconds, tagless, list(item.warnings) or None)
        elif isinstance(item, PatchTags):
            self._add(item.start_seconds, item.end_seconds, item, None)
        elif isinstance(item, ClipEnd) and not self._per_patch:
            self._add(0.0, item.duration_seconds, item, list(item.warnings) or None)
        elif isinstance(item, ClipEnd) and item.warnings:
            row = {"path": self._path, "warnings": list(item.warnings)}
            self._rows.append({**row, **_times(0.0, item.duration_seconds)})
        elif isinstance(item, ClipFailure):
            self._rows.append({"path": item.path, "error_type": item.type, "error": item.message})
        if len(self._rows) >= _GROUP_ROWS or self._values >= _GROUP_VALUES:
            self._flush()

    def close(self) -> None:
        """Write the last rows and the footer."""
        self._flush()
        self._writer.close()

    def abort(self) -> None:
        """Close the writer."""
        self._writer.close()

    def _add(
        self, start: float, end: float, item: PatchTags | ClipEnd, warnings: list[str] | None
    ) -> None:
        place = {"path": self._path, **_times(start, end)}
        first = {**place, "warnings": warnings}
        for name in self._arrays:
            array = getattr(item, name)
            first[name] = None if array is None else array.astype("float32")
            self._values += 0 if array is None else len(array)
        if not item.tags:
            self._rows.append(first)
        for rank, tag in enumerate(item.tags, 1):
            row = first if rank == 1 else place
            self._rows.append({**row, "rank": rank, **_tag(tag)})

    def _flush(self) -> None:
        columns = [
            pa.array([row.get(name, self._input.get(name)) for row in self._rows], field.type)
            for name, field in zip(self._schema.names, self._schema, strict=True)
        ]
        if self._rows:
            self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._rows, self._values = [], 0


def _tag(tag: Tag) -> dict[str, Any]:
    return {"index": tag.index, "mid": tag.mid, "name": tag.name, "score": tag.score}


def _times(start: float, end: float) -> dict[str, Any]:
    return {
        "start_seconds": start,
        "end_seconds": end,
        "start_ms": round(start * 1000),
        "end_ms": round(end * 1000),
    }
