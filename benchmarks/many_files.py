"""A corpus of tiny files: neither the time per file nor the memory may grow.

    python benchmarks/many_files.py [--files 100000] [--model yamnet-mini] [--scratch FOLDER]

`yamkit classify` tags files of 0.1 s into a table, in one process on all cores, with a journal. The
time for each tenth of the files, the ratio of the last to the first, and the memory after each are
printed. Time and memory may grow by a fifth.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from measure import write_noise

from yamkit import Tagger
from yamkit._util.machine import usable_cores
from yamkit.plugin import RunnerOptions
from yamkit.run.checks import ItemLayout
from yamkit.run.clips import Clip
from yamkit.run.info import fingerprint, run_info
from yamkit.run.journal import Journal
from yamkit.run.loop import checked_items, writing
from yamkit.run.output import Outputs
from yamkit.run.places import Format, plan_places
from yamkit.run.work import Work, open_runner
from yamkit.scores.choice import Choice
from yamkit.sinks import yamkit_sinks
from yamkit.sinks._csv import CsvSink

LIMIT = 1.2
FOLDERS = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--model", default="yamnet-mini")
    parser.add_argument("--scratch", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as scratch:
        folder = Path(scratch)
        times, memory = run(folder, make_files(folder, arguments.files), arguments.model)
    for tenth, (seconds, held) in enumerate(zip(times, memory, strict=True), start=1):
        files = arguments.files // 10
        print(f"tenth {tenth:2}: {1e6 * seconds / files:6.0f} µs a file, {held:6.1f} MB")
    slower, larger = times[-1] / times[0], memory[-1] / memory[0]
    print(
        f"the last tenth takes {slower:.3f} times the time of the first, {larger:.3f} times the "
        f"memory (limit {LIMIT})"
    )
    if max(slower, larger) > LIMIT:
        raise SystemExit(1)


def make_files(folder: Path, count: int) -> list[str]:
    """Link one file many times, in folders of moderate size."""
    sound = write_noise(folder / "sound.wav", 0.1, sample_rate=16000)
    paths = []
    for number in range(count):
        place = folder / f"{number % FOLDERS:02}"
        place.mkdir(exist_ok=True)
        path = place / f"{number:06}.wav"
        if number < 1000:
            path.write_bytes(sound.read_bytes())
        else:
            path.hardlink_to(paths[number % 1000])
        paths.append(str(path))
    return paths


def run(folder: Path, paths: list[str], model: str) -> tuple[list[float], list[float]]:
    """Classify the files; return seconds and megabytes for each tenth."""
    tenth = len(paths) // 10
    times: list[float] = []
    memory: list[float] = []

    class Observer:
        def __init__(self) -> None:
            self.count, self.begin = 0, time.perf_counter()

        def finished(self, *_: object) -> None:
            self.count += 1
            if self.count % tenth == 0:
                now = time.perf_counter()
                times.append(now - self.begin)
                memory.append(resident_mb())
                self.begin = now

        def writing(self):
            return nullcontext()

    info = next(each for each in yamkit_sinks() if each.name == "csv")
    places = plan_places([Format(info, CsvSink)], str(folder / "tags.csv"), paths)
    choice = Choice()
    clips = [Clip(path) for path in paths]
    with Tagger(model, threads=1) as tagger:
        described = run_info(tagger, choice)
        layout = ItemLayout.of(described, tagger.classes)
        runner = open_runner("local", RunnerOptions(usable_cores()))
        with Journal(folder / "journal", fingerprint(described), layout) as journal:
            items = checked_items(runner, Work(tagger, choice), clips, layout, journal)
            with writing(described, Outputs(places), Observer(), journal, clips) as writer:
                for found in items:
                    writer.take(*found)
    if writer.summary().failed:
        raise SystemExit(f"{writer.summary().failed} files failed")
    return times, memory


def resident_mb() -> float:
    """Return the memory of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
