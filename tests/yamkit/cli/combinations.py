"""Runs several commands in one fresh process, as a shell would one after the other.

    python combinations.py COMMANDS.json

The file holds a JSON list of [arguments, file on standard input or null]; standard output gets a
JSON list of [exit code, standard output, standard error]. The first command meets engines that
nothing has touched, the others those that run already.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path

from yamkit.cli import main


def run(arguments: list[str], source: str | None) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["yamkit", *arguments]
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        Path(source or __file__).open() as sys.stdin,
    ):
        try:
            main()
        except SystemExit as left:
            return int(left.code or 0), out.getvalue(), err.getvalue()
    raise AssertionError("main() came back")


if __name__ == "__main__":
    commands = json.loads(Path(sys.argv[1]).read_text())
    print(json.dumps([run(arguments, source) for arguments, source in commands]))
