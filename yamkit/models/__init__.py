"""Model bundles: their format, their store, where they come from.

- `bundle`: a folder with ``model.toml`` read into a `ModelBundle`, with every check.
- `store`: the folder that keeps the bundles; list, install, remove.
- `importing`: bundles made from a Keras 2 weight file or an ONNX file.
- `download`: the published files, fetched when the user asks.
"""

from __future__ import annotations

from yamkit.models.bundle import ModelBundle, load_bundle

__all__ = ["ModelBundle", "load_bundle"]
