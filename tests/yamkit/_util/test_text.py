"""Text of strangers in messages, and names of files as Unicode."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit._util.text import path_to_text, printable, text_to_path


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])) | st.binary().map(os.fsdecode))
def test_a_path_is_the_same_after_it_was_text(path: str) -> None:
    assert text_to_path(path_to_text(path)) == path
    printable(path).encode()


def test_what_no_file_can_be_called_stays_as_it_is() -> None:
    assert path_to_text("\ud800") == text_to_path("\ud800") == "\ud800"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("H\udcc3\udcbcndin", "Hündin"),  # as Python reads it in a locale of ASCII
        ("H\udcfcndin", r"H\xfcndin"),  # Latin-1, in any locale
        ("\udcf0\udc9f\udc90\udc95\ud800", r"\xf0\x9f\x90\x95\ud800"),
        (Path("Hündin.wav"), "Hündin.wav"),
    ],
)
def test_bytes_of_utf_8_are_shown_as_what_they_are(text: str | Path, shown: str) -> None:
    assert printable(text) == shown
