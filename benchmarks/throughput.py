"""Speed of a run compared with the ceiling: only decoding and the network, on all cores.

    python benchmarks/throughput.py FOLDER [--hour] [--rounds N] [--backend onnx]

Three kinds of input are made of the sound files in FOLDER: their first five seconds as 16 kHz mono
WAV; the files as they are; and, with --hour, one hour of 44.1 kHz stereo WAV in one file.

The ceiling decodes the files with soundfile on as many threads as there are cores, and then sends
as many patches through a bare ONNX Runtime session with the same graph. Before the rounds it
tries every arrangement of threads (one call at a time with all of them, or one thread for each of
several calls at a time) and batch size, and keeps the fastest. A file that is read as one cannot be
decoded on several threads, so the hour is decoded in as many pieces as there are cores.

A round measures both, one after the other; the median of the ratios is printed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile

from yamkit import Tagger
from yamkit._util.machine import usable_cores
from yamkit.models.store import cache_folder
from yamkit.run.clips import Clip, read_clip
from yamkit.run.scheduler import tag_streams
from yamkit.types import Batch

CORES = usable_cores()
BATCHES = (4, 8, 10, 16, 32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hour", action="store_true", help="one hour in one file, too")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", default="yamnet")
    arguments = parser.parse_args()
    files = sorted(path for path in arguments.folder.rglob("*") if path.is_file())
    with tempfile.TemporaryDirectory() as scratch, Tagger(arguments.model, threads=1) as tagger:
        network = Network(tagger)
        print(f"{CORES} cores; the bare network is fastest with {network.describe()}")
        sets = {
            "5 s, 16 kHz WAV": five_seconds(files, Path(scratch)),
            "files as they are": files,
        }
        if arguments.hour:
            sets["1 h, 44.1 kHz stereo WAV"] = [one_hour(files, Path(scratch))]
        for name, paths in sets.items():
            rounds = [compare(paths, tagger, network) for _ in range(arguments.rounds)]
            audio = sum(soundfile.info(path).duration for path in paths)
            decoding, bare, ours = (statistics.median(each) for each in zip(*rounds, strict=True))
            ratio = statistics.median((d + b) / o for d, b, o in rounds)
            print(
                f"{name:26} ceiling {decoding:6.2f} s + {bare:6.2f} s, yamkit {ours:6.2f} s "
                f"({audio / ours:,.0f} times real time): {ratio:.3f} of the ceiling",
                flush=True,
            )


def five_seconds(files: list[Path], scratch: Path) -> list[Path]:
    """Write the first five seconds of each at 16 kHz, mono."""
    paths = []
    for number, file in enumerate(files):
        samples, rate = soundfile.read(file, frames=soundfile.info(file).samplerate * 5)
        mono = samples.reshape(len(samples), -1).mean(axis=1)
        places = np.arange(5 * 16000) * rate / 16000
        paths.append(scratch / f"{number}.wav")
        soundfile.write(paths[-1], np.interp(places, np.arange(len(mono)), mono), 16000)
    return paths


def one_hour(files: list[Path], scratch: Path) -> Path:
    """Write files one after the other until an hour is full."""
    path = scratch / "hour.wav"
    with soundfile.SoundFile(path, "w", 44100, 2, "PCM_16") as target:
        while target.frames < 3600 * 44100:
            for file in files:
                samples, rate = soundfile.read(file, dtype="int16")
                if rate == 44100 and target.frames < 3600 * 44100:
                    pair = samples if samples.ndim == 2 else np.stack([samples, samples], axis=1)
                    target.write(pair[: 3600 * 44100 - target.frames, :2])
    return path


def compare(paths: list[Path], tagger: Tagger, network: Network) -> tuple[float, float, float]:
    """Measure decoding, the bare network, and yamkit, in seconds."""
    decoding = timed(lambda: decode(paths))
    patches = 0

    def run() -> None:
        nonlocal patches
        clips = [Clip(str(path)) for path in paths]
        pipeline = tagger.pipeline
        events = tag_streams(
            clips,
            partial(read_clip, pipeline=pipeline),
            pipeline.infer,
            lambda _, event: [event],
            jobs=CORES,
            batch_size=pipeline.batch_size,
        )
        for _, event in events:
            patches += len(event.scores) if isinstance(event, Batch) else 0

    ours = timed(run)
    return decoding, timed(lambda: network.run(patches)), ours


def decode(paths: list[Path]) -> None:
    pieces = CORES if len(paths) == 1 else 1
    with ThreadPoolExecutor(CORES) as pool:
        for path in paths:
            for piece in range(pieces):
                pool.submit(decode_piece, path, piece, pieces)


def decode_piece(path: Path, piece: int, pieces: int) -> None:
    with soundfile.SoundFile(path) as file:
        length = file.frames // pieces
        file.seek(piece * length)
        left = length
        while left > 0:
            left -= len(file.read(min(left, 65536), dtype="float32"))


class Network:
    """The graph, with the arrangement that is fastest on this machine."""

    def __init__(self, tagger: Tagger) -> None:
        folder = cache_folder()
        assert folder is not None
        graphs = sorted(folder.glob("onnx-*.onnx"), key=os.path.getatime)
        self._patch = np.zeros(tagger.model.features.patch_shape, np.float32)
        tagger.pipeline.backend.predict(self._patch[np.newaxis])
        sessions = {threads: self._open(graphs, tagger, threads) for threads in {1, CORES}}
        best: dict[tuple[int, int], float] = {}
        for _ in range(8):
            for threads, session in sessions.items():
                for batch in BATCHES:
                    self._session, self._threads, self._batch = session, threads, batch
                    seconds = timed(lambda: self.run(640))
                    best[threads, batch] = min(seconds, best.get((threads, batch), seconds))
        self._threads, self._batch = min(best, key=best.__getitem__)
        self._session = sessions[self._threads]

    def describe(self) -> str:
        """Return the arrangement as text."""
        return (
            f"{CORES // self._threads} calls at a time of {self._threads} threads, batches of "
            f"{self._batch}"
        )

    def run(self, patches: int) -> None:
        """Run the graph on this number of patches."""
        name = self._session.get_inputs()[0].name
        random = np.random.default_rng(0)
        batch = random.normal(-2, 2, (self._batch, *self._patch.shape)).astype(np.float32)

        def call(count: int) -> None:
            self._session.run(None, {name: batch[:count]})

        with ThreadPoolExecutor(CORES // self._threads) as pool:
            for start in range(0, patches, self._batch):
                pool.submit(call, min(self._batch, patches - start))

    def _open(
        self, graphs: list[Path], tagger: Tagger, threads: int
    ) -> onnxruntime.InferenceSession:
        """Open the graph of the model: the one that returns its scores."""
        expected, _ = tagger.pipeline.backend.predict(self._patch[np.newaxis])
        for graph in reversed(graphs):
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
            session = onnxruntime.InferenceSession(
                str(graph), options, providers=["CPUExecutionProvider"]
            )
            wants = session.get_inputs()[0]
            if tuple(wants.shape[1:]) != self._patch.shape:
                continue
            found = session.run(None, {wants.name: self._patch[np.newaxis]})[0]
            if found.shape == expected.shape and np.allclose(found, expected, atol=1e-6):
                return session
        raise SystemExit("no graph of the model in the cache; is its backend onnx?")


def timed(work) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
