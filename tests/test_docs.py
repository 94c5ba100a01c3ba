"""The docs tell the truth: plugin and Python run, JSON keeps to its schema, links resolve."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from yamkit import Tagger
from yamkit._registry import discover, registry
from yamkit.models.bundle import ModelBundle

ROOT = Path(__file__).resolve().parent.parent
PAGES = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "training/README.md",
    "yamkit/data/models/yamnet-mini/README.md",
)
DOCS = sorted([*(ROOT / page for page in PAGES), *(ROOT / "docs").rglob("*.md")])
SCHEMA = json.loads((ROOT / "docs/reference/yamkit-1.schema.json").read_text())


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def test_the_backend_of_the_tutorial_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: ModelBundle
) -> None:
    registry()  # what is installed is found before the tutorial's plugin is on the path
    page = ROOT / "docs/tutorials/write-a-backend.md"
    hook, backend = blocks(page, "python")
    (manifest,) = blocks(page, "toml")
    package = tmp_path / "yamkit_float64"
    package.mkdir()
    (package / "__init__.py").write_text(hook)
    (package / "_backend.py").write_text(backend)
    entry_point = re.search(r'^\[project\.entry-points\.yamkit\]\n(\w+) = "(\w+)"', manifest, re.M)
    assert entry_point
    folder = tmp_path / "yamkit_float64-0.1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: yamkit-float64\nVersion: 0.1.0\n"
    )
    (folder / "entry_points.txt").write_text(
        f"[yamkit]\n{entry_point.group(1)} = {entry_point.group(2)}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.startswith("yamkit_float64")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("yamkit.pipeline.registry", lambda: plugins)
    plugins = discover()
    assert plugins.resolve("backend", "float64").distribution == "yamkit-float64"

    noise = np.random.default_rng(0).normal(0, 0.1, 8000)
    with Tagger(tiny, backend="float64") as theirs:
        found = theirs.tag(noise, 8000)
    monkeypatch.setattr("yamkit.pipeline.registry", registry)
    with Tagger(tiny, backend="numpy") as ours:
        wanted = ours.tag(noise, 8000)
    np.testing.assert_allclose(found.scores, wanted.scores, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found.embeddings, wanted.embeddings, rtol=1e-4, atol=1e-4)


def test_the_json_example_keeps_to_the_schema() -> None:
    (example,) = blocks(ROOT / "docs/reference/json.md", "json")
    document = json.loads(example)
    document["model"]["sha256"] = "0" * 64
    jsonschema.validate(document, SCHEMA)
    document["clips"][0].pop("tags")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), target


def test_python_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: ModelBundle, capsys
) -> None:
    import soundfile

    soundfile.write(tmp_path / "recording.wav", np.full(8000, 0.1), 8000)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YAMKIT_MODEL", str(tiny.folder))
    (code,) = blocks(ROOT / "README.md", "python")
    exec(compile(code, "README.md", "exec"), {})  # our own README
    assert "Tag(index=" in capsys.readouterr().out


def test_every_option_of_classify_is_documented_in_its_help() -> None:
    from yamkit.cli.classify import classify

    for parameter in classify.params:
        if parameter.param_type_name == "option":
            assert getattr(parameter, "help", None), parameter.name
