"""Plain MP4s are read by their tables exactly as FFmpeg's demuxer reads them, in flat memory."""

from __future__ import annotations

import functools
import io
import itertools
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.yamkit.audio.faults import damaged, index_first
from tests.yamkit.audio.sounds import Track, four_events, mux
from yamkit.audio import open_audio
from yamkit.audio._notes import Notes
from yamkit.audio.formats.mp4 import mp4_sound
from yamkit.audio.formats.window import Window
from yamkit.audio.readers import containers, mp4
from yamkit.errors import DecodeError, YamkitError

RATE = 44_100
FACTS = (
    "sample_rate", "channels", "reader", "container", "codec", "streams", "stream",
    "seconds_promised",
)  # fmt: skip
NESTS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"udta"}


def late(packets):
    for packet in packets:
        packet.pts += RATE
        packet.dts += RATE
    return packets


def without_priming(packets):
    for packet in packets:
        packet.pts += 1024
        packet.dts += 1024
    return packets


def delayed(packets, ticks):
    first = packets[0].pts
    for packet in packets:
        packet.pts += ticks - first
        packet.dts += ticks - first
    return packets


def with_gap(packets):
    return packets[:10] + packets[15:]


@functools.cache
def written(
    container="ipod",
    codec="aac",
    edit=None,
    has_video=False,
    channels=1,
    rate=RATE,
    edit_ticks=1000,  # in a second; FFmpeg 9 would take the sample rate
):
    track = Track(codec, four_events(rate, channels, 2.0), rate, edit)
    return mux(container, [track], {"movie_timescale": str(edit_ticks)}, has_video=has_video)


def by_tables(data):
    return mp4.open_mp4(Window(io.BytesIO(data), 0), Notes())


def by_ffmpeg(data):
    return containers.open_container(Window(io.BytesIO(data), 0), None, Notes())


def heard(opened):
    """Give the samples and everything else that is known of a sound."""
    decoded, close = opened
    samples = np.concatenate(list(decoded.blocks))
    close()
    facts = {name: getattr(decoded, name) for name in FACTS}
    return samples, facts, decoded.notes.lines()


def check_same(data):
    opened = by_tables(data)
    assert opened is not None
    (samples, *others), (wanted, *wanted_others) = heard(opened), heard(by_ffmpeg(data))
    np.testing.assert_array_equal(samples, wanted)
    assert others == wanted_others
    return samples, others[-1]


def box(name, body):
    return struct.pack(">I4s", 8 + len(body), name) + body


def rewritten(data, **changes):
    """Give a file with the bodies of some of its boxes changed."""
    result, at = b"", 0
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        name, body = data[at + 4 : at + 8], data[at + 8 : at + size]
        if name in NESTS:
            body = rewritten(body, **changes)
        if name.decode("latin-1") in changes:
            body = changes[name.decode("latin-1")](body)
        result += box(name, body)
        at += size
    return result


def patched(at, layout, *values):
    def change(body):
        changed = bytearray(body)
        struct.pack_into(layout, changed, at % len(body), *values)
        return bytes(changed)

    return change


# Intact files


@pytest.mark.parametrize("arrange", [bytes, index_first], ids=["index last", "index first"])
@pytest.mark.parametrize("edit", [None, late, without_priming, with_gap])
@pytest.mark.parametrize(
    ("container", "codec"),
    [
        *itertools.product(["ipod", "mp4", "mov", "3gp", "3g2", "f4v"], ["aac"]),
        *itertools.product(["ipod", "mp4", "mov"], ["alac"]),
    ],
)
@pytest.mark.long(reason="writes and decodes many files")
def test_what_pyav_writes_is_the_same_to_the_sample(container, codec, edit, arrange):
    _, lines = check_same(arrange(written(container, codec, edit)))
    assert bool(lines) == (edit in (late, with_gap))


@pytest.mark.parametrize("edit", [None, late])
@pytest.mark.parametrize("container", ["mp4", "mov", "3gp"])
def test_the_sound_of_a_video_is_the_same(container, edit):
    _, lines = check_same(written(container, edit=edit, has_video=True))
    assert len(lines) == (edit is late)


@pytest.mark.parametrize("codec", ["aac", "alac"])
@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (48_000, 2), (44_100, 6)])
def test_rates_and_channels_are_the_same(rate, channels, codec):
    check_same(written("mp4", codec, rate=rate, channels=channels))


BEFORE = pytest.mark.parametrize("before", [0, 1, 500, 1024, 1025, 2048, 2112, 5000, 44_099])
MILLISECONDS = pytest.mark.parametrize("milliseconds", [100, 1980, 3000])


@BEFORE
@MILLISECONDS
def test_edits_cut_as_in_ffmpeg(milliseconds, before):
    change = patched(-12, ">Ii", milliseconds, before)
    check_same(rewritten(written("mp4"), elst=change))


@BEFORE
@MILLISECONDS
def test_edits_of_what_is_late_cut_as_in_ffmpeg_and_promise_no_more(milliseconds, before):
    # FFmpeg takes what comes before the edit for a part of it, and promises too much
    change = patched(-12, ">Ii", milliseconds, before)
    data = rewritten(written("mp4", edit=late), elst=change)
    samples, facts, lines = heard(by_tables(data))
    wanted = heard(by_ffmpeg(data))[0]
    # and does not know that the edit ends within a packet
    assert len(samples) <= len(wanted) < len(samples) + 1024
    np.testing.assert_array_equal(samples, wanted[: len(samples)])
    if milliseconds < 2000:
        assert facts["seconds_promised"] == pytest.approx(0.976 + milliseconds / 1000, abs=1e-3)
    if milliseconds == 100:
        assert len(lines) == 1
        assert lines[0].startswith("976 ms at 0 s is missing")


READ = pytest.mark.parametrize("read", [by_tables, by_ffmpeg])


@READ
@pytest.mark.parametrize(("container", "codec"), [("mp4", "aac"), ("mov", "aac"), ("ipod", "alac")])
def test_what_was_encoded_is_heard_without_padding(container, codec, read):
    # the last packet is full of padding, and the container says so
    encoded = four_events(RATE, 1, 2.0)
    samples = heard(read(written(container, codec)))[0]
    assert samples.shape == encoded.shape
    assert np.corrcoef(samples[:, 0], encoded[:, 0])[0, 1] > 0.99


@READ
@pytest.mark.parametrize("codec", ["aac", "alac"])
@pytest.mark.parametrize("ticks", [0, 1, 500, 1014, 1024, 5000, RATE])
@pytest.mark.parametrize("edit_ticks", [1000, RATE])
@pytest.mark.long(reason="writes and decodes many files")
def test_sound_that_begins_late_is_heard_to_its_end(edit_ticks, ticks, codec, read):
    # FFmpeg 9 takes the duration of a sound for its end, wherever it begins
    edits = [functools.partial(delayed, ticks=late) for late in (ticks, 0)]
    files = [written("mp4", codec, edit, edit_ticks=edit_ticks) for edit in edits]
    samples, wanted = (heard(read(data))[0] for data in files)
    assert len(wanted) == 2 * RATE + (1024 if codec == "aac" else 0)
    np.testing.assert_array_equal(samples[-len(wanted) :], wanted)


@BEFORE
@MILLISECONDS
@pytest.mark.parametrize(("codec", "priming"), [("aac", 1024), ("alac", 0)])
def test_an_edit_is_heard_to_the_sample(codec, priming, milliseconds, before):
    data = rewritten(written("mp4", codec), elst=patched(-12, ">Ii", milliseconds, before))
    samples = heard(by_tables(data))[0]
    assert len(samples) == min(milliseconds * RATE // 1000, priming + 2 * RATE - before)


def test_time_stamps_that_are_rounded_cost_no_samples():
    # ticks of a millisecond, the last packet begins later by half of one, and seems to be too long
    data = written("ipod", "alac")
    starts = [-(-n * 4096 * 1000 // RATE) for n in range(22)]
    ticks = np.diff([*starts, 2000])
    table = struct.pack(">II", 0, len(ticks)) + b"".join(struct.pack(">II", 1, n) for n in ticks)
    changed = rewritten(data, mdhd=patched(12, ">II", 1000, 2000), stts=lambda _: table)
    assert by_tables(changed) is None
    np.testing.assert_array_equal(heard(by_ffmpeg(changed))[0], heard(by_ffmpeg(data))[0])


@pytest.mark.parametrize("duration", [1, RATE, 2 * RATE, 10 * RATE])
def test_the_duration_that_is_stated_is_the_same(duration):
    check_same(rewritten(written(), mdhd=patched(16, ">I", duration)))


def test_without_an_edit_list_the_priming_is_heard():
    data = written().replace(b"edts", b"free")
    samples, _ = check_same(data)
    assert len(samples) == len(check_same(written())[0]) + 1024


def with_itunes_priming(data, priming):
    text = f" 00000000 {priming:08X} 000001CA 00000000003F31F6".encode() + b" 00000000" * 8
    tag = box(b"mean", bytes(4) + b"com.apple.iTunes") + box(b"name", bytes(4) + b"iTunSMPB")
    tag = box(b"----", tag + box(b"data", struct.pack(">II", 1, 0) + text))
    handler = box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    tags = box(b"meta", bytes(4) + handler + box(b"ilst", tag))
    return rewritten(data, udta=lambda _: tags)


def test_the_priming_of_itunes_is_right_or_left_to_ffmpeg():
    check_same(with_itunes_priming(written(), 1024))
    for other in (0, 1023, 2112):
        assert by_tables(with_itunes_priming(written(), other)) is None


# What is left to FFmpeg


LEFT = {
    "an edit of another speed": {"elst": patched(-4, ">I", 1 << 17)},
    "an edit from a second on": {"elst": patched(-8, ">i", RATE)},
    "an empty edit alone": {"elst": patched(-8, ">i", -1)},
    "three edits": {"elst": patched(4, ">I", 3)},
    "fragments": {"moov": lambda body: body + box(b"mvex", b"")},
    "two sound tracks": {"moov": lambda body: body + body[body.index(b"trak") - 4 :]},
    "two descriptions": {"stsd": patched(4, ">I", 2)},
    "MP3 in MP4": {"stsd": lambda body: body.replace(b"\x40\x15", b"\x6b\x15")},
    "HE-AAC": {"stsd": lambda body: body.replace(b"\x56\xe5\x00", b"\x56\xe5\x80")},
    "another rate": {"mdhd": patched(12, ">I", RATE + 1)},
    "samples of one size": {"stsz": patched(4, ">I", 100)},
    "an empty sample": {"stsz": patched(-4, ">I", 0)},
    "more samples than their sizes": {"stts": patched(8, ">I", 10_000)},
    "more chunks than there are": {"stsc": patched(8, ">I", 2)},
    "composition times": {"stbl": lambda body: body + box(b"ctts", bytes(8))},
    "no duration": {"mdhd": patched(16, ">I", 0)},
    "a box of no length": {"mdia": lambda body: body + bytes(8)},
}


@pytest.mark.parametrize("name", LEFT)
def test_what_is_not_plain_is_left_to_ffmpeg(name):
    changed = rewritten(written(), **LEFT[name])
    assert changed != written()
    assert by_tables(changed) is None


@pytest.mark.parametrize(("container", "codec"), [("ismv", "aac"), ("mp4", "flac"), ("mov", "ac3")])
def test_other_codecs_and_fragments_are_left_to_ffmpeg(container, codec):
    data = written(container, codec)
    assert by_tables(data) is None
    with open_audio(io.BytesIO(data)) as source:
        assert sum(map(len, source.blocks())) > 1.9 * RATE


def test_of_two_sounds_ffmpeg_selects():
    tracks = [Track("aac", four_events(rate, 1, 2.0), rate) for rate in (RATE, 22_050)]
    data = mux("mp4", tracks)
    assert by_tables(data) is None
    with open_audio(io.BytesIO(data), stream=2) as source:
        assert source.sample_rate == 22_050


def test_a_stream_that_is_not_there_is_an_error():
    with pytest.raises(DecodeError, match="no sound stream 2; it has 1"):
        open_audio(io.BytesIO(written()), stream=2)


# Faults


@pytest.mark.parametrize("fraction", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("codec", ["aac", "alac"])
def test_what_is_cut_off_is_said(codec, fraction):
    data = index_first(written("mp4", codec))
    samples, _, lines = heard(by_tables(data[: round(len(data) * fraction)]))
    wanted = heard(by_ffmpeg(data))[0]
    assert 0 < len(samples) < len(wanted)
    np.testing.assert_array_equal(samples[:-8192], wanted[: len(samples[:-8192])])
    assert len(lines) == 1
    assert lines[0].startswith("breaks off at ")


@pytest.mark.parametrize("seconds", [0.1, 1.0])
@pytest.mark.parametrize("codec", ["aac", "alac"])
def test_damage_costs_its_own_time(codec, seconds):
    data, _ = damaged(written("mp4", codec), seconds, 200, fill=None)
    check_same(data)


def test_damage_of_the_priming_costs_nothing():
    # FFmpeg 9's decoder cuts the priming off the next packet, so it is not asked
    data, _ = damaged(written("mp4"), 0.0, 200, fill=None)
    (samples, _, lines), (wanted, *_) = heard(by_tables(data)), heard(by_tables(written("mp4")))
    assert lines == ()
    # but for what overlaps, and noise that the decoder makes up
    assert samples.shape == wanted.shape
    assert np.corrcoef(samples[512:, 0], wanted[512:, 0])[0, 1] > 0.99


def test_a_chunk_that_is_not_there_is_silent_and_the_rest_in_its_place():
    data = written("mp4", "alac", has_video=True)  # between pictures, so in several chunks
    wanted = heard(by_tables(data))[0]
    at = data.rindex(b"stco") + 12 + 4 * 3
    changed = data[:at] + b"\x7f" + data[at + 1 :]
    samples, _, lines = heard(by_tables(changed))
    assert len(samples) == len(wanted)
    assert len(lines) == 1
    np.testing.assert_array_equal(samples[RATE:], wanted[RATE:])


def repeating(samples):
    """Give a file with a chunk for each of its samples, all of which are the first packet."""
    data = written("mp4").replace(b"edts", b"free")
    size, offset = (data[(at := data.index(name) + skip) : at + 4] for name, skip in FIRSTS)
    return rewritten(
        data,
        stsz=lambda body: body[:8] + struct.pack(">I", samples) + samples * size,
        stts=lambda body: body[:4] + struct.pack(">III", 1, samples, 1024),
        stsc=lambda body: body[:4] + struct.pack(">IIII", 1, 1, 1, 1),
        stco=lambda body: body[:4] + struct.pack(">I", samples) + samples * offset,
        mdhd=patched(16, ">I", samples * 1024),
    )


FIRSTS = ((b"stsz", 16), (b"stco", 12))


def test_a_file_whose_index_vanishes_while_it_is_read_breaks_off():
    data = repeating(5000)
    file = io.BytesIO(data)
    decoded, _ = mp4.open_mp4(Window(file, 0), Notes())
    file.truncate(data.index(b"moov"))
    assert sum(map(len, decoded.blocks)) == 4096 * 1024
    (line,) = decoded.notes.lines()
    assert line.startswith("breaks off at 95.109 s")


PLACES = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6)


@settings(max_examples=150, deadline=None)
@given(places=PLACES, has_video=st.booleans())
def test_a_hostile_index_is_heard_or_refused(places, has_video):
    data = bytearray(written("mp4", has_video=has_video))
    index = data.index(b"moov")
    for place, value in places:
        data[index + int(place * (len(data) - index))] = value
    message = ""
    try:
        opened = by_tables(bytes(data))
        if opened is not None:
            blocks = itertools.islice(opened[0].blocks, 100)
            assert all(0 < block.size <= 1 << 16 for block in blocks)
    except YamkitError as error:
        message = str(error)
    assert "\n" not in message


@pytest.mark.long(reason="writes and decodes many files")
def test_tables_of_a_long_file_take_no_memory():
    data = repeating(1_500_000)
    window = Window(io.BytesIO(data), 0)
    tracemalloc.start()
    try:
        sound = mp4_sound(window.part(0))
        packets = sum(1 for _ in itertools.islice(mp4._packets(window, sound), 20_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert packets == 20_000
    assert peak < 4 << 20
