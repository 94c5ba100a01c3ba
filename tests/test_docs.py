"""The docs tell the truth: blocks run, links resolve, and whatever is public is on a page."""

from __future__ import annotations

import html
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import jsonschema
import numpy as np
import pytest
import soundfile

import yamkit
from yamkit import errors, features, listening, networks, plugin, testing, types
from yamkit.cli import cli
from yamkit.models.bundle import ModelBundle
from yamkit.models.store import find_model, install
from yamkit.models.writing import ModelDescription, write_bundle
from yamkit.registry import KINDS
from yamkit.scores import calibration, classes, postprocessing

ROOT = Path(__file__).resolve().parent.parent
_SPEC = importlib.util.spec_from_file_location("docs_runner", ROOT / "tests" / "docs_runner.py")
assert _SPEC is not None
assert _SPEC.loader is not None
docs_runner = importlib.util.module_from_spec(_SPEC)
sys.modules["docs_runner"] = docs_runner
_SPEC.loader.exec_module(docs_runner)
blocks, run_page = docs_runner.blocks, docs_runner.run_page
PAGES = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "training/README.md",
    "yamkit/data/models/yamnet-mini/README.md",
)
DOCS = sorted(
    [
        *(ROOT / page for page in PAGES),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").glob("*/README.md"),
    ]
)
FOLLOWED = (
    "README.md",
    "docs/tutorials/first-tags.md",
    "docs/tutorials/evaluate.md",
    "docs/tutorials/write-a-plugin.md",
)
"""Pages that `.ci/run` follows on machines of their own, with all that they install."""

SCHEMA = json.loads((ROOT / "docs/reference/yamkit-1.schema.json").read_text())


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.2, int(seconds * 16_000))


def tone(seconds: float, hz: float) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(int(seconds * 16_000)) / 16_000)


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a reader has at hand: recordings, labelled sets, and a model installed as `yamnet`."""
    folder = tmp_path_factory.mktemp("desk")
    example = ROOT / "docs" / "assets" / "four-events.wav"
    (folder / "docs" / "assets").mkdir(parents=True)
    for place in ("docs/assets/four-events.wav", "recording.wav", "forest.flac"):
        shutil.copy(example, folder / place)  # files are told by content, not by name
    (folder / "audio").mkdir()
    (folder / "recordings" / "night").mkdir(parents=True)
    soundfile.write(folder / "recordings" / "1.wav", noise(2), 16_000)
    soundfile.write(folder / "recordings" / "night" / "2.wav", tone(2, 440), 16_000)
    esc50, plain = ["filename,fold,target,category,esc10,src_file,take"], ["path,labels"]
    for number in range(24):
        is_rain = number % 2 == 0
        name = f"1-{number}-A.wav"
        sound = noise(1, number) if is_rain else tone(1, 300 + 40 * number)
        soundfile.write(folder / "audio" / name, sound, 16_000)
        esc50.append(f"{name},{1 + number % 3},0,{'rain' if is_rain else 'dog'},True,{number},A")
        plain.append(f"{name},{'White noise' if is_rain else 'Sine wave'}")
    (folder / "esc50.csv").write_text("\n".join(esc50) + "\n")
    for name in ("labels.csv", "other.csv"):
        (folder / name).write_text("\n".join(plain) + "\n")
    mini = find_model("yamnet-mini")
    with pytest.MonkeyPatch.context() as patch:
        for home in ("home", "stick"):
            patch.setenv("YAMKIT_HOME", str(folder / home))
            install("yamnet", lambda fresh: rewrite(mini, fresh))
    return folder


def rewrite(model: ModelBundle, folder: Path) -> None:
    """Write a bundle again as `yamnet`."""
    write_bundle(
        folder,
        ModelDescription(
            name="yamnet",
            version=model.version,
            licence=model.licence,
            source=model.source,
            source_sha256=model.source_sha256,
            features=model.features,
            network=model.network,
            classes=model.classes,
        ),
        weights=model.load_weights(),
    )


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


every_page = pytest.mark.parametrize("page", DOCS, ids=name_of)


@pytest.mark.slow(reason="every block starts a process or several")
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.followed] if name_of(page) in FOLLOWED else [])
        for page in DOCS
    ],
    ids=name_of,
)
def test_code_blocks_run(page: Path, desk: Path, tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    shutil.copytree(desk, folder)
    if page.name in ("README.md", "first-tags.md", "evaluate.md") and "how-to" not in page.parts:
        shutil.rmtree(folder / "home")  # a reader who begins has no model but the one that comes
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "YAMKIT_HOME": str(folder / "home"),
        "YAMKIT_DOCS_PYTHON": sys.executable,
        "COLUMNS": "200",
    }
    run_page(page, folder, environment, everything=False)


@every_page
def test_a_block_that_does_not_run_says_why(page: Path) -> None:
    for block in blocks(page):
        assert bool(block.mark) == bool(block.reason), block.place
        assert not (block.mark and block.language == "text"), block.place


def build_site(project: Path) -> subprocess.CompletedProcess[str]:
    """Build the site of a folder that holds a mkdocs.yml; every warning is an error."""
    return subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "-f", "mkdocs.yml"],
        cwd=project,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the documentation, in a folder of its own: a site has to lie within its project."""
    pytest.importorskip("zensical", reason="the site needs pip install '.[docs]'")
    project = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "docs", project / "docs")
    for name in ("mkdocs.yml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, project)
    for name in ("yamkit", "backends", "frontends"):
        (project / name).symlink_to(ROOT / name)
    done = build_site(project)
    assert done.returncode == 0, done.stdout + done.stderr
    return project / "build" / "site"


@pytest.mark.slow(reason="builds sites")
@pytest.mark.parametrize("target", ["absent.md", "other.md#absent", "#absent"])
def test_a_broken_link_fails_the_build(target: str, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text("site_name: small\n")
    (tmp_path / "docs" / "other.md").write_text("# Other\n")
    index = tmp_path / "docs" / "index.md"
    pytest.importorskip("zensical", reason="the site needs pip install '.[docs]'")
    for link in ("other.md#other", target):
        index.write_text(f"# Small\n\n[a link]({link})\n")
        done = build_site(tmp_path)
        assert (done.returncode == 0) == (link != target), done.stdout + done.stderr


def text_of(page: Path) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text("utf-8")))


def text_below(folder: Path) -> str:
    return "\n".join(map(text_of, sorted(folder.glob("*.html"))))


@pytest.mark.slow(reason="builds the site")
@pytest.mark.xdist_group("site")
def test_every_command_and_option_appears(site: Path) -> None:
    text = text_of(site / "reference" / "cli.html")
    seen = 0
    assert "Sentinel" not in text, "a default that is none"
    for name, command in commands(cli, "yamkit"):
        assert name in text, name
        for parameter in command.params:
            for option in parameter.opts if isinstance(parameter, click.Option) else ():
                assert option in text, f"{name} {option}"
                assert getattr(parameter, "help", None), f"{name} {option} has no help"
                seen += 1
    assert seen > 100


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for key, each in command.commands.items():
            yield from commands(each, f"{name} {key}")


@pytest.mark.slow(reason="builds the site")
@pytest.mark.xdist_group("site")
def test_every_public_name_appears(site: Path) -> None:
    plugins = text_below(site / "reference" / "plugins")
    for module in (plugin, testing, networks, features):
        for name in module.__all__:
            if name not in ("hookspec", "CONTRACTS"):
                assert name in plugins, name
    python = text_below(site / "reference" / "python")
    modules = (yamkit, errors, types, calibration, classes, listening, postprocessing)
    for name in [name for module in modules for name in module.__all__]:
        if name != "__version__":
            assert name in python, name


def test_every_hook_is_documented_and_has_a_contract() -> None:
    page = (ROOT / "docs" / "reference" / "plugins" / "index.md").read_text()
    for kind, (hook, descriptor) in KINDS.items():
        contract = testing.CONTRACTS[kind].__name__
        row = next(line for line in page.splitlines() if f"| `{hook}` " in line)
        assert f"`{descriptor.__name__}`" in row
        assert f"`{contract}`" in row
    assert set(KINDS) == set(testing.CONTRACTS)


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text()
    for page in (ROOT / "docs").rglob("*.md"):
        assert f"- {page.relative_to(ROOT / 'docs').as_posix()}\n" in navigation


def test_the_json_example_keeps_to_the_schema() -> None:
    (example,) = [b.text for b in blocks(ROOT / "docs/reference/json.md") if b.language == "json"]
    document = json.loads(example)
    document["model"]["sha256"] = "0" * 64
    jsonschema.validate(document, SCHEMA)
    document["clips"][0].pop("tags")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


@every_page
def test_links_resolve(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)]+))?\)", prose):
        if target.startswith("https://"):
            continue
        linked = page.parent / target if target else page
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked), f"{target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """Give the anchors that headings get, on the site and in code hosts alike."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
