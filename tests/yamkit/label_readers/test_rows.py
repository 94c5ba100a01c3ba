"""Lists of every layout, in the forms that people and spreadsheets write."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.yamkit.evaluation.label_lists import LAYOUTS, write_list
from yamkit.errors import LabelError
from yamkit.evaluation.sets.files import find_files
from yamkit.evaluation.sets.labelled_set import read_set

CLIPS = (("a.wav", "Dog"), ("ä b.wav", "Speech"), ("c.wav", "Dog"))
FORMS = {
    "byte-order mark": lambda text: text.encode("utf-8-sig"),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "no end of the last line": lambda text: text.rstrip("\n").encode(),
    "empty rows": lambda text: (text.replace("\n", "\n\n") + " \n\n").encode(),
    "rows of separators": lambda text: (text + (",,,\n" if "," in text else "\t\t\t\n")).encode(),
    "semicolons": lambda text: text.replace(",", ";").encode(),
    "tabs": lambda text: text.replace(",", "\t").encode(),
    "spaces behind separators": lambda text: text.replace(",", ", ").encode(),
    "spaces around separators": lambda text: text.replace(",", " , ").encode(),
    "quotes": lambda text: re.sub(r"ä b\.wav(_0)?", r'"\g<0>"', text).encode(),
}
NO_TEXT = {
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16 without mark": lambda text: text.encode("utf-16-le"),
    "Latin-1": lambda text: text.encode("latin-1"),
}


def shape(path: Path) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(clip.names, clip.labels) for clip in read_set(path).clips]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_the_same_meaning(tmp_path: Path, layout: str, form: str) -> None:
    path = write_list(tmp_path, layout, *CLIPS)
    expected = shape(path)
    assert len(expected) == len(CLIPS)
    path.write_bytes(FORMS[form](path.read_text()))
    assert shape(path) == expected


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("form", NO_TEXT)
def test_other_encodings_are_one_line_with_a_remedy(tmp_path, layout: str, form: str) -> None:
    path = write_list(tmp_path, layout, *CLIPS)
    path.write_bytes(NO_TEXT[form](path.read_text()))
    with pytest.raises(LabelError) as caught:
        read_set(path)
    message = str(caught.value)
    assert path.name in message
    assert "save it as UTF-8" in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(("name", "clips"), [("semi", 40), ("blankrows", 40), ("abs", 2)])
def test_lists_from_practice(shared: Path, name: str, clips: int) -> None:
    found = read_set(shared / "cases" / "numbers" / f"{name}.csv")
    matches = find_files(found, shared / "audio" / "esc10" / "audio")
    assert sum(file is not None for file in matches.files) == len(found.clips) == clips
    assert {"Dog", "Rain"} <= set(found.labels)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("abs.csv", "none of the 1 files"),
        ("audioset-inf.csv", "line 4: from inf to inf s: times must be finite"),
        ("dash.csv", "none of the 1 files"),
        ("dotdot.csv", "line 2: '../a.wav' leads out"),
        ("labels-9873.bin", "unknown layout"),
        ("newline.csv", "line 3: 3 columns: must be 2"),
        ("strong-400.tsv", "line 2: segment_id 'abc_9"),
        ("strong-sup.tsv", "line 2: segment_id 'abc_"),
        ("uri.csv", "none of the 2 files"),
    ],
)
def test_hostile_lists_are_one_line(shared, tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "a.wav").touch()
    with pytest.raises(Exception, match=message) as caught:
        find_files(read_set(shared / "cases" / "hostile" / "labels" / name), tmp_path)
    assert type(caught.value).__module__ == "yamkit.errors"
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).isprintable()
