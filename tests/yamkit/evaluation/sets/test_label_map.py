"""Label maps are read from CSV files in any form, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from yamkit.errors import LabelError
from yamkit.evaluation.sets.label_map import read_label_map


def test_maps_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    path.write_bytes(
        '\ufeffcategory, name\r\na,Dog\r\na,"Baby cry, infant cry"\r\nb,x\r\n'.encode()
    )
    assert read_label_map(path) == {"a": ("Dog", "Baby cry, infant cry"), "b": ("x",)}
    path.write_text("category,mid\na,/m/1\n")
    assert read_label_map(path) == {"a": ("/m/1",)}
    path.write_text('category;name;;\na;"Baby cry, infant cry";;\n;;;\n\nb;Dog\n')
    assert read_label_map(path) == {"a": ("Baby cry, infant cry",), "b": ("Dog",)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a,b\n", "category and mid, or category and name; it has: a, b"),
        (b"category,mid\n", "empty"),
        (b"category,mid\na\n", "line 2: no category or no mid"),
        (b"category,mid\n,x\n", "line 2: no category or no mid"),
        (b'category,mid\n"a,b\n', "not a CSV file"),
        (b"category,mid\n\xff,x\n", "not UTF-8 text"),
    ],
)
def test_invalid_maps_are_refused(tmp_path: Path, text: bytes, message: str) -> None:
    path = tmp_path / "map.csv"
    path.write_bytes(text)
    with pytest.raises(LabelError) as caught:
        read_label_map(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    with pytest.raises(LabelError, match="No such file"):
        read_label_map(tmp_path / "nowhere.csv")


@pytest.mark.parametrize("mark", [",", ", ", ";", "\t", " , "])
def test_every_delimiter(tmp_path: Path, mark: str) -> None:
    rows = [("category", "name"), ("dog", "Dog"), ("", ""), ("rain", '"Rain, on surface"')]
    text = "\r\n".join(mark.join(row) for row in rows) + "\r\n"
    (tmp_path / "map.csv").write_bytes(text.encode("utf-8-sig"))
    assert read_label_map(tmp_path / "map.csv") == {"dog": ("Dog",), "rain": ("Rain, on surface",)}
