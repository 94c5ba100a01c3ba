'''Backends run the network: patches in, scores and embeddings out.

The core opens a backend with a `Model` and `BackendOptions`, then calls it with batches of patches.
It cuts, pads and times the stream, so a backend is a pure function of its batch. This backend runs
the network in double precision. Its first file describes it:

```python title="yamkit_mine/__init__.py"
"""The backend `mine`; this module only describes it."""

from yamkit.plugin import BackendInfo, hookimpl


@hookimpl
def yamkit_backends():
    """Describe the backend."""
    yield BackendInfo(
        name="mine",
        summary="The network in double precision",
        factory="yamkit_mine._backend:Mine",
        api=1,
        networks=("mobilenet-v1",),
    )
```

The second file is the implementation, which yamkit imports when a user selects the plugin:

```python title="yamkit_mine/_backend.py"
"""The network with NumPy, in double precision; replace this with your engine."""

import numpy as np

from yamkit.networks import fold_batch_norm, mobilenet_v1, same_padding


class Mine:
    """The backend; see `yamkit.plugin.Backend`.

    The constructor does everything that takes time. `predict` is a pure function of its batch.
    """

    def __init__(self, model, options):
        weights = model.load_weights()
        epsilon = model.network.batch_norm_epsilon
        self._layers = [
            (layer, *fold_batch_norm(layer, weights, epsilon))
            for layer in mobilenet_v1(model.network.width)
        ]
        self._kernel = weights["classifier/kernel"].astype(np.float64)  # [E, C]
        self._bias = weights["classifier/bias"].astype(np.float64)  # [C]

    def predict(self, patches):
        """Score a batch: [B, frames, bands] -> scores [B, C], embeddings [B, E]."""
        x = patches[..., np.newaxis].astype(np.float64)  # [B, frames, bands, 1]
        for layer, kernel, bias in self._layers:
            x = np.maximum(_convolve(x, layer, kernel.astype(np.float64)) + bias, 0)
        embeddings = x.mean(axis=(1, 2))
        logits = embeddings @ self._kernel + self._bias
        scores = np.exp(-np.logaddexp(0, -logits))  # the sigmoid, without overflow
        return scores.astype(np.float32), embeddings.astype(np.float32)

    def close(self):
        """Do nothing: there are only arrays to free."""


def _convolve(x, layer, kernel):
    padding = [same_padding(size, layer.kernel, layer.stride)[1:] for size in x.shape[1:3]]
    x = np.pad(x, [(0, 0), *padding, (0, 0)])
    shape = (layer.kernel, layer.kernel)
    windows = np.lib.stride_tricks.sliding_window_view(x, shape, axis=(1, 2))
    windows = windows[:, :: layer.stride, :: layer.stride]  # [B, h, w, channels, kh, kw]
    if layer.kind == "depthwise":
        return np.einsum("bhwcij,ijc->bhwc", windows, kernel, optimize=True)
    return np.einsum("bhwcij,ijcf->bhwf", windows, kernel, optimize=True)
```

The third file runs the contract with pytest:

```python title="tests/test_contract.py"
"""The contract of all backends, and your own tests."""

from yamkit.testing import BackendContract


class TestMine(BackendContract):
    plugin = "mine"
```

`yamkit plugins new yamkit-mine --kind backend` makes a distribution with these files. Installed, it
is selected by its name:

```console
$ yamkit classify --backend mine recording.wav
```
'''

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Protocol

from yamkit.plugin.descriptor import PluginInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from yamkit.types import FeatureSpec, NetworkSpec, TagClass

__all__ = ["Backend", "BackendInfo", "BackendOptions", "Exporter", "Model"]


@dataclass(frozen=True)
class BackendInfo(PluginInfo):
    """Describes a backend; the factory is a `Backend` class or makes one.

    Attributes
    ----------
    networks : tuple of str
        Kinds of network that it runs, compared with ``[network] kind`` of the model.
    providers : tuple of str
        Values of ``--provider`` that it knows. This machine may lack one of them.
    exports : tuple of str
        Formats in which ``yamkit models export`` can write a model of those networks.
    exporter : str
        ``"package.module:name"`` of the `Exporter`; empty if there is none.
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
        A folder for files that are built from a model; name them after `Model.weights_sha256`. It
        may be missing or read-only, and None means that nothing may be kept: neither is an error.
    """

    threads: int | None = None
    provider: str = "cpu"
    cache_folder: Path | None = None

    @property
    def thread_count(self) -> int:
        """``threads``; if None, the number of cores that this process may use."""
        from yamkit._util.machine import usable_cores  # few plugins ask, and it imports much

        return usable_cores() if self.threads is None else self.threads


class Model(Protocol):
    """What a backend can read of a model. `yamkit.models.ModelBundle` is one."""

    @property
    def name(self) -> str:
        """Name of the model."""

    @property
    def features(self) -> FeatureSpec:
        """The features that the network expects."""

    @property
    def network(self) -> NetworkSpec:
        """Kind and sizes of the network."""

    @property
    def classes(self) -> tuple[TagClass, ...]:
        """The class map: C rows."""

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the file that holds the weights: a key for files that are built from them."""

    def load_weights(self) -> Mapping[str, NDArray[np.float32]]:
        """Load the canonical weights, by the names and shapes of `yamkit.networks.weight_shapes`.

        Raises
        ------
        yamkit.errors.BundleError
            If the network is not a ``mobilenet-v1``, or the file is damaged or missing.
        """

    def network_path(self) -> Path:
        """Return the path of the verified file ``model.KIND`` of a network in a file.

        An ONNX graph in it refers to no other file.

        Raises
        ------
        yamkit.errors.BundleError
            If the network has canonical weights, or the file is damaged or missing.
        """


class Backend(Protocol):
    """Runs the network: ``factory(model: Model, options: BackendOptions) -> Backend``.

    The factory does everything that takes time. It is called before the factory of the front end,
    which may use the same engine. It raises `yamkit.errors.BundleError` for a model that it cannot
    run. If it cannot keep to the number of threads, or this machine lacks the provider, it warns
    with `yamkit.errors.ProviderWarning`; the CPU replaces a provider that is missing.
    """

    def predict(
        self, patches: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Score a batch of patches. Several threads may call it at once.

        Parameters
        ----------
        patches : ndarray, float32 [B, *features.patch_shape]
            B >= 0; rows do not affect each other. Must not be changed.

        Returns
        -------
        scores : ndarray, float32 [B, C]
            In 0-1.
        embeddings : ndarray, float32 [B, E]
            E is ``model.network.embedding_size``, 0 for a network without embeddings.
        """

    def close(self) -> None:
        """Free what the engine holds. A second call does nothing."""


class Exporter(Protocol):
    """Writes a model in a format of the engine, and returns a function that runs the written model.

    ``yamkit models export`` compares the results with those of the NumPy backend, and moves the
    file or folder to its final path if they agree.
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
            Where to write the file or folder; it does not exist.
        with_frontend : bool
            If true, the graph takes windows of samples [B, patch_window_samples], otherwise patches
            [B, *patch_shape].

        Returns
        -------
        callable
            Runs the model at `path`: takes a batch of inputs, float32, and returns the scores
            [B, C] and the embeddings [B, E].

        Raises
        ------
        yamkit.errors.ExportError
            If this format cannot hold the model.
        """
