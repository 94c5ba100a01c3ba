"""The files that went wrong for others: how long they are, and whether that is said."""

from __future__ import annotations

import contextlib
import csv

import numpy as np
import pytest

from tests.yamkit.audio.sounds import check_warnings, classify, four_events, read
from yamkit.audio import open_audio
from yamkit.errors import DecodeError

FILES = [
    "flac-64-bytes-lost.flac",
    "flac-id3v1-at-end.flac",
    "m4a-300-bytes-damaged.m4a",
    "mp2-whole.mp2",
    "mp3-900-bytes-lost.mp3",
    "mp3-begins-within-a-frame.mp3",
    "mp3-two-id3-tags.mp3",
    "mp3-two-joined.mp3",
    "mp3-xing-says-0-frames.mp3",
    "ogg-two-chained.ogg",
    "stereo-antiphase.flac",
    "video-two-sounds-second-default.mkv",
    "wav-float-integer-range.wav",
    "wav-holding-aac.wav",
    "wav-odd-chunk-no-pad.wav",
    "wav-one-nan.wav",
    "wav-size-of-a-third.wav",
    "webm-cut-at-two-thirds.webm",
    "webm-gap-3-to-5.5-s.webm",
]
# Where a clear refusal is right as well, what it has to name.
MAY_BE_REFUSED = {"wav-holding-aac.wav": "AAC", "wav-odd-chunk-no-pad.wav": "chunk"}


@pytest.fixture(scope="module")
def index(shared):
    """What is right for each file."""
    with (shared / "cases" / "audio" / "index.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


@pytest.fixture(params=FILES)
def case(request, index, shared):
    return shared / "cases" / "audio" / request.param, index[request.param]


def test_every_file_is_tested(index):
    assert sorted(index) == FILES


def _check(seconds, warnings, row):
    assert seconds == pytest.approx(float(row["seconds"]), abs=float(row["tolerance"]))
    if row["warns"] != "either":
        assert bool(warnings) is (row["warns"] == "yes"), warnings
    check_warnings(warnings)


def _is_refused(path, error):
    assert "\n" not in error
    assert MAY_BE_REFUSED.get(path.name, "nothing may refuse it") in error
    return True


@pytest.mark.parametrize("way", ["file object", "stream that cannot seek"])
@pytest.mark.long(reason="tags many clips")
def test_a_case_is_heard_in_full(case, way):
    path, row = case
    try:
        heard = read(path.read_bytes(), on_pipe=way != "file object")
    except DecodeError as error:
        if not _is_refused(path, str(error)):
            raise
        return
    _check(heard.seconds, heard.warnings, row)


@pytest.mark.parametrize("way", ["path", "-"])
@pytest.mark.long(reason="tags many clips")
def test_the_command_line_says_the_same(case, way, monkeypatch, capsys):
    path, row = case
    clip, err = classify(path if way == "path" else path.read_bytes(), monkeypatch, capsys)
    if clip is None:
        assert _is_refused(path, err.strip())
        return
    _check(clip["duration_seconds"], clip.get("warnings", ()), row)
    for warning in clip.get("warnings", ()):
        assert warning in " ".join(err.split()), "said in the file, but not on standard error"


@pytest.mark.parametrize(
    ("name", "silence"),
    [("webm-gap-3-to-5.5-s.webm", (3.1, 5.4)), ("mp3-900-bytes-lost.mp3", None)],
)
def test_what_follows_lies_where_it_lay(name, silence, shared):
    heard = read((shared / "cases" / "audio" / name).read_bytes())
    wanted, got = four_events(8000)[:, 0], _at_8000_hz(heard)
    part = slice(round(6.0 * 8000), round(9.0 * 8000))
    length = 1 << 16
    spectra = [np.fft.rfft(each[part], length) for each in (got, wanted)]
    likeness = np.fft.irfft(spectra[0] * spectra[1].conj(), length)
    lag = int(likeness.argmax())
    lag = lag - length if lag > length // 2 else lag
    assert abs(lag) / 8000 < 0.1
    if silence:
        within = slice(*(round(second * 8000) for second in silence))
        assert np.abs(got[within]).max() < 2e-3  # the resampling above rings


def _at_8000_hz(heard):
    length = round(heard.seconds * 8000)
    spectrum = np.fft.rfft(heard.mono)[: length // 2 + 1]
    return np.fft.irfft(spectrum, length) * length / len(heard.mono)


def test_no_library_writes_to_the_terminal(case, capfd):
    path, _ = case
    with contextlib.suppress(DecodeError), open_audio(path) as source:
        for _block in source.mono():
            pass
    assert capfd.readouterr() == ("", "")
