"""The tests mirror the tree: what is tested where can be told from its name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MOST_LINES = 200
"""Of a module whose tests may lie with those of another."""

ELSEWHERE = {
    # Each kind of file with each fault, as a file and as a pipe, whichever modules read it.
    "yamkit/audio": "tests/yamkit/audio/test_faults.py",
    # The same promises for all plugins of a kind.
    "yamkit/resamplers": "tests/yamkit/resamplers/test_resamplers.py",
    "yamkit/sinks": "tests/yamkit/sinks/test_sinks.py",
    # Each check with a plugin that breaks it.
    "yamkit/testing": "tests/yamkit/testing/test_mutations.py",
    # The examples in the docstrings.
    "yamkit/plugin": "tests/yamkit/plugin/test_examples.py",
    # What is seen on the command line alone.
    "yamkit/bench.py": "tests/yamkit/cli/test_bench.py",
    "yamkit/cli/__init__.py": "tests/yamkit/cli/test_classify.py",
    "yamkit/cli/_models_files.py": "tests/yamkit/cli/test_models.py",
    "yamkit/evaluation": "tests/yamkit/cli/test_eval.py",
    # One object made of two modules.
    "yamkit/run/journal_file.py": "tests/yamkit/run/test_journal.py",
    "yamkit/tagger/_clip.py": "tests/yamkit/tagger/test_tagger.py",
}
"""A package or module whose long modules may lack a test module of their name -> their tests."""


def counterpart(module: Path) -> Path:
    """The test module that belongs to a module."""
    folder, name = module.relative_to(ROOT).parent, module.stem.removeprefix("_")
    return ROOT / "tests" / folder / f"test_{name}.py"


def modules() -> list[Path]:
    found = [path for path in (ROOT / "yamkit").rglob("*.py") if "data" not in path.parts]
    assert len(found) > 100
    return sorted(found)


def place_elsewhere(module: Path) -> str | None:
    """The entry of `ELSEWHERE` that a module falls under."""
    name = module.relative_to(ROOT).as_posix()
    return next((key for key in ELSEWHERE if name == key or name.startswith(f"{key}/")), None)


def is_long(module: Path) -> bool:
    return len(module.read_text("utf-8").splitlines()) > MOST_LINES


def test_every_package_has_a_package_of_tests() -> None:
    packages = {
        path.parent.relative_to(ROOT)
        for path in modules()
        if path.name != "__init__.py" and not place_elsewhere(path)
    }
    assert [str(each) for each in packages if not (ROOT / "tests" / each).is_dir()] == []


def test_every_long_module_has_a_test_module() -> None:
    lacking = [
        module.relative_to(ROOT).as_posix()
        for module in modules()
        if is_long(module) and not counterpart(module).is_file() and not place_elsewhere(module)
    ]
    assert lacking == []


@pytest.mark.parametrize("place", ELSEWHERE)
def test_an_exception_names_what_is_there(place: str) -> None:
    assert (ROOT / place).exists()
    assert (ROOT / ELSEWHERE[place]).is_file()


def test_every_folder_of_tests_has_its_package() -> None:
    folders = {path.parent for path in (ROOT / "tests" / "yamkit").rglob("test_*.py")}
    strange = [
        str(folder.relative_to(ROOT))
        for folder in folders
        if not (ROOT / folder.relative_to(ROOT / "tests")).is_dir()
    ]
    assert strange == []


def test_the_architecture_names_what_is_there() -> None:
    """Every path in code marks on the page exists; its links are checked with the site's."""
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text("utf-8")
    paths = set(re.findall(r"`((?:yamkit|tests|examples|training|benchmarks)/[^`{}*]*)`", page))
    assert len(paths) > 20
    assert [path for path in sorted(paths) if not exists(path)] == []
    packages = {path.parent.relative_to(ROOT).parts[:2] for path in modules()}
    assert [name for name in sorted(p[1] for p in packages if p[1:]) if name not in page] == []


def exists(path: str) -> bool:
    return (ROOT / path).exists() or (ROOT / path).with_suffix(".py").is_file()
