"""Interruptions: turned into an exception, held back, and not lost."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from yamkit._util import signals as _signals
from yamkit._util.signals import (
    Interruptions,
    StopRequests,
    engine_call,
    interrupted_code,
    stuck_engines_end,
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_interrupts(number: int) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt) as caught, Interruptions():
        signal.raise_signal(number)
    assert signal.getsignal(number) == before
    assert interrupted_code(caught.value) == 128 + number
    assert interrupted_code(KeyboardInterrupt()) == interrupted_code(EOFError()) == 130


def test_a_signal_is_held_back() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), Interruptions() as interruptions:
        with interruptions.held():
            signal.raise_signal(signal.SIGINT)
            done.append(1)
        done.append(2)
    assert done == [1]


def test_a_second_signal_is_not() -> None:
    with pytest.raises(KeyboardInterrupt), Interruptions() as interruptions, interruptions.held():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("went on")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_in_a_destructor_is_not_lost() -> None:
    class Dying:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt), Interruptions() as interruptions:
        interruptions.check()
        dying = Dying()
        del dying  # Python prints the exception, and goes on
        interruptions.check()
        pytest.fail("went on")


def test_what_was_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interruptions() as interruptions:
            signal.raise_signal(signal.SIGINT)
            interruptions.check()
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_first_signal_stops_and_the_second_interrupts() -> None:
    stopped = []
    before = signal.getsignal(signal.SIGINT)
    with StopRequests(lambda: stopped.append(1)) as requests:
        assert (requests.is_stopped, requests.exit_code) == (False, 0)
        signal.raise_signal(signal.SIGINT)
        assert (stopped, requests.is_stopped, requests.exit_code) == ([1], True, 130)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    assert stopped == [1]
    assert signal.getsignal(signal.SIGINT) is before


STUCK = """
import contextlib, hashlib, sys, threading
from yamkit._util.signals import Interruptions, engine_call, stuck_engines_end

def run():
    with engine_call():
        line = "running\\n"
        while True:  # a signal may come just before the call below, where Python takes it
            with contextlib.suppress(KeyboardInterrupt):
                print(line, end="", flush=True)
                line = ""
                hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # minutes, and takes no signal

with stuck_engines_end(0.1), Interruptions():
    if sys.argv[1] == "main":
        run()
    thread = threading.Thread(target=run)
    thread.start()
    try:
        thread.join()
    finally:
        thread.join()
"""


@pytest.mark.parametrize("place", ["main", "thread"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_network_that_never_ends_is_ended(place: str, number: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STUCK, place], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"running\n"
            process.send_signal(number)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert errors.startswith(b"interrupted; ")
    assert errors.count(b"\n") == 1
    assert process.returncode == 128 + number


def test_a_network_that_comes_back_is_left_alone() -> None:
    with pytest.raises(KeyboardInterrupt), stuck_engines_end(0.0), Interruptions():
        with engine_call():
            pass
        signal.raise_signal(signal.SIGINT)
    assert signal.set_wakeup_fd(-1) == -1


class Signals:
    """The receiving side of a socket: one signal, and then none for as long as one waits."""

    def __init__(self) -> None:
        self.timeouts: list[float | None] = []
        self._data = [bytes([signal.SIGINT])]

    def settimeout(self, seconds: float | None) -> None:
        self.timeouts.append(seconds)

    def recv(self, size: int) -> bytes:
        if self._data:
            return self._data.pop()[:size]
        if self.timeouts[-1] is None:
            return b""  # the other side is closed
        raise TimeoutError


@pytest.mark.parametrize(
    ("durations", "grace"), [([], 5.0), ([1.0], 5.0), ([3.0, 0.5], 12.0), ([0.5, 60.0], 240.0)]
)
@pytest.mark.parametrize("fails", [False, True])
def test_the_grace_is_as_long_as_calls_are(
    durations: list[float], grace: float, fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    ended: list[int] = []
    monkeypatch.setattr(_signals, "_longest", 0.0)
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(os, "write", lambda *_: None)
    monkeypatch.setattr(os, "_exit", ended.append)
    for seconds in durations:
        with contextlib.suppress(ZeroDivisionError), engine_call():
            now += seconds
            _ = 1 / (not fails)
    came_back = Signals()
    _signals._watch(came_back, 5.0)  # type: ignore[arg-type]
    assert (came_back.timeouts, ended) == ([grace, None], [])
    goes_on = Signals()
    with engine_call():
        now += 1
        _signals._watch(goes_on, 5.0)  # type: ignore[arg-type]
    assert (goes_on.timeouts, ended) == ([grace, None], [130])


OTHER = """
import hashlib, signal
from yamkit._util.signals import engine_call, stuck_engines_end

signal.signal(signal.SIGUSR1, lambda *_: None)
with stuck_engines_end(0.1):
    with engine_call():
        signal.raise_signal(signal.SIGUSR1)
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**21)  # far longer than the grace
    print("came back")
"""


@pytest.mark.long(reason="starts processes")
def test_other_signals_end_no_network() -> None:
    done = subprocess.run([sys.executable, "-c", OTHER], capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"came back\n", b"")
