"""The manifest of a bundle, ``model.toml``, as text: parsed with every check, and written.

Tables, types and ranges are checked here, files are not. Unknown keys are ignored, so that keys can
be added; a change to the meaning of a bundle increases `SCHEMA`.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
import unicodedata
from dataclasses import MISSING, dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from yamkit._util.text import printable
from yamkit.errors import BundleError, ParameterError
from yamkit.networks import mobilenet_v1
from yamkit.types import LogMelSpec, NetworkSpec, WaveformSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yamkit.types import FeatureSpec

__all__ = [
    "MAX_MANIFEST_BYTES",
    "NAME",
    "SCHEMA",
    "Manifest",
    "check_name",
    "format_manifest",
    "parse_features",
    "parse_manifest",
    "parse_network",
    "parse_toml",
    "read_text",
]

SCHEMA = 1
"""Number of the bundle format."""

MAX_MANIFEST_BYTES = 2**16
"""Largest TOML that is read; a manifest has about 1,000 bytes."""

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""Names of models and kinds."""

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TYPES = {"str": str, "int": int, "float": float}

# Far beyond any model in use; without bounds a hostile file could request terabytes.
_RANGES: dict[str, tuple[float, float]] = {
    "sample_rate_hz": (1, 1_000_000),
    "stft_window_samples": (1, 2**17),
    "stft_hop_samples": (1, 2**17),
    "fft_length": (1, 2**17),
    "mel_bands": (1, 4096),
    "mel_low_hz": (0.0, 500_000.0),
    "mel_high_hz": (0.0, 500_000.0),
    "log_offset": (1e-30, 1e6),
    "patch_frames": (1, 2**14),
    "patch_hop_frames": (1, 2**14),
    "patch_window_samples": (1, 2**22),
    "patch_hop_samples": (1, 2**22),
    "width": (0.0, 4.0),
    "batch_norm_epsilon": (0.0, 1.0),
    "embedding_size": (0, 2**16),
}

# Products of sizes that are each in range decide how much memory a front end takes.
_MAX_PATCH_VALUES = 2**20
_MAX_MEL_WEIGHTS = 2**22
_MAX_FOURIER_VALUES = 2**24
_MAX_WINDOW_SAMPLES = 2**22
_MAX_LAYER_VALUES = 2**18
"""Values of a patch times the width of a ``mobilenet-v1``: 40 times those of YAMNet."""

# What makes TOML expensive to parse. Quoted text and comments are cheap, so they are removed first;
# a string without an end extends as far as the parser would read it.
_TOML_QUOTED = re.compile(
    r'''"""(?:\\.|[^\\])*?(?:"""|\Z)|'{3}.*?(?:'{3}|\Z)|"(?:\\.|[^"\\\n])*"?|'[^'\n]*'?|#[^\n]*''',
    re.DOTALL,
)
_TOML_PARTS = re.compile(r"(?:[\w-]+[ \t]*\.[ \t]*){16}")
_TOML_WORD = re.compile(r"[\w+:-]{257}")
_MAX_TOML_DEPTH = 16

_Spec = TypeVar("_Spec", LogMelSpec, WaveformSpec, NetworkSpec)
_Features = TypeVar("_Features", LogMelSpec, WaveformSpec)


@dataclass(frozen=True)
class Manifest:
    """Content of ``model.toml``.

    Attributes
    ----------
    name, version, licence, source : str
        One line each; ``source`` is a URL or the name of a file.
    source_sha256 : str
        SHA-256 of the file the bundle was made from; empty if there is none.
    classes : str
        Name of the class map's file.
    features : FeatureSpec
    network : NetworkSpec
    files : mapping of str to str
        SHA-256 of every file except the manifest.
    silence : str
        Machine identifier or name of the class that stands for silence; empty if there is none.
    """

    name: str
    version: str
    licence: str
    source: str
    source_sha256: str
    classes: str
    features: FeatureSpec
    network: NetworkSpec
    files: Mapping[str, str]
    silence: str = ""


def check_name(name: str) -> str:
    """Return the name of a model if it is valid.

    Raises
    ------
    ParameterError
        If it is invalid.
    """
    if not NAME.fullmatch(name):
        raise ParameterError(
            f"model name {name!r}: must be at most 64 lower-case letters, digits, '.', '_' and "
            "'-', and begin with a letter or digit"
        )
    return name


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Parse TOML from an untrusted source.

    Parameters
    ----------
    text : str
    where : str
        Name of the file in messages.

    Raises
    ------
    BundleError
        If the text is not TOML, or longer or more deeply nested than yamkit reads.
    """
    if problem := _toml_cost(text):
        raise BundleError(f"{where}: {problem}")
    try:
        table: dict[str, Any] = tomllib.loads(text)
    except (RecursionError, ValueError) as error:
        reason = printable(str(error).partition("\n")[0])
        raise BundleError(f"{where}: not TOML: {reason:.200}") from None
    return table


def _toml_cost(text: str) -> str:
    """Return what would take a parser more time or memory than any manifest; else empty."""
    if len(text) > MAX_MANIFEST_BYTES:
        return f"longer than {MAX_MANIFEST_BYTES} characters"
    bare = _TOML_QUOTED.sub("q", text)
    if _TOML_WORD.search(bare):
        return "a number or a key of more than 256 characters"
    if _TOML_PARTS.search(bare):
        return "a key of more than 16 parts"
    depth = 0
    for bracket in re.findall(r"[\[\]{}]", bare):
        depth += 1 if bracket in "[{" else -1
        if depth > _MAX_TOML_DEPTH:
            return f"nested more than {_MAX_TOML_DEPTH} deep"
    return ""


def parse_manifest(text: str, where: str) -> Manifest:
    """Read a manifest.

    Parameters
    ----------
    text : str
        TOML.
    where : str
        Name of the file in messages.

    Raises
    ------
    BundleError
        If a key is missing, of a wrong type, or out of range.
    """
    table = parse_toml(text, where)
    schema = _value(table, "schema", int, where)
    if schema != SCHEMA:
        raise BundleError(f"{where}: schema {schema}: this yamkit reads {SCHEMA}; update yamkit")
    name = read_text(table, "name", where)
    _match(NAME, name, "name", where)
    source_sha256 = read_text(table, "source_sha256", where) if "source_sha256" in table else ""
    if source_sha256:
        _match(_SHA256, source_sha256, "source_sha256", where)
    files = _value(table, "files", dict, where)
    for file, digest in files.items():
        _match(_FILE_NAME, file, "a name in [files]", where)
        _match(_SHA256, digest, f"the SHA-256 of {file}", where)
    classes = read_text(table, "classes", where)
    if classes not in files:
        raise BundleError(f"{where}: classes {classes!r}: must be a name in [files]")
    features, network = parse_features(table, where), parse_network(table, where)
    if network.kind == "mobilenet-v1" and len(features.patch_shape) != 2:
        raise BundleError(
            f"{where}: a network of kind 'mobilenet-v1' expects features of frames and bands, not "
            f"{features.kind!r}"
        )
    if network.kind == "mobilenet-v1":
        values = math.prod(features.patch_shape)
        _check_product(
            "the values of a patch times width", values * network.width, _MAX_LAYER_VALUES, where
        )
    return Manifest(
        name=name,
        version=read_text(table, "version", where),
        licence=read_text(table, "licence", where),
        source=read_text(table, "source", where),
        source_sha256=source_sha256,
        classes=classes,
        features=features,
        network=network,
        files=MappingProxyType(dict(files)),
        silence=read_text(table, "silence", where) if "silence" in table else "",
    )


def parse_features(table: Mapping[str, Any], where: str) -> FeatureSpec:
    """Read the table ``[features]``, every field of it: a `WaveformSpec` or a `LogMelSpec`.

    Raises
    ------
    BundleError
        If a field is missing, of a wrong type, out of range, or inconsistent with another.
    """
    table = _value(table, "features", dict, where)
    where = f"{where} [features]"
    kind = _value(table, "kind", str, where)
    _match(NAME, kind, "kind", where)
    if kind == "waveform":
        return _with_tail(_spec(WaveformSpec, table, where, has_defaults=True), where)
    spec = _with_tail(_spec(LogMelSpec, table, where, has_defaults=True), where)
    if spec.stft_window_samples > spec.fft_length:
        raise BundleError(
            f"{where}: stft_window_samples {spec.stft_window_samples} exceeds fft_length "
            f"{spec.fft_length}"
        )
    if not spec.mel_low_hz < spec.mel_high_hz <= spec.sample_rate_hz / 2:
        raise BundleError(
            f"{where}: mel_low_hz {spec.mel_low_hz}, mel_high_hz {spec.mel_high_hz}: must rise, "
            f"and not exceed half of sample_rate_hz, {spec.sample_rate_hz / 2}"
        )
    bins = spec.fft_length // 2 + 1
    for what, product, most in (
        ("patch_frames times mel_bands", math.prod(spec.patch_shape), _MAX_PATCH_VALUES),
        ("half of fft_length times mel_bands", bins * spec.mel_bands, _MAX_MEL_WEIGHTS),
        ("patch_frames times fft_length", spec.patch_frames * spec.fft_length, _MAX_FOURIER_VALUES),
        ("a patch in samples", spec.patch_window_samples, _MAX_WINDOW_SAMPLES),
        ("the hop in samples", spec.patch_hop_samples, _MAX_WINDOW_SAMPLES),
    ):
        _check_product(what, product, most, where)
    return spec


def parse_network(table: Mapping[str, Any], where: str) -> NetworkSpec:
    """Read the table ``[network]``, every field of it.

    Unknown kinds are accepted: a plugin may run them.

    Raises
    ------
    BundleError
        If a field is missing, of a wrong type, out of range, or inconsistent with another.
    """
    spec = _spec(NetworkSpec, _value(table, "network", dict, where), f"{where} [network]")
    where = f"{where} [network]"
    _match(NAME, spec.kind, "kind", where)
    if spec.activation != "sigmoid":
        raise BundleError(f"{where}: activation {spec.activation!r}: must be 'sigmoid'")
    if spec.kind == "mobilenet-v1":
        if not (spec.width > 0 and spec.batch_norm_epsilon > 0):
            raise BundleError(f"{where}: width and batch_norm_epsilon must be above 0")
        embedding_size = mobilenet_v1(spec.width)[-1].filters
        if spec.embedding_size != embedding_size:
            raise BundleError(
                f"{where}: embedding_size {spec.embedding_size}: must be {embedding_size} for "
                f"width {spec.width}"
            )
    return spec


def read_text(table: Mapping[str, Any], key: str, where: str) -> str:
    """Read one line of printable text.

    Raises
    ------
    BundleError
        If it is missing, of a wrong type, or contains control characters.
    """
    value: str = _value(table, key, str, where)
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in value):
        raise BundleError(f"{where}: {key} must be one line without control characters")
    return value


def format_manifest(manifest: Manifest) -> str:
    """Return a manifest as TOML; the same manifest always gives the same text."""
    lines = [f"schema = {SCHEMA}"]
    lines += [
        f"{key} = {_toml(getattr(manifest, key))}"
        for key in ("name", "version", "licence", "source", "source_sha256", "classes")
    ]
    if manifest.silence:
        lines.append(f"silence = {_toml(manifest.silence)}")
    for title, spec in (("features", manifest.features), ("network", manifest.network)):
        lines += ["", f"[{title}]"]
        lines += [f"{key} = {_toml(value)}" for key, value in vars(spec).items()]
    lines += ["", "[files]"]
    lines += [f"{_toml(file)} = {_toml(manifest.files[file])}" for file in sorted(manifest.files)]
    return "\n".join(lines) + "\n"


def _toml(value: str | float) -> str:
    if isinstance(value, str):
        # JSON escapes are valid TOML, except that TOML requires DEL escaped and has no surrogates
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _spec(
    kind: type[_Spec], table: Mapping[str, Any], where: str, *, has_defaults: bool = False
) -> _Spec:
    values: dict[str, Any] = {}
    for field in fields(kind):
        if has_defaults and field.name not in table and field.default is not MISSING:
            continue
        value = _value(table, field.name, _TYPES[str(field.type)], where)
        if field.name in _RANGES:
            low, high = _RANGES[field.name]
            if not low <= value <= high:
                raise BundleError(f"{where}: {field.name} {value}: must be {low:g} to {high:g}")
        values[field.name] = value
    return kind(**values)


def _check_product(what: str, product: float, most: int, where: str) -> None:
    if product > most:
        raise BundleError(f"{where}: {what}, {product:,.0f}: must be at most {most:,}")


def _with_tail(spec: _Features, where: str) -> _Features:
    if spec.tail != "pad":
        raise BundleError(f"{where}: tail {spec.tail!r}: must be 'pad'")
    return spec


def _value(table: Mapping[str, Any], key: str, kind: type, where: str) -> Any:
    if key not in table:
        raise BundleError(f"{where}: {key} is missing")
    value = table[key]
    if kind is float and type(value) is int and abs(value) < 2**53:
        value = float(value)
    if type(value) is not kind:
        expected = {str: "text", int: "an integer", float: "a number", dict: "a table"}[kind]
        raise BundleError(f"{where}: {key} must be {expected}")
    return value


def _match(pattern: re.Pattern[str], value: object, what: str, where: str) -> None:
    if not isinstance(value, str):
        raise BundleError(f"{where}: {what} must be text")
    if not pattern.fullmatch(value):
        raise BundleError(f"{where}: {what} {value!r:.80}: must match {pattern.pattern}")
