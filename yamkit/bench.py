"""How fast models run on this machine: each combination in new processes, in turn.

``python -m yamkit.bench`` is such a process: it takes a `Case` as JSON and prints its measurements.
"""

from __future__ import annotations

import time

_BEGIN = time.perf_counter()  # before heavy imports, to measure them

import contextlib  # noqa: E402
import json  # noqa: E402
import platform  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
from dataclasses import asdict, dataclass  # noqa: E402
from importlib import metadata  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING, Any  # noqa: E402

from yamkit._util.machine import (  # noqa: E402
    peak_memory_bytes,
    processor_name,
    system_name,
    usable_cores,
)
from yamkit._util.replace import replaced  # noqa: E402
from yamkit.errors import YamkitError  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Case", "Result", "engines_of", "machine", "measure", "plot"]

_BLOCK_SECONDS = 1


@dataclass(frozen=True)
class Case:
    """A combination to measure.

    Attributes
    ----------
    model : str
        Folder of a bundle.
    backend, frontend, provider : str
    batch_size, jobs : int
    threads : int or None
        Per network call.
    seconds : float
        Duration of the audio: seeded noise at the sample rate of the model.
    """

    model: str
    backend: str
    frontend: str
    provider: str
    batch_size: int
    jobs: int
    threads: int | None
    seconds: float


@dataclass(frozen=True)
class Result:
    """The measurements of a case: medians over the rounds.

    Attributes
    ----------
    case : Case
    patches_per_second, times_real_time : float or None
        Of front end and network, on all jobs; None if it failed.
    first_result_seconds : float or None
        From the start of the process to the scores of the first batch, with imports and model.
    peak_memory_mb : float or None
        Of the process; None if the system does not report it.
    error : str
        Why it failed; empty if it did not.
    """

    case: Case
    patches_per_second: float | None = None
    times_real_time: float | None = None
    first_result_seconds: float | None = None
    peak_memory_mb: float | None = None
    error: str = ""


def measure(
    cases: Sequence[Case], rounds: int, done: Callable[[], object] = lambda: None
) -> list[Result]:
    """Measure every case once per round.

    Parameters
    ----------
    cases : sequence of Case
    rounds : int
    done : callable
        Called after each measurement.

    Returns
    -------
    list of Result
        One for each case.
    """
    measured: list[list[dict[str, Any]]] = [[] for _ in cases]
    for _ in range(rounds):
        for case, found in zip(cases, measured, strict=True):
            if not (found and "error" in found[-1]):
                found.append(_run_case(case))
            done()
    return [_result(case, found) for case, found in zip(cases, measured, strict=True)]


def engines_of(cases: Iterable[Case]) -> list[str]:
    """Return the packages that the backends of some cases require.

    Raises
    ------
    UnknownPluginError
        If there is no such backend.
    """
    from yamkit.registry import registry

    backends = dict.fromkeys(case.backend for case in cases)
    infos = (registry().resolve("backend", name).info for name in backends)
    return [package for info in infos if info is not None for package in info.requires]


def machine(engines: Iterable[str] = ()) -> dict[str, Any]:
    """Return what measurements depend on: processor, system and versions."""
    versions = {}
    for package in ("yamkit", "numpy", "onnxruntime", *engines):
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return {
        "processor": processor_name(),
        "cores": usable_cores(),
        "system": system_name(),
        "python": platform.python_version(),
        "versions": versions,
    }


def plot(results: Sequence[Result], path: Path) -> None:
    """Draw patches per second as a bar chart, in a PNG file, with matplotlib.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = [each for each in results if each.patches_per_second is not None]
    figure = Figure(figsize=(7.0, 1.2 + 0.4 * len(shown)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    names = [
        f"{Path(each.case.model).name}, {each.case.backend}, batches of {each.case.batch_size}"
        for each in shown
    ]
    values = [each.patches_per_second or 0.0 for each in shown]
    bars = axes.barh(range(len(shown)), values)
    axes.bar_label(bars, [f"{value:,.0f}" for value in values], padding=3)
    axes.set_yticks(range(len(shown)), names, parse_math=False)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel("patches per second")
    axes.set_title(
        f"{processor_name()}, {usable_cores()} cores", fontsize="medium", parse_math=False
    )
    with replaced(path) as fresh:
        figure.savefig(fresh, dpi=120, format="png")


def _run_case(case: Case) -> dict[str, Any]:
    """Measure a case once, in a new process."""
    command = [sys.executable, "-m", "yamkit.bench", json.dumps(asdict(case))]
    process = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    try:
        figures: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        lines = process.stderr.strip().splitlines()
        reason = lines[-1] if lines else f"the process ended with {process.returncode}"
        return {"error": reason}
    return figures


def _result(case: Case, measured: Sequence[dict[str, Any]]) -> Result:
    if "error" in measured[-1]:
        return Result(case, error=str(measured[-1]["error"]))

    def median(name: str) -> float | None:
        values = [figures[name] for figures in measured]
        return None if None in values else statistics.median(values)

    wall = statistics.median(figures["wall_seconds"] for figures in measured)
    return Result(
        case,
        measured[-1]["patches"] / wall,
        case.seconds / wall,
        median("first_result_seconds"),
        median("peak_memory_mb"),
    )


# --- in the new process --------------------------------------------------------------------------


def _measured(case: Case) -> dict[str, Any]:
    from yamkit.run.scheduler import tag_streams
    from yamkit.tagger import Tagger
    from yamkit.types import Batch

    with Tagger(
        case.model,
        backend=case.backend,
        frontend=case.frontend,
        provider=case.provider,
        batch_size=case.batch_size,
        threads=case.threads,
    ) as tagger:
        pipeline = tagger.pipeline
        rate = pipeline.features.sample_rate_hz

        def run(seconds: float) -> int:
            streams = [_noise(round(seconds * rate), rate)]
            events = tag_streams(
                streams,
                lambda samples, _: pipeline.patches(samples, rate),
                pipeline.infer,
                lambda _, event: [event],
                jobs=case.jobs,
                batch_size=case.batch_size,
            )
            patches = 0
            for _, event in events:
                if isinstance(event, Batch):
                    patches += len(event.scores)
                elif hasattr(event, "error"):
                    raise event.error
            return patches

        hop = pipeline.features.patch_hop_samples
        run(case.batch_size * hop / rate)
        first = time.perf_counter() - _BEGIN
        begin = time.perf_counter()
        patches = run(case.seconds)
        wall = time.perf_counter() - begin
    peak = peak_memory_bytes()
    return {
        "patches": patches,
        "wall_seconds": wall,
        "first_result_seconds": first,
        "peak_memory_mb": None if peak is None else peak / 1e6,
    }


def _noise(samples: int, rate: int) -> Iterator[NDArray[np.float32]]:
    import numpy as np

    random = np.random.default_rng(0)
    block = random.normal(0, 0.1, _BLOCK_SECONDS * rate).astype(np.float32)
    for start in range(0, samples, len(block)):
        yield block[: samples - start]


if __name__ == "__main__":
    try:
        print(json.dumps(_measured(Case(**json.loads(sys.argv[1])))))
    except YamkitError as error:
        print(json.dumps({"error": str(error)}))
