"""The command line: one thin module a command, and the one place where errors become lines.

Modules here import click alone; what a command needs is imported when it runs, so that
``yamkit --help`` loads neither NumPy nor a plugin.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

import click

from yamkit import __version__
from yamkit._util.signals import Interruptions, interrupted_code, stuck_engines_end
from yamkit._util.text import InertStream, printable
from yamkit.cli._help import Group
from yamkit.cli.bench import bench
from yamkit.cli.calibrate import calibrate
from yamkit.cli.classes import classes
from yamkit.cli.classify import classify
from yamkit.cli.eval import evaluate
from yamkit.cli.info import info
from yamkit.cli.journal import journal
from yamkit.cli.listen import listen
from yamkit.cli.models import models
from yamkit.cli.plugins import plugins
from yamkit.cli.selftest import selftest
from yamkit.errors import (
    IncompatibleError,
    OutputError,
    ParameterError,
    ProviderWarning,
    UnknownPluginError,
    YamkitError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["cli", "main"]

_USAGE = (IncompatibleError, ParameterError, UnknownPluginError)


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """Tag sounds with YAMNet: which of 521 AudioSet classes are in a recording, and when.

    \b
    yamkit classify recording.wav    the five highest classes
    yamkit classify --events FILE    when each class sounds
    yamkit listen --microphone       the same, while it happens
    yamkit info recording.m4a        what is in a file, and what is wrong with it
    yamkit classes --search dog      what it can be
    yamkit eval LABELS --audio DIR   measure a model on a labelled set
    yamkit models pull yamnet        fetch the full model, once
    yamkit plugins                   what is installed
    yamkit bench                     how fast it runs here
    """


for _command in (
    bench,
    calibrate,
    classes,
    classify,
    evaluate,
    info,
    journal,
    listen,
    models,
    plugins,
    selftest,
):
    cli.add_command(_command)


def main() -> None:
    """Run the command line and exit: 0 done, 1 something failed, 2 wrong usage, 130 interrupted.

    By SIGTERM 143, and by SIGHUP 129: 128 and the number of the signal.
    """
    _prepare_streams()
    warnings.showwarning = _show_warning
    with _inert_streams():
        code = _run()
        try:
            sys.stdout.flush()
        except OSError:
            from yamkit.run.output import silence_standard_output

            silence_standard_output()
    sys.exit(code)


def _run() -> int:
    try:
        with stuck_engines_end(), Interruptions():
            code: int = cli.main(prog_name="yamkit", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort as error:
        click.echo(": ".join(["interrupted", *_notes(error.__cause__)]), err=True)
        code = interrupted_code(error.__cause__)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except click.ClickException as error:
        click.echo(_usage_line(error), err=True)
        code = error.exit_code
    except YamkitError as error:
        click.echo("\n".join([f"error: {printable(str(error))}", *_notes(error)]), err=True)
        code = 2 if isinstance(error, _USAGE) else 1
    except OSError as error:
        if error.errno != errno.EPIPE:  # whoever reads may stop when it has enough
            place = "" if error.filename is None else f"{printable(str(error.filename))}: "
            click.echo(f"error: {place}{printable(error.strerror or str(error))}", err=True)
        code = 1
    return code


@contextlib.contextmanager
def _inert_streams() -> Iterator[None]:
    """Let nothing that is written act on a terminal, whatever it is and whoever writes it."""
    before = sys.stdout, sys.stderr
    sys.stdout = cast("TextIO", _StandardOutput(sys.stdout))
    sys.stderr = cast("TextIO", InertStream(sys.stderr))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _StandardOutput(InertStream):
    """Standard output, which an error in writing names, whichever command prints."""

    def write(self, text: str) -> int:
        with _naming_standard_output():
            return super().write(text)

    def flush(self) -> None:
        with _naming_standard_output():
            self.rich_proxied_file.flush()


@contextlib.contextmanager
def _naming_standard_output() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        reason = error.strerror or str(error)
        failure = OutputError(f"cannot write standard output: {reason}")
        failure.errno = error.errno
        raise failure from error


def _notes(error: BaseException | None) -> list[str]:
    """Give what was noted about an error on its way up, such as how far a run came."""
    return list(getattr(error, "__notes__", ()))


def _usage_line(error: click.ClickException) -> str:
    """Say on one line what was wrong, and where it is explained."""
    text = " ".join(printable(error.format_message()).split()).rstrip(".")
    text = re.sub(r"\. \(?Did you mean (.+\?)\)?$", r"; did you mean \1", text)
    text = f"error: {text[:1].lower()}{text[1:]}"
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    return text if text.endswith("?") or ctx is None else f"{text}; see: {ctx.command_path} --help"


def _prepare_streams() -> None:
    """Let every name be written: UTF-8 to files and pipes, escapes on terminals of less."""
    # A closed standard output or error is None; what goes there goes nowhere.
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            is_shown = stream is sys.stderr or stream.isatty()
            encoding = stream.encoding if is_shown else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show what a user must know as a line, and other warnings as Python does."""
    text = f"warning: {printable(str(message))}\n"
    if not issubclass(category, ProviderWarning):
        text = warnings.formatwarning(message, category, filename, lineno, line)
    click.echo(text, nl=False, err=file is None, file=file)
