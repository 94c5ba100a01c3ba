"""The options that choose a model and the parts that run it, for every command that tags."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from yamkit._util.bounds import MAX_BATCH_SIZE, MAX_SPAN_SECONDS, MAX_THREADS
from yamkit._util.numbers import whole_number
from yamkit.cli import _complete
from yamkit.cli._help import section
from yamkit.cli._model import MODEL_HELP
from yamkit.cli._values import Real, Whole, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from yamkit.cli._complete import Completion
    from yamkit.plugin import Runner

__all__ = [
    "BACKEND_HELP",
    "FRONTEND_HELP",
    "CoreAllocation",
    "allocate_cores",
    "make_runner",
    "show_warned",
    "stream_option",
    "tagger_options",
]


BACKEND_HELP = "Engine that runs the network.  [default: onnx, or else what fits the model]"
FRONTEND_HELP = "Computes the patches.  [default: logmel, or else what fits the model]"


class _Numbered(click.ParamType["int | str | None"]):
    """The number of a channel or sound stream, from 1; or a word, where one is known."""

    name = "N"

    def __init__(self, word: str | None = None) -> None:
        self._word = word

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str | None:
        if value == self._word:
            return self._word
        text = str(value)
        number = whole_number(text)
        if number is None or not 1 <= number < 10**9:
            also = "" if self._word is None else f"{self._word!r}, or "
            self.fail(f"{shortened(text)}: wanted {also}a whole number from 1", param, ctx)
        return number


def tagger_options(*, several: bool = False, of_streams: bool = False) -> Callable[[Any], Any]:
    """Add the options.

    With `several`, models and backends may be repeated, to compare them; with `of_streams`, those
    that many clips need are left out.
    """
    resampler = "polyphase-live" if of_streams else "polyphase"
    options = [
        section("Model"),
        _choice("--model", several, MODEL_HELP, _complete.models(), metavar="NAME|FOLDER"),
        _choice("--backend", several, BACKEND_HELP, _complete.plugins("backend")),
        click.option(
            "--frontend", help=FRONTEND_HELP, shell_complete=_complete.plugins("frontend")
        ),
        click.option(
            "--provider", default="cpu", show_default=True, help="Where the network runs."
        ),
        click.option(
            "--resampler",
            default=resampler,
            show_default=True,
            help="Changes the sample rate.",
            shell_complete=_complete.plugins("resampler"),
        ),
        click.option(
            "--hop",
            "hop_seconds",
            type=Real(0, MAX_SPAN_SECONDS),
            metavar="SECONDS",
            help="From one patch to the next, a whole multiple of the STFT hop.  [default: the "
            "model's own]",
        ),
        section("Input"),
        click.option(
            "--channel",
            type=_Numbered("mix"),
            default="mix",
            show_default=True,
            metavar="mix|N",
            shell_complete=_complete.words("mix"),
            help="Hear the mean of all channels, or channel N alone.",
        ),
        section("Speed"),
        click.option(
            "--threads",
            type=Whole(1, MAX_THREADS),
            help="Threads of one network call.  [default: 1"
            + ("]" if of_streams else "; with --jobs 1 the engine's choice]"),
        ),
    ]
    if not of_streams:
        options += [
            click.option(
                "--jobs",
                type=Whole(1, MAX_THREADS),
                help="Threads that decode and tag, each at another clip or part of one.  [default: "
                "as many as there are cores, over --threads]",
            ),
            click.option(
                "--batch-size",
                type=Whole(1, MAX_BATCH_SIZE),
                default=16,
                show_default=True,
                help="Patches the network sees at once.",
            ),
            click.option(
                "--runner",
                default="local",
                show_default=True,
                help="Where clips are tagged: local, ray or a plugin's.",
                shell_complete=_complete.plugins("runner"),
            ),
            click.option(
                "--ray-address",
                metavar="ADDRESS",
                help="Ray cluster to join.  [default: one on this machine]",
            ),
            section("Input"),
            stream_option(),
            section("Model"),
            click.option(
                "--aggregate",
                type=click.Choice(["mean", "max", "sounding"]),
                default="mean",
                show_default=True,
                help="How patch scores become the clip's; sounding: their mean, each patch "
                "weighted by 1 minus its score of silence.",
            ),
        ]

    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def stream_option() -> Callable[[Any], Any]:
    """Add the option that chooses a sound stream."""
    return click.option(
        "--stream",
        type=_Numbered(),
        metavar="N",
        help="Hear sound stream N of a file that has several.  [default: the one marked default, "
        "else the first]",
    )


def allocate_cores(
    jobs: int | None, threads: int | None, paths: Iterable[str] = ()
) -> CoreAllocation:
    """Divide the cores between jobs and the threads of each.

    A stream on standard input is read by the main thread, which alone can be interrupted there.
    """
    from yamkit._util.machine import usable_cores

    if jobs is None:
        jobs = 1 if "-" in paths else max(1, usable_cores() // (threads or 1))
    return CoreAllocation(jobs, threads if jobs == 1 else threads or 1)


def make_runner(
    name: str, jobs: int | None, threads: int | None, address: str | None, cores: CoreAllocation
) -> contextlib.closing[Runner]:
    """Return a runner, to be closed; a local one takes the cores that were allocated."""
    from yamkit.plugin import RunnerOptions
    from yamkit.run.work import open_runner

    jobs = cores.jobs if name == "local" else jobs
    return contextlib.closing(open_runner(name, RunnerOptions(jobs, threads, address)))


def show_warned(warned: int, count: int) -> None:
    """Say on standard error how many of the files have warnings, if any."""
    if warned:
        verb = "has" if warned == 1 else "have"
        click.echo(f"{warned} of {count} files {verb} warnings", err=True)


class CoreAllocation(NamedTuple):
    """How many jobs, and threads of each; None leaves them to the engine."""

    jobs: int
    threads: int | None


def _choice(
    name: str, several: bool, text: str, complete: Completion, metavar: str | None = None
) -> Callable[[Any], Any]:
    if not several:
        return click.option(name, metavar=metavar, help=text, shell_complete=complete)
    text = text.replace("  [default", " May be repeated, to compare.  [default")
    return click.option(name, multiple=True, metavar=metavar, help=text, shell_complete=complete)
