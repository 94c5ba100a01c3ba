"""Makes a release from a tag: ``python .ci/release.py v1.2.3`` leaves sdist and wheel in ``dist/``.

``python .ci/release.py --wheel FILE.whl`` checks what a wheel holds, and makes nothing.

The version is that of the tag. What is built is a fresh clone of the tag, never the working tree;
whatever contradicts it (version, changelog, contents of the wheel) stops the release. Nothing is
uploaded.
"""

from __future__ import annotations

import email.parser
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TAG = re.compile(r"v(\d+\.\d+\.\d+)")
PACKAGES = {
    "yamkit",
    "yamkit_keras",
    "yamkit_logmel",
    "yamkit_logmel_tf",
    "yamkit_numpy",
    "yamkit_onnx",
    "yamkit_waveform",
}
SUFFIXES = {".py", ".typed", ".csv", ".toml", ".npz", ".md", ".gitignore", ""}
NEEDED = (
    "yamkit/py.typed",
    "yamkit/data/models/yamnet-mini/weights.npz",
    "yamkit/data/ontology.csv",
    "yamkit/data/new-plugin/pyproject.toml",
    "yamkit/testing/golden.npz",
)
MOST_BYTES = 5_000_000


class Refused(Exception):  # noqa: N818  # it is told, not handled
    """What keeps a release from being made."""


def main() -> None:
    """Build, check, and put the files in their place."""
    arguments = sys.argv[1:]
    if len(arguments) != (2 if arguments[:1] == ["--wheel"] else 1):
        sys.exit(f"usage: python {Path(__file__).name} vX.Y.Z | --wheel FILE.whl")
    try:
        if arguments[0] == "--wheel":
            check_wheel(Path(arguments[1]), stated_version(ROOT))
            return
        for path in release(ROOT, arguments[0], ROOT / "dist"):
            print(path)
    except Refused as refused:
        sys.exit(f"refused: {refused}")


def release(root: Path, tag: str, output: Path) -> list[Path]:
    """Make a release of a repository.

    Raises
    ------
    Refused
        If tag, version, changelog and wheel do not agree.
    """
    match = TAG.fullmatch(tag)
    if match is None:
        raise Refused(f"tag {tag!r}: wanted vX.Y.Z")
    with tempfile.TemporaryDirectory() as scratch:
        clone = Path(scratch) / "yamkit"
        command = ["git", "clone", "--quiet", "--depth", "1", "--branch", tag, f"file://{root}"]
        if subprocess.run([*command, str(clone)], capture_output=True).returncode:
            raise Refused(f"tag {tag}: not in {root}; make it with git tag {tag}")
        check_sources(clone, match[1])
        built = Path(scratch) / "dist"
        subprocess.run(
            [sys.executable, "-m", "build", "--outdir", str(built), str(clone)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        files = sorted(built.iterdir())
        (wheel,) = [path for path in files if path.suffix == ".whl"]
        check_wheel(wheel, match[1])
        output.mkdir(exist_ok=True)
        return [Path(shutil.copy(path, output)) for path in files]


def stated_version(root: Path) -> str:
    """Read the version that the sources state."""
    source = (root / "yamkit" / "__init__.py").read_text("utf-8")
    stated = re.search(r'^__version__ = "([^"]+)"$', source, re.MULTILINE)
    return stated[1] if stated else "nothing"


def check_sources(root: Path, version: str) -> None:
    """Compare version and changelog with the tag."""
    found = stated_version(root)
    if found != version:
        raise Refused(f"yamkit/__init__.py says {found}, the tag says {version}")
    changelog = (root / "CHANGELOG.md").read_text("utf-8")
    if not re.search(
        rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE
    ):
        raise Refused(f"CHANGELOG.md has no heading '## [{version}] - YYYY-MM-DD'")


def check_wheel(wheel: Path, version: str) -> None:
    """See that a wheel holds what belongs there, and nothing else."""
    if wheel.stat().st_size >= MOST_BYTES:
        raise Refused(f"{wheel.name}: {wheel.stat().st_size} bytes, wanted fewer than {MOST_BYTES}")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = [name for name in names if name.endswith(".dist-info/METADATA")]
        fields = email.parser.Parser().parsestr(archive.read(metadata).decode())
    if fields["Version"] != version:
        raise Refused(f"{wheel.name}: its metadata say version {fields['Version']}")
    information = metadata.partition("/")[0]
    for name in names:
        top = name.partition("/")[0]
        if top != information and (top not in PACKAGES or Path(name).suffix not in SUFFIXES):
            raise Refused(f"{wheel.name}: {name} does not belong there")
    missing = [f"{package}/__init__.py" for package in PACKAGES]
    missing = [name for name in (*missing, *NEEDED) if name not in names]
    if missing:
        raise Refused(f"{wheel.name}: {missing[0]} is missing")


if __name__ == "__main__":
    main()
