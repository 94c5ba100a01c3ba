"""Which files of a folder are sound, and which folders below it are searched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from yamkit import folders
from yamkit.folders import has_audio_suffix, sound_files

links = pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def found(folder: Path) -> list[str]:
    return [os.path.relpath(each, folder) for each in sound_files(str(folder))]


@pytest.mark.parametrize(
    "suffix",
    """
    .weba .mpga .adts .mp2 .3gp .amr .m2a .mp1 .mpa .3g2 .3gpp .awb .opus .oga .ogx .spx .wma .asf
    .ac3 .ec3 .eac3 .dts .mka .mk3d .mkv .webm .m4a .m4b .m4r .m4p .m4v .mp4 .mov .qt .f4a .f4v
    .flv .avi .ts .m2ts .mts .mpg .mpeg .vob .wv .ape .tta .caf .w64 .rf64 .bwf .aiff .au .mp3
    """.split(),  # noqa: SIM905
)
def test_suffixes_that_people_have(suffix: str, tmp_path: Path) -> None:
    fill(tmp_path, f"a{suffix}", f"b{suffix.upper()}", f"._c{suffix}", f"d{suffix}.txt")
    assert found(tmp_path) == [f"a{suffix}", f"b{suffix.upper()}"]


def test_what_has_no_sound_by_its_name() -> None:
    for name in ("notes.txt", "wav", "x.000", "list.m3u8", "scores.npz", "cover.avif", "x.mks"):
        assert not has_audio_suffix(name)


@links
def test_linked_folders_are_followed_once_each(tmp_path: Path) -> None:
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    fill(tree, "a/1.wav", "z/2.wav", ".store/set/3.wav", "._4.wav", "a/._5.wav")
    fill(outside, "deep/6.wav", "7.wav")
    (tree / "a" / "first").symlink_to(outside)
    (tree / "b").symlink_to(outside)  # the same folder again
    (tree / "c").symlink_to(outside / "deep")  # a part of it again
    (tree / "alias").symlink_to("z")  # found under its own name
    (tree / "kept").symlink_to(".store/set")  # found by this link alone
    (tree / "nowhere").symlink_to("gone")
    (tree / "itself").symlink_to("itself")
    (outside / "loop").symlink_to(outside)
    (outside / "deep" / "up").symlink_to("..")
    (outside / "back").symlink_to(tree)
    wanted = ["a/1.wav", "a/first/7.wav", "a/first/deep/6.wav", "kept/3.wav", "z/2.wav"]
    assert found(tree) == wanted
    metadata: list[str] = []
    list(sound_files(str(tree), metadata.append))
    assert sorted(metadata) == ["._4.wav", "._5.wav"]
    (tmp_path / "named").symlink_to(tree)
    assert found(tmp_path / "named") == wanted


@links
def test_a_link_to_a_folder_that_holds_the_named_one(tmp_path: Path) -> None:
    fill(tmp_path, "all/here/1.wav", "all/there/2.wav")
    (tmp_path / "all" / "here" / "up").symlink_to("../..")
    assert found(tmp_path / "all" / "here") == ["1.wav", "up/all/there/2.wav"]


@links
def test_folders_are_told_apart_where_the_system_numbers_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, "tree/1.wav", "outside/2.wav")
    (tmp_path / "tree" / "a").symlink_to(tmp_path / "outside")
    (tmp_path / "tree" / "b").symlink_to(tmp_path / "outside")
    (tmp_path / "outside" / "back").symlink_to(tmp_path / "tree")
    stat = os.stat

    def without_numbers(*arguments, **options):
        status = stat(*arguments, **options)
        return os.stat_result((status.st_mode, 0, status.st_dev, *status[3:]))

    with monkeypatch.context() as patch:
        patch.setattr(folders.os, "stat", without_numbers)
        names = found(tmp_path / "tree")
    assert names == ["1.wav", "a/2.wav"]


def test_a_folder_that_cannot_be_read_costs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, "a/1.wav", "b/2.wav")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("a"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    error, name = sound_files(str(tmp_path))
    assert isinstance(error, PermissionError)
    assert error.filename == str(tmp_path / "a")
    assert name == str(tmp_path / "b" / "2.wav")
