"""Microphones, through `sounddevice`, which is imported on use."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

from yamkit._util.text import printable
from yamkit.errors import AudioFileError, MissingRequirementError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Microphone", "list_microphones", "open_microphone"]


class Microphone(NamedTuple):
    """An input device.

    Attributes
    ----------
    number : int
        Number of the device on the system.
    name : str
    channels : int
        Largest number of channels.
    sample_rate : int
        Default sample rate in Hz.
    is_default : bool
    """

    number: int
    name: str
    channels: int
    sample_rate: int
    is_default: bool


def list_microphones() -> list[Microphone]:
    """List the microphones of this machine.

    Raises
    ------
    MissingRequirementError
        If `sounddevice` or PortAudio is not installed.
    AudioFileError
        If the system cannot list them.
    """
    sounddevice = _sounddevice()
    try:
        devices = list(sounddevice.query_devices())
        default = sounddevice.default.device[0]
    except sounddevice.PortAudioError as error:
        raise AudioFileError(f"microphones: {printable(str(error))}") from error
    return [
        Microphone(
            index,
            str(device["name"]),
            int(device["max_input_channels"]),
            round(device["default_samplerate"]),
            index == default,
        )
        for index, device in enumerate(devices)
        if device["max_input_channels"] > 0
    ]


def open_microphone(
    name: str,
    put: Callable[[NDArray[np.float32]], object],
    lost: Callable[[], object],
    ended: Callable[[], object],
) -> tuple[Microphone, Any]:
    """Open a microphone: one channel, at its own sample rate.

    Parameters
    ----------
    name : str
        Number, name or unique part of a name; empty for the default microphone.
    put : callable
        Receives each block, float32 [n, 1], from another thread.
    lost : callable
        Called when the system reports lost samples.
    ended : callable
        Called when the stream ends, because the device is gone or the stream was stopped.

    Returns
    -------
    microphone : Microphone
    stream : object
        A context manager; the microphone records inside.

    Raises
    ------
    MissingRequirementError, AudioFileError
        As `list_microphones`, and if there is no such microphone or it cannot be opened.
    """
    sounddevice = _sounddevice()
    microphone = _find(name)

    def received(block: NDArray[np.float32], _frames: int, _time: object, status: Any) -> None:
        if status and status.input_overflow:
            lost()
        put(block.copy())

    try:
        stream = sounddevice.InputStream(
            device=microphone.number,
            channels=1,
            samplerate=microphone.sample_rate,
            dtype="float32",
            callback=received,
            finished_callback=ended,
        )
    except sounddevice.PortAudioError as error:
        reason = printable(str(error))
        raise AudioFileError(f"microphone {printable(microphone.name)!r}: {reason}") from error
    return microphone, _started(stream, microphone, sounddevice.PortAudioError)


@contextlib.contextmanager
def _started(stream: Any, microphone: Microphone, failure: type[Exception]) -> Iterator[None]:
    """Start a stream, which may fail too, and stop it at the end."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(stream)
        except failure as error:
            reason = printable(str(error))
            raise AudioFileError(f"microphone {printable(microphone.name)!r}: {reason}") from error
        yield


def _find(name: str) -> Microphone:
    known = list_microphones()
    folded = name.casefold()
    found = (
        [each for each in known if each.is_default]
        if not name
        else [each for each in known if name in (str(each.number), each.name)]
        or [each for each in known if folded in each.name.casefold()]
    )
    if len(found) == 1:
        return found[0]
    names = ", ".join(repr(printable(each.name)) for each in found or known) or "there is none"
    what = f"microphone {printable(name)!r}" if name else "no default microphone"
    verb = "could be" if found else "known"
    raise AudioFileError(f"{what}: {verb}: {names}; see: yamkit listen --list-microphones")


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError as error:
        raise MissingRequirementError(
            "microphones require sounddevice: pip install 'yamkit[mic]'"
        ) from error
    except OSError as error:  # the Python package is installed, PortAudio is not
        raise MissingRequirementError(
            f"microphones require the PortAudio library ({error}); on Debian and Ubuntu: apt "
            "install libportaudio2"
        ) from error
    return sounddevice
