from __future__ import annotations

import os

from yamkit.plugin import BackendOptions


def test_thread_count_is_the_option_or_the_cores_of_the_process(monkeypatch) -> None:
    assert BackendOptions(threads=7).thread_count == 7
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 5}, raising=False)
    assert BackendOptions().thread_count == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert BackendOptions().thread_count == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert BackendOptions().thread_count == 1
