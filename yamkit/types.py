"""The frozen values that flow between the stages; no behaviour, no input or output.

Shapes are written with B (patches in a batch), C (classes) and E (embedding size).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "LEAVE_RATIO",
    "Batch",
    "ClipEnd",
    "ClipFailure",
    "ClipStart",
    "Event",
    "EventParameters",
    "FeatureSpec",
    "LabelledClip",
    "LabelledEvent",
    "LogMelSpec",
    "NetworkSpec",
    "Parameters",
    "PatchTags",
    "Peak",
    "RunInfo",
    "RunModel",
    "SinkItem",
    "Tag",
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
    """Log-mel patches, all lengths integers.

    The fields are those of the ``[features]`` table of a bundle's ``model.toml``.

    Attributes
    ----------
    kind : str
        Feature kind; a front end names the kind it computes, ``log-mel`` here.
    sample_rate_hz : int
        Rate the network was trained at.
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
        What happens to samples after the last whole patch; ``pad``: zeros complete a patch.
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
        """Samples one patch covers: the window of its last frame ends there."""
        return self.stft_window_samples + (self.patch_frames - 1) * self.stft_hop_samples

    @property
    def patch_hop_samples(self) -> int:
        """Samples from the start of one patch to the start of the next."""
        return self.patch_hop_frames * self.stft_hop_samples

    @property
    def hop_step_samples(self) -> int:
        """What every patch hop is a whole multiple of: the STFT hop."""
        return self.stft_hop_samples

    @property
    def patch_shape(self) -> tuple[int, int]:
        """Shape of one patch: (frames, bands)."""
        return (self.patch_frames, self.mel_bands)

    def with_hop(self, patch_hop_samples: int) -> LogMelSpec:
        """Give the same features with another hop, a multiple of the STFT hop."""
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
        Rate the network was trained at.
    patch_window_samples, patch_hop_samples : int
        Samples one patch covers, and from one patch to the next.
    tail : str
        What happens to samples after the last whole patch; ``pad``: zeros complete a patch.
    """

    kind: str
    sample_rate_hz: int
    patch_window_samples: int
    patch_hop_samples: int
    tail: str = "pad"

    @property
    def hop_step_samples(self) -> int:
        """What every patch hop is a whole multiple of: one sample."""
        return 1

    @property
    def patch_shape(self) -> tuple[int]:
        """Shape of one patch: (samples,)."""
        return (self.patch_window_samples,)

    def with_hop(self, patch_hop_samples: int) -> WaveformSpec:
        """Give the same features with another hop."""
        return replace(self, patch_hop_samples=patch_hop_samples)


FeatureSpec = LogMelSpec | WaveformSpec
"""What a network eats."""


@dataclass(frozen=True)
class NetworkSpec:
    """Which network the weights belong to: the ``[network]`` table of ``model.toml``.

    Attributes
    ----------
    kind : str
        ``mobilenet-v1`` (canonical weights, any backend builds it), or the format of the file that
        holds the network, such as ``onnx``.
    width : float
        Width multiplier of the filters; 1.0 for a network in a file.
    batch_norm_epsilon : float
        Added to the variance in batch normalisation; 0.0 for a network in a file.
    embedding_size : int
        E; 0 where the network gives none.
    activation : str
        What turns logits into scores; ``sigmoid``.
    """

    kind: str
    width: float = 1.0
    batch_norm_epsilon: float = 0.0
    embedding_size: int = 0
    activation: str = "sigmoid"


@dataclass(frozen=True)
class Patches:
    """What a network is shown of consecutive patches.

    Attributes
    ----------
    start_samples : ndarray, int64 [B]
        First sample of each patch, at the model's rate.
    values : ndarray, float32 [B, ...]
        What the front end made of each.
    is_silent : bool
        Whether every sample of all of them is zero.
    """

    start_samples: NDArray[np.int64]
    values: NDArray[np.float32]
    is_silent: bool = False

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Batch:
    """What a network says about consecutive patches.

    Attributes
    ----------
    start_samples : ndarray, int64 [B]
        First sample of each patch, at the model's rate.
    scores : ndarray, float32 [B, C]
        Sigmoid outputs; they do not sum to 1.
    embeddings : ndarray, float32 [B, E]
        Activations before the classifier.
    """

    start_samples: NDArray[np.int64]
    scores: NDArray[np.float32]
    embeddings: NDArray[np.float32]


@dataclass(frozen=True)
class Tag:
    """A predicted class with its score."""

    index: int
    mid: str
    name: str
    score: float


@dataclass(frozen=True)
class RunModel:
    """The model of a run, as outputs name it."""

    name: str
    version: str
    sha256: str
    source: str
    classes: int


LEAVE_RATIO = 1 / 3
"""What ``leave`` is of ``enter`` where nobody says."""


@dataclass(frozen=True)
class EventParameters:
    """How scores become events; see `yamkit.scores.events`.

    Attributes
    ----------
    enter : float
        Score that one cell of an event at least reaches, of classes that have no threshold of
        their own.
    leave : float
        Score that all of its cells reach; `LEAVE_RATIO` of `enter` where None is given.
    cells : str
        How the patches that cover a cell become its score: ``mean`` or ``max``.
    score : str
        What the score of an event is of the scores of its cells: ``mean`` or ``max``.
    median_cells : int
        Length of the median filter; 1 for none.
    min_duration_seconds : float
        Shorter events are left out.
    join_gap_seconds : float
        Events of a class that are no farther apart are one.
    most_specific : bool
        A class has no event while one of the classes below it has; see `yamkit.scores.events`.
    """

    enter: float = 0.3
    leave: float = None  # type: ignore[assignment]  # a number once `__post_init__` has run
    cells: str = "mean"
    score: str = "mean"
    median_cells: int = 1
    min_duration_seconds: float = 0.0
    join_gap_seconds: float = 0.0
    most_specific: bool = False

    def __post_init__(self) -> None:
        if self.leave is None:
            # nine digits: 0.1, not 0.09999999999999999
            object.__setattr__(self, "leave", float(f"{LEAVE_RATIO * self.enter:.9g}"))


@dataclass(frozen=True)
class Parameters:
    """The choices behind the numbers of a run.

    Attributes
    ----------
    aggregate : str
        How patches become a clip score: ``mean``, ``max`` or ``sounding``.
    hop_seconds : float
        From one patch to the next.
    threshold : float or None
        Lowest score reported; None reports any.
    top : int or None
        Most tags reported for each clip or patch; None reports all.
    score_kind : str
        ``raw``: the network's own output; ``calibrated``: a calibration was applied, to those
        classes that it has.
    calibration : str
        SHA-256 of the calibration; empty where there is none.
    class_thresholds : str
        SHA-256 of the thresholds of single classes; empty where there are none.
    classes : tuple of int or None
        Indices of the classes that can be reported; None for all.
    roll_up : bool
        Whether a class has the highest score of its own and those below it in the ontology.
    events : EventParameters or None
        None where no events are found.
    channel : str or int
        ``mix``: the mean of all channels of the input is heard; else the number of the one that
        is, from 1.
    stream : int or None
        Number of the sound stream that is heard, of inputs that have several, from 1; None for the
        default one.
    """

    aggregate: str
    hop_seconds: float
    threshold: float | None
    top: int | None
    score_kind: str = "raw"
    calibration: str = ""
    class_thresholds: str = ""
    classes: tuple[int, ...] | None = None
    roll_up: bool = False
    events: EventParameters | None = None
    channel: str | int = "mix"
    stream: int | None = None


@dataclass(frozen=True)
class RunInfo:
    """What a sink learns when it is opened.

    Attributes
    ----------
    yamkit : str
        Version of yamkit.
    model : RunModel
    backend, frontend, resampler : str
        Names of the plugins that made the numbers.
    parameters : Parameters
    per_patch : bool
        Whether `PatchTags` will come.
    embedding_size : int
        E of the model; 0 where it gives none.
    arrays : tuple of str
        Which of ``scores`` and ``embedding`` come with patches, or with clips where no patches
        come.
    shard : tuple of int
        Which part of the corpus, from 1, and of how many.
    provider : str
        Where the network ran.
    strict : bool
        Whether a clip with warnings is one that failed.
    label_scores : bool
        Whether formats whose labels are bare names write scores behind them.
    """

    yamkit: str
    model: RunModel
    backend: str
    frontend: str
    resampler: str
    parameters: Parameters
    per_patch: bool
    embedding_size: int = 0
    arrays: tuple[str, ...] = ()
    shard: tuple[int, int] = (1, 1)
    provider: str = "cpu"
    strict: bool = False
    label_scores: bool = False


@dataclass(frozen=True)
class ClipStart:
    """A clip was opened and can be decoded.

    Attributes
    ----------
    path : str
        As the user gave it, ``-`` for standard input; always valid Unicode.
    sample_rate : int
        Of the input, in Hz.
    channels : int
        Of the input.
    promised_seconds : float or None
        Duration that the header states; None where it states none, as those of streams may.
    """

    path: str
    sample_rate: int
    channels: int
    promised_seconds: float | None = None


@dataclass(frozen=True)
class PatchTags:
    """The tags of one patch; times in seconds from the start of the clip.

    Attributes
    ----------
    start_seconds, end_seconds : float
    tags : tuple of Tag
        Highest first.
    scores, embedding : ndarray [C], ndarray [E], or None
        Where they were asked for.
    """

    start_seconds: float
    end_seconds: float
    tags: tuple[Tag, ...]
    scores: NDArray[np.floating[Any]] | None = field(default=None, compare=False, repr=False)
    embedding: NDArray[np.floating[Any]] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Event:
    """A class that sounds for a while; times in seconds from the start of the clip.

    Attributes
    ----------
    onset_seconds, offset_seconds : float
    tag : Tag
        With the mean or the highest score of its cells, as `EventParameters.score` says.
    """

    onset_seconds: float
    offset_seconds: float
    tag: Tag


@dataclass(frozen=True)
class Peak:
    """The patch of a clip in which a class has its highest score.

    Attributes
    ----------
    score : float
    start_seconds : float
        Of the first such patch.
    """

    score: float
    start_seconds: float


@dataclass(frozen=True)
class ClipEnd:
    """A clip was tagged to its end.

    Attributes
    ----------
    duration_seconds : float
        Decoded samples over the input's sample rate.
    patches : int
        Number of patches.
    tags : tuple of Tag
        Of the aggregated scores, highest first.
    warnings : tuple of str
        What was odd about the input, such as a truncated file.
    scores, embedding : ndarray [C], ndarray [E], or None
        Of the clip, where they were asked for: the aggregated scores, the mean of the embeddings.
    peaks : tuple of Peak
        Of each of `tags`; empty where they are not known, and where scores are calibrated for clips
        and not for single patches.
    """

    duration_seconds: float
    patches: int
    tags: tuple[Tag, ...]
    warnings: tuple[str, ...] = ()
    scores: NDArray[np.floating[Any]] | None = field(default=None, compare=False, repr=False)
    embedding: NDArray[np.floating[Any]] | None = field(default=None, compare=False, repr=False)
    peaks: tuple[Peak, ...] = ()


@dataclass(frozen=True)
class ClipFailure:
    """A clip could not be opened, or not be tagged to its end.

    Attributes
    ----------
    path : str
    type : str
        Name of the exception class.
    message : str
        One line.
    """

    path: str
    type: str
    message: str


@dataclass(frozen=True)
class LabelledEvent:
    """A label with its times, as publishers list it.

    Attributes
    ----------
    label : str
        As it stands in the list.
    onset_seconds, offset_seconds : float
        From the start of the clip.
    """

    label: str
    onset_seconds: float
    offset_seconds: float


@dataclass(frozen=True)
class LabelledClip:
    """A clip of a labelled set, as its publishers list it.

    Attributes
    ----------
    names : tuple of str
        Paths below the folder of audio, with ``/``; the first that is there is the clip's file.
    labels : tuple of str
        As they stand in the list: names or machine identifiers (``/m/...``), each once.
    fold, split : str
        As the list has them; empty where it has none.
    start_seconds, end_seconds : float or None
        The part of the file that is labelled, where a file may hold more; None for all of it.
    line : int
        Of the list, from 1; 0 where there is no list.
    events : tuple of LabelledEvent, or None
        When each label sounds; None where the list does not say.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    fold: str = ""
    split: str = ""
    start_seconds: float | None = None
    end_seconds: float | None = None
    line: int = 0
    events: tuple[LabelledEvent, ...] | None = None


SinkItem = ClipStart | PatchTags | Event | ClipEnd | ClipFailure
"""What a sink is given, ``(Clip | ClipFailure)*``.

Clip is ``ClipStart (PatchTags* | Event*) (ClipEnd | ClipFailure)``.

Events come in the order of their onsets, at the same onset in that of the classes.
"""
