"""Feeds every parser of strangers' files with changed ones: ``python -m tests.fuzz --seconds 60``.

A finding is an exception that is no `YamkitError`, a message of several lines, more than 1 GB, more
than 10 s of the processor, a hang, or the end of the process. It is saved with how it was made, and
can be replayed. The same seed gives the same inputs in the same order.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import itertools
import json
import os
import random
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.mutate import mutated
from tests.fuzz.targets import TARGETS, corpus

_ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Figures:
    """What became of the inputs of a target."""

    inputs: int = 0
    taken: int = 0
    seconds: float = 0.0
    memory: int = 0
    findings: dict[str, int] = field(default_factory=dict)


class Worker:
    """The process that runs the inputs, started again when one has ended it.

    Parameters
    ----------
    module : str
        Which has ``TARGETS``.
    most_seconds : float
        Of the processor, for one input.
    hangs_after : float
        Seconds of the clock: a busy machine may take long for ten of the processor.
    """

    def __init__(
        self,
        module: str = "tests.fuzz.targets",
        most_seconds: float = 10.0,
        hangs_after: float = 300.0,
    ) -> None:
        self._module, self._most_seconds, self._hangs_after = module, most_seconds, hangs_after
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, target: str, data: bytes) -> dict[str, Any]:
        """Run one input and say what became of it."""
        if self._process is None:
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (as long as the process)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.worker", self._module, str(self._most_seconds)],
                cwd=_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
            )
            assert self._process.stdout is not None
            self._process.stdout.readline()  # it is ready
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            head = json.dumps({"target": target, "size": len(data)}).encode() + b"\n"
            process.stdin.write(head + data)
            process.stdin.flush()
        if not select.select([process.stdout], [], [], self._hangs_after)[0]:
            self.close()
            return {"result": "finding", "kind": "hangs"}
        line = process.stdout.readline()
        if not line:
            code = process.wait()
            text = self.close()
            if code == -signal.SIGPROF:
                return {"result": "finding", "kind": f"takes more than {self._most_seconds:g} s"}
            ended = signal.Signals(-code).name if code < 0 else f"code {code}"
            return {"result": "finding", "kind": f"ends the process: {ended}", "text": text}
        answer: dict[str, Any] = json.loads(line)
        if answer["memory"] > 5 * 10**8:  # the peak of a process only ever rises
            self.close()
        return answer

    def close(self) -> str:
        """End the process, and give the end of what it printed."""
        if self._process is None:
            return ""
        self._process.kill()
        self._process.communicate()
        self._process = None
        with self._errors as errors:
            errors.seek(max(0, errors.seek(0, os.SEEK_END) - 4000))
            return errors.read().decode(errors="replace")


def inputs(seed: int, names: list[str]) -> Iterator[tuple[int, str, bytes]]:
    """Give number, target and bytes of one input after the other, without end; first the seeds."""
    files = {name: corpus(name) for name in names}
    number = 0
    for name in names:
        for data in files[name]:
            yield number, name, data
            number += 1
    for name in itertools.cycle(names):
        chance = random.Random(f"{seed}/{number}")
        yield number, name, mutated(chance.choice(files[name]), files[name], chance)
        number += 1


def save(folder: Path, target: str, data: bytes, about: dict[str, Any]) -> Path:
    """Save an input, under a name that says which target it is for, and a note beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{target}.{hashlib.sha256(data).hexdigest()[:12]}.bin"
    path.write_bytes(data)
    note = "\n".join(f"{key}: {value}" for key, value in about.items())
    path.with_suffix(".txt").write_text(f"{note}\n", encoding="utf-8", errors="backslashreplace")
    return path


def fuzz(
    seed: int, names: list[str], seconds: float | None, most: int | None, folder: Path
) -> dict[str, Figures]:
    """Run inputs until time or number is reached, and save what is found."""
    worker, end = Worker(), None if seconds is None else time.monotonic() + seconds
    found = {name: Figures() for name in names}
    with contextlib.closing(worker):
        for number, name, data in itertools.islice(inputs(seed, names), most):
            if end is not None and time.monotonic() > end:
                break
            answer = worker.run(name, data)
            figures = found[name]
            figures.inputs += 1
            figures.taken += answer["result"] == "taken"
            figures.seconds = max(figures.seconds, answer.get("seconds", 0.0))
            figures.memory = max(figures.memory, answer.get("memory", 0))
            if answer["result"] == "finding":
                kind = answer["kind"]
                figures.findings[kind] = figures.findings.get(kind, 0) + 1
                if figures.findings[kind] == 1:
                    path = save(folder, name, data, {"seed": seed, "number": number, **answer})
                    print(f"finding: {name}: {kind}: {path}", flush=True)
    return found


def replay(path: Path, target: str | None) -> bool:
    """Run a saved input again, say what became of it, and whether it is still a finding."""
    worker = Worker()
    with contextlib.closing(worker):
        answer = worker.run(target or path.name.partition(".")[0], path.read_bytes())
    print(f"{path}: {answer.get('kind', answer['result'])}\n{answer.get('text', '')}")
    return bool(answer["result"] == "finding")


def main(arguments: list[str] | None = None) -> bool:
    """Run as the arguments say, and tell whether something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, help="how long; for ever if neither is given")
    parser.add_argument("--inputs", type=int, help="how many")
    parser.add_argument("--seed", type=int, help="a fresh one if not given")
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="these alone")
    parser.add_argument("--findings", type=Path, default=_ROOT / "fuzz-findings", metavar="FOLDER")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="run a saved input again")
    options = parser.parse_args(arguments)
    if options.replay is not None:
        return replay(options.replay, options.target and options.target[0])
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    names = options.target or sorted(TARGETS)
    print(f"seed {seed}", flush=True)
    found = fuzz(seed, names, options.seconds, options.inputs, options.findings)
    print(f"{'target':24}{'inputs':>8}{'taken':>8}{'slowest':>10}{'memory':>9}{'findings':>10}")
    for name, row in sorted(found.items()):
        print(
            f"{name:24}{row.inputs:8}{row.taken:8}{row.seconds:8.1f} s{row.memory / 1e6:6.0f} MB"
            f"{sum(row.findings.values()):10}"
        )
    total = sum(row.inputs for row in found.values())
    findings = [(name, kind) for name, row in found.items() for kind in row.findings]
    print(f"{total} inputs, {len(findings)} kinds of finding, seed {seed}")
    return bool(findings)


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(main())
