"""The built-in sinks: one table of output formats, and one module for each group of formats.

A new format is a class in a module of this package, a row of `FORMATS` and a row of the page
``docs/reference/formats.md``; its test is in ``tests/yamkit/sinks``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from yamkit.plugin import SinkInfo, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FORMATS", "yamkit_sinks"]

_marked = partial(SinkInfo, api=1, marks_failures=True)
_array = partial(SinkInfo, api=1, binary=True, one_clip=True)
_events = partial(SinkInfo, api=1, for_events=True)

FORMATS = (
    _marked(
        name="text",
        summary="Readable, aligned tables",
        factory="yamkit.sinks._text:TextSink",
        extension="txt",
    ),
    _marked(
        name="json",
        summary="One JSON document, schema yamkit/1",
        factory="yamkit.sinks._json:JsonSink",
        extension="json",
    ),
    _marked(
        name="jsonl",
        summary="JSON Lines: one clip per line",
        factory="yamkit.sinks._json:JsonLinesSink",
        extension="jsonl",
    ),
    _marked(
        name="csv",
        summary="One tidy table, one row per tag",
        factory="yamkit.sinks._csv:CsvSink",
        extension="csv",
    ),
    _marked(
        name="spreadsheet",
        summary="CSV for Excel and others: no cell is a formula",
        factory="yamkit.sinks._csv:SpreadsheetSink",
        extension="spreadsheet.csv",
    ),
    SinkInfo(
        name="parquet",
        summary="One typed table of many clips, one row per tag",
        factory="yamkit.sinks._parquet:ParquetSink",
        api=1,
        extension="parquet",
        binary=True,
        for_corpora=True,
        arrays=("scores", "embedding"),
        requires=("pyarrow",),
        install="yamkit[parquet]",
    ),
    _array(
        name="scores-npy",
        summary="Saved scores of a clip as an array",
        factory="yamkit.sinks._npy:ScoresSink",
        extension="scores.npy",
        arrays=("scores",),
    ),
    _array(
        name="embeddings-npy",
        summary="Saved embeddings of a clip as an array",
        factory="yamkit.sinks._npy:EmbeddingsSink",
        extension="embeddings.npy",
        arrays=("embedding",),
    ),
    _events(
        name="audacity",
        summary="Audacity's label track: onset, offset, name",
        factory="yamkit.sinks._labels:AudacitySink",
        extension="labels.txt",
        one_clip=True,
    ),
    _events(
        name="raven",
        summary="Raven selection table",
        factory="yamkit.sinks._tables:RavenSink",
        extension="selections.txt",
    ),
    _events(
        name="webvtt",
        summary="WebVTT subtitles",
        factory="yamkit.sinks._subtitles:WebVttSink",
        extension="vtt",
        one_clip=True,
    ),
    _events(
        name="srt",
        summary="SubRip subtitles",
        factory="yamkit.sinks._subtitles:SrtSink",
        extension="srt",
        one_clip=True,
    ),
    _events(
        name="textgrid",
        summary="Praat TextGrid, one tier per class",
        factory="yamkit.sinks._textgrid:TextGridSink",
        extension="TextGrid",
        one_clip=True,
    ),
    _events(
        name="dcase",
        summary="DCASE's list of events",
        factory="yamkit.sinks._tables:DcaseSink",
        extension="dcase.tsv",
    ),
    _events(
        name="rttm",
        summary="RTTM: one line per event",
        factory="yamkit.sinks._labels:RttmSink",
        extension="rttm",
    ),
    _events(
        name="jams",
        summary="JAMS, the JSON of music research",
        factory="yamkit.sinks._jams:JamsSink",
        extension="jams",
        one_clip=True,
    ),
    _events(
        name="tsv",
        summary="TSV with whole milliseconds",
        factory="yamkit.sinks._tables:TsvSink",
        extension="tsv",
    ),
)
"""The built-in output formats."""


@hookimpl
def yamkit_sinks() -> Iterator[SinkInfo]:
    """Describe the built-in sinks."""
    yield from FORMATS
