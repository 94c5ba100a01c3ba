"""Print the path of the newest Python of a range that is installed here; fail where there is none.

    python3 .ci/find_python.py 3.11 3.11    that version alone
    python3 .ci/find_python.py 3.12         that one or newer

Looked for on the path, and where pyenv and uv keep theirs. Uses the standard library alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ASK = "import ensurepip, sys, venv; print(*sys.version_info)"
_HIGHEST = 40  # of the minor versions whose names are tried


def candidates() -> Iterator[str]:
    """Give what may be a Python."""
    home = Path.home()
    names = ["python3", *(f"python3.{minor}" for minor in range(_HIGHEST + 1))]
    yield from filter(None, map(shutil.which, names))
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv")
    uv = Path(
        os.environ.get("UV_PYTHON_INSTALL_DIR") or home / ".local" / "share" / "uv" / "python"
    )
    for folder in (pyenv / "versions", uv):
        yield from map(str, sorted(folder.glob("*/bin/python3")))


def version(python: str) -> tuple[int, ...] | None:
    """Ask a Python for its version; None where it does not run, or is no final release."""
    try:
        done = subprocess.run([python, "-c", _ASK], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:  # a shim of pyenv's with nothing behind it, or a Python without venv
        return None
    *numbers, level, _ = done.stdout.split()
    return tuple(map(int, numbers)) if level == "final" else None


def newest(lowest: tuple[int, ...], highest: tuple[int, ...]) -> str | None:
    """Find the newest one whose version is in the range."""
    found = {python: version(python) for python in candidates()}
    fitting = {
        python: numbers
        for python, numbers in found.items()
        if numbers is not None and lowest <= numbers[: len(lowest)]
        if numbers[: len(highest)] <= highest
    }
    return max(fitting, key=fitting.__getitem__) if fitting else None


def main() -> None:
    lowest, *rest = sys.argv[1:]
    wanted = lowest if rest else f"{lowest} or newer"
    low, high = (tuple(map(int, text.split("."))) for text in (lowest, *(rest or ["4"])))
    python = newest(low, high)
    if python is None:
        sys.exit(f"no Python {wanted} here; install one, such as with: pyenv install {lowest}")
    print(python)


if __name__ == "__main__":
    main()
