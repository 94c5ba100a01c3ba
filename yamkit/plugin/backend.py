"""Backends run the network: patches in, scores and embeddings out."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Protocol

from yamkit._util.machine import usable_cores
from yamkit.plugin.descriptor import PluginInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from yamkit.types import FeatureSpec, NetworkSpec, TagClass

__all__ = [
    "Backend",
    "BackendInfo",
    "BackendOptions",
    "Exporter",
    "Model",
]


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
