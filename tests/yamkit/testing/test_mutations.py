"""Each check of the contract kit fails for a plugin with one fault, and no other check does."""

from __future__ import annotations

import itertools
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from yamkit import testing
from yamkit.testing import PluginContract, run_contract

pytestmark = pytest.mark.slow(reason="runs a whole contract for each broken plugin")

Install = Callable[..., None]

HOOK = """
from yamkit.plugin import {info}, hookimpl

@hookimpl
def {hook}():
    yield {info}(name="mine", summary="A test", factory="{module}_impl:Mine", api=1, {more})
"""

BACKEND = """
import threading
import numpy as np
from yamkit.errors import IncompatibleError
from yamkit_numpy._backend import NumpyBackend

class Mine:
    def __init__(self, model, options):
        self._inner = NumpyBackend(model, options)
        self._last, self._same, self._closed = None, 0, False
        self._place = {"cpu": 0}[options.provider]
        # opening

    def predict(self, patches):
        # before
        scores, embeddings = self._inner.predict(patches)
        # after
        return scores, embeddings

    def close(self):
        # closing
        self._closed = True
"""

FRONTEND = """
import threading
import numpy as np
from yamkit_logmel._frontend import LogMel

class Mine:
    def __init__(self, features):
        # opening
        self._features, self._inner, self._calls = features, LogMel(features), 0

    def patches(self, segment):
        patches = self._inner.patches(segment)
        # after
        return patches
"""

SINK = """
import os, pathlib, tempfile
from yamkit.types import ClipEnd, ClipFailure, ClipStart, Event, PatchTags

CALLS = [0]

class Mine:
    def __init__(self):
        pass  # opening

    def open(self, run, stream):
        self._stream, self._clips = stream, 0
        stream.write(f"{run.model.name}\\n")
        # begin

    def write(self, item):
        # before
        if isinstance(item, ClipStart):
            self._stream.write(f"{item.path!r}\\n")
            # start
        elif isinstance(item, (ClipEnd, ClipFailure)):
            self._clips += 1
            self._stream.write(f"{item!r}\\n")
            # end

    def close(self):
        pass  # closing

    def abort(self):
        pass  # aborting
"""

RESAMPLER = """
import numpy as np
from yamkit.resamplers._polyphase import Polyphase

SHARED = []

class Mine:
    def __init__(self, from_hz, to_hz):
        self._inner = Polyphase(from_hz, to_hz)
        self._blocks = self._total = 0
        # opening

    def process(self, block):
        self._blocks += 1
        SHARED.append(self)
        self._total += len(block)
        out = self._inner.process(block)
        # processed
        return out

    def flush(self):
        out = self._inner.flush()
        # flushed
        return out
"""

READER = """
from yamkit.errors import LabelError
from yamkit.types import LabelledClip

class Mine:
    def __init__(self):
        pass  # opening

    def recognises(self, path, head):
        # recognising
        return head[:1] == ("file|tags",)

    def vocabulary(self, path):
        return {}

    def read(self, path):
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except (OSError, ValueError) as error:
            raise LabelError(f"{path}: {type(error).__name__}") from None
        # reading
        lines = text.splitlines()
        for number, line in enumerate(lines[1:], start=2):
            file, _, tags = line.partition("|")
            if not file:
                raise LabelError(f"{path}: line {number}: no file")
            yield LabelledClip((file,), tuple(dict.fromkeys(tags.split(","))), line=number)
"""

RUNNER = """
class Mine:
    def __init__(self, options):
        self._jobs, self._closed, self._stopped = options.jobs or 1, False, False
        # opening

    def items(self, work, clips):
        clips = list(clips)
        # begin
        done = False
        try:
            for clip, item in work.items(clips, self._jobs):
                # item
                yield clip, item
            done = True
        finally:
            self._stopped = not done

    def close(self):
        # closing
        self._closed = True
"""

KINDS = {
    "backend": ("BackendInfo", "yamkit_backends", 'networks=("mobilenet-v1",),', BACKEND),
    "frontend": ("FrontendInfo", "yamkit_frontends", 'produces="log-mel",', FRONTEND),
    "sink": ("SinkInfo", "yamkit_sinks", 'extension="txt", marks_failures=True,', SINK),
    "resampler": ("ResamplerInfo", "yamkit_resamplers", "", RESAMPLER),
    "label reader": ("LabelReaderInfo", "yamkit_label_readers", "", READER),
    "runner": ("RunnerInfo", "yamkit_runners", "", RUNNER),
}

# kind, check -> what is broken: (text, its replacement) in the hook or the implementation, and the
# values that the message must have
BROKEN: dict[tuple[str, str], tuple[str, str, str]] = {
    ("backend", "shapes"): (
        "# after",
        "scores = np.pad(scores, ((0, 0), (0, 1))) if len(scores) else scores",
        "522.*521",
    ),
    ("backend", "float32"): (
        "# after",
        "scores = scores.astype(float)",
        "float64.*float32",
    ),
    ("backend", "range"): (
        "# after",
        "scores = scores + (9 < patches.max(axis=(1, 2), initial=0)) [:, None]"
        "* (patches.max(axis=(1, 2), initial=0) < 99)[:, None]\n"
        "        scores = scores.astype('f4')",
        r"to [12](\.\d+)?\b.*0 to 1",
    ),
    ("backend", "finite"): (
        "# after",
        "scores[np.abs(patches).max(axis=(1, 2), initial=0) > 999] = np.nan",
        r"scores.*\bnan\b",
    ),
    ("backend", "empty_batch"): (
        "# before",
        "patches[0]",
        "IndexError: index 0 is out of bounds",
    ),
    ("backend", "rows_independent"): (
        "# after",
        "scores = scores * np.float32(1 - 0.01 * (len(scores) == 20))",
        r"0\.0\d+.*1e-05",
    ),
    ("backend", "input_unchanged"): (
        "# after",
        "patches += 1",
        "patches",
    ),
    ("backend", "repeatable"): (
        "# after",
        "same = self._last == patches.tobytes() and len(patches) == 3\n"
        "        self._last = patches.tobytes()\n"
        "        self._same = self._same + 1 if same else 0\n"
        "        scores = scores + np.float32(0.01 * self._same)",
        r"0\.01.*1e-06",
    ),
    ("backend", "threads"): (
        "# before",
        "if threading.current_thread() is not threading.main_thread(): raise RuntimeError('no')",
        "RuntimeError: no",
    ),
    ("backend", "thread_count"): (
        "# opening",
        "if options.threads == 1: raise ValueError('too few')",
        "ValueError: too few.*threads=1.*IncompatibleError",
    ),
    ("backend", "providers"): (
        "networks=",
        "providers=('cpu', 'warp'), networks=",
        "KeyError: 'warp'.*provider='warp'.*IncompatibleError",
    ),
    ("backend", "close_twice"): (
        "# closing",
        "if self._closed: raise RuntimeError('closed')",
        "RuntimeError: closed",
    ),
    ("backend", "golden_scores"): (
        "# after",
        "scores = scores * np.float32(0.9)",
        r"scores.*0\.\d+.*0\.0002",
    ),
    ("backend", "golden_embeddings"): (
        "# after",
        "embeddings = embeddings * np.float32(1.1)",
        r"embeddings.*\d\.\d+.*0\.005",
    ),
    ("frontend", "count"): (
        "# after",
        "patches = patches[:-1] if len(segment) == 15600 + 7680 and not segment.any() else patches",
        r"\(1, 96, 64\).*23280.*\(2, 96, 64\)",
    ),
    ("frontend", "float32"): (
        "# after",
        "patches = patches.astype(float)",
        "float64.*float32",
    ),
    ("frontend", "silence"): (
        "# after",
        "same = np.float32(not segment.any()) * (np.arange(len(patches)) == 1)[:, None, None]\n"
        "        patches = patches + same.astype('f4')",
        r"silence.*\b1\b.*1e-05",
    ),
    ("frontend", "golden_log_mel"): (
        "# after",
        "patches = patches + np.float32(0.01)",
        r"0\.01.*0\.001",
    ),
    ("frontend", "any_cut"): (
        "# after",
        "patches = patches + np.float32(len(patches) == 4)",
        r"\b1\b.*\b4\b.*1e-05",
    ),
    ("frontend", "input_unchanged"): (
        "# after",
        "segment *= 2",
        "samples",
    ),
    ("frontend", "threads"): (
        "# after",
        "if threading.current_thread() is not threading.main_thread(): raise RuntimeError('no')",
        "RuntimeError: no",
    ),
    ("frontend", "other_features"): (
        "# opening",
        "from dataclasses import replace; features = replace(features, kind='log-mel')",
        "IncompatibleError.*'no-such-kind'",
    ),
    ("sink", "every_item"): (
        "# end",
        "if self._clips > 1: raise RuntimeError('more than one')",
        "RuntimeError: more than one.*14 items",
    ),
    ("sink", "events"): (
        "# before",
        "if type(item).__name__ == 'Event': raise ValueError('events')",
        "ValueError: events",
    ),
    ("sink", "marked_failures"): (
        "(ClipEnd, ClipFailure)):",
        "ClipEnd):",
        "failure",
    ),
    ("sink", "unknown_items"): (
        "# before",
        "type(item) in (ClipStart, ClipEnd, ClipFailure, PatchTags, Event) or item.path",
        "AttributeError: '_Unknown' object has no attribute 'path'",
    ),
    ("sink", "hostile_names"): (
        "# start",
        "if '\\x00' in item.path: raise ValueError('NUL')",
        r"ValueError: NUL.*'\\x00nul ",
    ),
    ("sink", "no_clips"): (
        "pass  # closing",
        "1 / self._clips",
        "ZeroDivisionError",
    ),
    ("sink", "repeatable"): (
        "# begin",
        "CALLS[0] += 1\n        stream.write(f'{CALLS[0]}')",
        "bytes",
    ),
    ("sink", "stream_stays_open"): (
        "pass  # closing",
        "self._stream.close()",
        "closed",
    ),
    ("sink", "abort"): (
        "pass  # aborting",
        "raise RuntimeError('no')",
        r"RuntimeError: no\b.*\b0 items",
    ),
    ("sink", "interrupted_output"): (
        "# begin",
        "hasattr(stream, 'name') and pathlib.Path(stream.name).parent.with_name('x').touch()",
        r"\bx\b",
    ),
    ("sink", "nothing_left"): (
        "pass  # closing",
        "os.close(tempfile.mkstemp()[0])",
        r"\btmp\w+",
    ),
    ("resampler", "count"): (
        "# flushed",
        "out = out[:-1] if self._total == 1000 else out",
        "361.*1000.*44100.*16000 Hz.*362",
    ),
    ("resampler", "float32"): (
        "# processed",
        "out = out.astype(float)",
        "float64.*float32",
    ),
    ("resampler", "any_cut"): (
        "# flushed",
        "out = out + np.float32(0.01 * (self._blocks > 20))",
        r"0\.01.*1e-06",
    ),
    ("resampler", "silence"): (
        "# flushed",
        "out = out + np.float32(1e-7 * (self._total == 5000))",
        "1e-07.*0",
    ),
    ("resampler", "tone"): (
        "# processed",
        "out = out * np.float32(0.9)\n        self._inner = self._inner",
        r"0\.1.*44100.*16000 Hz.*0\.01",
    ),
    ("resampler", "input_unchanged"): (
        "# processed",
        "block *= 2",
        "samples",
    ),
    ("resampler", "streams_apart"): (
        "# flushed",
        "out = out + np.float32(0.01 * (SHARED[-1] is not self))",
        "1e-06",
    ),
    ("label reader", "example"): (
        "# reading",
        "if 'bird' in text and text.endswith('\\n'): raise ValueError('birds')",
        "ValueError: birds",
    ),
    ("label reader", "recognises_its_own"): (
        "# recognising",
        "return False",
        "False.*True",
    ),
    ("label reader", "recognises_no_other"): (
        "# recognising",
        "head[0]",
        r"IndexError.*\(\).*False",
    ),
    ("label reader", "vocabulary"): (
        "return {}",
        "return {'dog': 3}",
        r"\{'dog': 3\}",
    ),
    ("label reader", "lines"): (
        "line=number",
        "line=0",
        r"\[0, 0\].*1 to 3",
    ),
    ("label reader", "line_ends"): (
        "# reading",
        "text = text.replace('\\r', ' ')",
        "CRLF",
    ),
    ("label reader", "damaged"): (
        "# reading",
        "if not text: raise ValueError('empty')",
        "ValueError: empty.*b''.*LabelError",
    ),
    ("label reader", "no_list"): (
        "(OSError, ValueError)",
        "ValueError",
        "FileNotFoundError.*LabelError",
    ),
    ("runner", "every_clip"): (
        "# begin",
        "clips = clips[::-1] if len(clips) == 40 else clips",
        "order",
    ),
    ("runner", "the_clips_themselves"): (
        "# item",
        "import copy; clip = copy.copy(clip)",
        "_Clip object",
    ),
    ("runner", "no_clips"): (
        "# begin",
        "clips[0]",
        "IndexError: list index out of range",
    ),
    ("runner", "failures"): (
        "# item",
        "if 'Failure' in type(item).__name__: return",
        r"\b0\b.*\b2\b",
    ),
    ("runner", "stopped_early"): (
        "# begin",
        "if self._stopped: return",
        r"\[\].*50 and 51",
    ),
    ("runner", "close_twice"): (
        "# closing",
        "if self._closed: raise RuntimeError('closed')",
        "RuntimeError: closed",
    ),
}

COMMON: dict[str, tuple[str, str, str]] = {
    "light_module": (
        "from yamkit.plugin",
        "import numpy\nfrom yamkit.plugin",
        "numpy.*yamkit.plugin",
    ),
    "api_number": ("api=1", "api=99", "api=99.*1"),
    "factory_resolves": (
        "_impl:Mine",
        "_impl:Nobody",
        "'.*_impl:Nobody': AttributeError",
    ),
    "opens": (
        "opening",
        "opening\n        raise RuntimeError('no engine')",
        "RuntimeError: no engine",
    ),
}

_serial = itertools.count()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a plugin of a kind, named `mine`, with something replaced."""

    def make(kind: str, old: str = "", new: str = "", points: int = 1) -> None:
        info, hook, more, implementation = KINDS[kind]
        module = f"broken_{next(_serial)}"
        source = HOOK.format(info=info, hook=hook, module=module, more=more)
        assert (old in source) or (old in implementation), old
        (tmp_path / f"{module}.py").write_text(source.replace(old, new) if old else source)
        text = textwrap.dedent(implementation)
        (tmp_path / f"{module}_impl.py").write_text(text.replace(old, new) if old else text)
        folder = tmp_path / "broken-1.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
        lines = [f"point{number} = {module}" for number in range(points)]
        (folder / "entry_points.txt").write_text("\n".join(["[yamkit]", *lines]) + "\n")
        monkeypatch.syspath_prepend(tmp_path)

    return make


def contract_of(kind: str, **more: object) -> type[PluginContract]:
    if kind == "label reader":
        more = {"example": "file|tags\nbird.wav|Bird,Animal\nb.wav|Dog\n", **more}
    return type("TestMine", (testing.CONTRACTS[kind],), {"plugin": "mine", **more})


def failures(contract: type[PluginContract]) -> dict[str, str]:
    return {check.name: check.note for check in run_contract(contract) if check.state == "fail"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_correct_plugin_passes(install: Install, kind: str) -> None:
    install(kind)
    states = {check.name: check.state for check in run_contract(contract_of(kind))}
    assert set(states.values()) == {"pass"}, states


@pytest.mark.parametrize(("kind", "check"), BROKEN, ids=lambda part: part.replace(" ", "-"))
def test_a_broken_plugin_fails_only_its_check(install: Install, kind: str, check: str) -> None:
    old, new, message = BROKEN[kind, check]
    install(kind, old, new)
    found = failures(contract_of(kind))
    assert list(found) == [check], found
    assert re.search(message, found[check], re.DOTALL), found[check]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("check", [*COMMON, "one_entry_point"])
def test_what_is_common_to_all(install: Install, kind: str, check: str) -> None:
    if check == "one_entry_point":
        message = r"\b2\b.*broken:point0, broken:point1"
        install(kind, points=2)
    else:
        old, new, message = COMMON[check]
        install(kind, old, new)
    found = failures(contract_of(kind))
    assert list(found) == [check], found
    assert re.search(message, found[check], re.DOTALL), found[check]


def test_every_check_has_its_broken_plugin() -> None:
    for kind, contract in testing.CONTRACTS.items():
        names = {name.removeprefix("test_") for name in dir(contract) if name.startswith("test_")}
        broken = {check for each, check in BROKEN if each == kind}
        assert names == broken | {*COMMON, "one_entry_point"}, kind


def test_a_plugin_that_is_not_installed() -> None:
    contract = contract_of("sink")
    assert list(failures(contract)) == ["one_entry_point"]


def test_missing_packages_skip_the_checks(install: Install) -> None:
    install("runner", "api=1", "api=1, requires=('no_such_engine',), install='mine[engine]'")
    checks = list(run_contract(contract_of("runner")))
    assert not [check for check in checks if check.state == "fail"]
    notes = {check.note for check in checks if check.state == "skip"}
    assert notes == {"needs no_such_engine: pip install 'mine[engine]'"}


def test_expected_failures(install: Install) -> None:
    old, new, _ = BROKEN["runner", "no_clips"]
    install("runner", old, new)
    expected = {"no_clips": "it needs one", "failures": "never seen"}
    contract = contract_of("runner", expected_failures=expected)
    checks = {check.name: check for check in run_contract(contract)}
    assert checks["no_clips"].state == "expected"
    assert checks["no_clips"].note.startswith("it needs one (found IndexError: ")
    assert checks["failures"].state == "fail"
    assert "never seen" in checks["failures"].note
    with pytest.raises(pytest.xfail.Exception, match="it needs one"):
        contract().test_no_clips()
    with pytest.raises(testing.ContractFailure, match="never seen"):
        contract().test_failures()
    contract.teardown_class()
    child = type("TestChild", (contract,), {"expected_failures": {}})
    assert "IndexError: " in failures(child)["no_clips"]
    with pytest.raises(IndexError):
        child().test_no_clips()
    with pytest.raises(TypeError, match="'speed'.* one_entry_point, light_module"):
        contract_of("runner", expected_failures={"speed": "slow"})


def test_no_module_stays(install: Install) -> None:
    before = set(sys.path)
    install("sink")
    list(run_contract(contract_of("sink")))
    assert len(set(sys.path) - before) == 1  # what the fixture added, and nothing of the kit
