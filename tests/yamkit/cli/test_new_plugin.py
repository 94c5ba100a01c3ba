"""`yamkit plugins new`: names and files of new plugins, and the command that uses them.

`tests/yamkit/plugin/test_examples.py` tests what they do.
"""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from yamkit.cli.plugins import KINDS
from yamkit.models.manifest import parse_toml
from yamkit.registry import registry

WAV = Path(__file__).resolve().parents[3] / "docs" / "assets" / "four-events.wav"


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_has_the_names_of_its_distribution(
    yamkit, tmp_path: Path, monkeypatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    distribution = f"yamkit-new-{kind}"
    code, out, _ = yamkit("plugins", "new", distribution, "--kind", kind)
    assert code == 0
    following = f"pip install ./{distribution} && yamkit plugins check new-{kind}"
    assert out == f"made ./{distribution}; next: {following}\n"
    folder = tmp_path / distribution
    project = parse_toml((folder / "pyproject.toml").read_text(), "pyproject.toml")["project"]
    package = distribution.replace("-", "_")
    assert project["name"] == distribution
    assert project["entry-points"]["yamkit"] == {f"new-{kind}": package}
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    implementation = f"{package}/_{kind.replace('-', '_')}.py"
    assert names - {f"{package}/_contract.py"} == {
        ".gitignore",
        "README.md",
        "pyproject.toml",
        "tests/test_contract.py",
        f"{package}/__init__.py",
        f"{package}/py.typed",
        implementation,
    }
    assert (folder / "README.md").read_text().startswith(f"# {distribution}\n")
    for path in folder.rglob("*"):
        assert "mine" not in path.name.lower()
        text = path.read_text() if path.is_file() else ""
        assert not re.search(r"yamkit.mine|Mine\b|SUMMARY|COMMAND", text), path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_the_command_in_the_readme_runs(
    yamkit, tmp_path: Path, monkeypatch, install_distribution, kind: str
) -> None:
    name = f"used-{kind}"
    desk = tmp_path / "desk"
    (desk / "recordings").mkdir(parents=True)
    monkeypatch.chdir(desk)
    for path in ("recording.wav", "recordings/1.wav"):
        shutil.copy(WAV, path)
    Path("labels.txt").write_text("file|tags\n1.wav|Speech\n")
    assert yamkit("plugins", "new", f"yamkit-{name}", "--kind", kind)[0] == 0
    package = f"yamkit_{name.replace('-', '_')}"
    install_distribution(desk / f"yamkit-{name}", f"yamkit-{name}", {name: package})
    monkeypatch.syspath_prepend(desk / f"yamkit-{name}")
    registry.cache_clear()
    readme = Path(f"yamkit-{name}", "README.md").read_text()
    (command,) = re.findall(r"^\$ yamkit ((?:classify|eval) .*)$", readme, re.MULTILINE)
    code, out, err = yamkit(*shlex.split(command))
    registry.cache_clear()
    assert code == 0, err
    assert out
    assert "error" not in err


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["yamkit-x", "--kind", "oven"], "'oven'"),
        (["Yamkit_X", "--kind", "sink"], "'Yamkit_X'"),
        (["../x", "--kind", "sink"], "'../x'"),
        (["yamkit-", "--kind", "sink"], "'yamkit-'"),
        (["there", "--kind", "sink"], "there: exists; choose another name or --output"),
    ],
)
def test_what_cannot_be_made(
    yamkit, tmp_path: Path, monkeypatch, arguments: list[str], value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    code, _, err = yamkit("plugins", "new", *arguments)
    assert code in (1, 2)
    assert value in err
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_kinds_may_have_a_space(yamkit, tmp_path: Path) -> None:
    arguments = ("plugins", "new", "yamkit-x", "--kind", "label reader", "--output", str(tmp_path))
    assert yamkit(*arguments)[0] == 0
    assert (tmp_path / "yamkit-x" / "yamkit_x" / "_label_reader.py").is_file()
