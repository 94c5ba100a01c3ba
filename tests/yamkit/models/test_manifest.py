from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.errors import BundleError, ParameterError
from yamkit.models import manifest
from yamkit.models.catalogue import published
from yamkit.models.manifest import (
    Manifest,
    check_name,
    format_manifest,
    parse_features,
    parse_manifest,
    parse_toml,
)
from yamkit.types import LogMelSpec, NetworkSpec, WaveformSpec

SHA = "0" * 64
YAMNET = published("yamnet")
MANIFEST = Manifest(
    name="yamnet",
    version="1",
    licence="Apache-2.0",
    source="https://example.org/yamnet.h5",
    source_sha256=SHA,
    classes="classes.csv",
    features=YAMNET.features,
    network=YAMNET.network,
    files={"classes.csv": SHA, "weights.npz": SHA},
)
TEXT = format_manifest(MANIFEST)

lines = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=40)
names = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,63}", fullmatch=True)


@given(
    name=names,
    version=lines,
    licence=lines,
    source=lines,
    log_offset=st.floats(1e-30, 1e6),
    epsilon=st.floats(1e-300, 1.0),
    width=st.floats(0.01, 4.0),
    kind=names.filter(lambda kind: kind != "mobilenet-v1"),
    silence=lines,
    extra=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,30}", fullmatch=True),
)
@pytest.mark.long(reason="tags many clips")
def test_what_is_written_is_read(
    name, version, licence, source, log_offset, epsilon, width, kind, silence, extra
):
    manifest = replace(
        MANIFEST,
        name=name,
        silence=silence,
        version=version,
        licence=licence,
        source=source,
        features=replace(YAMNET.features, log_offset=log_offset),
        network=NetworkSpec(kind, width, epsilon, 3),
        files={**MANIFEST.files, extra: "f" * 64},
    )
    text = format_manifest(manifest)
    assert parse_manifest(text, "model.toml") == manifest
    assert format_manifest(parse_manifest(text, "model.toml")) == text


def test_unknown_keys_are_ignored_and_the_source_hash_may_be_absent():
    text = 'summary = "new"\n' + TEXT.replace("tail =", "colour = 1\ntail =")
    assert parse_manifest(text, "m") == MANIFEST
    without = TEXT.replace(f'source_sha256 = "{SHA}"\n', "")
    assert parse_manifest(without, "m") == replace(MANIFEST, source_sha256="")


def test_whole_numbers_serve_as_floats():
    features = parse_manifest(TEXT.replace("125.0", "125"), "m").features
    assert features == YAMNET.features
    assert isinstance(features.mel_low_hz, float)


OPTIONAL = ("source_sha256", "tail", '"weights.npz"')
KEYS = [line.partition(" = ")[0] for line in TEXT.splitlines() if "=" in line]


@pytest.mark.parametrize("key", [key for key in KEYS if key not in OPTIONAL])
def test_a_missing_key_is_named(key):
    text = "".join(line for line in TEXT.splitlines(True) if not line.startswith(f"{key} ="))
    with pytest.raises(BundleError, match=r"classes '" if "csv" in key else rf"{key} is missing"):
        parse_manifest(text, "model.toml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("schema = 1", "schema = 2", "schema 2: this yamkit reads 1"),
        ("schema = 1", "schema = true", "schema must be an integer"),
        ("schema = 1", "schema = [", "not TOML"),
        ("schema = 1", f"schema = {'9' * 5000}", "more than 256 characters"),
        ("schema = 1", f"schema = 0x{'f' * 4000}", "more than 256 characters"),
        ("schema = 1", f"deep = {'[' * 5000}", "nested more than 16 deep"),
        ('name = "yamnet"', f"name = {'[' * 900}{']' * 900}", "nested more than 16 deep"),
        ('name = "yamnet"', "name = " + "{a = " * 900 + "1" + "}" * 900, "more than 16 deep"),
        ("fft_length = 512", f"fft_length{'.a' * 10_000} = 512", "a key of more than 16 parts"),
        ("fft_length = 512", "fft_length" + ' . "a."' * 17 + "= 5", "a key of more than 16 parts"),
        ("[network]", f"[{'.'.join('a' * 99)}]", "a key of more than 16 parts"),
        ("schema = 1", "schema = 1 #" + "x" * 2**16, "longer than 65536 characters"),
        ('name = "yamnet"', 'name = "Yam Net"', "name 'Yam Net': must match"),
        ('name = "yamnet"', "name = 1", "name must be text"),
        ('version = "1"', "version = 1.0", "version must be text"),
        ('version = "1"', 'version = "\\u001b[31m"', "version must be one line"),
        (f'source_sha256 = "{SHA}"', 'source_sha256 = "abc"', "source_sha256 'abc'"),
        ('classes = "classes.csv"', 'classes = "other.csv"', "classes 'other.csv'"),
        ('"weights.npz"', '"../weights.npz"', "a name in .files. '../weights.npz'"),
        ('"weights.npz"', '"a/weights.npz"', "a name in .files."),
        ('"weights.npz"', '"/weights.npz"', "a name in .files."),
        ('"weights.npz"', '"a\\\\weights.npz"', "a name in .files."),
        (f'"weights.npz" = "{SHA}"', '"weights.npz" = 1', "SHA-256 of weights.npz must be text"),
        (f'"weights.npz" = "{SHA}"', f'"weights.npz" = "{"A" * 64}"', "SHA-256 of weights.npz"),
        ("[files]", "[[files]]", "files must be a table"),
        ('kind = "log-mel"', 'kind = ""', "kind ''"),
        ('tail = "pad"', 'tail = "drop"', "tail 'drop'"),
        ("fft_length = 512", "fft_length = 256", "stft_window_samples 400 exceeds"),
        ("fft_length = 512", "fft_length = 1000000000000", "fft_length 1000000000000"),
        ("patch_frames = 96", "patch_frames = 0", "patch_frames 0: must be 1 to"),
        ("patch_frames = 96", "patch_frames = 96.0", "patch_frames must be an integer"),
        ("mel_low_hz = 125.0", "mel_low_hz = 7500.0", "must rise, and not exceed half"),
        ("mel_high_hz = 7500.0", "mel_high_hz = 8001.0", "must rise, and not exceed half"),
        ("mel_high_hz = 7500.0", "mel_high_hz = nan", "mel_high_hz nan"),
        ("mel_high_hz = 7500.0", f"mel_high_hz = {'9' * 200}", "mel_high_hz must be a number"),
        ("log_offset = 0.001", "log_offset = 0", "log_offset 0"),
        ("width = 1.0", "width = 0.0", "width and batch_norm_epsilon must be above 0"),
        ("width = 1.0", "width = inf", "width inf"),
        ("batch_norm_epsilon = 0.0001", "batch_norm_epsilon = 0", "must be above 0"),
        ("embedding_size = 1024", "embedding_size = 512", "must be 1024 for width 1.0"),
        ('activation = "sigmoid"', 'activation = "softmax"', "activation 'softmax'"),
        ('kind = "mobilenet-v1"', 'kind = "Mobile Net"', "kind 'Mobile Net'"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(old, new, message):
    assert old in TEXT
    with pytest.raises(BundleError, match=message) as caught:
        parse_manifest(TEXT.replace(old, new, 1), "model.toml")
    assert str(caught.value).startswith("model.toml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"patch_frames": 2**14, "mel_bands": 4096}, "patch_frames times mel_bands, 67,108,864"),
        ({"fft_length": 2**17, "mel_bands": 4096}, "half of fft_length times mel_bands, 268,"),
        (
            {"patch_frames": 2**14, "fft_length": 2**11},
            "patch_frames times fft_length, 33,554,432",
        ),
        ({"patch_frames": 2**13, "stft_hop_samples": 2**13}, "a patch in samples, 67,1"),
        ({"patch_hop_frames": 2**14, "stft_hop_samples": 2**12}, "the hop in samples, 67,1"),
        ({"patch_frames": 2**13, "mel_bands": 64}, "the values of a patch times width, 524,288"),
    ],
)
def test_sizes_whose_product_is_huge_are_refused(sizes, message):
    text = format_manifest(replace(MANIFEST, features=replace(YAMNET.features, **sizes)))
    with pytest.raises(BundleError, match=message):
        parse_manifest(text, "model.toml")


@pytest.mark.parametrize(
    "odd",
    [
        'about = "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z"',
        'about = """' + "[" * 99 + "\n" + "x" * 999 + '"""',
        "about = '''" + "{" * 99 + "'''",
        "about = 'a # \"' # " + "[" * 99 + "'",
        "numbers = [" + "1.0, " * 99 + "]",
        'about = "\\"' + "[" * 99 + '"',
    ],
)
def test_long_text_and_lists_in_keys_that_nobody_reads(odd):
    assert parse_manifest(f"{odd}\n{TEXT}", "m") == MANIFEST


@given(st.text(max_size=200))
def test_any_text_is_a_manifest_or_a_bundle_error(text):
    with pytest.raises(BundleError):
        parse_manifest(text, "m")


@given(st.integers(0, len(TEXT)), st.text(max_size=5))
def test_a_changed_manifest_is_one_or_a_bundle_error(position, text):
    with contextlib.suppress(BundleError):
        manifest = parse_manifest(TEXT[:position] + text + TEXT[position:], "m")
        assert parse_manifest(format_manifest(manifest), "m") == manifest


def test_features_can_be_read_alone():
    table = parse_toml(TEXT[TEXT.index("[features]") :], "features.toml")
    assert parse_features(table, "features.toml") == YAMNET.features


@pytest.mark.parametrize("name", ["", "-a", ".a", "A", "a/b", "a b", "ä", "a" * 65, "a\n"])
def test_names_that_are_not_allowed(name):
    with pytest.raises(ParameterError, match="model name"):
        check_name(name)


def test_names_that_are_allowed():
    assert check_name("yamnet-0.5_b") == "yamnet-0.5_b"


WAVEFORM = """
[features]
kind = "waveform"
sample_rate_hz = 32000
patch_window_samples = 32000
patch_hop_samples = 16000
tail = "pad"
"""


def test_a_new_field_with_a_default_leaves_older_bundles_readable(monkeypatch) -> None:
    @dataclass(frozen=True)
    class Wider(LogMelSpec):
        mel_scale: str = "htk"

    monkeypatch.setattr(manifest, "LogMelSpec", Wider)
    assert parse_manifest(TEXT, "model.toml").features == Wider(**asdict(YAMNET.features))
    other = TEXT.replace("[features]\n", '[features]\nmel_scale = "slaney"\n')
    assert parse_manifest(other, "model.toml").features.mel_scale == "slaney"


def test_features_of_samples():
    spec = parse_features(parse_toml(WAVEFORM, "m"), "m")
    assert spec == WaveformSpec("waveform", 32000, 32000, 16000)
    assert (spec.patch_shape, spec.hop_step_samples) == ((32000,), 1)
    assert spec.with_hop(7).patch_hop_samples == 7
    manifest = replace(MANIFEST, features=spec, network=NetworkSpec("onnx"))
    assert parse_manifest(format_manifest(manifest), "m") == manifest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("patch_hop_samples = 16000", "", "patch_hop_samples is missing"),
        ("patch_window_samples = 32000", "patch_window_samples = 0", "0: must be 1 to"),
        ('"pad"', '"drop"', "tail 'drop': must be 'pad'"),
    ],
)
def test_unsound_features_of_samples(old, new, message):
    with pytest.raises(BundleError, match=message):
        parse_features(parse_toml(WAVEFORM.replace(old, new), "m"), "m")


def test_a_mobilenet_does_not_expect_samples():
    spec = parse_features(parse_toml(WAVEFORM, "m"), "m")
    with pytest.raises(BundleError, match="'mobilenet-v1' expects .*, not 'waveform'"):
        parse_manifest(format_manifest(replace(MANIFEST, features=spec)), "m")
