"""The public plugin API: all that a plugin author imports, and all that yamkit knows of plugins.

A plugin is a distribution with one entry point in the group ``yamkit``::

    [project.entry-points.yamkit]
    mine = "yamkit_mine"

The entry point names a *light* module: it imports nothing but `yamkit.plugin`, and its hook
implementations take no arguments and yield frozen descriptors. The implementation itself is a
string, ``"package.module:Class"``, imported only when somebody selects it::

    from yamkit.plugin import BackendInfo, hookimpl

    @hookimpl
    def yamkit_backends():
        yield BackendInfo(
            name="mine",
            summary="My engine",
            factory="yamkit_mine._backend:MyBackend",
            api=1,
            networks=("mobilenet-v1",),
            requires=("my_engine",),
            install="yamkit-mine[engine]",
        )

What the factory must return is written down below, one protocol a kind: `Frontend`, `Backend`,
`Resampler`, `Sink`, `LabelReader`, `Runner`. The core owns streaming, padding, files and time;
plugins are pure functions over whole windows (front end, backend) or small state machines
(resampler, sink).

``API_VERSION`` changes when a protocol changes. A new kind of plugin, or a new field with a default
in a descriptor, leaves it as it is.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import IO, TYPE_CHECKING, Any, Protocol, TypeVar

import pluggy

from yamkit._util.machine import usable_cores

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from yamkit.types import (
        FeatureSpec,
        LabelledClip,
        NetworkSpec,
        RunInfo,
        SinkItem,
        TagClass,
    )

__all__ = [
    "API_VERSION",
    "Backend",
    "BackendInfo",
    "BackendOptions",
    "Exporter",
    "Frontend",
    "FrontendInfo",
    "LabelReader",
    "LabelReaderInfo",
    "Model",
    "PluginInfo",
    "Resampler",
    "ResamplerInfo",
    "Runner",
    "RunnerInfo",
    "RunnerOptions",
    "Sink",
    "SinkInfo",
    "Work",
    "hookimpl",
    "hookspec",
]

API_VERSION = 1
"""Number of the protocols in this module; a descriptor states the one it was written for."""

hookspec = pluggy.HookspecMarker("yamkit")
hookimpl = pluggy.HookimplMarker("yamkit")


# --- descriptors ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class PluginInfo:
    """What every descriptor states.

    Attributes
    ----------
    name : str
        What users type: lower-case letters, digits, ``-``, ``_`` and ``.``, beginning with a
        letter or digit.
    summary : str
        One line for ``yamkit plugins``.
    factory : str
        ``"package.module:Name"`` of a callable that returns the implementation.
    api : int
        The `API_VERSION` the plugin was written for. It has no default on purpose.
    requires : tuple of str
        Top-level modules the implementation imports beyond yamkit's own requirements. They are
        looked for, not imported, before the factory is.
    install : str
        The pip requirement that brings them, such as ``yamkit[keras]``.
    contract : str
        ``"package.module:Class"`` of the plugin's contract for ``yamkit plugins check``, where it
        says more than that of its kind in `yamkit.testing`; empty where it does not.
    """

    _: KW_ONLY
    name: str
    summary: str
    factory: str
    api: int
    requires: tuple[str, ...] = ()
    install: str = ""
    contract: str = ""


@dataclass(frozen=True)
class FrontendInfo(PluginInfo):
    """Describes a front end; the factory is a `Frontend` class or makes one.

    Attributes
    ----------
    produces : str
        Feature kind, matched against ``[features] kind`` of the model: ``log-mel``, ``waveform``.
    """

    _: KW_ONLY
    produces: str


@dataclass(frozen=True)
class BackendInfo(PluginInfo):
    """Describes a backend; the factory is a `Backend` class or makes one.

    Attributes
    ----------
    networks : tuple of str
        Network kinds it runs, matched against ``[network] kind`` of the model.
    providers : tuple of str
        Values of ``--provider`` it knows. That one is known here does not mean that this machine
        has it.
    exports : tuple of str
        Forms in which ``yamkit models export`` can write a model of those networks.
    exporter : str
        ``"package.module:name"`` of the `Exporter`; empty where there is none.
    """

    _: KW_ONLY
    networks: tuple[str, ...]
    providers: tuple[str, ...] = ("cpu",)
    exports: tuple[str, ...] = ()
    exporter: str = ""


@dataclass(frozen=True)
class ResamplerInfo(PluginInfo):
    """Describes a resampler; the factory is a `Resampler` class or makes one."""


@dataclass(frozen=True)
class SinkInfo(PluginInfo):
    """Describes a sink; the factory is a `Sink` class or makes one.

    Attributes
    ----------
    extension : str
        Of the files it writes, without a dot.
    binary : bool
        Whether it writes bytes; text is UTF-8.
    for_corpora : bool
        Whether a file is meant to hold many clips, even where a folder is named.
    arrays : tuple of str
        Which of ``scores`` and ``embedding`` it writes where they come.
    for_events : bool
        Whether it writes events, and nothing of runs that find none.
    one_clip : bool
        Whether a file holds one clip alone.
    marks_failures : bool
        Whether an output shows of patches and events that their clip failed later on. Such a sink
        receives them as they come where they go to a pipe; any other one when their clip is whole.
    """

    _: KW_ONLY
    extension: str
    binary: bool = False
    for_corpora: bool = False
    arrays: tuple[str, ...] = ()
    for_events: bool = False
    one_clip: bool = False
    marks_failures: bool = False


@dataclass(frozen=True)
class LabelReaderInfo(PluginInfo):
    """Describes a label reader; the factory is a `LabelReader` class or makes one."""


@dataclass(frozen=True)
class RunnerInfo(PluginInfo):
    """Describes a runner; the factory is a `Runner` class or makes one."""


# --- hooks ---------------------------------------------------------------------------------------


class HookSpecs:
    """The hooks. Each takes no arguments and yields descriptors; it must not import an engine."""

    @hookspec
    def yamkit_frontends(self) -> Iterable[FrontendInfo]:  # type: ignore[empty-body]
        """Yield a descriptor for each front end."""

    @hookspec
    def yamkit_backends(self) -> Iterable[BackendInfo]:  # type: ignore[empty-body]
        """Yield a descriptor for each backend."""

    @hookspec
    def yamkit_resamplers(self) -> Iterable[ResamplerInfo]:  # type: ignore[empty-body]
        """Yield a descriptor for each resampler."""

    @hookspec
    def yamkit_sinks(self) -> Iterable[SinkInfo]:  # type: ignore[empty-body]
        """Yield a descriptor for each sink."""

    @hookspec
    def yamkit_label_readers(self) -> Iterable[LabelReaderInfo]:  # type: ignore[empty-body]
        """Yield a descriptor for each label reader."""

    @hookspec
    def yamkit_runners(self) -> Iterable[RunnerInfo]:  # type: ignore[empty-body]
        """Yield a descriptor for each runner."""


# --- protocols -----------------------------------------------------------------------------------


class Model(Protocol):
    """What a backend learns of a model. `yamkit.models.ModelBundle` is one."""

    @property
    def name(self) -> str:
        """Name of the model."""

    @property
    def features(self) -> FeatureSpec:
        """What the network eats."""

    @property
    def network(self) -> NetworkSpec:
        """Which network it is."""

    @property
    def classes(self) -> tuple[TagClass, ...]:
        """The class map: C rows."""

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the file that holds the weights: a key for whatever is built from them."""

    def load_weights(self) -> Mapping[str, NDArray[np.float32]]:
        """Load the canonical weights, by the names and shapes of `yamkit.networks.weight_shapes`.

        Raises
        ------
        yamkit.errors.BundleError
            If the network is not a ``mobilenet-v1``, or the file is not what it should be.
        """

    def network_path(self) -> Path:
        """Path of the verified file ``model.KIND`` of a network whose kind is a file format.

        An ONNX graph names no other file.

        Raises
        ------
        yamkit.errors.BundleError
            If the network has canonical weights, or the file is not what it should be.
        """


@dataclass(frozen=True)
class BackendOptions:
    """What a user may choose for a backend.

    Attributes
    ----------
    threads : int or None
        Threads for one call; None leaves it to the engine.
    provider : str
        Where the network runs; one of the descriptor's ``providers``.
    cache_folder : Path or None
        A folder for files built from a model, to be named after `Model.weights_sha256`. It may be
        missing or read-only, and None means that nothing is to be kept: neither is an error.
    """

    threads: int | None = None
    provider: str = "cpu"
    cache_folder: Path | None = None

    @property
    def thread_count(self) -> int:
        """``threads``, or as many as there are cores this process may use."""
        return usable_cores() if self.threads is None else self.threads


class Frontend(Protocol):
    """Turns samples into patches: ``factory(features: FeatureSpec) -> Frontend``.

    The core calls `patches` with whole windows only, from any thread, and expects the same result
    for the same samples: no state is carried from call to call.

    The factory raises `yamkit.errors.IncompatibleError` for features it cannot compute.

    Example
    -------
    ::

        class Loudness:
            def __init__(self, features):
                self._features = features

            def patches(self, segment):
                spec = self._features
                frames = ...            # [1 + (n - window) // hop, bands]
                return ...              # [B, patch_frames, bands]
    """

    def patches(self, segment: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the patches of a segment.

        Parameters
        ----------
        segment : ndarray, float32 [patch_window_samples + (B - 1) * patch_hop_samples]
            Mono samples at the model's rate, B >= 1. Not to be changed.

        Returns
        -------
        ndarray, float32 [B, *features.patch_shape]
        """


class Backend(Protocol):
    """Runs the network: ``factory(model: Model, options: BackendOptions) -> Backend``.

    The factory loads everything that takes time, and runs before that of the front end, which may
    use the same engine. It raises `yamkit.errors.BundleError` for a model it cannot run. A thread
    count it cannot keep is a `yamkit.errors.ProviderWarning`; so is a provider that this machine
    does not have, and the CPU takes its place.

    Example
    -------
    ::

        class MyBackend:
            def __init__(self, model, options):
                self._engine = my_engine.load(model.load_weights(), threads=options.threads)

            def predict(self, patches):
                return self._engine.run(patches)

            def close(self):
                self._engine.free()
    """

    def predict(
        self, patches: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Score a batch of patches. May be called from several threads at once.

        Parameters
        ----------
        patches : ndarray, float32 [B, *features.patch_shape]
            B >= 0; each row is scored by itself. Not to be changed.

        Returns
        -------
        scores : ndarray, float32 [B, C]
            In 0..1.
        embeddings : ndarray, float32 [B, E]
            E is ``model.network.embedding_size``, 0 where there are none.
        """

    def close(self) -> None:
        """Free what the engine holds. Calling it again does nothing."""


class Exporter(Protocol):
    """Writes a model in a form of the engine, and runs what it wrote.

    ``yamkit models export`` compares what comes out with the NumPy backend and puts the file, or
    the folder, in its place if they agree.
    """

    def __call__(
        self, model: Model, form: str, path: Path, /, *, with_frontend: bool
    ) -> Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Write a model.

        Parameters
        ----------
        model : Model
        form : str
            One of the descriptor's ``exports``.
        path : Path
            Where nothing is yet.
        with_frontend : bool
            Whether the graph takes windows of samples [B, patch_window_samples] rather than patches
            [B, *patch_shape].

        Returns
        -------
        callable
            Runs what lies at `path`: from a batch of the inputs, float32, to the scores [B, C] and
            the embeddings [B, E].

        Raises
        ------
        yamkit.errors.ExportError
            If this form cannot hold the model.
        """


class Resampler(Protocol):
    """Changes the sample rate of one stream: ``factory(from_hz: int, to_hz: int) -> Resampler``.

    One object serves one stream: `process` for each block, in order, then `flush` once. The
    samples that come out, put together, must not depend on how the input was cut; all in all there
    are ``n * to_hz // from_hz`` of them for n samples. The core does not call a resampler when both
    rates are equal.
    """

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the next samples and give those that are ready.

        Parameters
        ----------
        block : ndarray, float32 [n]
            n >= 0. Not to be changed.

        Returns
        -------
        ndarray, float32 [m]
            m >= 0.
        """

    def flush(self) -> NDArray[np.float32]:
        """Give the rest: the input has ended, zeros follow it.

        Returns
        -------
        ndarray, float32 [m]
        """


class Sink(Protocol):
    r"""Writes results in one format: ``factory() -> Sink``.

    Order of calls: `open`, `write` for each item, then `close`, or `abort` at any time after
    `open`, also after a `close` that failed; where `open` itself fails, neither. The core opens and
    closes the stream, writes it beside its place and renames it when the sink was closed, so a sink
    never sees a file name. Calls come from one thread.

    Example
    -------
    ::

        class Names:
            def open(self, run, stream):
                self._stream = stream

            def write(self, item):
                if isinstance(item, ClipEnd):
                    self._stream.write(f"{item.tags[0].name}\n")

            def close(self):
                pass

            def abort(self):
                pass
    """

    def open(self, run: RunInfo, stream: IO[Any]) -> None:
        """Begin: keep the stream, write what comes first.

        Parameters
        ----------
        run : RunInfo
            Model, plugins and parameters behind the numbers.
        stream : text stream, or binary where the descriptor says ``binary=True``
            Not seekable in general. The sink does not close it.
        """

    def write(self, item: SinkItem) -> None:
        """Write one item. See `yamkit.types.SinkItem` for their order.

        A sink ignores items of types it does not know.
        """

    def close(self) -> None:
        """End: write what comes last. After this the output is whole."""

    def abort(self) -> None:
        """Give up: release resources. What was written is thrown away where it can be."""


class LabelReader(Protocol):
    r"""Reads the list of a labelled set in one layout: ``factory() -> LabelReader``.

    It reads what the list says and leaves the rest to the core: where the files are, what a label
    means to a model, which clips are wanted, whether a clip stands there twice. The core also finds
    files whose names differ from the list's in folders, case, Unicode form or slashes, and takes a
    name without the suffix of a sound file for that name with any such suffix.

    Example
    -------
    ::

        class MyReader:
            def recognises(self, path, head):
                return head[:1] == ("file|tags",)

            def vocabulary(self, path):
                return {}

            def read(self, path):
                lines = path.read_text("utf-8-sig").splitlines()
                for number, line in enumerate(lines[1:], start=2):
                    file, _, tags = line.partition("|")
                    yield LabelledClip((file,), tuple(tags.split(",")), line=number)
    """

    def recognises(self, path: Path, head: Sequence[str]) -> bool:
        """Tell whether a list is of this layout.

        Parameters
        ----------
        path : Path
            A file or a folder.
        head : sequence of str
            The first five lines of a file, without line ends and byte-order mark; nothing of a
            folder.
        """

    def vocabulary(self, path: Path, /) -> Mapping[str, str]:
        """Read the labels that the set has, whether a clip of the list has them or not.

        Returns
        -------
        mapping of str to str
            Display name by label; empty where the layout has no such list, or it is not there.

        Raises
        ------
        yamkit.errors.LabelError
            If it is not what it should be.
        """

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips, in the order of the list.

        Raises
        ------
        yamkit.errors.LabelError
            If the list is not what it should be; one line, with the file and the line in it.
        """


_Clip = TypeVar("_Clip")


class Work(Protocol[_Clip]):
    """What a runner does with clips. It can be pickled, and sent to another process.

    A clip is a thing that a runner passes on and never looks into.
    """

    def items(
        self, clips: Iterable[_Clip], jobs: int
    ) -> Generator[tuple[_Clip, SinkItem], None, None]:
        """Tag clips in this process, with several threads.

        Parameters
        ----------
        clips : iterable
            Asked for one by one, some ahead of what is given.
        jobs : int
            Threads.

        Yields
        ------
        clip : object
            In their order.
        item : ClipStart, PatchTags, Event, ClipEnd or ClipFailure
            Whatever goes wrong with a clip is its `ClipFailure`.
        """

    def row(self, clip: _Clip, /) -> dict[str, Any]:
        """Describe a clip to another process: texts, numbers and None by name."""

    def answers(self, rows: Sequence[Mapping[str, Any]], jobs: int) -> list[bytes]:
        """Tag clips that `row` described, of which another process has no more.

        Returns
        -------
        list of bytes
            For each row what `read` reads.
        """

    def read(self, answer: bytes, /) -> Iterator[SinkItem]:
        """Give the items of a clip."""


@dataclass(frozen=True)
class RunnerOptions:
    """What a runner is given.

    Attributes
    ----------
    jobs : int or None
        How much is done at a time; None leaves it to the runner.
    threads : int or None
        Threads of one network call, of which each job needs so many cores.
    address : str or None
        Of a cluster to join.
    """

    jobs: int | None = None
    threads: int | None = None
    address: str | None = None


class Runner(Protocol):
    r"""Carries clips to where they are tagged: ``factory(RunnerOptions) -> Runner``.

    Files, outputs and the journal are the core's; a runner only decides where and when `Work` is
    done. Results must not depend on it. Every item is checked as it comes: one that cannot be the
    next of its clip ends the run with a `BrokenPluginError`.

    Example
    -------
    ::

        class Pool:
            def __init__(self, options):
                self._pool = ProcessPoolExecutor(options.jobs)

            def items(self, work, clips):
                clips = list(clips)
                rows = [[work.row(clip)] for clip in clips]
                answers = self._pool.map(work.answers, rows, itertools.repeat(1))
                for clip, (answer,) in zip(clips, answers):
                    for item in work.read(answer):
                        yield clip, item

            def close(self):
                self._pool.shutdown()
    """

    def items(
        self, work: Work[_Clip], clips: Iterable[_Clip], /
    ) -> Generator[tuple[_Clip, SinkItem], None, None]:
        """Tag clips, and give their items in the order of the clips.

        An interruption closes the generator early.

        Raises
        ------
        yamkit.errors.RunnerError
            If the run cannot go on: what was given until then is kept.
        """

    def close(self) -> None:
        """Release what is held."""
