"""Text of strangers on its way into a message: valid Unicode, one line, nothing that acts."""

from __future__ import annotations

import contextlib
import difflib
import io
import os
import re
import sys
from typing import IO, TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_Word = TypeVar("_Word")

_ALMOST_EQUAL = 0.8
"""Share of characters that agree: "Dogs" is "Dog", before it is a part of another name."""

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
    """Suggest what was meant, or show what would be valid: the end of a message."""
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


def listed(words: str | Iterable[_Word]) -> tuple[str | _Word, ...]:
    """Give several words as they are, and one that stands alone as the only one."""
    return (words,) if isinstance(words, str) else tuple(words)


def described(error: BaseException) -> str:
    """Return an unforeseen exception as one printable line: its type and its message."""
    return printable(" ".join(f"{type(error).__name__}: {error}".split()))


def delimiter_of(header: str) -> str:
    """Tell what separates the cells of a table by its header: commas, semicolons or tabs."""
    return max(",;\t", key=header.count)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Give rows as lines: the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        ).rstrip()
        for row in rows
    ]


def path_to_text(path: str | os.PathLike[str]) -> str:
    """Give a path as the Unicode that its bytes are, in any locale.

    Where the locale is not UTF-8, Python reads the bytes of names as something else. Bytes that
    are no UTF-8 stay the surrogates that Python carries them as.
    """
    try:
        return os.fsencode(path).decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # no name that this system's files can have
        return os.fsdecode(path)


def path_text(path: str | os.PathLike[str]) -> str:
    """Return a path as valid Unicode for a program to read; bytes that are none become escapes."""
    try:
        return os.fsencode(path).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # no name that this system's files can have
        return os.fspath(path).encode("utf-8", "backslashreplace").decode()


def text_to_path(text: str) -> str:
    """Give Unicode as the path whose bytes it is: the inverse of `path_to_text`."""
    try:
        return os.fsdecode(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return text


def printable(text: str | os.PathLike[str]) -> str:
    r"""Give a path, or any text of a stranger, as valid Unicode on one line.

    Bytes that are no text become ``\xNN``. What acts rather than shows becomes an escape: control
    characters, line separators, surrogates, and marks that turn the direction of writing
    (Bidi_Control of UAX #9), so that no name can break a line or drive a terminal.
    """
    plain = os.fspath(text)
    if plain.isascii() and plain.isprintable():
        return plain
    if isinstance(text, os.PathLike):
        plain = path_to_text(text)
    with contextlib.suppress(UnicodeEncodeError):  # bytes that a locale of ASCII made surrogates of
        plain = plain.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    return _ACTS_IN_A_LINE.sub(_escaped, plain)


def underscored(text: str) -> str:
    """Give the name of a file with underscores for what `printable` escapes.

    Bytes that are no text stay what they are.
    """
    return _ACTS_IN_A_NAME.sub("_", text)


def inert(text: str) -> str:
    r"""Give text of any number of lines in which nothing acts.

    What `printable` escapes becomes ``\uNNNN``, all but tabs and line ends. In the strings of a
    JSON document that is an escape, too: who reads it gets the original back.
    """
    if text.isascii() and text.isprintable():
        return text
    return _ACTS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class InertStream:
    """A text stream on which what is written is `inert`; all else is the stream's own.

    Parameters
    ----------
    stream : text stream
    """

    def __init__(self, stream: IO[str]) -> None:
        self.rich_proxied_file = stream
        """Where rich draws, whose control sequences are meant; the name is rich's."""

    @property
    def encoding(self) -> str:
        """Say UTF-8, since click writes past a stream of ASCII, to its bytes; names get escapes."""
        return "utf-8"

    def fileno(self) -> int:
        """Give the number of its file; of a console of Windows none, since click writes past it.

        Raises
        ------
        OSError
            If it is such a console, or no file.
        """
        if sys.platform == "win32" and self.isatty():
            raise io.UnsupportedOperation("fileno")
        return self.rich_proxied_file.fileno()

    def write(self, text: str) -> int:
        """Write text; give its length, as every stream does."""
        self.rich_proxied_file.write(inert(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts one after the other."""
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
    if 0xDC80 <= code <= 0xDCFF:  # how Python carries the bytes of a name that are no text
        return f"\\x{code - 0xDC00:02x}"
    return match[0].encode("unicode_escape").decode("ascii")
