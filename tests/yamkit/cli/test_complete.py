"""Completion, as bash, zsh and fish ask for it and take it in."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from tests.yamkit.cli.tree import commands
from yamkit import cli
from yamkit.cli._values import Real, Score, Whole
from yamkit.models.bundle import ModelBundle

SHELLS = ("bash", "zsh", "fish")

Complete = Callable[..., list[str]]


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch, capsysbinary) -> Complete:
    """Give what a shell is answered where the last of the words is begun: values, or <type>s."""

    def run(*words: str, shell: str = "zsh") -> list[str]:
        quoted = [each if each.startswith(("'", '"')) else shlex.quote(each) for each in words[:-1]]
        typed = ["yamkit", *quoted, words[-1]]
        monkeypatch.setattr(sys, "argv", ["yamkit"])
        monkeypatch.setenv("_YAMKIT_COMPLETE", f"{shell}_complete")
        monkeypatch.setenv("COMP_WORDS", ("\n" if shell == "bash" else " ").join(typed))
        monkeypatch.setenv("COMP_CWORD", words[-1] if shell == "fish" else str(len(words)))
        with pytest.raises(SystemExit) as caught:
            cli.main()
        out, err = capsysbinary.readouterr()
        assert (caught.value.code, err) == (0, b"")
        lines = out.decode().splitlines() if out.strip() else []
        if shell == "zsh":
            pairs = list(zip(lines[0::3], lines[1::3], strict=True))
        else:
            pairs = [tuple(line.split("\t")[0].split(",", 1)) for line in lines if line]
        return [value if kind == "plain" else f"<{kind}>" for kind, value in pairs]

    return run


def options() -> Iterator[tuple[str, click.Parameter]]:
    """Give every parameter of every command that takes a value, with the command's words."""

    for words, command in commands():
        for param in command.params:
            if not getattr(param, "is_flag", False):
                yield words, param


FREE = {
    *("--fold", "--split", "--search", "--name", "--licence", "--version", "--url", "distribution"),
    *("--ray-address", "--provider", "--microphone", "--shard", "--stream", "--classes of eval"),
    "--classes of calibrate",
    "name of models remove",  # none is installed
}
"""What has no list of values here and is no file: texts, and what only a device knows."""


@pytest.mark.parametrize(
    ("words", "param"),
    [pytest.param(*each, id=f"{each[0]} {each[1].opts[-1]}") for each in options()],
)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_every_value_that_can_be_completed_is(
    complete: Complete, words: str, param: click.Parameter
) -> None:
    name = param.opts[-1]
    given = [*words.split(), *([name] if isinstance(param, click.Option) else [])]
    is_number = isinstance(param.type, (Whole, Real, Score))
    is_free = is_number or name in FREE or f"{name} of {words}" in FREE
    assert bool(complete(*given, "")) is not is_free


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("cl", ["classes", "classify"]),
        ("classify a", ["<file>"]),
        ("classify --output tags", ["<file>"]),
        ("classify --calibration c", ["<file>"]),
        ("classify --threshold 0.", ["<file>"]),
        ("classify --format tex", ["text", "textgrid"]),
        ("classify --format TEX", ["text", "textgrid"]),
        ("classify --model yam", ["yamnet-mini"]),
        ("classify --model ./", ["<dir>"]),
        ("classify --classes white", ["White noise"]),
        ("listen --classes WHITE", ["White noise"]),
        ("classify --top A", ["all"]),
        ("classify --cells m", ["mean", "max"]),
        ("classify --backend o", ["onnx"]),
        ("eval --layout esc", ["esc50"]),
        ("eval labels.csv --audio d", ["<file>"]),
        ("info x", ["<file>"]),
        ("models info yam", ["yamnet-mini"]),
        ("models remove yam", []),
        ("models pull y", ["yamnet"]),
        ("models import w", ["<file>"]),
        ("models export yamnet-mini --to on", ["onnx"]),
        ("plugins check tex", ["text", "textgrid"]),
        ("plugins new mine --kind f", ["frontend"]),
    ],
)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_each_shell_is_answered(
    complete: Complete, shell: str, words: str, wanted: list[str]
) -> None:
    found = complete(*words.split(), shell=shell)
    assert [value.replace("\\", "") for value in found if not value.endswith("/")] == wanted


def test_classes_are_those_of_the_model(complete: Complete, tiny: ModelBundle, monkeypatch) -> None:
    folder = str(tiny.folder)
    wanted = ["Dog", "Dog/"]
    assert complete("classify", "--model", folder, "--classes", "dog") == wanted
    monkeypatch.setenv("YAMKIT_MODEL", folder)
    assert complete("classify", "--classes", "dog") == wanted
    assert complete("listen", "--not-classes", "nar")[-1] == 'Narration, "monologue"'


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_a_value_behind_an_equals_sign_keeps_its_option(complete: Complete, shell: str) -> None:
    wanted = ["--model=yamnet-mini"]
    assert complete("classify", "--model=yam", shell=shell) == wanted


def test_models_that_are_damaged_can_be_removed_and_nothing_else(
    complete: Complete, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("YAMKIT_HOME", str(tmp_path))
    folder = tmp_path / "models" / "yamnet-broken"
    folder.mkdir(parents=True)
    (folder / "model.toml").write_text("no = [toml")
    (tmp_path / "models" / "yam\nnet").mkdir()
    assert complete("classify", "--model", "yam") == ["yamnet-mini"]
    assert complete("models", "remove", "yam") == ["yamnet-broken"]
    monkeypatch.setenv("YAMKIT_MODEL", "yamnet-broken")
    assert complete("classify", "--classes", "Do") == ["<file>"]
    assert complete("classify", "--model", "nope", "--classes", "Do") == ["<file>"]


@pytest.mark.parametrize("fault", ["raise SystemExit(3)", "raise ValueError", "print('ls -l')"])
def test_what_a_plugin_does_reaches_no_shell(
    complete: Complete, tmp_path: Path, monkeypatch, install_distribution, fault: str
) -> None:
    (tmp_path / "faulty.py").write_text(f"import sys\nprint('x', file=sys.stderr)\n{fault}\n")
    install_distribution(tmp_path, "faulty", {"faulty": "faulty"})
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "faulty", raising=False)
    _registry().cache_clear()
    try:
        assert complete("classify", "--backend", "") == ["keras", "numpy", "onnx"]
    finally:
        _registry().cache_clear()


def _registry():
    from yamkit.registry import registry

    return registry


SCRIPT = """
eval "$(_YAMKIT_COMPLETE=bash_source yamkit)"
compopt() { COMPREPLY+=("<$2>"); }
COMP_WORDS=(%s); COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
_yamkit_completion yamkit
for each in "${COMPREPLY[@]}"; do printf '%%s\\n' "$each"; done
"""


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["classify", "--classes", "domestic"], [r"Domestic\ animals,\ pets", "<typed>"]),
        (["classify", "--classes", '"domestic'], ["Domestic animals, pets", "<typed>"]),
        (["classify", "--model", "=", "yamnet-m"], ["yamnet-mini"]),
        (["classify", "--model", "="], ["yamnet-mini"]),
        (["classify", "rec"], ["<default>"]),
        (["classify", "--model", "./"], ["<dirnames>"]),
    ],
)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_bash_takes_names_with_spaces_as_one_word(
    tmp_path: Path, words: list[str], wanted: list[str]
) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash")
    program = tmp_path / "yamkit"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m yamkit "$@"\n')
    program.chmod(0o755)
    script = SCRIPT % " ".join(map(shlex.quote, ["yamkit", *words]))
    done = subprocess.run(
        [bash, "--norc", "-c", f"PATH={shlex.quote(str(tmp_path))}:$PATH\n{script}"],
        capture_output=True,
        text=True,
        check=True,
    )
    found = done.stdout.splitlines()
    if wanted[-1] == "<typed>":
        found, wanted = found[:1], wanted[:1]
    assert (found, done.stderr) == (wanted, "")
