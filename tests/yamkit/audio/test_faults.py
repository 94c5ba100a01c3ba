"""Every fault in every kind of file: nothing lost, nothing moved, and it is said where it lies.

Times are held to the samples, where a format tells them: what follows a fault gets the scores it
has in the whole file.
"""

from __future__ import annotations

import functools
import io
import itertools
import re
import struct
import tracemalloc

import numpy as np
import pytest

from tests.yamkit.audio import faults as faults
from tests.yamkit.audio.faults import KINDS, Kind, whole
from tests.yamkit.audio.sounds import Heard, Track, four_events, mux, read, write
from yamkit.audio import open_audio
from yamkit.audio.formats import frame_walk
from yamkit.errors import AudioValueError, DecodeError, YamkitError

pytestmark = pytest.mark.slow(reason="decodes thousands of files that it makes")

SECONDS = 9.4
WINDOW, HOP = 0.96, 0.48
# Frames after frames, each with what is needed to decode it.
FRAMED = ["mp3", "mp2", "aac", "ac3", "eac3"]
DAMAGES = [0.5 + 0.85 * number for number in range(10)]


@functools.cache
def heard_whole(name: str) -> Heard:
    return read(whole(name))


def same(
    heard: Heard,
    wanted: Heard,
    tolerance: float,
    start: float = 0.0,
    end: float = SECONDS,
    slack: float = 0.0,
) -> None:
    """Check that a stretch of a sound, given in seconds, is as in another, and in its place."""
    assert heard.rate == wanted.rate
    end = min(end, wanted.seconds)
    assert heard.seconds > end - 0.1, f"ends at {heard.seconds} s"
    first, last = int(np.ceil(start / HOP)), int((end - 0.1 - WINDOW) / HOP)
    if last < first:
        return
    if slack:
        late = _lag(heard.mono, wanted.mono, start, end, heard.rate, slack)
        heard = Heard(np.roll(heard.samples, -late, axis=0), heard.rate, ())
    rows = slice(first, last + 1)
    strays = np.abs(heard.scores[rows] - wanted.scores[rows]).max(axis=1)
    assert strays.max() <= tolerance, f"from {start} s on, rows {first}..: {strays.round(4)}"


def _lag(got, wanted, start, end, rate, slack):
    """Find how many samples `got` is late, at most `slack` seconds."""
    rows = slice(round(start * rate), round(min(end, len(got) / rate) * rate))
    got, wanted = got[rows], wanted[rows]
    length = min(len(got), len(wanted))
    spectra = [np.fft.rfft(each[:length], 2 * length) for each in (got, wanted)]
    likeness = np.fft.irfft(spectra[0] * spectra[1].conj(), 2 * length)
    most = min(int(np.ceil(slack * rate)), length - 1)
    lags = np.arange(-most, most + 1)
    return int(lags[likeness[lags].argmax()])


# Damage


@pytest.mark.parametrize("seconds", DAMAGES)
@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.damage])
def test_damage_costs_what_it_hit_and_nothing_else(name, seconds):
    kind = KINDS[name]
    # Zeros and noise in turn; noise could turn AMR into frames of other lengths.
    is_noise = DAMAGES.index(seconds) % 2 == 0 and "amr" not in kind.codec
    data, at = faults.damaged(whole(name), seconds, kind.damage, None if is_noise else 0)
    heard, wanted = read(data), heard_whole(name)
    assert heard.seconds == pytest.approx(wanted.seconds, abs=kind.frame_seconds + 1e-6)
    if kind.is_noticed:
        assert heard.warnings
        assert len(heard.warnings) <= 3
        assert any(_is_near(warning, at, kind) for warning in heard.warnings), heard.warnings
    same(heard, wanted, kind.tolerance, end=at - 0.1)
    if at + kind.recovery < SECONDS - WINDOW:
        same(heard, wanted, kind.tolerance, start=at + kind.recovery, slack=kind.slack)


def _is_near(warning: str, seconds: float, kind: Kind) -> bool:
    """Tell whether one of the numbers of seconds in a warning is the place of the damage."""
    numbers = [float(number) for number in _numbers(warning)]
    return any(seconds - kind.recovery - 0.2 < n < seconds + kind.recovery + 0.2 for n in numbers)


def _numbers(text: str) -> list[str]:
    return re.findall(r"(\d+(?:\.\d+)?) ?s\b", text)


@pytest.mark.parametrize("name", ["mp3", "flac", "ogg-opus", "m4a", "mkv-aac", "ts-aac"])
def test_two_damages_are_two_places(name):
    kind = KINDS[name]
    data, first = faults.damaged(whole(name), 2.0, kind.damage)
    later = next(place for place in faults.places(whole(name)) if place[0] >= 6.0)
    data = data[: later[1] + 8] + bytes(kind.damage) + data[later[1] + 8 + kind.damage :]
    heard, wanted = read(data), heard_whole(name)
    assert heard.seconds == pytest.approx(wanted.seconds, abs=kind.frame_seconds)
    for place in (first, later[0]):
        assert any(_is_near(warning, place, kind) for warning in heard.warnings), heard.warnings
    for start, end in ((0, first), (first + kind.recovery, later[0]), (6 + kind.recovery, SECONDS)):
        same(heard, wanted, kind.tolerance, start, end - 0.1, kind.slack)


@pytest.mark.parametrize(
    "name", ["mp3", "flac", "ogg-opus", "m4a", "mkv-aac", "webm-opus", "ts-aac", "wav-mp3", "aiff"]
)
def test_a_pipe_is_heard_as_a_file_is(name):
    data, _ = faults.damaged(whole(name), 4.0, KINDS[name].damage)
    for broken in (data, faults.cut(data, 0.8) if name != "m4a" else data, data + data):
        heard, piped = read(broken), read(broken, on_pipe=True)
        np.testing.assert_array_equal(heard.samples, piped.samples)
        assert heard.warnings == piped.warnings


# What is cut off


def _cuttable(name: str) -> bytes:
    data = whole(name)
    return faults.index_first(data) if KINDS[name].container in MP4 else data


MP4 = ("ipod", "mp4", "mov", "3gp")


@pytest.mark.parametrize("fraction", [0.5, 0.7, 0.93])
@pytest.mark.parametrize("name", KINDS)
def test_what_is_cut_off_is_said(name, fraction):
    kind = KINDS[name]
    data = _cuttable(name)
    size = round(len(data) * fraction)
    packets = faults.places(data)
    end = [time for time, at, length in packets if at + length <= size][-1]
    stop = next((time for time, at, length in packets if at + length > size), SECONDS)
    heard, wanted = read(data[:size]), heard_whole(name)
    # The page or packet that was cut may be lost, and a frame that leans on the next.
    lost = 2 * kind.frame_seconds + (0.7 if "ogg" in name or "mpeg" in name else 0.15)
    assert end - lost < heard.seconds < stop + 2 * kind.frame_seconds + 0.15
    if kind.has_count:
        assert heard.warnings
    same(heard, wanted, kind.tolerance, end=heard.seconds - 2 * kind.frame_seconds - 0.1)


@pytest.mark.parametrize("name", [*FRAMED, "ts-aac", "ts-mp2", "ts-ac3", "mpeg-mp2"])
def test_what_lacks_its_beginning_is_heard_from_there_on(name):
    kind, data = KINDS[name], whole(name)
    _, at, size = next(place for place in faults.places(data) if place[0] >= 3)
    start = next(time for time, place, _ in faults.places(data) if place > at + size // 2)
    heard, wanted = read(data[at + size // 2 :]), heard_whole(name)
    assert heard.seconds == pytest.approx(wanted.seconds - start, abs=0.15)
    slack = 0.3
    same(heard, _from(wanted, start), kind.tolerance, 0.48, SECONDS - start - 0.2, slack)


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.container in MP4])
def test_a_cut_mp4_without_its_index_is_one_clear_line(name):
    with pytest.raises(DecodeError) as caught:
        read(faults.cut(whole(name), 0.7))
    assert "\n" not in str(caught.value)


# What is joined

STREAMS = [*FRAMED, "flac", "ogg-vorbis", "ogg-opus", "ogg-flac"]
STREAMS += ["ts-aac", "ts-mp2", "ts-ac3", "mpeg-mp2", "wav", "wv"]


@pytest.mark.parametrize("copies", [2, 3])
@pytest.mark.parametrize("name", STREAMS)
def test_files_joined_are_heard_one_after_the_other(name, copies):
    kind = KINDS[name]
    heard, wanted = read(whole(name) * copies), heard_whole(name)
    # The delay of an encoder may be cut once or every time.
    slack = copies * max(2 * kind.frame_seconds, 0.001)
    assert heard.seconds == pytest.approx(copies * wanted.seconds, abs=slack)
    for number in range(copies):
        part = _from(heard, number * wanted.seconds)
        same(part, wanted, kind.tolerance, 0.48 if number else 0, slack=slack if number else 0)
    if name != "wav":
        assert heard.warnings == ()


@pytest.mark.parametrize("name", sorted(set(KINDS) - set(STREAMS)))
def test_files_joined_where_nobody_joins_them_are_heard_or_it_is_said(name):
    kind = KINDS[name]
    heard, wanted = read(whole(name) * 2), heard_whole(name)
    if heard.seconds < 1.9 * wanted.seconds:
        assert heard.seconds == pytest.approx(wanted.seconds, abs=kind.frame_seconds + 0.01)
        assert heard.warnings
    same(heard, wanted, kind.tolerance, end=SECONDS - 0.2)


def _from(heard: Heard, seconds: float) -> Heard:
    return Heard(heard.samples[round(seconds * heard.rate) :], heard.rate, heard.warnings)


OTHERS = [
    ("mp3", 22_050, 1),
    ("mp3", 44_100, 2),
    ("mp3", 48_000, 2),
    ("aac", 22_050, 2),
    ("ac3", 48_000, 2),
    ("mp2", 32_000, 2),
    ("flac", 22_050, 1),
    ("flac", 16_000, 2),
    ("ogg-vorbis", 22_050, 1),
    ("ogg-vorbis", 44_100, 2),
    ("ogg-opus", 24_000, 2),
    ("ogg-flac", 22_050, 2),
]


@pytest.mark.parametrize(("name", "rate", "channels"), OTHERS)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_later_part_has_another_rate_or_other_channels(name, rate, channels, is_first):
    kind = KINDS[name]
    other = kind.encode(four_events(rate, channels), rate=rate)
    parts = [other, whole(name)] if is_first else [whole(name), other]
    heard = read(b"".join(parts))
    first = read(parts[0])
    assert (heard.rate, heard.samples.shape[1]) == (first.rate, first.samples.shape[1])
    assert heard.seconds == pytest.approx(2 * SECONDS, abs=6 * kind.frame_seconds)
    assert _likeness(_from(heard, first.seconds), first, 6 * kind.frame_seconds) > 0.9


def _likeness(heard: Heard, wanted: Heard, slack: float) -> float:
    """Give the correlation of two encodings of the example, one at most `slack` seconds late."""
    late = _lag(heard.mono, wanted.mono, 0.5, 9.0, heard.rate, slack)
    rows = slice(heard.rate, 8 * heard.rate)
    return float(np.corrcoef(np.roll(heard.mono, -late)[rows], wanted.mono[rows])[0, 1])


LINKS = ("ogg-vorbis", "ogg-opus", "ogg-flac")


@pytest.mark.parametrize("names", [*itertools.permutations(LINKS, 2)])
def test_links_of_an_ogg_hold_other_codecs(names):
    heard = read(whole(names[0]) + whole(names[1]))
    first = heard_whole(names[0])
    assert heard.rate == first.rate
    assert heard.seconds == pytest.approx(2 * SECONDS, abs=0.1)
    assert heard.warnings == ()
    assert _likeness(_from(heard, first.seconds), first, 0.05) > 0.9


# Tags

TAGGED = [*FRAMED, "flac", "tta", "wv"]


@pytest.mark.parametrize(
    "tags", [(17,), (900,), (900, 900), (40, 5000, 900), (16_000,)], ids=lambda tags: f"{tags}"
)
@pytest.mark.parametrize("name", [name for name in TAGGED if name != "wv"])
def test_tags_before_the_first_frame_are_no_sound(name, tags):
    heard, wanted = read(b"".join(map(faults.id3v2, tags)) + whole(name)), heard_whole(name)
    assert heard.seconds == pytest.approx(wanted.seconds, abs=KINDS[name].frame_seconds)
    assert heard.warnings == ()


@pytest.mark.parametrize("tail", [faults.ID3V1, faults.APE + faults.ID3V1, faults.APE, bytes(4096)])
@pytest.mark.parametrize("name", [*TAGGED, "ogg-vorbis", "ogg-opus", "ogg-flac", "wav", "m4a"])
def test_tags_and_padding_behind_the_last_frame_are_no_sound(name, tail):
    heard, wanted = read(whole(name) + tail), heard_whole(name)
    assert heard.seconds == pytest.approx(wanted.seconds, abs=KINDS[name].frame_seconds)
    assert heard.warnings == ()


@pytest.mark.parametrize("name", ["mp3", "aac", "flac", "mp2"])
def test_tags_between_joined_files_are_no_sound(name):
    kind, data = KINDS[name], whole(name)
    tags = faults.ID3V1 + faults.id3v2(5000) + faults.id3v2()
    heard, wanted = read(faults.id3v2() + data + tags + data), heard_whole(name)
    slack = min(4 * kind.frame_seconds, 1.0)
    assert heard.seconds == pytest.approx(2 * wanted.seconds, abs=slack)
    same(_from(heard, wanted.seconds), wanted, kind.tolerance, 0.48, slack=slack)
    assert heard.warnings == ()


# Counts in headers


def _counted(name: str, share: float) -> bytes:
    """Give a whole file whose header claims a share of what is there; 0 where it claims nothing."""
    data = whole(name)
    after = functools.partial(faults.behind, data)
    put = faults.patched
    samples = round(SECONDS * 16_000)
    match name:
        case "mp3":
            at = after(b"Info" if b"Info" in data[:2000] else b"Xing", 4)
            return put(data, at, ">I", round(360 * share))
        case "flac":
            packed = int.from_bytes(data[18:26], "big") >> 36 << 36 | round(samples * share)
            return put(data, 18, ">Q", packed)
        case "wav":
            size = round(2 * samples * share)
            return put(put(data, after(b"data"), "<I", size), 4, "<I", size + 36)
        case "aiff":
            size = round(2 * samples * share)
            data = put(data, after(b"COMM", 6), ">I", size // 2)
            return put(put(data, after(b"SSND"), ">I", size + 8), 4, ">I", size + 46)
        case "au":
            return put(data, 8, ">I", round(2 * samples * share) or 0xFFFFFFFF)
        case "caf":
            return put(data, after(b"data"), ">q", round(2 * samples * share) + 4 if share else -1)
        case "w64":
            size = round(2 * samples * share)
            return put(put(data, after(b"data", 12), "<Q", size + 24), 16, "<Q", size + 128)
        case "rf64":
            size = round(2 * samples * share)
            at = after(b"ds64", 4)
            data = put(put(data, at, "<Q", size + 72), at + 8, "<Q", size)
            return put(data, at + 16, "<Q", size // 2)
        case "mkv-aac" | "webm-opus":
            return put(data, after(b"\x44\x89\x88"), ">d", SECONDS * 1000 * share)
        case "m4a":
            scale = struct.unpack(">I", data[after(b"mvhd", 12) : after(b"mvhd", 16)])[0]
            return put(data, after(b"mvhd", 16), ">I", round(SECONDS * scale * share))
        case "flv-aac":
            return put(data, after(b"duration\0"), ">d", SECONDS * share)
        case "wma":
            guid = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
            return put(data, after(guid, 48), "<Q", round((SECONDS + 3.1) * 1e7 * share))
        case "wv":
            return put(data, 12, "<I", round(samples * share) or 0xFFFFFFFF)
    raise AssertionError(name)


COUNTED = ["mp3", "flac", "wav", "aiff", "au", "caf", "w64", "rf64", "mkv-aac", "webm-opus"]
COUNTED += ["m4a", "flv-aac", "wma", "wv"]
SAMPLE_DATA = ["wav", "aiff", "au", "caf", "w64", "rf64"]


@pytest.mark.parametrize("on_pipe", [False, True])
@pytest.mark.parametrize("share", [0, 1 / 3, 0.9, 1.5])
@pytest.mark.parametrize("name", COUNTED)
def test_a_count_in_a_header_hides_no_sound(name, share, on_pipe):
    kind = KINDS[name]
    heard, wanted = read(_counted(name, share), on_pipe), heard_whole(name)
    # Where nobody says how long the last frame is, it is as long as the others.
    assert heard.seconds == pytest.approx(wanted.seconds, abs=2 * kind.frame_seconds)
    same(heard, wanted, kind.tolerance)
    # It looks like a file that was cut, but where bytes or tags say otherwise.
    if share > 1 and name not in ("m4a", "wma", "mp3", "mkv-aac", "webm-opus"):
        assert heard.warnings
    if share == 0 and name not in ("m4a", "wma"):  # as a stream has it that nobody could go back in
        assert heard.warnings == ()
    if 0 < share < 1 and name in SAMPLE_DATA:
        assert heard.warnings


@pytest.mark.parametrize("frames", [0, 120, 360, 700])
def test_a_vbri_header_hides_no_sound(frames):
    data = whole("mp3")
    at = data.index(b"\xff\xfb")
    vbri = struct.pack(">4sHHHIIHHHH", b"VBRI", 1, 0, 75, len(data), frames, 0, 1, 2, 1)
    second = data.index(data[at : at + 2], at + 100)
    tag = bytearray(second - at)
    tag[:4] = data[at : at + 4]
    tag[36 : 36 + len(vbri)] = vbri
    heard, wanted = read(bytes(tag) + data[second:]), heard_whole("mp3")
    assert heard.seconds == pytest.approx(SECONDS, abs=4 * KINDS["mp3"].frame_seconds)
    slack = 4 * KINDS["mp3"].frame_seconds
    same(heard, wanted, 0.02, 0.48, slack=slack)
    if frames == 360:
        assert heard.warnings == ()


# Time stamps

GAPS = ["ogg-vorbis", "ogg-opus", "ogg-flac", "m4a", "mov-aac", "mp4-opus", "mp4-flac", "mkv-aac"]
GAPS += [
    "mkv-mp3",
    "mkv-ac3",
    "mkv-flac",
    "mkv-pcm",
    "webm-opus",
    "webm-vorbis",
    "ts-aac",
    "ts-mp2",
]
GAPS += ["ts-ac3", "mpeg-mp2", "wma", "flv-aac", "flv-mp3", "3gp-amr"]
GAP = (3.0, 5.5)


def _times(name: str) -> dict[str, str]:
    """Give the options with which a container tells the time of every packet."""
    return {"page_duration": "1"} if KINDS[name].container == "ogg" else {}


@pytest.mark.parametrize("name", GAPS)
def test_a_gap_is_silence_and_said(name):
    kind = KINDS[name]
    heard = read(kind.encode(edit=faults.without(*GAP), **_times(name)))
    wanted = heard_whole(name)
    assert heard.seconds == pytest.approx(wanted.seconds, abs=kind.frame_seconds)
    within = slice(round(3.3 * heard.rate), round(5.2 * heard.rate))
    assert np.abs(heard.mono[within]).max() < 1e-3
    (warning,) = heard.warnings
    assert any(abs(float(number) - 3.0) < 0.3 for number in _numbers(warning)), warning
    assert any(abs(float(number) - 2.5) < 0.3 for number in _numbers(warning)), warning
    same(heard, wanted, kind.tolerance, end=2.7)
    same(heard, wanted, kind.tolerance, start=5.7, slack=kind.slack)


LATE = ["m4a", "mov-aac", "mp4-opus", "mp4-flac", "mkv-aac", "mkv-flac", "webm-opus", "webm-vorbis"]
LATE += ["flv-aac", "wma"]


@pytest.mark.parametrize("name", LATE)
def test_a_late_start_is_silence_and_said(name):
    kind = KINDS[name]
    heard, wanted = read(kind.encode(edit=faults.moved(2.0))), heard_whole(name)
    assert heard.seconds == pytest.approx(wanted.seconds + 2, abs=kind.frame_seconds + 0.1)
    assert np.abs(heard.mono[: round(1.9 * heard.rate)]).max() < 1e-3
    (warning,) = heard.warnings
    assert any(abs(float(number) - 2) < 0.15 for number in _numbers(warning)), warning
    # Some containers begin with what the encoder needs to start, some before it.
    slack = kind.frame_seconds + 0.001 + (0.1 if name == "wma" else 0)
    same(_from(heard, 2.0), wanted, kind.tolerance, 0.48, slack=slack)


@pytest.mark.parametrize("container", ["mpegts", "mpeg", "matroska"])
def test_sound_that_begins_after_the_picture_is_late(container):
    codec = {"matroska": "aac"}.get(container, "mp2")
    made = [
        mux(container, [Track(codec, four_events(44_100), 44_100, edit)], has_video=True)
        for edit in (None, faults.moved(2.0))
    ]
    wanted, heard = map(read, made)
    assert wanted.warnings == ()
    assert heard.seconds == pytest.approx(wanted.seconds + 2, abs=0.03)
    assert len(heard.warnings) == 1
    same(_from(heard, 2.0), wanted, 0.02, 0.48, slack=0.03)


@pytest.mark.parametrize("container", ["mpegts", "mpeg"])
def test_a_clock_that_began_elsewhere_is_no_late_start(container):
    heard = read(mux(container, [Track("mp2", four_events(44_100), 44_100, faults.moved(4000))]))
    assert heard.seconds == pytest.approx(SECONDS, abs=0.06)
    assert heard.warnings == ()


@pytest.mark.parametrize("name", ["mkv-aac", "mkv-flac", "webm-opus", "flv-mp3", "ts-aac"])
def test_what_two_packets_claim_is_heard_once(name):
    kind = KINDS[name]
    heard, wanted = read(kind.encode(edit=faults.moved(-0.5, start=5.0))), heard_whole(name)
    assert heard.seconds == pytest.approx(wanted.seconds - 0.5, abs=2 * kind.frame_seconds)
    assert heard.warnings
    same(heard, wanted, kind.tolerance, end=4.3)
    slack = max(kind.slack, kind.frame_seconds)
    same(_from(heard, 4.8 - 0.5), _from(wanted, 4.8), kind.tolerance, 0.96, 4.5, slack=slack)


@pytest.mark.parametrize("name", ["mkv-pcm", "mp4-flac", "3gp-amr"])
def test_a_gap_of_hours_costs_no_memory(name):
    kind = KINDS[name]
    hours = 2
    samples = four_events(kind.rate, seconds=2)
    data = kind.encode(samples, edit=faults.moved(hours * 3600, start=1.0))
    tracemalloc.start()
    with open_audio(io.BytesIO(data)) as source:
        for block in source.blocks():
            assert block.size <= 1 << 16
        seconds = source.samples / source.sample_rate
        peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds == pytest.approx(hours * 3600 + 2, abs=0.1)
    assert peak < 30e6
    assert len(source.warnings) == 1


# Channels and streams

STEREO = ["mp3", "flac", "ogg-vorbis", "ogg-opus", "m4a", "mkv-aac", "webm-opus", "wav", "ts-aac"]


@pytest.mark.parametrize("name", STEREO)
def test_channels_that_cancel_each_other_are_said(name):
    kind = KINDS[name]
    both = four_events(kind.rate, 2) * np.float32([1, -1])
    data = kind.encode(both)
    heard = read(data)
    assert heard.seconds == pytest.approx(SECONDS, abs=2 * kind.frame_seconds)
    (warning,) = heard.warnings
    assert "--channel" in warning
    for channel, sign in ((1, 1), (2, -1)):
        with open_audio(io.BytesIO(data)) as source:
            one = np.concatenate(list(source.mono(channel=channel)))
        assert one.shape == (len(heard.samples),)
        np.testing.assert_allclose(one, heard.samples[:, channel - 1])
        wanted = Heard(sign * heard.samples[:, :1], heard.rate, ())
        assert np.corrcoef(wanted.mono, heard.samples[:, 0])[0, 1] * sign > 0.99


@pytest.mark.parametrize("channels", [(1, 1), (1, 0), (0, 1), (1, 0.5), (0, 0)])
@pytest.mark.parametrize("name", ["wav", "flac", "m4a"])
def test_other_channels_are_no_reason_for_a_warning(name, channels):
    kind = KINDS[name]
    heard = read(kind.encode(four_events(kind.rate, 2) * np.float32(channels)))
    assert heard.warnings == ()


MARKED = [("matroska", "aac"), ("matroska", "flac"), ("mp4", "aac"), ("mov", "aac")]
UNMARKED = [("mpegts", "mp2"), ("avi", "mp2"), ("asf", "mp2"), ("mpeg", "mp2")]
SEVERAL = [(*kind, default) for kind in MARKED for default in (None, 1, 2, 3)]
SEVERAL += [(*kind, None) for kind in UNMARKED]


@pytest.mark.parametrize("has_video", [False, True])
@pytest.mark.parametrize(("container", "codec", "default"), SEVERAL)
def test_of_several_streams_the_one_marked_is_heard_and_the_others_said(
    container, codec, default, has_video
):
    data = faults.several(container, codec, 44_100, default, has_video)
    heard = read(data)
    assert _stream_heard(heard) == (default or 1)
    (warning,) = heard.warnings
    assert "3 sound streams" in warning
    for number in (1, 2, 3):
        chosen = read(data, stream=number)
        assert _stream_heard(chosen) == number
        assert chosen.seconds == pytest.approx(4, abs=0.1)
        assert chosen.warnings == ()


def _stream_heard(heard: Heard) -> int:
    spectrum = np.abs(np.fft.rfft(heard.mono[heard.rate : 2 * heard.rate]))
    tones = [spectrum[hz - 2 : hz + 3].sum() / spectrum.sum() for hz in (440, 880)]
    return 1 if tones[0] > 0.5 else 3 if tones[1] > 0.5 else 2


@pytest.mark.parametrize("stream", [0, 4, -1])
@pytest.mark.parametrize("name", ["m4a", "wav", "mp3"])
def test_a_stream_that_is_not_there_is_an_error(name, stream):
    with pytest.raises(YamkitError) as caught:
        read(whole(name), stream=stream)
    assert "\n" not in str(caught.value)
    assert read(whole(name), stream=1).warnings == ()


# WAV by hand: the reader of files and the one of pipes do the same

SAMPLES = faults.pcm(four_events())
DATA = faults.chunk(b"data", SAMPLES)
FORMAT = faults.pcm_format()
HALF = len(SAMPLES) // 4 * 2
LIST = faults.chunk(b"LIST", b"INFOISFT\x04\0\0\0abcd")
NO, YES, EITHER = "no", "yes", "either"

WAVS = {
    "whole": (faults.wav(FORMAT, DATA), NO),
    "chunks around": (faults.wav(LIST, FORMAT, LIST, DATA, LIST), NO),
    "size of a third": (faults.wav(FORMAT, faults.chunk(b"data", SAMPLES, HALF // 3 * 2)), YES),
    "wrapped": (faults.wav(FORMAT, faults.chunk(b"data", SAMPLES, 4)), YES),
    "no sizes": (faults.wav(FORMAT, faults.chunk(b"data", SAMPLES, 0), size=0), NO),
    "sizes of a stream": (
        faults.wav(FORMAT, faults.chunk(b"data", SAMPLES, 0xFFFFFFFF), size=0xFFFFFFFF),
        NO,
    ),
    "RIFF size alone wrong": (faults.wav(FORMAT, DATA, size=4000), EITHER),
    "two data chunks": (
        faults.wav(FORMAT, faults.chunk(b"data", SAMPLES[:HALF]), LIST)
        + faults.chunk(b"data", SAMPLES[HALF:]),
        EITHER,
    ),
    "joined": (
        faults.wav(FORMAT, faults.chunk(b"data", SAMPLES[:HALF]))
        + faults.wav(FORMAT, faults.chunk(b"data", SAMPLES[HALF:])),
        EITHER,
    ),
    "odd chunk without padding": (
        faults.wav(faults.chunk(b"note", b"odd", pad=False), FORMAT, DATA),
        EITHER,
    ),
    "odd chunk without padding after the format": (
        faults.wav(FORMAT, faults.chunk(b"LIST", b"INFOodd", pad=False), DATA),
        EITHER,
    ),
    "odd chunk without padding at the end": (
        faults.wav(FORMAT, DATA, faults.chunk(b"note", b"odd", pad=False)),
        NO,
    ),
    "something of no meaning behind": (faults.wav(FORMAT, DATA) + faults.ID3V1, NO),
    "zeros behind": (faults.wav(FORMAT, DATA) + bytes(512), NO),
}


@pytest.mark.parametrize("on_pipe", [False, True])
@pytest.mark.parametrize("name", WAVS)
def test_a_wav_holds_what_is_in_it(name, on_pipe):
    data, warns = WAVS[name]
    heard = read(data, on_pipe)
    assert heard.seconds == pytest.approx(SECONDS, abs=0.01)
    assert (heard.rate, heard.samples.shape[1]) == (16_000, 1)
    same(heard, Heard(four_events(), 16_000, ()), 0.02)
    if warns != EITHER:
        assert bool(heard.warnings) is (warns == YES)


@pytest.mark.parametrize("name", WAVS)
def test_pipes_and_files_give_the_same_samples(name):
    heard, piped = (read(WAVS[name][0], on_pipe) for on_pipe in (False, True))
    np.testing.assert_array_equal(heard.samples, piped.samples)
    assert heard.warnings == piped.warnings


def _floats(samples: np.ndarray, form: str = "FLOAT", container: str = "WAV") -> bytes:
    return Kind(container, form, 16_000, 1).encode(samples)


FLOATS = [("WAV", "FLOAT"), ("WAV", "DOUBLE"), ("AIFF", "FLOAT"), ("CAF", "FLOAT"), ("AU", "FLOAT")]
FLOATS += [("W64", "DOUBLE"), ("RF64", "FLOAT")]


@pytest.mark.parametrize("on_pipe", [False, True])
@pytest.mark.parametrize(("container", "form"), FLOATS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_counts_as_zero(container, form, value, on_pipe):
    samples = four_events().copy()
    samples[80_000] = value
    heard = read(_floats(samples, form, container), on_pipe)
    samples[80_000] = 0
    np.testing.assert_array_equal(heard.samples, samples)
    (warning,) = heard.warnings
    assert any(abs(float(number) - 5) < 0.01 for number in _numbers(warning)), warning


@pytest.mark.parametrize("on_pipe", [False, True])
@pytest.mark.parametrize(("container", "form"), FLOATS)
def test_a_file_without_a_number_is_an_error(container, form, on_pipe):
    samples = np.full((20_000, 1), np.nan, np.float32)
    with pytest.raises(AudioValueError) as caught:
        read(_floats(samples, form, container), on_pipe)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("on_pipe", [False, True])
@pytest.mark.parametrize(("container", "form"), FLOATS)
@pytest.mark.parametrize("scale", [2.0**15, 2.0**31])
def test_floats_in_the_range_of_integers_are_said(container, form, scale, on_pipe):
    heard = read(_floats(four_events() * np.float32(scale), form, container), on_pipe)
    assert heard.seconds == pytest.approx(SECONDS)
    assert len(heard.warnings) == 1


@pytest.mark.parametrize("on_pipe", [False, True])
@pytest.mark.parametrize("peak", [1.0, 1.4, 4.0])
def test_floats_somewhat_beyond_full_scale_are_no_reason_for_a_warning(peak, on_pipe):
    samples = four_events() / np.abs(four_events()).max() * np.float32(peak)
    assert read(_floats(samples), on_pipe).warnings == ()


IN_WAV = [("libmp3lame", 44_100, {}), ("mp2", 44_100, {"b": "64000"}), ("g722", 16_000, {})]
IN_WAV += [("g726", 8000, {}), ("g723_1", 8000, {"b": "6300"}), ("ac3", 44_100, {})]
IN_WAV += [("adpcm_ms", 16_000, {}), ("adpcm_ima_wav", 16_000, {}), ("adpcm_yamaha", 16_000, {})]
IN_WAV += [("pcm_alaw", 8000, {}), ("pcm_mulaw", 8000, {})]


@pytest.mark.parametrize("on_pipe", [False, True])
@pytest.mark.parametrize(("codec", "rate", "options"), IN_WAV)
def test_codecs_in_wav_are_heard(codec, rate, options, on_pipe):
    data = Kind("wav", codec, rate, 1, codec_options=options).encode()
    heard = read(data, on_pipe)
    assert heard.rate == rate
    assert heard.seconds == pytest.approx(SECONDS, abs=0.15)
    assert heard.warnings == ()


def test_aac_in_wav_is_heard_or_named():
    data = Kind("wav", "aac", 44_100, 1024).encode()
    try:
        message, seconds = "AAC", read(data).seconds
    except DecodeError as error:
        message, seconds = str(error), SECONDS
    assert "AAC" in message
    assert seconds == pytest.approx(SECONDS, abs=0.1)


@pytest.mark.parametrize("rate_of_clock", [0.99, 1.01])
def test_a_clock_that_drifts_keeps_events_where_the_container_has_them(rate_of_clock):
    def drift(packets):
        for packet in packets:
            packet.pts = packet.dts = round(packet.pts * rate_of_clock)
        return packets

    heard = read(KINDS["mkv-aac"].encode(edit=drift))
    assert heard.seconds == pytest.approx(SECONDS * rate_of_clock, abs=0.1)
    assert heard.warnings


def test_bare_aac_that_seems_to_have_many_channels_ends_no_process(shared):
    data = (shared / "cases" / "audio" / "wav-holding-aac.wav").read_bytes()
    heard = read(data[:70_339] + b"u!c\xa1" + data[70_339:])
    assert heard.seconds > 8


def test_a_count_of_frames_that_no_file_has_makes_no_hours_of_silence():
    data = bytearray(whole("mp3"))
    at = faults.behind(bytes(data), b"Xing") if b"Xing" in data else faults.behind(data, b"Info")
    data[at + 4 : at + 8] = b"\xff\xff\xff\xf0"
    data[len(data) // 2 : len(data) // 2 + 900] = bytes(900)
    assert read(bytes(data)).seconds == pytest.approx(SECONDS, abs=0.1)


@pytest.mark.parametrize("junk", [b"\xff", b"\xff\xfd\x90\x00", b"\x00"])
def test_much_junk_between_frames_is_looked_at_once(junk, monkeypatch):
    looked_at = []
    original = frame_walk.find_frames
    monkeypatch.setattr(
        frame_walk,
        "find_frames",
        lambda *given: looked_at.append(len(given[0])) or original(*given),
    )
    size = 1 << 20
    read(whole("mp2") + junk * (size // len(junk)) + whole("mp2"))
    assert sum(looked_at) < 6 * size


@pytest.mark.parametrize("container", ["WAV", "AIFF", "CAF", "RF64"])
@pytest.mark.parametrize("on_pipe", [False, True])
def test_what_is_no_number_counts_as_zero_behind_integers_too(container, on_pipe):
    floats = np.full((1000, 1), np.nan, np.float32)
    parts = (
        write(container, "PCM_16", four_events(), 16_000),
        write(container, "FLOAT", floats, 16_000),
    )
    heard = read(b"".join(parts), on_pipe)
    assert len(heard.samples) == len(four_events()) + 1000
    assert any("1000 samples are not finite" in warning for warning in heard.warnings)
