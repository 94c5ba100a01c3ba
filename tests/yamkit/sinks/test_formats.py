"""The table of output formats: each row has its class, and a row on the page of formats."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from yamkit.registry import registry
from yamkit.sinks import FORMATS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "formats.md"


def test_the_page_lists_the_formats_in_their_order() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| `\.([\w.]+)` \|.*$", PAGE.read_text(), re.MULTILINE)
    assert rows == [(info.name, info.extension) for info in FORMATS]


@pytest.mark.parametrize("info", FORMATS, ids=lambda info: info.name)
def test_the_page_says_what_a_file_holds(info) -> None:
    (row,) = re.findall(rf"^\| `{info.name}` \| `\..*$", PAGE.read_text(), re.MULTILINE)
    *_, clips, patches, events, _ = map(str.strip, row.split("|"))
    assert clips == ("no" if info.one_clip else "yes")
    if info.for_events:
        assert (patches, events) == ("no", "yes")


def test_each_format_is_selected_by_its_name() -> None:
    for info in FORMATS:
        plugin = registry().resolve("sink", info.name)
        assert plugin.info == info
        assert callable(registry().load(plugin))


def test_no_two_formats_share_a_name_or_an_extension() -> None:
    for field in ("name", "extension", "factory"):
        counts = Counter(getattr(info, field) for info in FORMATS)
        assert not [value for value, count in counts.items() if count > 1], field
