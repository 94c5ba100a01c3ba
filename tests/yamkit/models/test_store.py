from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from yamkit._util.machine import boot_mark
from yamkit._util.replace import working_folder
from yamkit.errors import (
    BundleError,
    ModelExistsError,
    ParameterError,
    StoreError,
    UnknownModelError,
    WeightFileError,
)
from yamkit.models.store import (
    DEFAULT_MODEL,
    FALLBACK_MODEL,
    built_in,
    cache_folder,
    default_model,
    find_model,
    install,
    installed,
    models_folder,
    remove_model,
)


def left(number: str, machine: str | None = None) -> str:
    """Name a hidden folder as a process names it that was killed; `machine` is another one."""
    return f".yamkit-{machine or boot_mark()}-012345{number}.part"


@pytest.fixture
def build(tiny):
    """Put the tiny bundle into the folder that `install` gives."""

    def copy(folder: Path) -> None:
        shutil.copytree(tiny.folder, folder, dirs_exist_ok=True)

    return copy


@pytest.fixture
def build_other(build):
    """The same with another licence."""

    def copy(folder: Path) -> None:
        build(folder)
        path = folder / "model.toml"
        path.write_text(path.read_text().replace("CC0-1.0", "other"))

    return copy


@pytest.fixture
def build_named(build):
    """The same under another name."""

    def builder(name: str):
        def copy(folder: Path) -> None:
            build(folder)
            path = folder / "model.toml"
            path.write_text(path.read_text().replace('name = "tiny"', f'name = "{name}"'))

        return copy

    return builder


def contents() -> list[str]:
    return sorted(path.name for path in models_folder().iterdir())


def test_folders_follow_the_home_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("YAMKIT_HOME", str(tmp_path))
    assert models_folder() == tmp_path / "models"
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.setenv("YAMKIT_HOME", "~/sounds")
    assert models_folder() == Path.home() / "sounds" / "models"


def test_folders_are_the_platforms_otherwise(monkeypatch):
    monkeypatch.setattr("platformdirs.user_data_dir", lambda name, appauthor: f"/data/{name}")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name, appauthor: f"/cache/{name}")
    monkeypatch.setenv("YAMKIT_HOME", "")
    assert models_folder() == Path("/data/yamkit/models")
    assert cache_folder() == Path("/cache/yamkit")


def test_nothing_is_installed_at_first():
    assert installed() == []
    assert not models_folder().exists()


def test_install_find_list_remove(tiny, build):
    bundle = install("tiny", build)
    assert bundle.folder == models_folder() / "tiny"
    assert bundle.sha256 == tiny.sha256
    assert find_model("tiny") == bundle
    (row,) = installed()
    assert (row.name, row.folder, row.bundle, row.problem) == ("tiny", bundle.folder, bundle, None)
    assert contents() == ["tiny"]
    assert remove_model("tiny") == bundle.folder
    assert contents() == []


def test_a_bundle_in_any_folder_is_found_by_path(tiny, monkeypatch):
    assert find_model(tiny.folder) == tiny
    assert find_model(str(tiny.folder)) == tiny
    monkeypatch.chdir(tiny.folder)
    assert find_model(".").sha256 == tiny.sha256
    with pytest.raises(BundleError, match="missing; a bundle is a folder with model.toml"):
        find_model("./nothing")


def test_an_unknown_name_lists_what_there_is_and_what_to_do(build):
    with pytest.raises(
        UnknownModelError,
        match=r"^model 'tiny' is not installed \(installed: yamnet-mini\); `yamkit models pu",
    ):
        find_model("tiny")
    install("tiny", build)
    with pytest.raises(UnknownModelError) as caught:
        find_model("tinny")
    message = str(caught.value)
    assert "did you mean 'tiny'?" in message
    assert "(installed: tiny, yamnet-mini)" in message
    assert "`yamkit models import FILE.h5 --name yamnet`" in message
    with pytest.raises(UnknownModelError, match="model 'x' is not installed"):
        remove_model("x")


def test_the_default_model(tiny, build, monkeypatch):
    assert default_model().name == FALLBACK_MODEL
    install("tiny", build)
    assert default_model().name == FALLBACK_MODEL
    monkeypatch.setenv("YAMKIT_MODEL", "tiny")
    assert default_model().sha256 == tiny.sha256
    monkeypatch.setenv("YAMKIT_MODEL", str(tiny.folder))
    assert default_model() == tiny


def test_the_full_model_comes_before_the_small_one(tiny, build_named, monkeypatch):
    install(DEFAULT_MODEL, build_named(DEFAULT_MODEL))
    assert default_model().name == DEFAULT_MODEL
    monkeypatch.setenv("YAMKIT_MODEL", FALLBACK_MODEL)
    assert default_model().name == FALLBACK_MODEL


def test_a_broken_full_model_is_an_error_and_not_passed_over():
    (models_folder() / DEFAULT_MODEL).mkdir(parents=True)
    with pytest.raises(BundleError):
        default_model()


def test_the_built_in_models_are_found_where_the_store_cannot_be_read(monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.write_text("no folder")
    monkeypatch.setenv("YAMKIT_HOME", str(file))
    assert find_model(FALLBACK_MODEL).name == FALLBACK_MODEL
    with pytest.raises(StoreError):
        find_model("tiny")


def test_the_built_in_models_are_found_but_never_replaced_nor_removed():
    (row,) = built_in()
    assert (row.name, row.problem, row.is_built_in) == (FALLBACK_MODEL, None, True)
    assert find_model(FALLBACK_MODEL) == row.bundle
    with pytest.raises(ModelExistsError, match="built-in model; choose another with --name"):
        install(FALLBACK_MODEL, pytest.fail, replace=True)
    with pytest.raises(StoreError, match="cannot be removed"):
        remove_model(FALLBACK_MODEL)
    assert find_model(FALLBACK_MODEL) == row.bundle


def test_an_installed_model_with_the_name_of_a_built_in_one_can_be_removed(build_named):
    build = build_named(FALLBACK_MODEL)
    folder = models_folder() / FALLBACK_MODEL
    folder.mkdir(parents=True)
    build(folder)
    (row,) = installed()
    assert row.bundle is None
    assert f"never used, since {FALLBACK_MODEL} is built in" in row.problem
    assert find_model(FALLBACK_MODEL) == built_in()[0].bundle
    with pytest.raises(UnknownModelError, match=rf"\(installed: {FALLBACK_MODEL}\)"):
        find_model("nobody")
    assert remove_model(FALLBACK_MODEL) == folder
    assert installed() == []


def test_a_name_that_exists_is_replaced_only_on_request(tiny, build, build_other):
    with_replace = install("tiny", build, replace=True)
    assert with_replace.licence == "CC0-1.0"
    with pytest.raises(ModelExistsError, match="'tiny' .*; --replace replaces it"):
        install("tiny", pytest.fail)
    assert install("tiny", build_other, replace=True).licence == "other"
    assert contents() == ["tiny"]


def test_a_name_that_appears_meanwhile_is_not_replaced(build, build_other):
    def race(folder: Path) -> None:
        install("tiny", build_other)
        build(folder)

    with pytest.raises(ModelExistsError):
        install("tiny", race)
    assert find_model("tiny").licence == "other"
    assert contents() == ["tiny"]


@pytest.mark.parametrize("name", ["", "..", "a/b", "A"])
def test_names_are_checked_before_anything_is_made(name):
    with pytest.raises(ParameterError, match="model name"):
        install(name, pytest.fail)
    assert not models_folder().exists()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (WeightFileError("bad"), WeightFileError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (ZeroDivisionError(), ZeroDivisionError),
        (OSError(28, "No space left on device"), StoreError),
    ],
)
def test_a_failure_leaves_what_was_there(error, expected, tiny, build):
    def fail(folder: Path) -> None:
        (folder / "weights.npz").write_bytes(b"half")
        (folder.parent / "scratch").write_bytes(b"more")
        raise error

    with pytest.raises(expected):
        install("tiny", fail)
    assert contents() == []
    install("tiny", build)
    with pytest.raises(expected):
        install("tiny", fail, replace=True)
    assert contents() == ["tiny"]
    assert find_model("tiny").sha256 == tiny.sha256


def test_what_is_not_a_sound_bundle_of_that_name_is_not_installed(build):
    with pytest.raises(BundleError, match="missing; a bundle is a folder"):
        install("tiny", lambda folder: None)
    with pytest.raises(BundleError, match="name 'tiny' in model.toml"):
        install("large", build)
    assert contents() == []


def test_the_old_model_comes_back_when_the_exchange_is_interrupted(build, build_other, monkeypatch):
    install("tiny", build)
    rename = Path.rename
    calls = []

    def interrupted(self: Path, target: Path) -> Path:
        calls.append(self)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        install("tiny", build_other, replace=True)
    monkeypatch.undo()
    assert len(calls) == 3
    monkeypatch.setenv("YAMKIT_HOME", str(calls[0].parent.parent))
    assert find_model("tiny").licence == "CC0-1.0"
    assert contents() == ["tiny"]


def test_a_failed_first_exchange_leaves_nothing(build, monkeypatch):
    def refuse(self: Path, target: Path) -> Path:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StoreError, match="cannot install tiny in .*: Invalid cross-device link"):
        install("tiny", build, replace=True)
    assert contents() == []


def test_a_model_that_cannot_be_removed_stays(build, monkeypatch):
    install("tiny", build)

    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StoreError, match="cannot remove .*tiny: Permission denied"):
        remove_model("tiny")
    assert contents() == ["tiny"]


def test_broken_models_are_listed_and_can_be_removed_and_replaced(build):
    folder = install("tiny", build).folder
    (folder / "weights.npz").unlink()
    (models_folder() / "README").write_text("not a folder")
    (models_folder() / ".hidden").mkdir()
    (row,) = installed()
    assert row.bundle is None
    assert "weights.npz: missing" in row.problem
    with pytest.raises(BundleError, match=r"weights\.npz: missing"):
        find_model("tiny")
    install("tiny", build, replace=True)
    folder.rename(folder.with_name("copy"))
    (row,) = installed()
    assert "name 'tiny' in model.toml" in row.problem
    remove_model("copy")
    assert installed() == []


def test_a_linked_model_is_unlinked_and_its_target_stays(tiny):
    models_folder().mkdir(parents=True)
    (models_folder() / "tiny").symlink_to(tiny.folder)
    assert find_model("tiny").sha256 == tiny.sha256
    remove_model("tiny")
    tiny.verify()
    assert contents() == []


def test_a_store_that_is_no_folder(build, monkeypatch, tmp_path):
    (tmp_path / "models").write_text("")
    monkeypatch.setenv("YAMKIT_HOME", str(tmp_path))
    with pytest.raises(StoreError, match="cannot read the models in .*: Not a directory"):
        installed()
    with pytest.raises(StoreError, match="cannot write the models in .*YAMKIT_HOME sets another"):
        install("tiny", build)


def test_an_interruption_right_after_the_old_model_went_puts_it_back(
    build, build_other, monkeypatch
):
    install("tiny", build)
    rename = Path.rename
    store = Path(os.environ["YAMKIT_HOME"]) / "models"

    def interrupted(self: Path, target: Path) -> Path:
        result = rename(self, target)
        if self == store / "tiny":
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        install("tiny", build_other, replace=True)
    monkeypatch.setattr(Path, "rename", rename)
    assert find_model("tiny").licence == "CC0-1.0"
    assert contents() == ["tiny"]


def test_what_a_kill_left_behind_is_put_back_or_removed(build, build_other):
    install("tiny", build)
    store = Path(os.environ["YAMKIT_HOME"]) / "models"
    killed = store / left("ab") / ".replaced"
    killed.mkdir(parents=True)
    (store / "tiny").rename(killed / "tiny")
    (killed.parent / "tiny").mkdir()
    (store / left("ac")).mkdir()
    (store / left("ad", machine="000000")).mkdir()
    with pytest.raises(ModelExistsError):
        install("tiny", build_other)
    assert find_model("tiny").licence == "CC0-1.0"
    assert contents() == [left("ad", machine="000000"), "tiny"]


def test_a_model_that_was_removed_after_a_complete_exchange_stays_away(build, build_other):
    install("tiny", build)
    replaced = models_folder() / left("ab") / ".replaced"
    replaced.mkdir(parents=True)
    (models_folder() / "tiny").rename(replaced / "tiny")
    with pytest.raises(UnknownModelError):
        remove_model("tiny")
    assert contents() == []
    assert install("tiny", build_other).licence == "other"


def test_a_model_that_cannot_be_put_back_is_kept_for_the_next_time(build, build_other, monkeypatch):
    install("tiny", build)
    rename = Path.rename
    calls = []

    def once(self: Path, target: Path) -> Path:
        calls.append(self)
        if len(calls) > 1:
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", once)
        with pytest.raises(StoreError, match="cannot install tiny in .*: Permission denied"):
            install("tiny", build_other, replace=True)
    assert len(contents()) == 1
    assert installed() == []
    with pytest.raises(UnknownModelError):
        remove_model("other")
    assert find_model("tiny").licence == "CC0-1.0"
    assert contents() == ["tiny"]


def test_an_installation_that_goes_on_is_left_alone(build):
    models_folder().mkdir(parents=True)
    with working_folder(models_folder()) as scratch:
        (scratch / ".download.h5").write_bytes(b"half")
        os.utime(scratch, (0, 0))
        install("tiny", build)
        assert contents() == [scratch.name, "tiny"]


def test_a_model_may_be_named_like_a_scratch_file(tiny):
    def build(folder: Path) -> None:
        (folder.parent / ".download.h5").write_bytes(b"")
        shutil.copytree(tiny.folder, folder, dirs_exist_ok=True)
        path = folder / "model.toml"
        path.write_text(path.read_text().replace('"tiny"', '"download.h5"'))

    install("download.h5", build)
    assert install("download.h5", build, replace=True).name == "download.h5"
    assert contents() == ["download.h5"]


@pytest.mark.skipif(os.name == "nt", reason="Windows does not expand ~name")
def test_the_home_of_an_unknown_user(build, monkeypatch):
    monkeypatch.setenv("YAMKIT_HOME", "~no-such-user\n/x")
    for call in (models_folder, cache_folder, installed, lambda: install("tiny", build)):
        with pytest.raises(StoreError, match=r"YAMKIT_HOME ~no-such-user\\n/x: no such user"):
            call()
