"""Formats of a run: by names, by arrays, and by the suffix of the output."""

from __future__ import annotations

from pathlib import Path

import pytest

from yamkit.errors import ParameterError, UnknownPluginError
from yamkit.run.formats import format_of_output, load_formats


@pytest.mark.parametrize(
    ("output", "events", "name"),
    [
        (None, False, "text"),
        ("tags", False, "text"),
        ("tags.csv", False, "csv"),
        ("TAGS.CSV", True, "csv"),
        ("tags/", False, "text"),
        ("tags/{stem}.{ext}", False, "text"),
        ("a.jsonl", False, "jsonl"),
        ("a.srt", True, "srt"),
        ("a.srt", False, "srt"),
        ("a.parquet", False, "parquet"),
    ],
)
def test_the_suffix_chooses_the_format(output: str | None, events: bool, name: str) -> None:
    assert format_of_output(output, events=events) == name


def test_a_suffix_of_no_format_names_those_that_exist() -> None:
    with pytest.raises(ParameterError, match=r"\.xlsx.*\.csv") as caught:
        format_of_output("out.xlsx", events=False)
    assert ".srt" not in str(caught.value)
    with pytest.raises(ParameterError, match=r"\.srt"):
        format_of_output("out.xlsx", events=True)


def test_an_input_and_a_folder_have_any_suffix(tmp_path: Path) -> None:
    assert format_of_output("dog.wav", events=False, inputs=["dog.wav"]) == "text"
    folder = tmp_path / "run.1"
    folder.mkdir()
    assert format_of_output(str(folder), events=False) == "text"


def test_arrays_get_a_format_of_their_own_unless_one_holds_them() -> None:
    def names(formats: list[str], arrays: list[str]) -> list[str]:
        return [each.info.name for each in load_formats(formats, arrays)]

    assert names(["csv", "csv"], []) == ["csv"]
    assert names(["csv"], ["scores", "embedding"]) == ["csv", "scores-npy", "embeddings-npy"]
    with pytest.raises(UnknownPluginError, match="xml"):
        load_formats(["xml"], [])
