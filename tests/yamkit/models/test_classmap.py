from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.errors import BundleError
from yamkit.models.catalogue import published
from yamkit.models.classmap import format_class_map, parse_class_map
from yamkit.types import TagClass

HEADER = "index,mid,display_name\n"
texts = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=20).map(
    str.strip
)


@given(st.lists(st.tuples(texts, texts.filter(bool)), min_size=1, max_size=20))
def test_what_is_written_is_read(rows):
    classes = tuple(TagClass(i, mid, name) for i, (mid, name) in enumerate(rows))
    assert parse_class_map(format_class_map(classes), "c") == classes


def test_the_published_class_map_is_reproduced_byte_for_byte(shared):
    data = (shared / "models" / "yamnet_class_map.csv").read_bytes()
    assert parse_class_map(data, "c") == published("yamnet").classes
    assert format_class_map(published("yamnet").classes) == data


def test_byte_order_mark_windows_lines_and_blank_lines():
    data = b"\xef\xbb\xbfindex,mid,display_name\r\n\r\n0,/m/1,Speech\r\n1,,Dog\r\n\r\n"
    assert parse_class_map(data, "c") == (TagClass(0, "/m/1", "Speech"), TagClass(1, "", "Dog"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be index,mid,display_name"),
        ("a,b,c\n0,x,Dog\n", "must be index"),
        (HEADER, "is empty"),
        (HEADER + "1,x,Dog\n", "index '1': must be 0"),
        (HEADER + "0,x,Dog\n0,x,Cat\n", "index '0': must be 1"),
        (HEADER + "0,x\n", "class 0 has 2 fields, not 3"),
        (HEADER + "0,x,\n", "class 0 has no display_name"),
        (HEADER + "0,x,\x1b[2J\n", "class 0 contains control characters"),
        (HEADER + '0,x,"a\nb"\n', "class 0 contains control characters"),
        (HEADER + '0,x,"Dog\n', "not CSV"),
    ],
)
def test_what_is_wrong_is_named(text, message):
    with pytest.raises(BundleError, match=message):
        parse_class_map(text.encode(), "c.csv")


def test_other_encodings_are_refused():
    with pytest.raises(BundleError, match=r"c\.csv: a class map must be UTF-8 text"):
        parse_class_map((HEADER + "0,x,Bär\n").encode("latin-1"), "c.csv")


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [",", ", ", ";", "\t", " ; "])
@pytest.mark.parametrize("empty", ["", "{mark}{mark}", "  "])
def test_maps_as_people_and_spreadsheets_write_them(bom, end, mark: str, empty: str) -> None:
    rows = [("index", "mid", "display_name"), ("0", "/m/09x0r", "Speech"), ("1", "/m/1", '"A, b"')]
    lines = [mark.join(row) for row in rows]
    lines = [lines[0], lines[1], empty.format(mark=mark.strip(" ") or mark), lines[2], empty and ""]
    found = parse_class_map(bom + end.join([*lines, ""]).encode(), "map")
    assert [(row.mid, row.name) for row in found] == [("/m/09x0r", "Speech"), ("/m/1", "A, b")]


def test_a_map_with_spaces_behind_its_commas(shared) -> None:
    cases, models = shared / "cases" / "numbers", shared / "models"
    spaced = parse_class_map((cases / "c_sp.csv").read_bytes(), "map")
    assert spaced == parse_class_map((models / "yamnet_class_map.csv").read_bytes(), "map")
