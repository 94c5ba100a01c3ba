"""Interruptions: turned into an exception, held back, and not lost."""

from __future__ import annotations

import signal

import pytest

from yamkit._signals import Interruptions, StopRequests


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_interrupts(number: int) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), Interruptions():
        signal.raise_signal(number)
    assert signal.getsignal(number) == before


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
        assert not requests.is_stopped
        signal.raise_signal(signal.SIGINT)
        assert (stopped, requests.is_stopped) == ([1], True)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    assert stopped == [1]
    assert signal.getsignal(signal.SIGINT) is before
