"""The built-in sinks, one module a format; this one only says that they exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamkit.plugin import SinkInfo, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["yamkit_sinks"]


_EVENT_FORMATS = {
    "audacity": (
        "Audacity's label track: onset, offset, name",
        "labels.txt",
        "_labels:AudacitySink",
        True,
    ),
    "raven": ("Raven selection table", "selections.txt", "_tables:RavenSink", False),
    "webvtt": ("WebVTT subtitles", "vtt", "_subtitles:WebVttSink", True),
    "srt": ("SubRip subtitles", "srt", "_subtitles:SrtSink", True),
    "textgrid": ("Praat TextGrid, a tier a class", "TextGrid", "_textgrid:TextGridSink", True),
    "dcase": ("DCASE's list of events", "dcase.tsv", "_tables:DcaseSink", False),
    "rttm": ("RTTM: a line an event", "rttm", "_labels:RttmSink", False),
    "jams": ("JAMS, the JSON of music research", "jams", "_jams:JamsSink", True),
    "tsv": ("TSV with whole milliseconds", "tsv", "_tables:TsvSink", False),
}
"""Formats of events alone: summary, extension, factory, whether a file holds one clip."""


@hookimpl
def yamkit_sinks() -> Iterator[SinkInfo]:
    """Describe the built-in sinks."""
    yield SinkInfo(
        name="text",
        summary="Readable, aligned tables",
        factory="yamkit.sinks._text:TextSink",
        api=1,
        extension="txt",
        marks_failures=True,
    )
    yield SinkInfo(
        name="json",
        summary="One JSON document, schema yamkit/1",
        factory="yamkit.sinks._json:JsonSink",
        api=1,
        extension="json",
        marks_failures=True,
    )
    yield SinkInfo(
        name="jsonl",
        summary="JSON Lines: one clip a line",
        factory="yamkit.sinks._json:JsonLinesSink",
        api=1,
        extension="jsonl",
        marks_failures=True,
    )
    yield SinkInfo(
        name="csv",
        summary="One tidy table, a row a tag",
        factory="yamkit.sinks._csv:CsvSink",
        api=1,
        extension="csv",
        marks_failures=True,
    )
    yield SinkInfo(
        name="spreadsheet",
        summary="CSV for Excel and others: no cell is a formula",
        factory="yamkit.sinks._csv:SpreadsheetSink",
        api=1,
        extension="spreadsheet.csv",
        marks_failures=True,
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
        one_clip=True,
        arrays=("scores",),
    )
    yield SinkInfo(
        name="embeddings-npy",
        summary="Saved embeddings of a clip as an array",
        factory="yamkit.sinks._npy:EmbeddingsSink",
        api=1,
        extension="embeddings.npy",
        binary=True,
        one_clip=True,
        arrays=("embedding",),
    )
    for name, (summary, extension, place, one_clip) in _EVENT_FORMATS.items():
        yield SinkInfo(
            name=name,
            summary=summary,
            factory=f"yamkit.sinks.{place}",
            api=1,
            extension=extension,
            for_events=True,
            one_clip=one_clip,
        )
