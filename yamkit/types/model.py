"""What a model is: its features, its network and its classes."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = [
    "FeatureSpec",
    "LogMelSpec",
    "NetworkSpec",
    "TagClass",
    "WaveformSpec",
]


@dataclass(frozen=True)
class TagClass:
    """One row of a class map.

    Attributes
    ----------
    index : int
        Position in the network's output, 0 <= index < C.
    mid : str
        Machine identifier, for AudioSet such as ``/m/09x0r``; may be empty.
    name : str
        Display name, such as ``Speech``.
    """

    index: int
    mid: str
    name: str


@dataclass(frozen=True)
class LogMelSpec:
    """Log-mel features, with all lengths as integers.

    The fields are those of the ``[features]`` table of a bundle's ``model.toml``.

    Attributes
    ----------
    kind : str
        Kind of the features, compared with what a front end produces; ``log-mel``.
    sample_rate_hz : int
        Sample rate that the network was trained at.
    stft_window_samples, stft_hop_samples, fft_length : int
        Short-time Fourier transform: periodic Hann window, hop, transform length.
    mel_bands : int
        Number of mel bands.
    mel_low_hz, mel_high_hz : float
        Outer edges of the lowest and the highest mel band.
    log_offset : float
        Added to each mel magnitude before the natural logarithm.
    patch_frames : int
        STFT frames of one patch.
    patch_hop_frames : int
        STFT frames from one patch to the next.
    tail : str
        How samples after the last whole patch are treated; ``pad``: zeros complete a patch.
    """

    kind: str
    sample_rate_hz: int
    stft_window_samples: int
    stft_hop_samples: int
    fft_length: int
    mel_bands: int
    mel_low_hz: float
    mel_high_hz: float
    log_offset: float
    patch_frames: int
    patch_hop_frames: int
    tail: str = "pad"

    @property
    def patch_window_samples(self) -> int:
        """Samples of one patch, to the end of the window of its last frame."""
        return self.stft_window_samples + (self.patch_frames - 1) * self.stft_hop_samples

    @property
    def patch_hop_samples(self) -> int:
        """Samples from the start of one patch to the start of the next."""
        return self.patch_hop_frames * self.stft_hop_samples

    @property
    def hop_step_samples(self) -> int:
        """Samples of which a patch hop must be a multiple: the STFT hop."""
        return self.stft_hop_samples

    @property
    def patch_shape(self) -> tuple[int, int]:
        """Shape of one patch: (frames, bands)."""
        return (self.patch_frames, self.mel_bands)

    def with_hop(self, patch_hop_samples: int) -> LogMelSpec:
        """Return the same features with another hop, a multiple of the STFT hop."""
        return replace(self, patch_hop_frames=patch_hop_samples // self.stft_hop_samples)


@dataclass(frozen=True)
class WaveformSpec:
    """Windows of samples, for a network that computes its own features.

    The fields are those of the ``[features]`` table of a bundle's ``model.toml``.

    Attributes
    ----------
    kind : str
        ``waveform``.
    sample_rate_hz : int
        Sample rate that the network was trained at.
    patch_window_samples, patch_hop_samples : int
        Samples of one patch, and from the start of one patch to the start of the next.
    tail : str
        How samples after the last whole patch are treated; ``pad``: zeros complete a patch.
    """

    kind: str
    sample_rate_hz: int
    patch_window_samples: int
    patch_hop_samples: int
    tail: str = "pad"

    @property
    def hop_step_samples(self) -> int:
        """Samples of which a patch hop must be a multiple: 1 sample."""
        return 1

    @property
    def patch_shape(self) -> tuple[int]:
        """Shape of one patch: (samples,)."""
        return (self.patch_window_samples,)

    def with_hop(self, patch_hop_samples: int) -> WaveformSpec:
        """Return the same features with another hop."""
        return replace(self, patch_hop_samples=patch_hop_samples)


FeatureSpec = LogMelSpec | WaveformSpec
"""The features that a network expects."""


@dataclass(frozen=True)
class NetworkSpec:
    """The network of a model: the ``[network]`` table of ``model.toml``.

    Attributes
    ----------
    kind : str
        ``mobilenet-v1`` (the model has canonical weights), or the format of the file that holds the
        network, such as ``onnx``.
    width : float
        Width multiplier of the filters; 1.0 for a network in a file.
    batch_norm_epsilon : float
        Added to the variance in batch normalisation; 0.0 for a network in a file.
    embedding_size : int
        E; 0 if the network has no embeddings.
    activation : str
        Function from logits to scores; ``sigmoid``.
    """

    kind: str
    width: float = 1.0
    batch_norm_epsilon: float = 0.0
    embedding_size: int = 0
    activation: str = "sigmoid"
