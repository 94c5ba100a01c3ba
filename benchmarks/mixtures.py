"""Mixes isolated ESC-10 events into minutes with exact times, and measures yamkit's events on them.

    python benchmarks/mixtures.py ../shared/audio/esc10 [--minutes 120] [--keep FOLDER]

Every minute holds twelve events above a floor of pink noise, at 20, 10 and 0 dB in turn; a third of
them overlap another one. The report of `yamkit eval` with its defaults is printed, then recall by
level, and the errors of the onsets and offsets of clear events. Clear events are those at 20 dB
that overlap no other and that the network recognises: the mean score of their cells reaches the
threshold. Events that it recognises late, such as rain, are reported late; their errors are
printed, too.
"""

from __future__ import annotations

import argparse
import csv
import random
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from yamkit import Tagger
from yamkit.evaluation import EvaluationSettings, evaluate_scores, score_set
from yamkit.evaluation.events.evaluate import EventSearch, match_clips
from yamkit.evaluation.report import as_text
from yamkit.evaluation.sets.label_map import read_label_map
from yamkit.evaluation.sets.labelled_set import read_set
from yamkit.evaluation.sets.targets import targets_of
from yamkit.scores.grid import Cells
from yamkit.scores.postprocessing import Postprocessing
from yamkit.types import EventParameters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from yamkit.evaluation.events.counts import ClipEvents, EventRow
    from yamkit.evaluation.scores_file import Timeline
    from yamkit.evaluation.sets.targets import Targets
    from yamkit.scores.grid import Grid

    Samples = NDArray[np.float64]

RATE_HZ = 44100
MINUTE_SECONDS = 60
LEVELS_DB = (20, 10, 0)
ALONE, PAIRS = 8, 2
FLOOR_DBFS = -45.0
HOP_SECONDS = 0.48
LABEL_MAP = files("yamkit") / "data" / "label_maps" / "esc50.csv"


@dataclass(frozen=True)
class Placed:
    """An event in a mixture."""

    file: str
    label: str
    onset_seconds: float
    offset_seconds: float
    level_db: int
    overlaps: bool


def pink_noise(count: int, source: np.random.Generator) -> Samples:
    """Draw noise with a power of 1 / f, at the level of the floor."""
    spectrum = np.fft.rfft(source.normal(size=count))
    frequencies = np.fft.rfftfreq(count, 1 / RATE_HZ)
    spectrum[1:] /= np.sqrt(frequencies[1:])
    spectrum[frequencies < 20] = 0
    noise = np.fft.irfft(spectrum, count)
    return np.asarray(noise / noise.std() * 10 ** (FLOOR_DBFS / 20))


def isolate(sound: Samples) -> Samples | None:
    """Cut the event out of a clip: its longest part within 15 dB of its loudest 10 ms.

    So all of it is above the floor if its mean is 20 dB above it. Pauses of less than 0.25 s are
    part of it. None where nothing of half a second is.
    """
    step = RATE_HZ // 100
    count = len(sound) // step
    levels = np.sqrt((sound[: count * step].reshape(count, step) ** 2).mean(axis=1))
    loud = np.flatnonzero(levels > levels.max() * 10 ** (-15 / 20))
    parts = np.split(loud, np.flatnonzero(np.diff(loud) > 25) + 1)
    longest = max(parts, key=lambda part: part[-1] - part[0])
    event = sound[longest[0] * step : (longest[-1] + 1) * step].copy()
    if len(event) < RATE_HZ // 2:
        return None
    fade = np.linspace(0, 1, step // 2)
    event[: len(fade)] *= fade
    event[-len(fade) :] *= fade[::-1]
    return event / np.sqrt((event**2).mean())


class Events:
    """Isolated events of ESC-10, drawn by class."""

    def __init__(self, esc10: Path, source: random.Random) -> None:
        with (esc10 / "esc10.csv").open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        self._files: dict[str, list[str]] = {}
        for row in rows:
            self._files.setdefault(row["category"], []).append(row["filename"])
        self._folder, self._source = esc10 / "audio", source

    @property
    def labels(self) -> list[str]:
        """Categories."""
        return sorted(self._files)

    def draw(self, label: str) -> Samples:
        """Draw an event of a class."""
        while True:
            name = self._source.choice(self._files[label])
            sound, rate = soundfile.read(self._folder / name, always_2d=True)
            assert rate == RATE_HZ
            event = isolate(sound.mean(axis=1))
            if event is not None:
                return event


def mix(number: int, events: Events, source: random.Random) -> tuple[Samples, list[Placed]]:
    """Make a minute."""
    noise = pink_noise(MINUTE_SECONDS * RATE_HZ, np.random.default_rng((number, 6)))
    floor = 10 ** (FLOOR_DBFS / 20)
    while True:
        groups = [[event] for event in _choose(events, source, ALONE)]
        groups += [_choose(events, source, 2) for _ in range(PAIRS)]
        source.shuffle(groups)
        spans = []
        for group in groups:
            first = len(group[0][1])
            second = len(group[1][1]) if len(group) > 1 else 0
            shift = max(0, first - min(first, second) // 2) if second else 0
            spans.append((shift, max(first, shift + second)))
        free = len(noise) - sum(span for _, span in spans) - (len(groups) + 1) * RATE_HZ
        if free > 0:
            break
    gaps = np.sort(np.array([source.random() for _ in groups])) * free
    placed, place = [], 0
    level = source.randrange(3)
    for index, (group, (shift, span)) in enumerate(zip(groups, spans, strict=True)):
        start = int(gaps[index]) + (index + 1) * RATE_HZ + place
        for turn, (label, sound) in enumerate(group):
            onset = start + shift * turn
            decibels = LEVELS_DB[level % 3]
            level += 1
            noise[onset : onset + len(sound)] += sound * floor * 10 ** (decibels / 20)
            times = onset / RATE_HZ, (onset + len(sound)) / RATE_HZ
            name = f"minute-{number:03}.wav"
            placed.append(Placed(name, label, *times, decibels, len(group) > 1))
        place += span
    return noise, placed


def _choose(events: Events, source: random.Random, count: int) -> list[tuple[str, Samples]]:
    """Draw events of different classes, where there are two."""
    labels = (
        source.sample(events.labels, count)
        if count == 2
        else [source.choice(events.labels) for _ in range(count)]
    )
    return [(label, events.draw(label)) for label in labels]


def make(folder: Path, esc10: Path, minutes: int, seed: int) -> list[Placed]:
    """Write minutes and their labels: the TSV of DCASE with columns for level and overlap."""
    source = random.Random(seed)  # noqa: S311
    events = Events(esc10, source)
    folder.mkdir(parents=True, exist_ok=True)
    placed = []
    for number in range(minutes):
        noise, rows = mix(number, events, source)
        soundfile.write(folder / rows[0].file, np.clip(noise, -1, 1), RATE_HZ, subtype="PCM_16")
        placed += rows
    with (folder / "labels.tsv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
        writer.writerow(["filename", "onset", "offset", "event_label", "level_db", "overlaps"])
        for row in placed:
            times = f"{row.onset_seconds:.6f}", f"{row.offset_seconds:.6f}"
            writer.writerow([row.file, *times, row.label, row.level_db, int(row.overlaps)])
    return placed


def cells_of(timeline: Timeline, targets: Targets, grid: Grid) -> Samples:
    """Return the scores of all cells of a minute, one column per class."""
    cells = Cells(grid)
    scores = np.stack([*cells.update(timeline.scores), *cells.finish(timeline.samples)])
    return targets.scores(scores)[:, sorted(set(targets.columns.values()))]


def span(row: EventRow, clip: ClipEvents) -> tuple[float, float] | None:
    """Return the onset and offset of the detected events that overlap an annotated one."""
    over = _over(row, clip)
    if not over:
        return None
    return min(each.onset_seconds for each in over), max(each.offset_seconds for each in over)


def _over(row: EventRow, clip: ClipEvents) -> list[EventRow]:
    return [
        other
        for other in clip.estimated
        if other.column == row.column
        and other.onset_seconds < row.offset_seconds
        and other.offset_seconds > row.onset_seconds
    ]


def main() -> None:
    """Make mixtures, find events, print results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("esc10", type=Path, help="folder with esc10.csv and audio/")
    parser.add_argument("--minutes", type=int, default=120)
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--model")
    parser.add_argument("--enter", type=float)
    parser.add_argument("--leave", type=float)
    parser.add_argument("--cells", choices=["mean", "max"], default="mean")
    parser.add_argument("--keep", type=Path, help="write the mixtures there, and leave them")
    arguments = parser.parse_args()
    parameters = EventParameters(cells=arguments.cells)
    if arguments.enter is not None:
        leave = arguments.enter / 3 if arguments.leave is None else arguments.leave
        parameters = EventParameters(arguments.enter, leave, arguments.cells)
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        placed = make(folder, arguments.esc10, arguments.minutes, arguments.seed)
        labelled = read_set(folder / "labels.tsv")
        label_map = read_label_map(str(LABEL_MAP))
        with Tagger(arguments.model, threads=1) as tagger:
            scores = score_set(labelled, folder, tagger, jobs=2)
            targets = targets_of(labelled, tagger.classes, label_map)
            settings = EvaluationSettings(label_map=label_map, events=parameters)
            (report,) = evaluate_scores(labelled, [scores], settings)
            print(as_text([report]), end="")
            timelines = [scores.timelines[clip.names[0]] for clip in labelled.clips]
            search = EventSearch(targets, tagger.grid, parameters, Postprocessing(), tagger.classes)
            clips = match_clips(labelled.clips, timelines, search)
            scored = [cells_of(timeline, targets, tagger.grid) for timeline in timelines]
    about = {(row.file, round(row.onset_seconds, 6), row.label): row for row in placed}
    found: dict[tuple[int, bool], list[tuple[float, float] | None]] = {}
    sure: list[tuple[float, float] | None] = []
    for clip, held, cells in zip(labelled.clips, clips, scored, strict=True):
        for event, row in zip(clip.events or (), held.reference, strict=True):
            facts = about[clip.names[0], event.onset_seconds, event.label]
            match = span(row, held)
            errors = None
            if match is not None:
                errors = match[0] - row.onset_seconds, match[1] - row.offset_seconds
            found.setdefault((facts.level_db, facts.overlaps), []).append(errors)
            is_clear = facts.level_db == 20 and not facts.overlaps
            inside = cells[
                round(row.onset_seconds / HOP_SECONDS) : round(row.offset_seconds / HOP_SECONDS),
                row.column,
            ]
            if is_clear and inside.mean() >= parameters.enter:
                sure.append(errors)
    print("\nlevel  overlaps  events  found  onset off  offset off (mean of the size, s)")
    for (level, overlaps), rows in sorted(found.items(), reverse=True):
        hits = np.abs(np.array([row for row in rows if row is not None]).reshape(-1, 2))
        off = hits.mean(axis=0) if len(hits) else (np.nan, np.nan)
        words = "yes" if overlaps else "no"
        print(
            f"{level:>2} dB  {words:>8}{len(rows):>8}{len(hits) / len(rows):>7.0%}"
            f"{off[0]:>11.3f}{off[1]:>12.3f}"
        )
    print()
    for name, rows in (("20 dB, separate, found", found[20, False]), ("clear, recognised", sure)):
        errors = np.array([row for row in rows if row is not None])
        onset, offset = np.abs(errors).mean(axis=0)
        early, late = errors.mean(axis=0)
        print(
            f"{name} ({len(errors)} events): onsets off by {onset:.3f} s on average "
            f"({early:+.3f}), offsets by {offset:.3f} s ({late:+.3f}); one hop is {HOP_SECONDS} s: "
            + ("within" if max(onset, offset) <= HOP_SECONDS else "not within")
        )


if __name__ == "__main__":
    main()
