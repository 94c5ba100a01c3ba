"""The built-in sinks, one module a format; this one only says that they exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamkit.plugin import SinkInfo, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["yamkit_sinks"]


@hookimpl
def yamkit_sinks() -> Iterator[SinkInfo]:
    """Describe the built-in sinks."""
    yield SinkInfo(
        name="text",
        summary="Readable, aligned tables",
        factory="yamkit.sinks._text:TextSink",
        api=1,
        extension="txt",
    )
    yield SinkInfo(
        name="json",
        summary="One JSON document, schema yamkit/1",
        factory="yamkit.sinks._json:JsonSink",
        api=1,
        extension="json",
    )
    yield SinkInfo(
        name="jsonl",
        summary="JSON Lines: one clip a line",
        factory="yamkit.sinks._json:JsonLinesSink",
        api=1,
        extension="jsonl",
    )
    yield SinkInfo(
        name="csv",
        summary="One tidy table, a row a tag",
        factory="yamkit.sinks._csv:CsvSink",
        api=1,
        extension="csv",
    )
    yield SinkInfo(
        name="parquet",
        summary="One typed table of many clips, a row a tag",
        factory="yamkit.sinks._parquet:ParquetSink",
        api=1,
        extension="parquet",
        binary=True,
        for_corpora=True,
        arrays=("scores", "embedding"),
        requires=("pyarrow",),
        install="yamkit[parquet]",
    )
    yield SinkInfo(
        name="scores-npy",
        summary="Saved scores of a clip as an array",
        factory="yamkit.sinks._npy:ScoresSink",
        api=1,
        extension="scores.npy",
        binary=True,
        arrays=("scores",),
    )
    yield SinkInfo(
        name="embeddings-npy",
        summary="Saved embeddings of a clip as an array",
        factory="yamkit.sinks._npy:EmbeddingsSink",
        api=1,
        extension="embeddings.npy",
        binary=True,
        arrays=("embedding",),
    )
