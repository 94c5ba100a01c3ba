"""Code blocks of the documentation, run as a reader would run them.

A block says in its fence what it is. ``console``: commands behind ``$ `` and what they print;
``bash`` and ``python``: programs; ``toml``, ``json``, ``csv``: data; ``text``: nothing to run. A
block with a ``title`` is the file of that name. A block that is not run has a comment before it::

    <!-- not run: REASON -->
    <!-- clean machine: REASON -->

The second kind runs on a machine of its own alone, where packages may be installed:
``python tests/docs_runner.py FOLDER PAGE...`` runs everything in a copy of the repository.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Block", "blocks", "run_page"]

_FENCE = re.compile(
    r"(?:^<!-- (?P<mark>not run|clean machine): (?P<reason>.+?) -->\n)?"
    r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_LANGUAGES = ("console", "bash", "python", "toml", "json", "csv", "text")


@dataclass(frozen=True)
class Block:
    """A code block of a page."""

    place: str
    language: str
    title: str
    text: str
    mark: str
    reason: str


def blocks(page: Path) -> list[Block]:
    """Read the code blocks of a page."""
    source = page.read_text("utf-8")
    found = []
    for match in _FENCE.finditer(source):
        language, _, rest = match["info"].partition(" ")
        place = f"{page.name}:{source[: match.start('info')].count(chr(10)) + 1}"
        assert language in _LANGUAGES, f"{place}: a block of {language or 'no language'!r}"
        title = re.search(r'title="([^"]+)"', rest)
        found.append(
            Block(
                place,
                language,
                title[1] if title else "",
                match["text"],
                match["mark"] or "",
                match["reason"] or "",
            )
        )
    assert source.count("\n```") % 2 == 0, f"{page.name}: a fence without an end"
    return found


def run_page(page: Path, folder: Path, environment: dict[str, str], *, everything: bool) -> None:
    """Run the blocks of a page, in order, in one folder."""
    for block in blocks(page):
        if block.mark == "not run" or (block.mark and not everything):
            continue
        if block.title:
            path = folder / block.title
            assert path.resolve().is_relative_to(folder.resolve()), block.place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, "utf-8")
        elif block.language == "console":
            _run_console(block, folder, environment)
        elif block.language == "bash":
            _run(["bash", "-euo", "pipefail", "-c", block.text], block, folder, environment)
        elif block.language == "python":
            _run([_python(environment), "-c", block.text], block, folder, environment)
        _check_data(block)


def _run_console(block: Block, folder: Path, environment: dict[str, str]) -> None:
    printed: list[str] = []
    wanted: list[str] = []
    lines = iter(block.text.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command = command[:-1] + next(lines).strip()
            output = _run(["bash", "-c", command], block, folder, environment)
            printed += map(_pattern, output.splitlines())
        elif line.strip() not in ("", "..."):
            wanted.append(line)
    for line in wanted:
        assert _pattern(line) in printed, f"{block.place}: not printed: {line!r}\n{printed}"


def _pattern(line: str) -> str:
    """Take numbers for numbers: machines round in other ways, and some of them are times."""
    return re.sub(r"\d+", "0", " ".join(line.split()))


def _run(command: list[str], block: Block, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    shown = f"{block.place}: {command[-1]}\n{done.stdout}"
    assert done.returncode == 0, shown
    return done.stdout


def _python(environment: dict[str, str]) -> str:
    return environment.get("YAMKIT_DOCS_PYTHON", sys.executable)


def _check_data(block: Block) -> None:
    if block.language == "json":
        json.loads(block.text)
    elif block.language == "toml":
        from yamkit.models.manifest import parse_toml

        parse_toml(block.text, block.place)
    elif block.language == "csv":
        widths = {len(row) for row in csv.reader(block.text.splitlines()) if row}
        assert len(widths) == 1, f"{block.place}: rows of {sorted(widths)} cells"
    elif block.language == "python":
        compile(block.text, block.place, "exec")


def main() -> None:
    """Follow pages word by word, installing what they install."""
    folder, *pages = map(Path, sys.argv[1:])
    for page in pages:
        run_page(page.resolve(), folder, dict(os.environ), everything=True)
        print(f"{page}: {len(blocks(page))} blocks, no error")


if __name__ == "__main__":
    main()
