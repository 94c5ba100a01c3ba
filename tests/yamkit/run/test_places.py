"""Places: one file for each result, below the folder of the template, never an input."""

from __future__ import annotations

from pathlib import Path

import pytest

from yamkit._util.text import path_text
from yamkit.errors import ParameterError
from yamkit.plugin import SinkInfo
from yamkit.run.places import Format, plan_places


def sink(name: str = "rec", extension: str = "rec", **options) -> Format:
    info = SinkInfo(name=name, summary="", factory="x:y", api=1, extension=extension, **options)
    return Format(info, object)


REC, TWO = sink(), sink("two", "two")


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)


def placed(output: str, *clips: str, formats=(REC,)) -> set[str]:
    """Return where results of clips go."""
    places = plan_places(formats, output, clips)
    return {str(places.of(each, path_text(clip))) for each in formats for clip in clips}


@pytest.mark.parametrize("output", [None, "-"])
def test_standard_output(output: str | None) -> None:
    places = plan_places([REC], output, ["a.wav"])
    assert (places.of(REC, "a.wav"), places.shown, places.journal) == (None, None, None)
    assert places.are_there("a.wav")
    with pytest.raises(ParameterError, match="rec, two"):
        plan_places([REC, TWO], output, [])
    with pytest.raises(ParameterError, match="--output"):
        plan_places([REC], output, [], (1, 2))


@pytest.mark.parametrize(
    ("output", "is_per_clip", "expected"),
    [
        ("out.rec", False, {"out.rec"}),
        ("out/", True, {"out/a.rec", "out/stdin.rec"}),
        ("there", True, {"there/a.rec", "there/stdin.rec"}),
        ("{stem}.{ext}", True, {"a.rec", "stdin.rec"}),
        ("all.{ext}", False, {"all.rec"}),
    ],
)
def test_one_format(output: str, is_per_clip: bool, expected: set[str]) -> None:
    Path("there").mkdir()
    assert placed(output, "x/a.wav", "-") == expected
    assert plan_places([REC], output, []).per_clip == is_per_clip


@pytest.mark.parametrize("output", ["out", "out/", "out/{stem}.{ext}"])
def test_several_formats_need_a_folder(output: str) -> None:
    assert placed(output, "x/a.wav", formats=(REC, TWO)) == {"out/a.rec", "out/a.two"}


@pytest.mark.parametrize(
    ("output", "journal"),
    [
        ("tags.csv", "tags.csv.journal"),
        ("x/all.{ext}", "x/all.journal"),
        ("out/", "out/yamkit.journal"),
        ("out/{folder}/{stem}.{ext}", "out/yamkit.journal"),
        ("{stem}.{ext}", "yamkit.journal"),
    ],
)
def test_the_journal_lies_next_to_the_outputs(output: str, journal: str) -> None:
    assert plan_places([REC], output, []).journal == Path(journal)


def test_each_shard_has_its_own_file_and_journal() -> None:
    places = plan_places([REC], "tags.rec", ["a.wav"], (2, 3))
    assert places.of(REC, "") == Path("tags-00002-of-00003.rec")
    assert places.journal == Path("tags-00002-of-00003.rec.journal")
    places = plan_places([REC], "{stem}.{ext}", ["a.wav"], (2, 3))
    assert places.of(REC, "a.wav") == Path("a.rec")
    assert places.journal == Path("yamkit-00002-of-00003.journal")


def test_outputs_of_a_clip_are_there_when_all_formats_are() -> None:
    places = plan_places([REC, TWO], "{stem}.{ext}", ["a.wav"])
    assert not places.are_there("a.wav")
    Path("a.rec").touch()
    assert not places.are_there("a.wav")
    Path("a.two").touch()
    assert places.are_there("a.wav")


@pytest.mark.parametrize(
    ("formats", "output", "clips", "message"),
    [
        ([REC], "{stem}.{ext}", ["a/x.wav", "b/x.flac"], "a/x.wav as rec and b/x.flac as rec"),
        ([REC, sink("two")], "one.{ext}", ["a.wav"], "all clips as rec and all clips as two"),
        ([REC, sink("two")], "one.rec", ["a.wav"], "'one.rec': 2 formats"),
        ([sink(one_clip=True)], "one.rec", ["a.wav", "b.wav"], "format rec: .* one clip, not 2"),
        ([REC], "{foo}.{ext}", ["a.wav"], "{foo}; .*{folder}, {stem}, {name}, "),
        ([REC], "{stem", ["a.wav"], "{stem; "),
        ([REC], "", ["a.wav"], "output ''"),
        ([REC], "a.wav", ["a.wav"], "output a.wav is one of the inputs"),
        ([REC], "./x/../a.wav", ["a.wav"], "is one of the inputs"),
    ],
)
def test_clashes_are_refused(formats, output: str, clips: list[str], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        plan_places(formats, output, clips)


def test_a_name_of_dots_is_a_name() -> None:
    assert placed("in/{stem}/r.{ext}", "...flac") == {"in/...flac/r.rec"}


def test_fields_in_the_name_of_a_clip_are_not_filled_in() -> None:
    assert placed("{stem}.{ext}", "{name}{ext}.wav") == {"{name}{ext}.rec"}


@pytest.mark.parametrize(
    "folder", ["{folder}", ".{folder}", "{folder}{folder}", "{name}", "{stem}"]
)
@pytest.mark.parametrize(
    "clip",
    [
        "a.wav",
        "./a.wav",
        "../a.wav",
        "/a.wav",
        "//a.wav",
        "x/../../a.wav",
        "..",
        ".",
        "../..",
        "...wav",
    ]
    + [f"http://host/{rest}" for rest in ("", ".", "..", "../..", "/..", "a/../../b.wav", "...wav")]
    + ["http://..", "http://../..", "file:///../../etc/passwd", "s3://.", "-"],
)
def test_no_clip_leads_out_of_the_folder_of_a_template(clip: str, folder: str) -> None:
    (place,) = placed(f"out/{folder}/{{stem}}.{{ext}}", clip)
    assert Path(place).parts[0] == "out"
    assert ".." not in Path(place).parts


def test_the_folder_of_a_template_stays_as_the_user_wrote_it() -> None:
    assert placed("../out/{stem}.{ext}", "a.wav") == {"../out/a.rec"}


@pytest.mark.parametrize("mark", ["\x1b[31m", "\n", "\x7f", "\x9b", "\u202e", "\u2028"])
def test_control_characters_in_the_name_of_a_clip_become_underscores(mark: str) -> None:
    rest = mark.replace(mark[0], "_")
    assert placed("{folder}/{stem}.{ext}", f"in{mark}/a{mark}ü.wav") == {f"in{rest}/a{rest}ü.rec"}
    with pytest.raises(ParameterError, match="would both go to") as caught:
        plan_places([REC], "{stem}.{ext}", [f"a{mark}.wav", f"a{rest}.wav"])
    assert mark[0] not in str(caught.value)


def test_names_that_are_not_unicode_are_compared_as_they_are_written() -> None:
    with pytest.raises(ParameterError, match="would both go to"):
        plan_places([REC], "{stem}.{ext}", ["\udcff.wav", "\\xff.wav"])


def test_folders_keep_clips_apart() -> None:
    clips = ["rec/x.wav", "rec/sub/x.wav", "../rec/y.wav", "/rec/z.wav"]
    assert placed("out/{folder}/{stem}.{ext}", *clips) == {
        "out/rec/x.rec",
        "out/rec/sub/x.rec",
        "out/rec/y.rec",
        "out/rec/z.rec",
    }


def test_suffixes_keep_clips_apart() -> None:
    assert placed("{name}.{ext}", "x.wav", "x.flac") == {"x.wav.rec", "x.flac.rec"}
