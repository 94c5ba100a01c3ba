"""Runs several commands in one fresh process, as a shell would one after the other.

    python combinations.py < COMMANDS

Standard input holds a JSON list of argument lists; standard output gets a JSON list of
[exit code, standard output, standard error]. The first command meets engines that nothing has
touched, the others those that run already.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys

from yamkit.cli import main


def run(arguments: list[str]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["yamkit", *arguments]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as left:
            return int(left.code or 0), out.getvalue(), err.getvalue()
    raise AssertionError("main() came back")


if __name__ == "__main__":
    print(json.dumps([run(arguments) for arguments in json.load(sys.stdin)]))
