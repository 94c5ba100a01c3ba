"""The example of each kind, in the docstring of its module, is a plugin that works.

`yamkit plugins new` writes it, so the tests make plugins with that command. Names and files of new
plugins are tested in `tests/yamkit/cli/test_new_plugin.py`.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from yamkit.cli._new_plugin import new_plugin
from yamkit.cli.plugins import KINDS
from yamkit.plugin import RunnerOptions
from yamkit.registry import registry
from yamkit.testing import CONTRACTS, PluginContract, run_contract
from yamkit.testing.lookup import find_contract
from yamkit.types import ClipEnd, ClipStart

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def example(tmp_path: Path, monkeypatch, install_distribution) -> Callable[[str], Path]:
    """Make the example of a kind, importable under a name that no other test uses."""

    def make(kind: str) -> Path:
        name = f"example-{kind}"
        folder = new_plugin(f"yamkit-{name}", kind, tmp_path)
        install_distribution(folder, f"yamkit-{name}", {name: f"yamkit_example_{module(kind)}"})
        monkeypatch.syspath_prepend(folder)
        registry.cache_clear()
        return folder

    yield make
    registry.cache_clear()


def module(kind: str) -> str:
    return kind.replace("-", "_")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.long(reason="tags many clips")
def test_it_keeps_its_contract(example, kind: str) -> None:
    example(kind)
    contract: type[PluginContract] = find_contract(f"example-{kind}", kind)
    checks = {check.name: check for check in run_contract(contract)}
    assert {check.state for check in checks.values()} == {"pass"}, checks


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.long(reason="tags many clips")
def test_it_is_formatted_as_this_repository(example, kind: str) -> None:
    pytest.importorskip("ruff")
    ruff = [sys.executable, "-m", "ruff"]
    config = ["--config", str(ROOT / "pyproject.toml"), "--no-cache", str(example(kind))]
    for command in (["format", "--check"], ["check", "--ignore", "ARG,D101,I,INP,PLW,S"]):
        done = subprocess.run([*ruff, *command, *config], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_its_page_has_the_example_and_the_contract(kind: str) -> None:
    page = (ROOT / "docs" / "reference" / "plugins" / f"{kind}.md").read_text()
    documented = importlib.import_module(f"yamkit.plugin.{module(kind)}")
    assert f"::: {documented.__name__}\n" in page
    contract = CONTRACTS[kind.replace("-", " ")].__name__
    assert f"::: yamkit.testing.{contract}\n" in page
    assert f"reference/plugins/{kind}.md" in (ROOT / "mkdocs.yml").read_text()


class Work:
    """A `yamkit.plugin.Work` that counts its copies: each opens the model."""

    def __init__(self, log: Path) -> None:
        self.log = log

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        with self.log.open("a") as file:
            file.write("opened\n")

    def row(self, clip: int) -> dict:
        return {"clip": clip}

    def answers(self, rows, jobs: int) -> list[bytes]:
        return [str(row["clip"]).encode() for row in rows]

    def read(self, answer: bytes):
        yield ClipStart(f"{answer.decode()}.wav", 16_000, 1)
        yield ClipEnd(1.0, 1, ())


@pytest.mark.long(reason="tags many clips")
def test_the_runner_opens_a_model_once_in_a_process(example, tmp_path: Path) -> None:
    example("runner")
    runner = importlib.import_module("yamkit_example_runner._runner").ExampleRunner(
        RunnerOptions(jobs=2)
    )
    log = tmp_path / "opened"
    items = list(runner.items(Work(log), range(12)))
    assert len(items) == 24
    assert log.read_text().count("opened") <= 2
