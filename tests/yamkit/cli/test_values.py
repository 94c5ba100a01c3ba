"""Numbers and other values that make no sense: one line that names the option, and no traceback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
import soundfile

from tests.yamkit.cli.tree import commands
from yamkit._util.numbers import whole_number
from yamkit.cli._values import Numbered, Real, Score, Threshold, Whole, shortened
from yamkit.models.bundle import ModelBundle

NUMERIC = (Whole, Real, Score, Threshold, Numbered)
CLICKS_OWN = (click.types.IntParamType, click.types.FloatParamType)

ALWAYS_WRONG = [
    *("nan", "NaN", "inf", "-inf", "Infinity", "1e18", "1e400", "1e9999999", "9" * 5000),
    *(str(10**18), str(10**30), "-1e300", str(-(10**30)), "0_1", "1_0", "0x10", "\u0663", "\u00b2"),
    *("", " ", "two", "1,5", "1.", "--help", "1e", "½", "\x1b[31m1"),
]
"""For every numeric option but those that take a word, and `1.` for whole numbers alone."""

COMMANDS = {
    "classify": ["nope.wav"],
    "info": ["nope.wav"],
    "eval": ["nope.csv"],
    "calibrate": ["nope.csv", "-o", "out.csv"],
    "listen": ["-"],
    "bench": ["--model", "nope"],
    "models import": ["nope.h5"],
}
"""What follows an option, so that a value that is taken costs no time: there is no such file."""


def options() -> Iterator[tuple[str, click.Option]]:
    """Give every option that takes a value, with the words of its command."""

    for words, command in commands():
        for param in command.params:
            if isinstance(param, click.Option) and not param.is_flag:
                yield words, param


ALL = list(options())
NUMBERS = [
    pytest.param(words, option, id=f"{words} {option.opts[-1]}")
    for words, option in ALL
    if isinstance(option.type, NUMERIC) or option.opts[-1] in ("--top", "--shard")
]


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: ModelBundle):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YAMKIT_MODEL", str(tiny.folder))


def test_no_option_takes_numbers_of_clicks_own() -> None:
    assert len(NUMBERS) > 40
    own = [(words, option.opts[-1]) for words, option in ALL if isinstance(option.type, CLICKS_OWN)]
    assert own == []  # they take nan, inf, 1_0 and numbers without end


@pytest.mark.parametrize(("words", "option"), NUMBERS)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_a_number_beyond_reason_is_refused_in_one_line(
    yamkit, words: str, option: click.Option
) -> None:
    name = option.opts[-1]
    for value in ALWAYS_WRONG:
        if value == "1." and isinstance(option.type, (Real, Score, Threshold)):
            continue
        code, out, err = yamkit(*words.split(), *COMMANDS[words], f"{name}={value}")
        assert (code, out) == (2, ""), (value, err)
        assert err.startswith(f"error: invalid value for '{name}'"), (value, err)
        assert option.opts[-1] in err, (value, err)
        assert err.endswith(f"; see: yamkit {words} --help\n")
        assert err.count("\n") == 1
        assert len(err) < 300
        assert err.isascii() or value in ("\u0663", "\u00b2", "½")
        assert "\x1b" not in err


@pytest.mark.parametrize(("words", "option"), NUMBERS)
def test_bounds_are_taken_and_what_lies_beyond_is_not(
    yamkit, words: str, option: click.Option
) -> None:
    kind = option.type
    if not isinstance(kind, (Whole, Real)):
        return
    step = 1 if isinstance(kind, Whole) else 0.001
    for value, is_taken in [
        (kind.least, True),
        (kind.most, True),
        (kind.least - step, False),
        (kind.most + step, False),
    ]:
        if is_taken:
            assert kind.convert(str(value), option, None) == value
            continue
        code, _, err = yamkit(*words.split(), *COMMANDS[words], f"{option.opts[-1]}={value}")
        assert (code, err.count("\n")) == (2, 1)


@pytest.mark.parametrize("command", ["classify", "eval", "calibrate", "bench", "listen"])
def test_the_most_threads_start_none_before_there_is_work(yamkit, command: str) -> None:
    given = COMMANDS[command]
    code, _, err = yamkit(command, *given, "--threads=1024")
    assert code in (1, 2)
    assert "--threads" not in err


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_many_jobs_run(yamkit) -> None:
    soundfile.write("a.wav", np.zeros(8000), 8000)
    code, out, err = yamkit("classify", "a.wav", "--jobs", "1024", "--batch-size", "4096")
    assert (code, err) == (0, "")
    assert out.startswith("a.wav: 1.00 s")


@pytest.mark.parametrize("value", ["1", "+5", "007"])
def test_whole_numbers(value: str) -> None:
    assert whole_number(value) == int(value)


def test_long_values_are_shortened() -> None:
    assert shortened("x" * 40) == repr("x" * 40)
    assert shortened("x" * 41) == repr("x" * 40 + "...")


# --- usage errors are one line ---


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("classify", "missing argument 'PATH...'; see: yamkit classify --help"),
        ("clasify x", "no such command 'clasify'; did you mean 'classify'?"),
        ("modells", "no such command 'modells'; did you mean 'models'?"),
        ("models lst", "no such command 'lst'; did you mean 'list'?"),
        ("classify --jbos 2 x", "no such option '--jbos'; did you mean '--jobs'?"),
        (
            "classify --clases x",
            "no such option '--clases'; did you mean one of: '--cells', '--classes', "
            "'--not-classes'?",
        ),
        (
            "eval --repport x",
            "no such option '--repport'; did you mean one of: '--report', '--resampler'?",
        ),
        ("classify -x y", "no such option '-x'; see: yamkit classify --help"),
        ("bench x", "got unexpected extra argument (x); see: yamkit bench --help"),
        (
            "classify x --jobs 0",
            "invalid value for '--jobs': '0': must be a whole number from 1 to 1,024; see: yamkit "
            "classify --help",
        ),
        (
            "classify x --cells foo",
            "invalid value for '--cells': 'foo' is not one of 'mean', 'max'; see: yamkit classify "
            "--help",
        ),
        (
            "models export x",
            "missing option '--to'; see: yamkit models export --help",
        ),
        ("classify --jobs", "option '--jobs' requires an argument"),
    ],
)
def test_wrong_usage_is_one_line(yamkit, words: str, line: str) -> None:
    assert yamkit(*words.split()) == (2, "", f"error: {line}\n")


TOO_LONG = "x" * 300


@pytest.mark.parametrize(
    "words",
    [
        "classify {} a.wav",
        "classify --classes {} a.wav",
        "classify --classes {}.csv a.wav",
        "classify --not-classes {} a.wav",
        "classify --threshold {} a.wav",
        "classify --calibration {} a.wav",
        "classify -o {} a.wav",
        "classify -o {}/tags.csv a.wav",
        "classify --model {} a.wav",
        "listen - --threshold {}",
        "eval {}",
        "calibrate {} -o out.csv",
        "journal show {}",
        "models import {}.onnx",
        "models import a.onnx --like {}",
        "models export yamnet-mini --to npz -o {}",
    ],
)
def test_an_error_about_a_name_that_is_too_long_shows_the_name(
    yamkit, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    soundfile.write("a.wav", np.zeros(1600), 16000)
    code, _, err = yamkit(*(word.format(TOO_LONG) for word in words.split()))
    assert code in (1, 2)
    (line,) = (each for each in err.splitlines() if TOO_LONG[:40] in each)
    assert line.startswith("error: ")


@pytest.mark.parametrize("words", ["", "models"])
def test_a_group_without_a_command_shows_its_help(yamkit, words: str) -> None:
    code, out, err = yamkit(*words.split())
    assert (code, out) == (2, "")
    assert err.startswith(f"Usage: yamkit {words}".rstrip())
    assert "Commands:" in err
