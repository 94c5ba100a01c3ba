"""Speed of listening: delay from the onset of a sound to its line, processor time, a simulated day.

    python benchmarks/listen.py ../shared/audio/esc10 [--minutes 20] [--hours 24]

The sounds are those of `mixtures.py`, at 16 kHz. Delay: they are sent in blocks of 20 ms; the delay
of an event is the length of the audio since the true onset, plus the time from the arrival of the
block to the line. Processor: `yamkit listen` reads a pipe, and its processor time is compared with
the length of the sound. Day: the same minutes are sent repeatedly at full speed; memory and the
delay of a patch are printed for each quarter of the day.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import mixtures
import numpy as np
import soundfile
from measure import yamkit

from yamkit import Tagger
from yamkit.evaluation.sets.label_map import read_label_map
from yamkit.listening import Block, Delays, StreamUpdate, listen
from yamkit.scores.choice import Choice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Sound = NDArray[np.float32]

RATE_HZ = 16000
BLOCK = RATE_HZ // 50
LIMIT_SECONDS = 1.0
LIMIT_PROCESSOR = 0.05


def resampled(path: Path) -> Sound:
    """Read a mixture at 16 kHz, as yamkit resamples."""
    from yamkit.resamplers._polyphase import Polyphase

    sound, rate = soundfile.read(path, dtype="float32")
    resampler = Polyphase(rate, RATE_HZ)
    return np.concatenate([resampler.process(sound), resampler.flush()])


def blocks(sounds: Iterator[Sound]) -> Iterator[Block]:
    """Yield sounds one after the other, each block as if it arrived now."""
    place = 0
    for sound in sounds:
        for start in range(0, len(sound), BLOCK):
            part = sound[start : start + BLOCK]
            yield Block(place, part, time.monotonic(), time.time())
            place += len(part)


def updates(tagger: Tagger, sounds: Iterator[Sound], gate: float | None) -> Iterator[StreamUpdate]:
    """Listen for all classes with the defaults."""
    choice = Choice.of(tagger.model, events=True)
    return listen(tagger, blocks(sounds), RATE_HZ, choice, gate_dbfs=gate)


def measure_delays(tagger: Tagger, sounds: list[Sound], placed: list[mixtures.Placed]) -> None:
    """Print the delay of clear sounds, from their true onset and from their first cell."""
    label_map = read_label_map(str(mixtures.LABEL_MAP))
    names = {entry.name for entry in tagger.classes}
    lines: list[tuple[float, float, str]] = []  # known at, onset told, class
    cell_delays, processing = [], Delays()
    for update in updates(tagger, iter(sounds), None):
        known = update.block.end_sample / RATE_HZ
        processing.add(time.monotonic() - update.block.arrived)
        lines += [(known, onset.onset_seconds, onset.tag.name) for onset in update.onsets]
        cell_delays += [known - onset.onset_seconds for onset in update.onsets if not update.end]
    delays = []
    for row in placed:
        minute = int(row.file.partition("-")[2].partition(".")[0])
        onset = minute * mixtures.MINUTE_SECONDS + row.onset_seconds
        offset = minute * mixtures.MINUTE_SECONDS + row.offset_seconds
        meant = names & set(label_map[row.label])
        found = [
            known
            for known, told, name in lines
            if name in meant and told < offset and known > onset and known < offset + 2
        ]
        if row.level_db == 20 and not row.overlaps and found:
            delays.append(min(found) - onset + processing.median_seconds)
    print(
        f"delay from a sound's true onset to its line ({len(delays)} separate events at 20 dB): "
        f"median {np.median(delays):.2f} s, worst {max(delays):.2f} s"
    )
    print(
        f"a patch was tagged {1000 * processing.median_seconds:.1f} ms after its last sample "
        f"(median; worst {1000 * processing.worst_seconds:.0f} ms)"
    )


def measure_processor(sounds: list[Sound], model: str) -> None:
    """Print processor time divided by the length of the sound, without the start of the process."""
    short, long = sounds[:1], sounds
    used = []
    for part in (short, long):
        data = (np.concatenate(part) * 32767).astype("<i2").tobytes()
        raw = ("--encoding", "s16le", "--sample-rate", str(RATE_HZ))
        process = subprocess.Popen(
            [yamkit(), "listen", "-", *raw, "--model", model],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdin is not None
        process.stdin.write(data)
        process.stdin.close()
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        used.append(usage.ru_utime + usage.ru_stime)
    seconds = sum(map(len, long)) / RATE_HZ - sum(map(len, short)) / RATE_HZ
    share = (used[1] - used[0]) / seconds
    verdict = "within" if share < LIMIT_PROCESSOR else "MISSED"
    print(
        f"processor time at real time: {share:.2%} of one core; the limit is "
        f"{LIMIT_PROCESSOR:.0%}: {verdict}"
    )


def simulate_day(tagger: Tagger, sounds: list[Sound], hours: float, gate: float | None) -> None:
    """Print memory and delay in each quarter of a day."""
    total = round(hours * 3600 * RATE_HZ)

    def endless() -> Iterator[Sound]:
        fed = 0
        while fed < total:
            for sound in sounds:
                yield sound
                fed += len(sound)

    print(f"{hours:g} hours, in quarters:   memory   patch (median, worst)   events   x real time")
    delays, events, quarter, begun = Delays(), 0, 1, time.monotonic()
    first_mb = None
    for update in updates(tagger, endless(), gate):
        delays.add(time.monotonic() - update.block.arrived)
        events += len(update.events)
        if update.block.end_sample >= quarter * total / 4 or update.end:
            memory = _memory_mb()
            first_mb = memory if first_mb is None else first_mb
            speed = total / 4 / RATE_HZ / (time.monotonic() - begun)
            print(
                f"{quarter:>24}{memory:>9.0f} MB{1000 * delays.median_seconds:>10.1f} ms"
                f"{1000 * delays.worst_seconds:>8.0f} ms{events:>9}{speed:>12.0f}",
                flush=True,
            )
            delays, events, begun, quarter = Delays(), 0, time.monotonic(), quarter + 1
            if quarter > 4:
                break
    print(f"memory from the first quarter to the last: {_memory_mb() - (first_mb or 0):+.1f} MB")


def _memory_mb() -> float:
    """Return the memory of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("esc10", type=Path, help="folder with esc10.csv and audio/")
    parser.add_argument("--minutes", type=int, default=20)
    parser.add_argument(
        "--hours", type=float, default=24.0, help="of the simulated day; 0 for none"
    )
    parser.add_argument("--gate", type=float, help="of the simulated day, in dB")
    parser.add_argument("--model", default="yamnet")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        placed = mixtures.make(Path(scratch), arguments.esc10, arguments.minutes, seed=6)
        names = sorted({row.file for row in placed})
        sounds = [resampled(Path(scratch, name)) for name in names]
    with Tagger(arguments.model, batch_size=1, threads=1, resampler="polyphase-live") as tagger:
        measure_delays(tagger, sounds, placed)
        measure_processor(sounds, arguments.model)
        sys.stdout.flush()
        if arguments.hours:
            simulate_day(tagger, sounds, arguments.hours, arguments.gate)


if __name__ == "__main__":
    main()
