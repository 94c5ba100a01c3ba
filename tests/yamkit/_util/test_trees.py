from __future__ import annotations

import os

import pytest

from yamkit._util.trees import latest_change, make_folders, remove_tree

LEVELS = 1200


def test_folders_deeper_than_calls_may_nest(tmp_path):
    deep = tmp_path.joinpath(*"d" * LEVELS)
    make_folders(deep)
    make_folders(deep)
    (deep / "file").write_text("x")
    other = tmp_path / "other"
    other.mkdir()
    (other / "kept").write_text("x")
    (deep / "link").symlink_to(other)
    remove_tree(tmp_path / "d")
    assert list(tmp_path.iterdir()) == [other]
    assert list(other.iterdir()) == [other / "kept"]


def test_what_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file" / "a" / "b", tmp_path / "file"):
        with pytest.raises((NotADirectoryError, FileExistsError)):
            make_folders(folder)


def test_what_is_not_there_is_removed(tmp_path):
    remove_tree(tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long(reason="starts processes")
def test_the_latest_change_is_found_at_any_depth(tmp_path):
    deep = tmp_path.joinpath(*"d" * LEVELS)
    make_folders(deep)
    (deep / "file").touch()
    other = tmp_path.parent / f"{tmp_path.name}-other"
    other.touch()
    (deep / "link").symlink_to(other)
    os.utime(other, (10**9, 10**9))
    places = [deep / "link", deep / "file", *[deep, *deep.parents][: LEVELS + 1]]
    for path in places:
        os.utime(path, (1000, 1000), follow_symlinks=False)
    assert latest_change(tmp_path) == 1000
    for then, path in enumerate((tmp_path, deep, deep / "file", deep / "link"), 2000):
        os.utime(path, (then, then), follow_symlinks=False)
        assert latest_change(tmp_path) == then
    remove_tree(tmp_path)
    with pytest.raises(FileNotFoundError):
        latest_change(tmp_path)
