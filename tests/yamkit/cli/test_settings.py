"""Settings: one field declares an option, its section and its value in the instance."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass

import click
import pytest
from click.testing import CliRunner

from tests.yamkit.cli.tree import commands
from yamkit.cli import _COMMANDS
from yamkit.cli._help import Command
from yamkit.cli._settings import argument, group, names_of, option, repeated, with_settings


@dataclass(frozen=True)
class Inner:
    size: int = option("--size", default=3)
    colour: str | None = option("--colour", section="Looks")


@dataclass(frozen=True)
class Settings:
    path: str = argument()
    is_loud: bool = option("--loud", section="Sound", is_flag=True)
    inner: Inner = group(Inner)
    names: tuple[str, ...] = option("--name", multiple=True)


@pytest.fixture
def seen():
    return []


@pytest.fixture
def command(seen) -> click.Command:
    @click.command(cls=Command)
    @with_settings(Settings)
    @click.pass_context
    def run(ctx: click.Context, settings: Settings) -> None:
        """Run."""
        seen.append((ctx.info_name, settings))

    return run


def test_a_command_gets_an_instance_with_its_groups(command, seen) -> None:
    words = ["a", "--loud", "--size", "5", "--name", "x", "--name", "y"]
    assert CliRunner().invoke(command, words, prog_name="run").exit_code == 0
    assert seen == [("run", Settings("a", True, Inner(5, None), ("x", "y")))]
    with pytest.raises(FrozenInstanceError):
        seen[0][1].path = "b"


def test_parameters_come_in_the_order_of_the_fields(command) -> None:
    assert [param.name for param in command.params] == names_of(Settings)
    assert names_of(Settings) == ["path", "is_loud", "size", "colour", "names"]


def test_a_section_lasts_until_the_next(command) -> None:
    page = CliRunner().invoke(command, ["--help"]).output
    lines = [line.split()[0] for line in page.splitlines() if line.strip()]
    start = lines.index("Sound:")
    assert lines[start:] == [
        "Sound:",
        "--loud",
        "--size",
        "Looks:",
        "--colour",
        "--name",
        "Other:",
        "--help",
    ]


def test_a_group_may_begin_a_section() -> None:
    @dataclass(frozen=True)
    class Outer:
        inner: Inner = group(Inner, section="Inside")

    @click.command(cls=Command)
    @with_settings(Outer)
    def run(settings: Outer) -> None:
        """Run."""

    page = CliRunner().invoke(run, ["--help"]).output
    assert page.index("Inside:") < page.index("--size") < page.index("Looks:")


def test_an_option_that_may_be_repeated_keeps_its_default_last() -> None:
    attributes = repeated({"help": "Model.  [default: mini]", "metavar": "NAME"})
    assert attributes["multiple"]
    assert attributes["help"].startswith("Model. May be repeated")
    assert attributes["help"].endswith("  [default: mini]")


def test_no_parameter_of_a_command_has_the_name_of_another() -> None:
    for words, each in commands():
        names = [param.name for param in each.params]
        assert len(names) == len(set(names)), words


def test_the_list_of_commands_has_the_first_sentence_of_each() -> None:
    found = dict(commands())
    for name, (_, text) in _COMMANDS.items():
        assert found[name].help is not None
        assert found[name].help.partition("\n")[0] == text
