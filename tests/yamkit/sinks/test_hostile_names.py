"""Every sink with every kind of hostile name: nothing in a file acts, and what can be is read back.

Written through the core, as a run writes them.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.yamkit.hostile_names import NAMES, acting
from yamkit._util.text import InertStream, inert, printable
from yamkit.plugin import SinkInfo
from yamkit.registry import registry
from yamkit.run.output import Outputs
from yamkit.run.places import Format, plan_places
from yamkit.sinks._csv import SpreadsheetSink
from yamkit.types import (
    ClipEnd,
    ClipFailure,
    ClipStart,
    Event,
    EventParameters,
    Parameters,
    PatchTags,
    RunInfo,
    RunModel,
    Tag,
)

RUN = RunInfo(
    yamkit="1.2.3",
    model=RunModel("net", "1", "ab" * 32, "somewhere", 2),
    backend="onnx",
    frontend="logmel",
    resampler="polyphase",
    parameters=Parameters("mean", 0.48, None, 5),
    per_patch=True,
    embedding_size=2,
)
SINKS = {
    plugin.name: Format(plugin.info, registry().load(plugin))
    for plugin in registry().plugins
    if isinstance(plugin.info, SinkInfo) and plugin.distribution == "yamkit"
}
SURROGATE = {"surrogate": "a\ud800b"}  # which only a text file can be made to hold, as an escape


def written(format_: Format, name: str, folder: Path, *, fails: bool = True) -> bytes:
    """Write a clip, its events or patches, and a failure, all with this name; give the file."""
    info = format_.info
    tag, array = Tag(0, name, name, 0.5), np.zeros(2, "float16")
    arrays = dict.fromkeys(info.arrays, array)
    events = EventParameters() if info.for_events else None
    run = replace(
        RUN,
        model=replace(RUN.model, name=name, source=name),
        parameters=replace(RUN.parameters, events=events),
        per_patch=not info.for_events,
        arrays=info.arrays,
    )
    middle = Event(0.0, 0.5, tag) if info.for_events else PatchTags(0.0, 0.5, (tag,), **arrays)
    items = [ClipStart(name, 8000, 1), middle, ClipEnd(1.0, 1, (tag,), (name,), **arrays)]
    if fails and not info.one_clip:
        items.append(ClipFailure(name, "DecodeError", name))
    place = folder / f"out.{info.extension}"
    outputs = Outputs(plan_places([format_], str(place), ["-"]))
    outputs.open(run)
    for item in items:
        outputs.write(item)
    outputs.close()
    return place.read_bytes()


@pytest.mark.parametrize("kind", [*NAMES, *SURROGATE])
@pytest.mark.parametrize(
    "sink", [name for name, format_ in SINKS.items() if not format_.info.binary]
)
@pytest.mark.long(reason="writes many files")
def test_nothing_acts_in_a_file_of_text(sink: str, kind: str, tmp_path: Path) -> None:
    name = (NAMES | SURROGATE)[kind]
    text = written(SINKS[sink], name, tmp_path).decode()
    assert acting(text) == set()
    if sink in READERS:
        assert READERS[sink](text) == (name, name)
    elif sink == "rttm":
        assert unquote(text.split()[1], errors="surrogatepass") == name
    else:
        lines = written(SINKS[sink], "ab", tmp_path).count(b"\n")
        assert text.count("\n") == lines  # no name makes a line more
        assert printable(name) in text.replace('""', '"')


@pytest.mark.parametrize("kind", NAMES)
def test_parquet_holds_the_names_themselves(kind: str, tmp_path: Path) -> None:
    name = NAMES[kind]
    data = written(SINKS["parquet"], name, tmp_path)
    table = pyarrow.parquet.read_table(io.BytesIO(data))
    assert set(table["path"].to_pylist()) == {name}
    assert name in table["name"].to_pylist()
    assert json.loads(table.schema.metadata[b"yamkit"])["model"]["name"] == name


READERS = {
    "json": lambda text: (json.loads(text)["clips"][0]["path"], json.loads(text)["model"]["name"]),
    "jsonl": lambda text: (
        json.loads(text.split("\n")[0])["path"],
        json.loads(text.split("\n")[1])["error"]["message"],
    ),
    "jams": lambda text: (
        json.loads(text)["file_metadata"]["title"],
        json.loads(text)["annotations"][0]["data"][0]["value"],
    ),
}


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", " =", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
)
def test_no_cell_for_a_spreadsheet_is_a_formula(start: str, tmp_path: Path) -> None:
    name = f"{start}HYPERLINK(1)"
    data = written(SINKS["spreadsheet"], name, tmp_path)
    assert data.startswith(b"\xef\xbb\xbfpath,")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    cells = {row[column] for row in rows for column in ("path", "name", "mid", "model", "warnings")}
    assert cells == {f"'{name}", ""}
    plain = list(csv.DictReader(io.StringIO(written(SINKS["csv"], name, tmp_path).decode())))
    assert plain[0]["path"] == name  # programs get what it is called
    SpreadsheetSink().abort()


@given(st.text(st.characters()))
def test_inert_text_is_json_still(text: str) -> None:
    document = json.dumps({text: text}, ensure_ascii=False)
    assert acting(inert(document)) == set()
    assert json.loads(inert(document)) == {text: text}
    assert inert(inert(text)) == inert(text)
    stream = InertStream(io.StringIO())
    assert stream.write(text) == len(text)
    stream.writelines([text])
    assert stream.getvalue() == inert(text) * 2
    assert acting(printable(text)) == set()
    assert "\n" not in printable(text)
    assert "\t" not in printable(text)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cf"])))
def test_text_that_only_shows_is_left_alone(text: str) -> None:
    assert printable(text) == inert(text) == text
    joined = f"{text}\N{ZERO WIDTH JOINER}\N{SOFT HYPHEN}"  # emoji and scripts are made with these
    assert printable(joined) == inert(joined) == joined
