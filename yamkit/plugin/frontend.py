'''Front ends turn samples into patches: the features that a network expects.

The core calls a front end with whole windows of samples; it resamples, cuts and pads the stream
before. This front end computes log-mel features in double precision. Its first file describes it:

```python title="yamkit_mine/__init__.py"
"""The front end `mine`; this module only describes it."""

from yamkit.plugin import FrontendInfo, hookimpl


@hookimpl
def yamkit_frontends():
    """Describe the front end."""
    yield FrontendInfo(
        name="mine",
        summary="Log-mel patches in double precision",
        factory="yamkit_mine._frontend:Mine",
        api=1,
        produces="log-mel",
    )
```

The second file is the implementation, which yamkit imports when a user selects the plugin:

```python title="yamkit_mine/_frontend.py"
"""Log-mel patches with NumPy, in double precision; replace this with your own features."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from yamkit.errors import IncompatibleError
from yamkit.features import mel_matrix, periodic_hann


class Mine:
    """The front end; see `yamkit.plugin.Frontend`.

    All numbers come from the features of the model. A call keeps no state for the next one.
    """

    def __init__(self, features):
        if features.kind != "log-mel":
            raise IncompatibleError(
                f"features {features.kind!r}: this front end computes 'log-mel'"
            )
        self._features = features
        self._window = periodic_hann(features.stft_window_samples)
        self._mel = mel_matrix(features)  # [bins, bands]

    def patches(self, segment):
        """Compute patches: [samples] -> [B, frames, bands]."""
        spec = self._features
        frames = sliding_window_view(segment, spec.stft_window_samples)[:: spec.stft_hop_samples]
        spectrum = np.fft.rfft(frames * self._window, spec.fft_length)
        log_mel = np.log(np.abs(spectrum) @ self._mel + spec.log_offset)  # [frames, bands]
        windows = sliding_window_view(log_mel, spec.patch_frames, axis=0)  # [.., bands, frames]
        patches = windows[:: spec.patch_hop_frames].swapaxes(1, 2)
        return np.ascontiguousarray(patches, np.float32)
```

The third file runs the contract with pytest:

```python title="tests/test_contract.py"
"""The contract of all front ends, and your own tests."""

from yamkit.testing import FrontendContract


class TestMine(FrontendContract):
    plugin = "mine"
```

`yamkit plugins new yamkit-mine --kind frontend` makes a distribution with these files. Installed,
it is selected by its name:

```console
$ yamkit classify --frontend mine recording.wav
```
'''

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Protocol

from yamkit.plugin.descriptor import PluginInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Frontend", "FrontendInfo"]


@dataclass(frozen=True)
class FrontendInfo(PluginInfo):
    """Describes a front end; the factory is a `Frontend` class or makes one.

    Attributes
    ----------
    produces : str
        Kind of its features, compared with ``[features] kind`` of the model: ``log-mel`` or
        ``waveform``.
    """

    _: KW_ONLY
    produces: str


class Frontend(Protocol):
    """Turns samples into patches: ``factory(features: FeatureSpec) -> Frontend``.

    The core calls `patches` with whole windows only, from any thread, and expects the same result
    for the same samples: a call keeps no state for the next one.

    The factory raises `yamkit.errors.IncompatibleError` for features that it cannot compute.
    """

    def patches(self, segment: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the patches of a segment.

        Parameters
        ----------
        segment : ndarray, float32 [patch_window_samples + (B - 1) * patch_hop_samples]
            Mono samples at the model's rate, B >= 1. Must not be changed.

        Returns
        -------
        ndarray, float32 [B, *features.patch_shape]
        """
