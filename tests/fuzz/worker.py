"""Runs one input after the other in a process of its own, whose memory and time are bounded.

Its arguments are the module with the targets and the seconds of the processor for an input, after
which the system ends the process. On standard input: a line of JSON, then so many bytes. On
standard output: a line when it is ready, and a line of JSON for each input.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

MOST_MEMORY = 10**9
"""Bytes above those of the process at its start."""

MOST_MESSAGE = 1000
"""Characters of what an error says."""

_BEYOND = 3 * 10**9
"""Bytes at which memory is refused, so that a bug does not fell the machine."""


def main() -> None:
    """Serve until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries of others print what they think of a file
    warnings.simplefilter("ignore")
    from yamkit._util.machine import bound_memory, peak_memory_bytes
    from yamkit.errors import YamkitError

    targets, most_seconds = import_module(sys.argv[1]).TARGETS, float(sys.argv[2])
    bound_memory(_BEYOND)
    start = peak_memory_bytes() or 0
    print("ready", file=answers, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        while line := sys.stdin.buffer.readline():
            order = json.loads(line)
            place = Path(folder) / "input"
            place.write_bytes(sys.stdin.buffer.read(order["size"]))
            began = time.process_time()
            signal.setitimer(signal.ITIMER_PROF, most_seconds)
            answer: dict[str, Any]
            try:
                targets[order["target"]].run(place)
                answer = {"result": "taken"}
            except YamkitError as error:
                answer = {"result": "refused"}
                if len(str(error)) > MOST_MESSAGE or "\n" in str(error):
                    kind = f"message of several lines, or a long one, in {_place_of(error)}"
                    answer = {"result": "finding", "kind": kind, "text": str(error)[:4000]}
            except BaseException as error:
                answer = {"result": "finding", "kind": _place_of(error), "text": _text(error)}
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            grown = (peak_memory_bytes() or 0) - start
            if grown > MOST_MEMORY and answer["result"] != "finding":
                answer = {"result": "finding", "kind": "takes more than 1 GB"}
            answer |= {"memory": grown, "seconds": time.process_time() - began}
            print(json.dumps(answer), file=answers, flush=True)
            for each in Path(folder).iterdir():
                each.unlink()


def _place_of(error: BaseException) -> str:
    """Name an exception by its type and where it was raised: the same fault has the same name."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "yamkit" in Path(frame.filename).as_posix()] or frames
    return f"{type(error).__name__} in {Path(ours[-1].filename).name}, {ours[-1].name}"


def _text(error: BaseException) -> str:
    return "".join(traceback.format_exception(error, limit=-12))[-4000:]


if __name__ == "__main__":
    main()
