"""What is written appears whole, follows no link, and leaves nothing after a kill."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from yamkit._util import replace as _replace
from yamkit._util.machine import boot_mark
from yamkit._util.replace import Part, abandoned, replaced, working_folder


@pytest.fixture(autouse=True)
def _fresh_process():
    _replace._sweep.cache_clear()


def left(number: str, machine: str | None = None) -> str:
    """Name a folder as a process names it that was killed; `machine` is another one."""
    return f".yamkit-{machine or boot_mark()}-012345{number}.part"


def test_what_is_whole_takes_the_place(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with replaced(tmp_path / "a") as fresh:
        fresh.write_text("new")
        assert (tmp_path / "a").read_text() == "old"
    with replaced(tmp_path / "folder") as fresh:
        fresh.mkdir()
        (fresh / "b").touch()
    assert (tmp_path / "a").read_text() == "new"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "b", "folder"]


@pytest.mark.parametrize("is_folder", [False, True])
def test_what_goes_wrong_leaves_nothing(tmp_path: Path, is_folder: bool) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(ZeroDivisionError), replaced(tmp_path / "a") as fresh:
        fresh.mkdir() if is_folder else fresh.touch()
        _ = 1 / 0
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_a_folder_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "mine").touch()
    for write in (Path.touch, Path.mkdir):
        with pytest.raises(OSError, match="irectory"), replaced(tmp_path / "a") as fresh:
            write(fresh)
            (fresh / "b").touch() if fresh.is_dir() else None
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "mine"]


@pytest.mark.parametrize("is_there", [False, True])
def test_a_link_is_refused(tmp_path: Path, is_there: bool) -> None:
    target = tmp_path / "target"
    if is_there:
        target.write_text("mine")
    (tmp_path / "a").symlink_to(target)
    with pytest.raises(OSError, match="symbolic link"), replaced(tmp_path / "a"):
        pytest.fail("it was begun")
    assert target.exists() == is_there
    assert [path.name for path in tmp_path.iterdir() if path != target] == ["a"]


def test_a_link_that_appears_meanwhile_is_replaced(tmp_path: Path) -> None:
    with replaced(tmp_path / "a") as fresh:
        fresh.write_text("new")
        (tmp_path / "a").symlink_to(tmp_path / "target")
    assert not (tmp_path / "a").is_symlink()
    assert not (tmp_path / "target").exists()
    assert (tmp_path / "a").read_text() == "new"


def test_permissions_stay(tmp_path: Path) -> None:
    (tmp_path / "a").touch(0o640)
    with replaced(tmp_path / "a") as fresh:
        fresh.touch()
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


KILLED = """
import os, sys
from pathlib import Path
from yamkit._util.replace import Part

part = Part(Path("a"))
part.path.mkdir() if sys.argv[1] == "folder" else part.path.write_text("half")
os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks no folders")
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_kill_left_is_swept(tmp_path: Path, kind: str) -> None:
    subprocess.run([sys.executable, "-c", KILLED, kind], cwd=tmp_path, check=False)
    assert len(list(tmp_path.iterdir())) == 1
    with replaced(tmp_path / "a") as fresh:
        fresh.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_others_write_or_own_is_not_swept(tmp_path: Path) -> None:
    mine = Part(tmp_path / "b")  # another run, which goes on
    mine.path.write_text("half")
    kept = [mine._folder.name]
    for name in (
        ".yamkit-mine.part",
        f"{left('ab')}.d",
        left("ab")[1:],
        ".yamkit-0123456789ab.part",
    ):
        (tmp_path / name).mkdir()
        kept.append(name)
    theirs = tmp_path / left("ab")  # the name, but not what this module puts there
    theirs.mkdir()
    (theirs / "thesis.txt").touch()
    (tmp_path / left("ac")).write_text("a file")
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "output").mkdir(parents=True)
    (tmp_path / left("ad")).symlink_to(elsewhere)
    kept += [theirs.name, left("ac"), left("ad"), "elsewhere"]
    _replace._sweep.cache_clear()
    with replaced(tmp_path / "a") as fresh:
        fresh.touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, "a"])
    assert (theirs / "thesis.txt").exists()
    assert (elsewhere / "output").exists()
    mine.discard()


def test_a_system_without_locks_on_folders(tmp_path: Path, monkeypatch) -> None:
    def none(*_: object, **__: object) -> int:
        raise OSError(95, os.strerror(95))

    monkeypatch.setattr(_replace, "_lock", none)
    (tmp_path / left("ab")).mkdir()
    with replaced(tmp_path / "a") as fresh:
        fresh.touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == [left("ab"), "a"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks no folders")
@pytest.mark.parametrize(
    "young", ["folder", "content", "folder deep inside", "file deep inside", "nothing"]
)
@pytest.mark.parametrize("is_here", [True, False])
def test_what_another_machine_left_is_swept_when_all_of_it_is_old(
    tmp_path: Path, young: str, is_here: bool
) -> None:
    """No lock is held on it here, as where a shared file system keeps locks to a machine."""
    folder = tmp_path / left("ab", None if is_here else f"{int(boot_mark(), 16) ^ 1:06x}")
    deep = folder / "output" / "part" / "half"
    deep.parent.mkdir(parents=True)
    deep.touch()
    days = 24 * 3600
    ages = {
        "file deep inside": deep,
        "folder deep inside": deep.parent,
        "content": folder / "output",
        "folder": folder,
    }
    for what, path in ages.items():
        then = time.time() - (6 if what == young else 8) * days
        os.utime(path, (then, then))
    with replaced(tmp_path / "a") as fresh:
        fresh.touch()
    assert folder.exists() == (not is_here and young != "nothing")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks no folders")
@pytest.mark.parametrize("machine", [None, "000000"])
@pytest.mark.long(reason="starts processes")
def test_what_is_left_may_be_deep(tmp_path: Path, machine: str | None) -> None:
    """A stranger's archive may bring folders of that name, of any depth and age."""
    folder = tmp_path / left("ab", machine)
    path = folder / "output"
    path.mkdir(parents=True)
    made = [folder, path]
    for _ in range(1200):
        path = path / "d"
        path.mkdir()
        made.append(path)
    for each in reversed(made):
        os.utime(each, (0, 0))
    with replaced(tmp_path / "a") as fresh:
        fresh.touch()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks no folders")
def test_a_working_folder_is_abandoned_when_its_lock_is_released(tmp_path: Path) -> None:
    with working_folder(tmp_path) as folder:
        (folder / "half").touch()
        assert list(abandoned(tmp_path)) == []
    assert list(abandoned(tmp_path)) == [folder]
    (tmp_path / left("ab", f"{int(boot_mark(), 16) ^ 1:06x}")).mkdir()  # another machine's, young
    assert list(abandoned(tmp_path)) == [folder]
    assert list(abandoned(tmp_path / "nowhere")) == []
