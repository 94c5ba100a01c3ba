"""Every exception yamkit raises on purpose, as one tree.

::

    YamkitError
    ├── ParameterError          (ValueError)         an argument out of its range
    ├── IncompatibleError       (ValueError)         parts that do not fit together
    ├── PluginError
    │   ├── UnknownPluginError  (LookupError)        no plugin of that name
    │   ├── PluginClashError    (LookupError)        two plugins of that name
    │   ├── MissingRequirementError (ImportError)    an extra is not installed
    │   └── BrokenPluginError   (ImportError)        a plugin that cannot be loaded
    ├── ModelError
    │   ├── UnknownModelError   (LookupError)        no model of that name
    │   ├── ModelExistsError    (FileExistsError)    the name is taken
    │   ├── BundleError         (ValueError)         a bundle that is not sound
    │   ├── WeightFileError     (ValueError)         a weight file that does not fit
    │   ├── ExportError         (ValueError)         a form that cannot hold the model
    │   ├── StoreError          (OSError)            the model folder cannot be used
    │   └── DownloadError       (OSError)            a download that did not arrive whole
    ├── AudioError
    │   ├── AudioFileError      (OSError)            a file that cannot be opened
    │   ├── DecodeError         (RuntimeError)       bytes that are not sound
    │   ├── AudioValueError     (ValueError)         samples that cannot be tagged
    │   └── AudioWarningError   (RuntimeError)       an input with warnings, where none may be
    ├── LabelError              (ValueError)         a labelled set that cannot be read
    ├── CalibrationError        (ValueError)         calibration or thresholds that are none
    ├── OutputError             (OSError)            results that cannot be written
    └── RunnerError             (RuntimeError)       a cluster that cannot go on

Two are warnings: `AudioWarning`, samples of a stream are odd; `ProviderWarning`, the network runs
elsewhere, or with other threads, than was asked for.

Each has the built-in parent that fits, so ``except ValueError`` works as well. A message is one
line: what, which value, what would be valid, the next command.
"""

from __future__ import annotations

from yamkit._util.text import printable

__all__ = [
    "AudioError",
    "AudioFileError",
    "AudioValueError",
    "AudioWarning",
    "AudioWarningError",
    "BrokenPluginError",
    "BundleError",
    "CalibrationError",
    "DecodeError",
    "DownloadError",
    "ExportError",
    "IncompatibleError",
    "LabelError",
    "MissingRequirementError",
    "ModelError",
    "ModelExistsError",
    "OutputError",
    "ParameterError",
    "PluginClashError",
    "PluginError",
    "ProviderWarning",
    "RunnerError",
    "StoreError",
    "UnknownModelError",
    "UnknownPluginError",
    "WeightFileError",
    "YamkitError",
]


_LONGEST = 1000
"""Characters of a message; the end is kept, which says what to do."""


class YamkitError(Exception):
    """Root of everything yamkit raises on purpose.

    As text it is one line that can be shown anywhere, whatever a stranger's file made it say.
    """

    def __str__(self) -> str:
        text = printable(super().__str__())
        if len(text) > _LONGEST:
            text = f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 3 :]}"
        return text


class ParameterError(YamkitError, ValueError):
    """An argument is out of its range."""


class IncompatibleError(YamkitError, ValueError):
    """A model, a front end and a backend that do not fit together."""


class PluginError(YamkitError):
    """Something is wrong with a plugin."""


class UnknownPluginError(PluginError, LookupError):
    """No installed plugin has that name."""


class PluginClashError(PluginError, LookupError):
    """Two installed plugins have that name."""


class MissingRequirementError(PluginError, ImportError):
    """A plugin is installed, the packages it needs are not."""


class BrokenPluginError(PluginError, ImportError):
    """A plugin is installed and cannot be used."""


class ModelError(YamkitError):
    """Something is wrong with a model."""


class UnknownModelError(ModelError, LookupError):
    """No installed model has that name."""


class ModelExistsError(ModelError, FileExistsError):
    """A model of that name is installed already."""


class BundleError(ModelError, ValueError):
    """A model bundle is malformed, damaged or reaches outside its folder."""


class WeightFileError(ModelError, ValueError):
    """A weight file does not hold the network it should."""


class ExportError(ModelError, ValueError):
    """A model cannot be written in another form."""


class StoreError(ModelError, OSError):
    """The folder that keeps the models cannot be read or written."""


class DownloadError(ModelError, OSError):
    """A download failed or is not the file it should be."""


class AudioError(YamkitError):
    """Something is wrong with an input."""


class AudioFileError(AudioError, OSError):
    """An input cannot be opened."""


class DecodeError(AudioError, RuntimeError):
    """An input cannot be decoded."""


class AudioValueError(AudioError, ValueError):
    """Decoded samples cannot be tagged: none at all, NaN, infinity, a wrong shape."""


class AudioWarningError(AudioError, RuntimeError):
    """An input was tagged with warnings, and ``--strict`` lets none pass."""


class LabelError(YamkitError, ValueError):
    """A labelled set, or a map of its labels, that is not what it should be."""


class CalibrationError(YamkitError, ValueError):
    """A calibration, or thresholds, that are not what they should be."""


class OutputError(YamkitError, OSError):
    """A result cannot be written."""


class RunnerError(YamkitError, RuntimeError):
    """A runner cannot begin, or not go on."""


class AudioWarning(UserWarning):
    """Samples of a stream are odd, such as NaN; what became of them stands in the text."""


class ProviderWarning(UserWarning):
    """The network runs elsewhere, or with other threads, than was asked for."""
