"""A release is made of what the tag says, or not at all."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import subprocess
import zipfile
from pathlib import Path

import pytest

import yamkit

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def release():
    spec = importlib.util.spec_from_file_location("release", ROOT / ".ci" / "release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wheel(release, folder: Path, *extra: str, without: str = "", version: str = "1.2.3") -> Path:
    names = {f"{package}/__init__.py" for package in release.PACKAGES} | set(release.NEEDED)
    path = folder / f"yamkit-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("yamkit-1.2.3.dist-info/METADATA", f"Name: yamkit\nVersion: {version}\n")
        archive.writestr("yamkit-1.2.3.dist-info/RECORD", "")
        for name in sorted((names | set(extra)) - {without}):
            archive.writestr(name, "")
    return path


def test_a_sound_wheel(release, tmp_path: Path) -> None:
    release.check_wheel(wheel(release, tmp_path), "1.2.3")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extra": "yamkit_litert/__init__.py"}, "yamkit_litert/__init__.py does not belong there"),
        ({"extra": "yamkit/secret.pem"}, "yamkit/secret.pem does not belong there"),
        ({"extra": "tests/test_x.py"}, "tests/test_x.py does not belong there"),
        ({"without": "yamkit/testing/golden.npz"}, "yamkit/testing/golden.npz is missing"),
        ({"without": "yamkit_onnx/__init__.py"}, "yamkit_onnx/__init__.py is missing"),
        ({"version": "1.2.4"}, "its metadata say version 1.2.4"),
    ],
)
def test_an_unsound_wheel(release, tmp_path: Path, change: dict, message: str) -> None:
    extra = [change.pop("extra")] if "extra" in change else []
    with pytest.raises(release.Refused, match=message):
        release.check_wheel(wheel(release, tmp_path, *extra, **change), "1.2.3")


def test_a_wheel_that_is_too_large(release, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(release, "MOST_BYTES", 10)
    with pytest.raises(release.Refused, match="bytes, wanted fewer than 10"):
        release.check_wheel(wheel(release, tmp_path), "1.2.3")


def test_sources_agree_with_the_tag(release, tmp_path: Path) -> None:
    (tmp_path / "yamkit").mkdir()
    (tmp_path / "yamkit" / "__init__.py").write_text('__version__ = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text("## [Unreleased]\n\n## [1.2.3] - 2026-11-23\n")
    release.check_sources(tmp_path, "1.2.3")
    with pytest.raises(release.Refused, match=r"__init__\.py says 1\.2\.3, the tag says 1\.2\.4"):
        release.check_sources(tmp_path, "1.2.4")
    (tmp_path / "CHANGELOG.md").write_text("## [Unreleased]\n")
    with pytest.raises(release.Refused, match=r"no heading '## \[1\.2\.3\] - YYYY-MM-DD'"):
        release.check_sources(tmp_path, "1.2.3")


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2", "v1.2.3-rc1", "main"])
def test_a_tag_that_is_none(release, tmp_path: Path, tag: str) -> None:
    with pytest.raises(release.Refused, match="wanted vX"):
        release.release(tmp_path, tag, tmp_path / "dist")


def test_a_tag_that_is_not_there(release, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    with pytest.raises(release.Refused, match=r"tag v1\.2\.3: not in .*; make it with git tag"):
        release.release(tmp_path, "v1.2.3", tmp_path / "dist")


def test_the_version_stands_in_one_place() -> None:
    assert 'dynamic = ["version"]' in (ROOT / "pyproject.toml").read_text()
    assert yamkit.__version__ == importlib.metadata.version("yamkit")


def test_the_command(release, tmp_path: Path, monkeypatch) -> None:
    made = wheel(release, tmp_path, version=yamkit.__version__)
    monkeypatch.setattr("sys.argv", ["release.py", "--wheel", str(made)])
    release.main()
    for arguments, message in (
        ([], "usage: python release.py"),
        (["v9.9.9"], r"refused: tag v9\.9\.9: not in"),
        (["--wheel", str(wheel(release, tmp_path, version="9.9.9"))], "refused: .* say version 9"),
    ):
        monkeypatch.setattr("sys.argv", ["release.py", *arguments])
        with pytest.raises(SystemExit, match=message):
            release.main()
