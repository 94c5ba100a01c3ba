"""The exceptions that yamkit raises, as one tree.

::

    YamkitError
    ├── ParameterError          (ValueError)         an argument is out of range
    ├── IncompatibleError       (ValueError)         model and plugins do not fit together
    ├── PluginError
    │   ├── UnknownPluginError  (LookupError)        no plugin has that name
    │   ├── PluginClashError    (LookupError)        two plugins have that name
    │   ├── MissingRequirementError (ImportError)    an extra is not installed
    │   └── BrokenPluginError   (ImportError)        a plugin cannot be loaded or used
    ├── ModelError
    │   ├── UnknownModelError   (LookupError)        no model has that name
    │   ├── ModelExistsError    (FileExistsError)    a model already has that name
    │   ├── BundleError         (ValueError)         a model bundle is invalid
    │   ├── WeightFileError     (ValueError)         a weight file does not fit the network
    │   ├── ExportError         (ValueError)         a format cannot hold the model
    │   ├── StoreError          (OSError)            the model folder cannot be used
    │   └── DownloadError       (OSError)            a download failed or is incomplete
    ├── AudioError
    │   ├── AudioFileError      (OSError)            an input cannot be opened
    │   ├── DecodeError         (RuntimeError)       an input cannot be decoded
    │   ├── AudioValueError     (ValueError)         samples cannot be tagged
    │   └── AudioWarningError   (RuntimeError)       an input has warnings, with ``--strict``
    ├── LabelError              (ValueError)         a labelled set cannot be read
    ├── CalibrationError        (ValueError)         a calibration or thresholds are invalid
    ├── OutputError             (OSError)            results cannot be written
    └── RunnerError             (RuntimeError)       a runner cannot start or continue

There are two warnings: `AudioWarning` for unusual samples of a stream, and `ProviderWarning` if the
network runs on another provider, or with other threads, than requested.

Each exception has a built-in parent, so ``except ValueError`` works as well. Messages are one line:
what is wrong, the value, what would be valid, the next command.
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
"""Most characters of a message; longer ones lose their middle, as the end says what to do."""


class YamkitError(Exception):
    """Root of the exceptions that yamkit raises.

    As text it is one printable line, even if the message quotes a hostile file.
    """

    def __str__(self) -> str:
        text = printable(super().__str__())
        if len(text) > _LONGEST:
            text = f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 3 :]}"
        return text


class ParameterError(YamkitError, ValueError):
    """An argument is out of range."""


class IncompatibleError(YamkitError, ValueError):
    """A model, a front end and a backend do not fit together."""


class PluginError(YamkitError):
    """Something is wrong with a plugin."""


class UnknownPluginError(PluginError, LookupError):
    """No installed plugin has that name."""


class PluginClashError(PluginError, LookupError):
    """Two installed plugins have that name."""


class MissingRequirementError(PluginError, ImportError):
    """A plugin is installed, but the packages that it needs are not."""


class BrokenPluginError(PluginError, ImportError):
    """A plugin is installed, but cannot be loaded or used."""


class ModelError(YamkitError):
    """Something is wrong with a model."""


class UnknownModelError(ModelError, LookupError):
    """No installed model has that name."""


class ModelExistsError(ModelError, FileExistsError):
    """A model of that name is already installed."""


class BundleError(ModelError, ValueError):
    """A model bundle is malformed or damaged, or refers to files outside its folder."""


class WeightFileError(ModelError, ValueError):
    """A weight file does not hold the expected network."""


class ExportError(ModelError, ValueError):
    """A model cannot be written in another format."""


class StoreError(ModelError, OSError):
    """The folder of installed models cannot be read or written."""


class DownloadError(ModelError, OSError):
    """A download failed, or is not the expected file."""


class AudioError(YamkitError):
    """Something is wrong with an input."""


class AudioFileError(AudioError, OSError):
    """An input cannot be opened."""


class DecodeError(AudioError, RuntimeError):
    """An input cannot be decoded."""


class AudioValueError(AudioError, ValueError):
    """Samples cannot be tagged: there are none, they are not finite, or have a wrong shape."""


class AudioWarningError(AudioError, RuntimeError):
    """An input has warnings, and ``--strict`` makes them errors."""


class LabelError(YamkitError, ValueError):
    """A labelled set, or a map of its labels, is invalid."""


class CalibrationError(YamkitError, ValueError):
    """A calibration, or thresholds, are invalid."""


class OutputError(YamkitError, OSError):
    """A result cannot be written."""


class RunnerError(YamkitError, RuntimeError):
    """A runner cannot start or continue."""


class AudioWarning(UserWarning):
    """Samples of a stream are unusual, such as NaN; the text says how they were treated."""


class ProviderWarning(UserWarning):
    """The network runs on another provider, or with other threads, than requested."""
