"""``--channel`` and ``--stream``, in every command that tags, and what outputs say of them."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from yamkit.evaluation.scores_file import read_scores
from yamkit.models.bundle import ModelBundle
from yamkit.run import clips

RATE, LENGTH = 8000, 8000


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: ModelBundle):
    """Two sounds, each in a file of its own, and both as the channels of one file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YAMKIT_MODEL", str(tiny.folder))
    soft = np.random.default_rng(0).normal(0, 0.001, LENGTH)
    loud = np.random.default_rng(1).normal(0, 0.3, LENGTH)
    for folder, samples in {
        "1": soft,
        "2": loud,
        "mix": (soft + loud) / 2,
        "both": np.stack([soft, loud], axis=1),
    }.items():
        Path(folder).mkdir()
        soundfile.write(Path(folder, "a.wav"), samples, RATE, subtype="FLOAT")


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch):
    """Put a file on standard input, as a pipe."""
    streams = []

    def put(path: str) -> None:
        data = Path(path).read_bytes()
        assert len(data) <= 65_536, "a pipe holds no more"
        reading, writing = os.pipe()
        with os.fdopen(writing, "wb") as stream:
            stream.write(data)
        streams.append(io.TextIOWrapper(os.fdopen(reading, "rb")))
        monkeypatch.setattr(sys, "stdin", streams[-1])

    yield put
    for stream in streams:
        stream.close()


def scores(out: str) -> list[float]:
    (clip,) = json.loads(out)["clips"]
    return [tag["score"] for tag in sorted(clip["tags"], key=lambda tag: tag["index"])]


ALL = ("--top", "all", "--format", "json")


@pytest.mark.parametrize("channel", ["mix", "1", "2"])
@pytest.mark.parametrize("is_piped", [False, True])
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_a_channel_is_heard_as_a_file_of_its_own(
    yamkit, pipe, channel: str, is_piped: bool
) -> None:
    if is_piped:
        pipe("both/a.wav")
    source = "-" if is_piped else "both/a.wav"
    code, out, err = yamkit("classify", source, *ALL, "--channel", channel)
    assert (code, err) == (0, "")
    wanted = scores(yamkit("classify", f"{channel}/a.wav", *ALL)[1])
    assert scores(out) == pytest.approx(wanted, abs=1e-6)
    others = {"mix", "1", "2"} - {channel}
    for other in others:
        assert scores(yamkit("classify", f"{other}/a.wav", *ALL)[1]) != pytest.approx(wanted)
    assert json.loads(out)["parameters"]["channel"] == (
        channel if channel == "mix" else int(channel)
    )
    assert json.loads(out)["clips"][0]["channels"] == 2


def test_without_the_option_all_channels_are_mixed(yamkit) -> None:
    plain = yamkit("classify", "both/a.wav", *ALL)
    assert plain == yamkit("classify", "both/a.wav", *ALL, "--channel", "mix")


@pytest.mark.parametrize("name", ["text", "jsonl", "csv"])
@pytest.mark.parametrize("more", [(), ("--per-patch",), ("--events", "--enter", "0.1")])
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_every_output_says_which_channel(yamkit, name: str, more: tuple[str, ...]) -> None:
    one = ("classify", "both/a.wav", "--format", name, *more)
    chosen = yamkit(*one, "--channel", "2")[1]
    assert chosen
    if name == "text":
        assert "tiny, channel 2" in chosen
        assert "channel" not in yamkit(*one)[1]
    elif name == "jsonl":
        assert json.loads(chosen)["channel"] == 2
        assert "channel" not in json.loads(yamkit(*one)[1])
    else:
        found, plain = (
            {row["channel"] for row in csv.DictReader(io.StringIO(text))}
            for text in (chosen, yamkit(*one)[1])
        )
        assert (found, plain) == ({"2"}, {"mix"})


def test_a_channel_that_is_not_there_fails_the_file_alone(yamkit) -> None:
    code, out, err = yamkit("classify", "both/a.wav", "1/a.wav", "--channel", "2")
    assert code == 1
    assert out.startswith("both/a.wav: ")
    assert err.splitlines()[0].startswith("error: 1/a.wav: has 1 channel; channel 2 ")
    assert err.splitlines()[1:] == ["1 of 2 failed"]


COMMANDS = {
    "classify": ("classify", "both/a.wav"),
    "eval": ("eval", "list.csv"),
    "calibrate": ("calibrate", "list.csv", "-o", "x.csv"),
    "listen": ("listen", "-"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("value", ["0", "-1", "left", "1.5", "", "Mix", "²", "9" * 5000])
def test_channels_that_are_none(yamkit, command: str, value: str) -> None:
    code, out, err = yamkit(*COMMANDS[command], "--channel", value)
    assert (code, out) == (2, "")
    shown = repr(value if len(value) < 50 else f"{value[:40]}...")
    assert f"'--channel': {shown}: " in err
    assert f"; see: yamkit {command} " in err


@pytest.mark.parametrize("command", ["classify", "eval", "calibrate"])
@pytest.mark.parametrize("value", ["0", "first", "mix", ""])
def test_streams_that_are_none(yamkit, command: str, value: str) -> None:
    code, out, err = yamkit(*COMMANDS[command], "--stream", value)
    assert (code, out) == (2, "")
    assert f"'--stream': {value!r}: " in err
    assert f"; see: yamkit {command} " in err


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """The sound streams that files were opened at; every file has three, all alike."""
    opened: list[int | None] = []
    open_audio = clips.open_audio

    def noted(path: str, *, stream: int | None):
        opened.append(stream)
        return open_audio(path)

    monkeypatch.setattr(clips, "open_audio", noted)
    return opened


@pytest.mark.parametrize(("option", "wanted"), [((), None), (("--stream", "3"), 3)])
def test_the_stream_is_chosen_and_recorded(yamkit, streams, option, wanted: int | None) -> None:
    one = ("classify", "both/a.wav", *option)
    assert json.loads(yamkit(*one, "--format", "json")[1])["parameters"]["stream"] == wanted
    line = json.loads(yamkit(*one, "--format", "jsonl")[1])
    assert line.get("stream", "default") == (wanted or "default")
    (row,) = csv.DictReader(io.StringIO(yamkit(*one, "--format", "csv", "--top", "1")[1]))
    assert row["stream"] == ("" if wanted is None else "3")
    assert ("stream 3" in yamkit(*one)[1]) == (wanted == 3)
    assert streams == [wanted] * 4


@pytest.mark.parametrize("option", [("--channel", "2"), ("--stream", "1")])
def test_a_journal_belongs_to_a_channel_and_a_stream(yamkit, option: tuple[str, str]) -> None:
    one = ("classify", "both/a.wav", "mix/a.wav", "-o", "tags.csv")
    assert yamkit(*one)[0] == 0
    code, _, err = yamkit(*one, "--resume", *option)
    assert code == 2
    assert f"another run: {option[0][2:]} is " in err


@pytest.fixture
def labels() -> None:
    """A labelled set whose second channel alone tells the classes apart."""
    Path("set").mkdir()
    rows = ["path,labels"]
    for number in range(24):
        sounds = np.random.default_rng(number).normal(0, 0.001, (2, LENGTH))
        sounds[1] *= 300 if number % 2 else 1
        soundfile.write(f"set/{number}.wav", sounds.T, RATE, subtype="FLOAT")
        soundfile.write(f"set/second-{number}.wav", sounds[1], RATE, subtype="FLOAT")
        rows.append(f"{number}.wav,{'Speech' if number % 2 else 'Dog'}")
    Path("list.csv").write_text("\n".join(rows) + "\n")
    Path("second.csv").write_text("\n".join(rows).replace("\n", "\nsecond-") + "\n")


@pytest.mark.usefixtures("labels")
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_a_labelled_set_is_measured_on_a_channel(yamkit) -> None:
    one = ("eval", "list.csv", "--audio", "set", "--channel", "2")
    code, out, err = yamkit(*one, "--report", "r")
    assert (code, err) == (0, "")
    assert "\n(only channel 2 of every file is evaluated)\n" in out
    assert Path("r/report.txt").read_text() == out
    (system,) = json.loads(Path("r/report.json").read_text())["systems"]
    assert (system["channel"], system["stream"]) == ("2", "default")
    found = read_scores(Path("r/scores.npz"))
    assert (found.fingerprint["channel"], found.fingerprint["stream"]) == ("2", "default")
    yamkit("eval", "second.csv", "--audio", "set", "--scores", "second.npz")
    wanted = read_scores(Path("second.npz"))
    np.testing.assert_allclose(
        list(found.rows.values()), list(wanted.rows.values()), rtol=0, atol=1e-6
    )
    code, _, err = yamkit("eval", "list.csv", "--audio", "set", "--report", "r")
    assert code == 2
    assert "channel is '2'" in err


@pytest.mark.usefixtures("labels")
def test_systems_that_differ_in_the_channel_are_named_by_it(yamkit) -> None:
    for channel in ("mix", "2"):
        yamkit(
            *("eval", "list.csv", "--audio", "set", "--channel", channel),
            *("--scores", f"{channel}.npz"),
        )
    _, out, _ = yamkit("eval", "list.csv", "--from-scores", "mix.npz", "--from-scores", "2.npz")
    assert "channel mix  channel 2  channel 2 - channel mix" in out
    assert "of every file" not in out
    code, _, err = yamkit("eval", "list.csv", "--from-scores", "2.npz", "--channel", "2")
    assert (code, "--channel cannot be used with --from-scores" in err) == (2, True)


@pytest.mark.usefixtures("labels")
def test_a_calibration_notes_its_channel_and_serves_others(yamkit) -> None:
    pytest.importorskip("sklearn")
    code, _, err = yamkit(
        "calibrate", "list.csv", "--audio", "set", "--channel", "2", "-o", "cal.csv"
    )
    assert (code, err) == (0, "")
    with Path("cal.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {(row["channel"], row["stream"]) for row in rows} == {("2", "default")}
    assert any(row["method"] == "platt" for row in rows)
    assert yamkit("classify", "both/a.wav", "--calibration", "cal.csv")[::2] == (0, "")


LISTEN = ("listen", "-", "--resampler", "polyphase-live", "--format", "jsonl", "--enter", "0.1")


def heard(out: str) -> list[dict]:
    lines = [json.loads(line) for line in out.splitlines()]
    timeless = ("type", "name", "score", "onset_seconds", "offset_seconds")
    return [
        {name: line[name] for name in timeless if name in line}
        for line in lines
        if line["type"] in ("open", "close")
    ]


@pytest.mark.parametrize("encoding", [(), ("--encoding", "f32le", "--sample-rate", str(RATE))])
@pytest.mark.parametrize("channel", ["mix", "1", "2"])
def test_a_channel_of_a_stream(yamkit, pipe, channel: str, encoding: tuple[str, ...]) -> None:
    if encoding:
        samples, _ = soundfile.read("both/a.wav", dtype="float32")
        Path("both/a.wav").write_bytes(samples.astype("<f4").tobytes())
        encoding = (*encoding, "--channels", "2")
    pipe("both/a.wav")
    code, out, err = yamkit(*LISTEN, *encoding, "--channel", channel)
    assert code == 0
    begin = json.loads(out.splitlines()[0])
    assert begin["parameters"]["channel"] == (channel if channel == "mix" else int(channel))
    assert ("8000 Hz, channel 2, raw scores" in err) == (channel == "2")
    pipe(f"{channel}/a.wav")
    wanted = heard(yamkit(*LISTEN)[1])
    found = heard(out)
    assert [{**each, "score": 0} for each in found] == [{**each, "score": 0} for each in wanted]
    assert [each["score"] for each in found] == pytest.approx([each["score"] for each in wanted])
    assert found


def test_a_channel_that_a_stream_lacks(yamkit, pipe) -> None:
    pipe("both/a.wav")
    code, out, err = yamkit("listen", "-", "--channel", "3")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith("error: standard input: has 2 channels; channel 3 ")


def test_a_microphone_is_one_channel(yamkit) -> None:
    code, out, err = yamkit("listen", "--microphone", "--channel", "2")
    assert (code, out) == (2, "")
    assert err.startswith("error: --channel ")
    assert err.endswith(": arecord -f S16_LE -c 2 -r 48000 | yamkit listen - --channel 2\n")
    assert err.count("\n") == 1
