from __future__ import annotations

from pathlib import Path

import pytest

from yamkit._replace import replaced


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
