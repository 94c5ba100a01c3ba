"""Names that act on a terminal or break a line, and what tells whether any still does."""

from __future__ import annotations

import unicodedata

__all__ = ["BIDI_CONTROL", "NAMES", "acting"]

BIDI_CONTROL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""The property of that name, UAX #9."""

NAMES = {
    "ESC": "a\x1b[31mb",
    "title": "a\x1b]0;owned\x07b",
    "C1": "a\x9b31mb",
    "DEL": "a\x7fb",
    "backspace": "a\x08b",
    "newline": "a\nerror: b",
    "return": "a\rb",
    "tab": "a\tb",
    "NEL": "a\x85b",
    "line separator": "a\u2028b",
    "paragraph separator": "a\u2029b",
    **{f"bidi {ord(mark):04X}": f"a{mark}b" for mark in BIDI_CONTROL},
}


def acting(text: str) -> set[str]:
    """Find what acts in a text of lines; an end of a line and a tab do what they should."""
    plain = text.replace("\r\n", "\n").translate({ord("\n"): " ", ord("\t"): " "})
    return {
        each
        for each in plain
        if unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") or each in BIDI_CONTROL
    }
