'''Resamplers change the sample rate of a stream.

The core makes a resampler for each stream and passes it the samples in blocks of any size. This
resampler is a windowed sinc. Its first file describes it:

```python title="yamkit_mine/__init__.py"
"""The resampler `mine`; this module only describes it."""

from yamkit.plugin import ResamplerInfo, hookimpl


@hookimpl
def yamkit_resamplers():
    """Describe the resampler."""
    yield ResamplerInfo(
        name="mine",
        summary="A windowed sinc",
        factory="yamkit_mine._resampler:Mine",
        api=1,
    )
```

The second file is the implementation, which yamkit imports when a user selects the plugin:

```python title="yamkit_mine/_resampler.py"
"""A sinc under a Hann window, with NumPy; replace this with your own filter."""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

_ZERO_CROSSINGS = 24  # on each side of the sinc


class Mine:
    """The resampler of one stream; see `yamkit.plugin.Resampler`.

    Output t lies at input ``t * from_hz / to_hz``: a whole sample and a fraction.
    """

    def __init__(self, from_hz, to_hz):
        self._from_hz, self._to_hz = from_hz, to_hz
        self._cutoff = min(1, to_hz / from_hz)  # relative to the input's Nyquist frequency
        self._reach = math.ceil(_ZERO_CROSSINGS / self._cutoff)  # inputs on each side of an output
        self._buffer = np.zeros(self._reach - 1, np.float32)  # silence before the stream
        self._dropped = 0  # inputs that have left the buffer
        self._received = self._returned = 0

    def process(self, block):
        """Take the next samples, and return the outputs that are ready."""
        self._received += len(block)
        self._buffer = np.concatenate([self._buffer, block])
        ready = -((self._reach - self._received) * self._to_hz // self._from_hz)
        return self._outputs(ready)

    def flush(self):
        """Return the remaining outputs: zeros follow the stream."""
        self._buffer = np.concatenate([self._buffer, np.zeros(self._reach, np.float32)])
        return self._outputs(self._received * self._to_hz // self._from_hz)

    def _outputs(self, end):
        """Compute the outputs before `end` that were not returned yet."""
        if end <= self._returned:
            return np.empty(0, np.float32)
        outputs = np.arange(self._returned, end)
        whole, part = np.divmod(outputs * self._from_hz, self._to_hz)
        windows = sliding_window_view(self._buffer, 2 * self._reach)[whole - self._dropped]
        distance = np.arange(1 - self._reach, self._reach + 1) - part[:, np.newaxis] / self._to_hz
        weights = self._cutoff * np.sinc(self._cutoff * distance)
        weights *= np.cos(np.pi / 2 * distance / self._reach) ** 2
        self._returned += len(outputs)
        drop = self._returned * self._from_hz // self._to_hz - self._dropped
        self._buffer = self._buffer[drop:].copy()
        self._dropped += drop
        return np.einsum("ij,ij->i", windows, weights).astype(np.float32)
```

The third file runs the contract with pytest:

```python title="tests/test_contract.py"
"""The contract of all resamplers, and your own tests."""

from yamkit.testing import ResamplerContract


class TestMine(ResamplerContract):
    plugin = "mine"
```

`yamkit plugins new yamkit-mine --kind resampler` makes a distribution with these files. Installed,
it is selected by its name:

```console
$ yamkit classify --resampler mine recording.wav
```
'''

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from yamkit.plugin.descriptor import PluginInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Resampler", "ResamplerInfo"]


class ResamplerInfo(PluginInfo):
    """Describes a resampler; the factory is a `Resampler` class or makes one."""


class Resampler(Protocol):
    """Changes the sample rate of one stream: ``factory(from_hz: int, to_hz: int) -> Resampler``.

    The core calls `process` for each block, in order, then `flush` once. All results joined have
    ``n * to_hz // from_hz`` samples for n input samples, and must not depend on how the input was
    cut. If both rates are equal, the core calls no resampler.
    """

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the next samples, and return the outputs that are ready.

        Parameters
        ----------
        block : ndarray, float32 [n]
            n >= 0. Must not be changed.

        Returns
        -------
        ndarray, float32 [m]
            m >= 0.
        """

    def flush(self) -> NDArray[np.float32]:
        """Return the remaining outputs: the input has ended, and zeros follow it.

        Returns
        -------
        ndarray, float32 [m]
        """
