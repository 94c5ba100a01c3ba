"""Every check of the kit can fail: a broken plugin each, which fails that check and no other."""

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

# kind, check -> what is broken: (text, its replacement) in the hook or the implementation, and what
# the check says
BROKEN: dict[tuple[str, str], tuple[str, str, str]] = {
    ("backend", "shapes"): (
        "# after",
        "scores = np.pad(scores, ((0, 0), (0, 1))) if len(scores) else scores",
        r"seen \(\(1, 522\), \(1, 512\)\); wanted \(\(1, 521\), \(1, 512\)\)",
    ),
    ("backend", "float32"): (
        "# after",
        "scores = scores.astype(float)",
        "seen float64 and float32; wanted float32 and float32",
    ),
    ("backend", "range"): (
        "# after",
        "scores = scores + (9 < patches.max(axis=(1, 2), initial=0)) [:, None]"
        "* (patches.max(axis=(1, 2), initial=0) < 99)[:, None]\n"
        "        scores = scores.astype('f4')",
        r"seen 1\.?\d* to [12]\.?\d*; wanted 0 to 1",
    ),
    ("backend", "finite"): (
        "# after",
        "scores[np.abs(patches).max(axis=(1, 2), initial=0) > 999] = np.nan",
        r"seen scores with \[nan\]; wanted finite ones",
    ),
    ("backend", "empty_batch"): (
        "# before",
        "patches[0]",
        "seen IndexError: index 0 is out of bounds.*; wanted no exception",
    ),
    ("backend", "rows_independent"): (
        "# after",
        "scores = scores * np.float32(1 - 0.01 * (len(scores) == 20))",
        r"seen a row that strays 0\.0\d+ in a batch; wanted at most 1e-05",
    ),
    ("backend", "input_unchanged"): (
        "# after",
        "patches += 1",
        "seen patches that were changed; wanted the same patches",
    ),
    ("backend", "repeatable"): (
        "# after",
        "same = self._last == patches.tobytes() and len(patches) == 3\n"
        "        self._last = patches.tobytes()\n"
        "        self._same = self._same + 1 if same else 0\n"
        "        scores = scores + np.float32(0.01 * self._same)",
        r"seen results that stray 0\.01 *; wanted at most 1e-06",
    ),
    ("backend", "threads"): (
        "# before",
        "if threading.current_thread() is not threading.main_thread(): raise RuntimeError('no')",
        "seen RuntimeError: no in another thread; wanted scores",
    ),
    ("backend", "thread_count"): (
        "# opening",
        "if options.threads == 1: raise ValueError('too few')",
        "seen ValueError: too few with threads=1; wanted a backend, or an IncompatibleError",
    ),
    ("backend", "providers"): (
        "networks=",
        "providers=('cpu', 'warp'), networks=",
        "seen KeyError: 'warp' with provider='warp'; wanted a backend, or an IncompatibleError",
    ),
    ("backend", "close_twice"): (
        "# closing",
        "if self._closed: raise RuntimeError('closed')",
        "seen RuntimeError: closed at the second close; wanted nothing",
    ),
    ("backend", "golden_scores"): (
        "# after",
        "scores = scores * np.float32(0.9)",
        r"seen scores that stray 0\.\d+ from the golden ones; wanted at most 0.0002",
    ),
    ("backend", "golden_embeddings"): (
        "# after",
        "embeddings = embeddings * np.float32(1.1)",
        r"seen embeddings that stray \d\.\d+ from the golden ones; wanted at most 0.005",
    ),
    ("frontend", "count"): (
        "# after",
        "patches = patches[:-1] if len(segment) == 15600 + 7680 and not segment.any() else patches",
        r"seen \(1, 96, 64\) of 23280 samples; wanted \(2, 96, 64\)",
    ),
    ("frontend", "float32"): (
        "# after",
        "patches = patches.astype(float)",
        "seen float64; wanted float32",
    ),
    ("frontend", "silence"): (
        "# after",
        "same = np.float32(not segment.any()) * (np.arange(len(patches)) == 1)[:, None, None]\n"
        "        patches = patches + same.astype('f4')",
        "seen patches that differ by 1; wanted one patch",
    ),
    ("frontend", "golden_log_mel"): (
        "# after",
        "patches = patches + np.float32(0.01)",
        r"seen values that stray 0\.01.* from the golden ones; wanted at most 0\.001",
    ),
    ("frontend", "any_cut"): (
        "# after",
        "patches = patches + np.float32(len(patches) == 4)",
        "seen patches that stray 1 in segments of 4; wanted at most 1e-05",
    ),
    ("frontend", "input_unchanged"): (
        "# after",
        "segment *= 2",
        "seen samples that were changed; wanted the same samples",
    ),
    ("frontend", "threads"): (
        "# after",
        "if threading.current_thread() is not threading.main_thread(): raise RuntimeError('no')",
        "seen RuntimeError: no in another thread; wanted patches",
    ),
    ("frontend", "other_features"): (
        "# opening",
        "from dataclasses import replace; features = replace(features, kind='log-mel')",
        "seen a front end; wanted an IncompatibleError for features of kind 'no-such-kind'",
    ),
    ("sink", "every_item"): (
        "# end",
        "if self._clips > 1: raise RuntimeError('more than one')",
        "seen RuntimeError: more than one; wanted 14 items written",
    ),
    ("sink", "events"): (
        "# before",
        "if type(item).__name__ == 'Event': raise ValueError('events')",
        "seen ValueError: events; wanted events written",
    ),
    ("sink", "marked_failures"): (
        "(ClipEnd, ClipFailure)):",
        "ClipEnd):",
        "seen no mark of a failure; wanted one behind what was written of the clip",
    ),
    ("sink", "unknown_items"): (
        "# before",
        "type(item) in (ClipStart, ClipEnd, ClipFailure, PatchTags, Event) or item.path",
        "seen AttributeError: '_Unknown' object has no attribute 'path' at an unknown item; "
        "wanted it ignored",
    ),
    ("sink", "hostile_names"): (
        "# start",
        "if '\\x00' in item.path: raise ValueError('NUL')",
        r"seen ValueError: NUL with the name '\\x00nul .*; wanted an output",
    ),
    ("sink", "no_clips"): (
        "pass  # closing",
        "1 / self._clips",
        "seen ZeroDivisionError: .* without clips; wanted an output",
    ),
    ("sink", "repeatable"): (
        "# begin",
        "CALLS[0] += 1\n        stream.write(f'{CALLS[0]}')",
        "seen other bytes the second time; wanted the same bytes",
    ),
    ("sink", "stream_stays_open"): (
        "pass  # closing",
        "self._stream.close()",
        "seen a closed stream; wanted an open one",
    ),
    ("sink", "abort"): (
        "pass  # aborting",
        "raise RuntimeError('no')",
        "seen RuntimeError: no when given up after 0 items; wanted nothing",
    ),
    ("sink", "interrupted_output"): (
        "# begin",
        "hasattr(stream, 'name') and pathlib.Path(stream.name).parent.with_name('x').touch()",
        "seen x of an unfinished clip; wanted no file",
    ),
    ("sink", "nothing_left"): (
        "pass  # closing",
        "os.close(tempfile.mkstemp()[0])",
        "seen the temporary file tmp.*; wanted no file",
    ),
    ("resampler", "count"): (
        "# flushed",
        "out = out[:-1] if self._total == 1000 else out",
        "seen 361 samples of 1000 from 44100 to 16000 Hz; wanted 362",
    ),
    ("resampler", "float32"): (
        "# processed",
        "out = out.astype(float)",
        "seen float64; wanted float32",
    ),
    ("resampler", "any_cut"): (
        "# flushed",
        "out = out + np.float32(0.01 * (self._blocks > 20))",
        r"seen samples that stray 0\.01 where the stream is cut; wanted at most 1e-06",
    ),
    ("resampler", "silence"): (
        "# flushed",
        "out = out + np.float32(1e-7 * (self._total == 5000))",
        "seen 1e-07 in silence; wanted 0",
    ),
    ("resampler", "tone"): (
        "# processed",
        "out = out * np.float32(0.9)\n        self._inner = self._inner",
        r"seen a tone that strays 0\.1 from 44100 to 16000 Hz; wanted at most 0\.01",
    ),
    ("resampler", "input_unchanged"): (
        "# processed",
        "block *= 2",
        "seen samples that were changed; wanted the same samples",
    ),
    ("resampler", "streams_apart"): (
        "# flushed",
        "out = out + np.float32(0.01 * (SHARED[-1] is not self))",
        "seen samples that stray .* beside another stream; wanted at most 1e-06",
    ),
    ("label reader", "example"): (
        "# reading",
        "if 'bird' in text and text.endswith('\\n'): raise ValueError('birds')",
        "seen ValueError: birds; wanted the clips of the example",
    ),
    ("label reader", "recognises_its_own"): (
        "# recognising",
        "return False",
        "seen False for its own example; wanted True",
    ),
    ("label reader", "recognises_no_other"): (
        "# recognising",
        "head[0]",
        r"seen IndexError: .* for a file with the lines \(\); wanted False",
    ),
    ("label reader", "vocabulary"): (
        "return {}",
        "return {'dog': 3}",
        r"seen \{'dog': 3\}; wanted texts by texts",
    ),
    ("label reader", "lines"): (
        "line=number",
        "line=0",
        r"seen lines \[0, 0\]; wanted rising ones from 1 to 3",
    ),
    ("label reader", "line_ends"): (
        "# reading",
        "text = text.replace('\\r', ' ')",
        r"seen .* with CRLF; wanted the same clips",
    ),
    ("label reader", "damaged"): (
        "# reading",
        "if not text: raise ValueError('empty')",
        r"seen ValueError: empty for b''; wanted clips, or a LabelError",
    ),
    ("label reader", "no_list"): (
        "(OSError, ValueError)",
        "ValueError",
        "seen FileNotFoundError: .* for a list that is not there; wanted a LabelError",
    ),
    ("runner", "every_clip"): (
        "# begin",
        "clips = clips[::-1] if len(clips) == 40 else clips",
        "seen items in another order; wanted those of each clip, in their order",
    ),
    ("runner", "the_clips_themselves"): (
        "# item",
        "import copy; clip = copy.copy(clip)",
        "seen .*; wanted the clip that was given",
    ),
    ("runner", "no_clips"): (
        "# begin",
        "clips[0]",
        "seen IndexError: list index out of range; wanted no exception",
    ),
    ("runner", "failures"): (
        "# item",
        "if 'Failure' in type(item).__name__: return",
        "seen 0 failures; wanted 2, of six clips",
    ),
    ("runner", "stopped_early"): (
        "# begin",
        "if self._stopped: return",
        r"seen clips \[\] of the next run; wanted 50 and 51",
    ),
    ("runner", "close_twice"): (
        "# closing",
        "if self._closed: raise RuntimeError('closed')",
        "seen RuntimeError: closed at the second close; wanted nothing",
    ),
}

COMMON: dict[str, tuple[str, str, str]] = {
    "light_module": (
        "from yamkit.plugin",
        "import numpy\nfrom yamkit.plugin",
        "seen imports of numpy; wanted yamkit.plugin and the standard library alone",
    ),
    "api_number": ("api=1", "api=99", "seen api=99; wanted 1"),
    "factory_resolves": (
        "_impl:Mine",
        "_impl:Nobody",
        "seen '.*_impl:Nobody': AttributeError: .*; wanted a callable",
    ),
    "opens": (
        "opening",
        "opening\n        raise RuntimeError('no engine')",
        "seen RuntimeError: no engine; wanted a ",
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
def test_the_sound_plugin_passes(install: Install, kind: str) -> None:
    install(kind)
    states = {check.name: check.state for check in run_contract(contract_of(kind))}
    assert set(states.values()) == {"pass"}, states


@pytest.mark.parametrize(("kind", "check"), BROKEN, ids=lambda part: part.replace(" ", "-"))
def test_a_broken_plugin_fails_its_check_alone(install: Install, kind: str, check: str) -> None:
    old, new, message = BROKEN[kind, check]
    install(kind, old, new)
    found = failures(contract_of(kind))
    assert list(found) == [check], found
    assert re.fullmatch(message, found[check], re.DOTALL), found[check]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("check", [*COMMON, "one_entry_point"])
def test_what_is_common_to_all(install: Install, kind: str, check: str) -> None:
    if check == "one_entry_point":
        message = r"seen 2 entry points \(broken:point0, broken:point1\); wanted one"
        install(kind, points=2)
    else:
        old, new, message = COMMON[check]
        install(kind, old, new)
    found = failures(contract_of(kind))
    assert list(found) == [check], found
    assert re.match(message, found[check]), found[check]


def test_every_check_has_its_broken_plugin() -> None:
    for kind, contract in testing.CONTRACTS.items():
        names = {name.removeprefix("test_") for name in dir(contract) if name.startswith("test_")}
        broken = {check for each, check in BROKEN if each == kind}
        assert names == broken | {*COMMON, "one_entry_point"}, kind


def test_a_plugin_that_is_not_there() -> None:
    contract = contract_of("sink")
    assert failures(contract) == {"one_entry_point": "seen 0 entry points (none); wanted one"}


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
    assert checks["no_clips"].note.startswith("it needs one (seen IndexError: ")
    assert checks["failures"].state == "fail"
    assert checks["failures"].note == "seen a pass; wanted the expected failure: never seen"
    with pytest.raises(pytest.xfail.Exception, match="it needs one"):
        contract().test_no_clips()
    with pytest.raises(testing.ContractFailure, match="seen a pass; wanted the expected failure"):
        contract().test_failures()
    contract.teardown_class()
    child = type("TestChild", (contract,), {"expected_failures": {}})
    assert failures(child)["no_clips"].startswith("seen IndexError: ")
    with pytest.raises(IndexError):
        child().test_no_clips()
    with pytest.raises(TypeError, match="no check 'speed' to expect; there are: one_entry_point"):
        contract_of("runner", expected_failures={"speed": "slow"})


def test_no_module_stays(install: Install) -> None:
    before = set(sys.path)
    install("sink")
    list(run_contract(contract_of("sink")))
    assert len(set(sys.path) - before) == 1  # what the fixture added, and nothing of the kit
