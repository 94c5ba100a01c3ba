"""Symbolic links in the place of whatever a command writes are refused, and left as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from yamkit.models.bundle import ModelBundle

CLIPS = {"1.wav": "Dog", "2.wav": "Speech", "3.wav": "", "4.wav": "Dog"}
EVAL = ("eval", "list.csv", "--audio", "audio")
TABLE = ("classify", "audio/1.wav", "audio/2.wav", "--format", "csv")

# the place of a link -> the command that writes there
WRITERS = {
    "out.csv": (*TABLE, "-o", "out.csv"),
    "out.csv.journal": (*TABLE, "-o", "out.csv"),
    "out.csv.journal-wal": (*TABLE, "-o", "out.csv"),
    "out.csv.journal-shm": (*TABLE, "-o", "out.csv"),
    "out/1.csv": (*TABLE, "-o", "out/"),
    "out/yamkit.journal": (*TABLE, "-o", "out/"),
    "out/1-c.csv": (*TABLE, "-o", "out/{stem}-c.{ext}"),
    "out/1.scores.npy": (*TABLE, "-o", "out/", "--save-scores"),
    "out/1.embeddings.npy": (*TABLE, "-o", "out/", "--save-embeddings"),
    "s.npz": (*EVAL, "--scores", "s.npz"),
    "s.npz.journal": (*EVAL, "--scores", "s.npz"),
    "report/report.txt": (*EVAL, "--report", "report"),
    "report/report.json": (*EVAL, "--report", "report"),
    "report/classes.csv": (*EVAL, "--report", "report"),
    "report/scores.npz": (*EVAL, "--report", "report"),
    "c.csv": ("calibrate", "list.csv", "--audio", "audio", "-o", "c.csv"),
    "net.onnx": ("models", "export", "--to", "onnx", "-o", "net.onnx", "--replace"),
    "net.npz": ("models", "export", "--to", "npz", "-o", "net.npz", "--replace"),
    "yamkit-mine": ("plugins", "new", "yamkit-mine", "--kind", "sink"),
}


@pytest.fixture(autouse=True)
def _set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: ModelBundle):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YAMKIT_MODEL", str(tiny.folder))
    Path("audio").mkdir()
    for number, name in enumerate(CLIPS):
        noise = np.random.default_rng(number).normal(0, 0.1 * (number + 1), 8000)
        soundfile.write(Path("audio", name), np.clip(noise, -1, 1), 8000)
    rows = "".join(f"{name},{labels}\n" for name, labels in CLIPS.items())
    Path("list.csv").write_text("path,labels\n" + rows)


@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize("place", WRITERS)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_a_link_is_refused(yamkit, tiny: ModelBundle, place: str, is_there: bool) -> None:
    target = Path("start-up").absolute()
    if is_there:
        target.write_text("mine")
    Path(place).parent.mkdir(exist_ok=True)
    Path(place).symlink_to(target)
    arguments = WRITERS[place]
    if arguments[:2] == ("models", "export"):
        arguments = (*arguments[:2], str(tiny.folder), *arguments[2:])
    code, _, err = yamkit(*arguments)
    assert code != 0
    assert [line for line in err.splitlines() if line.startswith("error: ")]
    assert "link" in err or place == "yamkit-mine"  # whatever is there is refused by that command
    assert Path(place).is_symlink()
    assert target.exists() == is_there
    if is_there:
        assert target.read_text() == "mine"
    assert not list(Path().rglob(".yamkit-*"))


def test_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from yamkit.bench import plot

    Path("speed.png").symlink_to("start-up")
    with pytest.raises(OSError, match="a symbolic link"):
        plot([], Path("speed.png"))
    assert not Path("start-up").exists()
