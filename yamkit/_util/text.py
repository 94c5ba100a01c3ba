"""Text in messages: strangers' text made valid Unicode without control characters, and lists."""

from __future__ import annotations

import contextlib
import difflib
import io
import os
import re
import sys
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

_Word = TypeVar("_Word")

_ALMOST_EQUAL = 0.8
"""Ratio at which words count as a misspelling: "Dogs" of "Dog", before a part of a longer name."""

__all__ = [
    "InertStream",
    "aligned",
    "delimiter_of",
    "described",
    "inert",
    "listed",
    "nearest",
    "path_text",
    "path_to_text",
    "printable",
    "text_to_path",
    "underscored",
]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the end of a message: a suggestion, or an example of what is valid."""
    choices = list(known)
    word = name.casefold()
    folded = {choice.casefold(): choice for choice in reversed(choices)}
    near = difflib.get_close_matches(word, folded, n=1, cutoff=_ALMOST_EQUAL)
    if not near and word:
        near = sorted((choice for choice in folded if word in choice), key=len)
    near = near or difflib.get_close_matches(word, folded, n=1)
    if near:
        return f"; did you mean {printable(folded[near[0]])!r}?"
    return f", such as {printable(choices[0])!r}"


def listed(words: str | _Word | Iterable[str | _Word]) -> tuple[str | _Word, ...]:
    """Return words as a tuple; a single string or other object is one word."""
    if isinstance(words, str) or not isinstance(words, Iterable):
        return (words,)
    return tuple(words)


def described(error: BaseException) -> str:
    """Return an unforeseen exception as one printable line: its type and its message."""
    return printable(" ".join(f"{type(error).__name__}: {error}".split()))


def delimiter_of(header: str) -> str:
    """Return the separator of a table's header: comma, semicolon or tab."""
    return max(",;\t", key=header.count)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines: the first column left-aligned, the others right-aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        ).rstrip()
        for row in rows
    ]


def path_to_text(path: str | os.PathLike[str]) -> str:
    """Return a path decoded as UTF-8, in any locale.

    Python decodes names by the locale. Bytes that are not UTF-8 remain surrogates.
    """
    try:
        return os.fsencode(path).decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # not a possible file name on this system
        return os.fsdecode(path)


def path_text(path: str | os.PathLike[str]) -> str:
    """Return a path as valid Unicode for programs to read; invalid bytes become escapes."""
    try:
        return os.fsencode(path).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # not a possible file name on this system
        return os.fspath(path).encode("utf-8", "backslashreplace").decode()


def text_to_path(text: str) -> str:
    """Return the path that `path_to_text` turns into the given text."""
    try:
        return os.fsdecode(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return text


def printable(text: str | os.PathLike[str]) -> str:
    r"""Return a path, or any text of a stranger, as valid Unicode on one line.

    Bytes that are not UTF-8 become ``\xNN``. Control characters, line separators, surrogates and
    marks of writing direction (Bidi_Control of UAX #9) become escapes, so no name can break a line
    or control a terminal.
    """
    plain = os.fspath(text)
    if plain.isascii() and plain.isprintable():
        return plain
    if isinstance(text, os.PathLike):
        plain = path_to_text(text)
    with contextlib.suppress(UnicodeEncodeError):  # an ASCII locale makes surrogates of UTF-8
        plain = plain.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    return _ACTS_IN_A_LINE.sub(_escaped, plain)


def underscored(text: str) -> str:
    """Return a file name with underscores for what `printable` escapes.

    Bytes that are not UTF-8 are kept.
    """
    return _ACTS_IN_A_NAME.sub("_", text)


def inert(text: str) -> str:
    r"""Return text of several lines without control characters.

    What `printable` escapes becomes ``\uNNNN``, except tabs and line ends. In the strings of a JSON
    document this is an escape too, so a JSON reader gets the original.
    """
    if text.isascii() and text.isprintable():
        return text
    return _ACTS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class InertStream:
    """A text stream that makes what is written `inert`; all else is passed on.

    Parameters
    ----------
    stream : text stream
    """

    def __init__(self, stream: IO[str]) -> None:
        self.rich_proxied_file = stream
        """Where rich draws with control sequences; the name is rich's."""

    @property
    def encoding(self) -> str:
        """UTF-8: click would write directly to the bytes of an ASCII stream."""
        return "utf-8"

    def fileno(self) -> int:
        """Return the file descriptor, but not of a Windows console: click would write directly.

        Raises
        ------
        OSError
            If the stream is such a console, or not a file.
        """
        if sys.platform == "win32" and self.isatty():
            raise io.UnsupportedOperation("fileno")
        return self.rich_proxied_file.fileno()

    def write(self, text: str) -> int:
        """Write text and return its length."""
        self.rich_proxied_file.write(inert(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)


_BIDI_AND_SEPARATORS = "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_ACTS_IN_A_NAME = re.compile(f"[\\x00-\\x1f\\x7f-\\x9f{_BIDI_AND_SEPARATORS}]")
_ACTS_IN_A_LINE = re.compile(f"{_ACTS_IN_A_NAME.pattern}|[\ud800-\udfff]")
_ACTS = re.compile(
    f"[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f{_BIDI_AND_SEPARATORS}\ud800-\udfff]"
    r"|\r(?!\n)"
)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # Python's surrogate of a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return match[0].encode("unicode_escape").decode("ascii")
