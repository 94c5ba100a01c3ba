"""The command line: one thin module per command; here, errors become lines and exit codes.

Modules here import only click; what a command needs is imported when it runs, so that
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
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TextIO, cast

import click

from yamkit import __version__
from yamkit._util.signals import Interruptions, interrupted_code, stuck_engines_end
from yamkit._util.text import InertStream, printable
from yamkit.cli import _shells  # noqa: F401 - it registers completion
from yamkit.cli._help import Group
from yamkit.errors import (
    IncompatibleError,
    OutputError,
    ParameterError,
    ProviderWarning,
    UnknownPluginError,
    YamkitError,
)

__all__ = ["cli", "main"]

_USAGE = (IncompatibleError, ParameterError, UnknownPluginError)

_COMMANDS = {
    "bench": ("bench", "Measure speed, delay and memory on this machine."),
    "calibrate": ("calibrate", "Fit scores to how often they are right."),
    "classes": ("classes", "List the classes of a model: index, MID, name."),
    "classify": ("classify", "Tag sound files."),
    "eval": ("evaluate", "Measure a model on a labelled set."),
    "info": ("info", "Show what is in sound files, and what is wrong with them."),
    "journal": ("journal", "Show and remove journals, from which `--resume` continues."),
    "listen": ("listen", "Tag a stream, and print its events as they open and close."),
    "models": ("models", "Manage models: list, import, export, download, verify, remove."),
    "plugins": ("plugins", "List, check and create plugins."),
    "selftest": ("selftest", "Check this installation with signals of known classes."),
}
"""For each command the function in the module of its name, and its help in the list of commands."""


class _Imported(Mapping[str, click.Command]):
    """The commands by their names, each imported when it is looked up."""

    def __getitem__(self, name: str) -> click.Command:
        function, _ = _COMMANDS[name]
        command: click.Command = getattr(import_module(f"yamkit.cli.{name}"), function)
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(_COMMANDS)

    def __len__(self) -> int:
        return len(_COMMANDS)


class _Commands(Group):
    """Lists the commands without importing them."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(
    cls=_Commands,
    commands=_Imported(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """Tag sounds with YAMNet: which of 521 AudioSet classes are in a recording, and when.

    \b
    yamkit classify recording.wav    the five highest classes
    yamkit classify --events FILE    when each class sounds
    yamkit listen --microphone       the same for live sound
    yamkit info recording.m4a        what is in a file, and what is wrong with it
    yamkit classes --search dog      the classes with dog in their names
    yamkit eval LABELS --audio DIR   measure a model on a labelled set
    yamkit models pull yamnet        download the full model, once
    yamkit plugins                   the installed plugins
    yamkit bench                     how fast models run on this machine
    """


def main() -> None:
    """Run the command line and exit with its code.

    0: done; 1: something failed; 2: wrong usage; 128 plus the number of a signal: interrupted, as
    130 by SIGINT and 143 by SIGTERM.
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
        click.echo(": ".join(["interrupted", *_notes_of(error.__cause__)]), err=True)
        code = interrupted_code(error.__cause__)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except click.ClickException as error:
        click.echo(_usage_line(error), err=True)
        code = error.exit_code
    except YamkitError as error:
        click.echo("\n".join([f"error: {printable(str(error))}", *_notes_of(error)]), err=True)
        code = 2 if isinstance(error, _USAGE) else 1
    except OSError as error:
        if error.errno != errno.EPIPE:  # the reader of a pipe may stop early
            place = "" if error.filename is None else f"{printable(str(error.filename))}: "
            click.echo(f"error: {place}{printable(error.strerror or str(error))}", err=True)
        code = 1
    return code


@contextlib.contextmanager
def _inert_streams() -> Iterator[None]:
    """Escape control characters in everything that is written to a terminal."""
    before = sys.stdout, sys.stderr
    sys.stdout = cast("TextIO", _StandardOutput(sys.stdout))
    sys.stderr = cast("TextIO", InertStream(sys.stderr))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _StandardOutput(InertStream):
    """Standard output, which is named by errors of writing to it."""

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


def _notes_of(error: BaseException | None) -> list[str]:
    """Return the notes of an error, such as how far a run came."""
    return list(getattr(error, "__notes__", ()))


def _usage_line(error: click.ClickException) -> str:
    """Return a usage error as one line, with the command that explains it."""
    text = " ".join(printable(error.format_message()).split()).rstrip(".")
    text = re.sub(r"\. \(?Did you mean (.+\?)\)?$", r"; did you mean \1", text)
    text = f"error: {text[:1].lower()}{text[1:]}"
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    return text if text.endswith("?") or ctx is None else f"{text}; see: {ctx.command_path} --help"


def _prepare_streams() -> None:
    """Write UTF-8 to files and pipes, and escape what a terminal cannot show."""
    # Python sets a closed standard output or error to None
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
    """Print a warning for users as one line, and others as Python does."""
    text = f"warning: {printable(str(message))}\n"
    if not issubclass(category, ProviderWarning):
        text = warnings.formatwarning(message, category, filename, lineno, line)
    click.echo(text, nl=False, err=file is None, file=file)
