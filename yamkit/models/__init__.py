"""Model bundles: their format, their store, their origin.

- `bundle`: a folder with ``model.toml``, checked and read into a `ModelBundle`.
- `writing`: bundles written; `manifest`, `classmap`, `weights`: their files.
- `store`: the folder of installed bundles; list, install, remove.
- `importing`: bundles made from a Keras 2 weight file, an ONNX file or another engine's file.
- `download`: the published files of `catalogue`, fetched on request.
"""

from __future__ import annotations

from yamkit.models.bundle import ModelBundle, load_bundle

__all__ = ["ModelBundle", "load_bundle"]
