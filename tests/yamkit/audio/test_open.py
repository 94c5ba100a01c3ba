"""Files of every format, whole, truncated and not what they seem."""

from __future__ import annotations

import gzip
import io
import os
import struct
import threading

import numpy as np
import pytest
import soundfile

from yamkit.audio import open_audio
from yamkit.audio.readers import sndfile
from yamkit.errors import AudioFileError, AudioValueError, DecodeError, ParameterError

RATE = 8000
SINE = (0.5 * np.sin(np.arange(20_000) / 9)).astype(np.float32)
# DWVW cannot be written whole by soundfile; SD2 and RAW do not say what they are.
FORMATS = [
    (container, subtype)
    for container in soundfile.available_formats()
    for subtype in soundfile.available_subtypes(container)
    if container not in ("RAW", "SD2")
    and not subtype.startswith(("DWVW", "MPEG_LAYER_I_", "MPEG_LAYER_II_"))
    and not (container == "MP3" and subtype != "MPEG_LAYER_III")
    and (container, subtype) != ("WAV", "MPEG_LAYER_III")
]


def encode(container, subtype=None, samples=SINE, rate=RATE, **options):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=container, subtype=subtype, **options)
    return file.getvalue()


def decode(source):
    with open_audio(source) as opened:
        return np.concatenate(list(opened.blocks())), opened


@pytest.fixture
def file(tmp_path):
    """Write bytes to a file and give its path."""

    def write(data, name="sound.bin"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize(("container", "subtype"), FORMATS)
@pytest.mark.long(reason="writes and decodes many files")
def test_every_format_decodes_as_soundfile_does_and_without_a_warning(container, subtype, file):
    data = encode(container, subtype)
    expected = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)[0]
    for source in (file(data), io.BytesIO(data)):
        result, opened = decode(source)
        assert result.dtype == np.float32
        # another decoder reads MP3: the same algorithm in another order of float32 operations
        tolerance = 1e-5 if container == "MP3" else 0
        np.testing.assert_allclose(result, expected, rtol=0, atol=tolerance)
        assert (opened.sample_rate, opened.channels) == (44_100 if container == "XI" else RATE, 1)
        assert opened.samples == len(expected)
        assert opened.warnings == ()


@pytest.mark.parametrize("subtype", ["DWVW_16", "DWVW_24"])
def test_formats_that_soundfile_itself_cannot_read_are_read(subtype, file):
    path = file(b"")
    soundfile.write(path, SINE, RATE, format="AIFF", subtype=subtype)
    result, _ = decode(path)
    np.testing.assert_allclose(result[:, 0], SINE, atol=2e-4)


@pytest.mark.parametrize(
    ("rate", "channels", "samples"), [(100, 1, 1), (768_000, 32, 5000), (44_056, 3, 70_000)]
)
def test_odd_rates_and_many_channels(rate, channels, samples, file):
    array = np.random.default_rng(0).uniform(-3, 3, (samples, channels)).astype(np.float32)
    with open_audio(str(file(encode("WAV", "FLOAT", array, rate)))) as source:
        assert (source.sample_rate, source.channels) == (rate, channels)
        blocks = list(source.blocks())
    assert max(block.size for block in blocks) <= 1 << 16
    np.testing.assert_array_equal(np.concatenate(blocks), array)


@pytest.mark.parametrize(
    ("container", "subtype", "promise"),
    [
        ("WAV", "PCM_16", True),
        ("WAV", "IMA_ADPCM", True),
        ("RF64", "PCM_24", True),
        ("W64", "PCM_16", True),
        ("AIFF", "PCM_16", True),
        ("AU", "FLOAT", True),
        ("SVX", "PCM_16", True),
        ("VOC", "PCM_16", False),
        ("PAF", "PCM_24", False),
        ("FLAC", "PCM_16", True),
        ("MP3", "MPEG_LAYER_III", True),
        ("OGG", "VORBIS", False),
        ("OGG", "OPUS", False),
    ],
)
def test_truncated_files_are_decoded_as_far_as_they_go(container, subtype, promise, file):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 20_000)
    data = encode(container, subtype, noise)
    whole, _ = decode(file(data))
    result, source = decode(file(data[: len(data) * 7 // 10]))
    assert 0.3 * len(whole) < len(result) < 0.8 * len(whole)
    if subtype not in ("IMA_ADPCM", "MPEG_LAYER_III") and container != "PAF":  # half a block ends
        np.testing.assert_array_equal(result, whole[: len(result)])
    (warning,) = source.warnings
    at, _, rest = warning.removeprefix("breaks off at ").partition(" s")
    assert float(at) == pytest.approx(len(result) / RATE, abs=1e-3)
    if promise:
        assert float(rest.removeprefix("; the header promises ")[:-2]) == pytest.approx(
            2.5, abs=0.1
        )
    else:
        assert rest == ""


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_is_whole_or_it_is_said_wherever_it_was_cut(subtype, file):
    data = encode("OGG", subtype, np.random.default_rng(0).uniform(-0.5, 0.5, 20_000))
    last = data.rindex(b"OggS")
    for end in (last, last + 10, last + 30, len(data) - 1):
        (warning,) = decode(file(data[:end]))[1].warnings
        assert warning.startswith("breaks off at ")
    for tail in (b"TAG" + bytes(125), bytes(70_000)):
        whole, source = decode(file(data + tail))
        assert len(whole) == 20_000
        assert source.warnings == ()


@pytest.mark.parametrize("counted", [True, False])
def test_damage_in_a_flac_costs_one_frame_and_moves_nothing(counted, file):
    data = bytearray(encode("FLAC", samples=np.random.default_rng(0).uniform(-1, 1, 20_000)))
    if not counted:
        data[21] &= 0xF0
        data[22:26] = bytes(4)
    whole, source = decode(file(data))
    assert source.warnings == ()
    data[len(data) // 2 : len(data) // 2 + 300] = bytes(300)
    result, source = decode(file(data))
    assert len(result) == 20_000
    differs = np.flatnonzero((result != whole).any(axis=1))
    assert 4000 < len(differs) <= 4096
    assert not result[differs[0] : differs[-1] + 1].any()
    assert source.warnings == (f"512 ms at {differs[0] / RATE:g} s could not be decoded",)


def test_nothing_decoded_is_an_error(file):
    noise = np.random.default_rng(0).uniform(-1, 1, 20_000)
    path = file(encode("FLAC", samples=noise)[:3000])
    with pytest.raises(DecodeError, match="sound.bin: no sample can be decoded"):
        decode(path)


def test_an_error_whose_place_is_unknown_counts_nothing(file, monkeypatch):
    def fail(self, *args, **kwargs):
        raise soundfile.LibsndfileError(2)

    monkeypatch.setattr(sndfile._ForwardSound, "read", fail)
    monkeypatch.setattr(sndfile._ForwardSound, "tell", fail)
    with pytest.raises(DecodeError, match="sound.bin: no sample can be decoded"):
        decode(file(encode("WAV")))


def without_length_header(mp3):
    """Cut the first frame, which holds the length."""
    at = max(mp3.find(b"Xing"), mp3.find(b"Info"))
    while not (mp3[at] == 0xFF and mp3[at + 1] >> 1 == mp3[1] >> 1 and mp3[at + 2] >> 4 < 15):
        at += 1
    return mp3[at:]


@pytest.mark.parametrize("rate", [44_100, 22_050, 8000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.long(reason="writes and decodes many files")
def test_mp3_without_a_length_is_decoded_to_its_end(rate, channels, file):
    # Quiet, then loud: an estimate from the first frames is far too short.
    samples = np.zeros((8 * rate, channels), np.float32)
    samples[rate:] = np.random.default_rng(0).uniform(-0.3, 0.3, (7 * rate, channels))
    whole = encode("MP3", samples=samples, rate=rate, bitrate_mode="VARIABLE")
    expected, _ = decode(file(whole))
    bare = without_length_header(whole)
    tag = b"ID3\x04\x00\x10\x00\x00\x01\x00" + bytes(128) + b"3DI\x04\x00\x10\x00\x00\x01\x00"
    for data in (bare, tag + bare):
        result, source = decode(file(data))
        assert source.warnings == ()
        assert 0 <= len(result) - len(expected) < 3 * 1152
        # Both begin with the delay of the encoder; only the length header says how to remove it.
        delay = next(
            d
            for d in range(3 * 1152)
            if np.allclose(result[d:][: rate * 7], expected[: rate * 7], atol=1e-5)
        )
        assert delay < 3 * 1152


@pytest.mark.parametrize("name", ["t.wav", "t.au", "t.snd", "t.gsm", "t.vox", "t.mp3", "t.raw"])
@pytest.mark.parametrize("content", [b"Dear reader,\n" * 900, os.urandom(9000), bytes(9000)])
def test_what_is_no_sound_is_an_error_whatever_its_name(name, content, file):
    with pytest.raises(DecodeError, match=f"{name}: not a sound file") as caught:
        open_audio(file(content, name))
    assert "\n" not in str(caught.value)


def test_an_empty_file_and_one_without_samples(file):
    with pytest.raises(DecodeError, match="sound.bin: is empty"):
        open_audio(file(b""))
    for container in ("WAV", "AIFF", "AU"):
        with pytest.raises(AudioValueError, match="sound.bin: contains no samples"):
            decode(file(encode(container, samples=SINE[:0])))


def test_values_that_are_not_finite_count_as_zero_and_the_first_is_named(file):
    samples = np.full((100_000, 2), 0.5)
    clean, _ = decode(file(encode("WAV", "DOUBLE", samples)))
    samples[80_000, 1], samples[90_000, 0] = np.nan, np.inf
    result, source = decode(file(encode("WAV", "DOUBLE", samples)))
    assert [tuple(place) for place in np.argwhere(result != clean)] == [(80_000, 1), (90_000, 0)]
    assert result[80_000, 1] == result[90_000, 0] == 0
    assert source.warnings == (
        "2 samples are not finite and counted as zero: first NaN at 10 s, channel 2",
    )
    with pytest.raises(AudioValueError, match="sound.bin: contains only NaN and infinity"):
        decode(file(encode("WAV", "FLOAT", np.full(5000, np.nan))))


def test_missing_files_folders_and_odd_names(tmp_path):
    for name, reason in (
        ("no\nfile.wav", r"no\\nfile.wav: no such file$"),
        (".", "is a directory, not a sound file"),
        ("a\0b", r"a\\x00b: "),
        ("x" * 300, "x: File name too long"),
    ):
        with pytest.raises(AudioFileError, match=reason) as caught:
            open_audio(os.path.join(tmp_path, name))  # noqa: PTH118
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="links and devices")
def test_dangling_links_and_devices(tmp_path):
    link = tmp_path / "link.wav"
    link.symlink_to("gone.wav")
    with pytest.raises(AudioFileError, match=r"link.wav: is a link to gone.wav"):
        open_audio(link)
    with pytest.raises(AudioFileError, match="/dev/zero is a device"):
        open_audio("/dev/zero")


def test_no_permission(file, monkeypatch):
    path = file(encode("WAV"))

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(AudioFileError, match="sound.bin: no permission to read it"):
        open_audio(path)


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX alone")
def test_names_that_are_no_text_work(tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"caf\xe9.wav")  # noqa: PTH118
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(encode("WAV"))
    _, source = decode(os.fsdecode(path))
    assert source.samples == 20_000
    assert source.name.endswith(r"caf\xe9.wav")


@pytest.mark.skipif(os.name != "posix", reason="named pipes")
def test_a_named_pipe_is_a_stream(tmp_path):
    path = tmp_path / "pipe.wav"
    os.mkfifo(path)
    writer = threading.Thread(
        target=path.write_bytes, args=[encode("WAV", samples=SINE[:2000])], daemon=True
    )
    writer.start()
    with open_audio(path) as source:
        assert sum(map(len, source.blocks())) == 2000


def test_file_objects_are_read_from_where_they_are_and_left_open(file):
    data = b"front" + encode("FLAC")
    stream = io.BytesIO(data)
    stream.seek(5)
    result, source = decode(stream)
    assert (len(result), source.name) == (20_000, "<BytesIO>")
    assert not stream.closed
    stream.seek(len(data))
    with pytest.raises(DecodeError, match=f"is empty after byte {len(data)}"):
        open_audio(stream)
    path = file(encode("WAV"))
    with path.open("rb") as plain:
        _, source = decode(plain)
        assert source.name == str(path)
        plain.seek(0)
        assert plain.read() == path.read_bytes()


def test_compressed_file_objects_are_read_through_their_own_read(file):
    with gzip.open(file(gzip.compress(encode("FLAC")))) as stream:
        assert len(decode(stream)[0]) == 20_000


def test_file_objects_that_do_not_say_whether_they_seek():
    class Minimal:
        def __init__(self, data):
            file = io.BytesIO(data)
            self.read, self.seek, self.tell = file.read, file.seek, file.tell

    assert len(decode(Minimal(encode("FLAC")))[0]) == 20_000


def test_what_is_no_source_is_refused():
    with pytest.raises(ParameterError, match="source int"):
        open_audio(5)
    with pytest.raises(ParameterError, match="returns str: must be opened as 'rb'"):
        open_audio(io.StringIO("text"))


@pytest.mark.parametrize("reads", [1, 3, 4, 5, 12])
@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()])
def test_errors_of_file_objects_are_not_lost_in_the_decoder(error, reads):
    class Failing(io.BytesIO):
        left = reads

        def read(self, size=-1):
            self.left -= 1
            if self.left < 0:
                raise error
            return super().read(size)

    wanted = AudioFileError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(wanted):
        decode(Failing(encode("WAV", samples=np.zeros(200_000))))


@pytest.mark.parametrize("rate", [20_000_000, 0])
def test_rates_beyond_reason_are_refused(rate, file):
    wav = bytearray(encode("WAV"))
    wav[24:28] = struct.pack("<I", rate)
    with pytest.raises(DecodeError, match=rf"sound.bin: (sample rate {rate} Hz|not a sound)"):
        open_audio(file(wav))


def test_closing_twice_does_nothing(file):
    source = open_audio(file(encode("WAV")))
    source.close()
    source.close()


def test_frames_of_a_flac_whose_beginning_is_damaged_are_heard_behind_another(file):
    samples = np.random.default_rng(0).uniform(-1, 1, 60_000)
    one = encode("FLAC", samples=samples)
    result, source = decode(file(one + bytes(42) + one[42:]))
    assert len(result) == 120_000
    np.testing.assert_array_equal(result[60_000:], result[:60_000])
    assert source.warnings == ()


def test_frames_of_a_flac_that_are_there_twice_are_heard_once(file):
    one = encode("FLAC", samples=np.random.default_rng(0).uniform(-1, 1, 100_000))
    half = len(one) // 2
    result, source = decode(file(one + one[half:]))
    assert len(result) == 100_000
    (warning,) = source.warnings
    assert "present twice" in warning
