"""The machine: its names, and the cores and memory that this process may use.

No program is started: `platform.processor` and `platform.platform` would run any ``uname`` on the
path.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import math
import os
import platform
import socket
import sys
from pathlib import Path

__all__ = [
    "boot_mark",
    "bound_memory",
    "peak_memory_bytes",
    "processor_name",
    "system_name",
    "usable_cores",
]


def usable_cores() -> int:
    """Return the number of processor cores that this process may use.

    A container's share of processor time limits it, rounded up to whole cores.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return math.ceil(min(cores or 1, _share_of_container()))


def processor_name() -> str:
    """Return the processor's model if the system states it, else its architecture."""
    try:
        facts = _CPU_INFO.read_text()
    except OSError:
        facts = ""
    for line in facts.splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return os.environ.get("PROCESSOR_IDENTIFIER") or platform.machine()  # Windows has the former


def system_name() -> str:
    """Return the system and its release, such as ``Linux-6.1``."""
    return f"{platform.system()}-{platform.release()}"


@functools.cache
def boot_mark() -> str:
    """Return six hexadecimal digits that distinguish machines that write to one folder.

    On Linux they are a hash of the kernel's boot ID: containers on one kernel share it, as they
    share locks, and it changes at each boot. Elsewhere they are a hash of the host name.
    """
    try:
        name = _BOOT_ID.read_bytes()
    except OSError:
        name = os.fsencode(socket.gethostname())
    return hashlib.sha256(name).hexdigest()[:6]


def peak_memory_bytes() -> int | None:
    """Return the peak memory of this process; None if the system does not state it."""
    try:  # `resource` includes the peak of the parent process
        facts = _STATUS.read_text()
        line = next(line for line in facts.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def bound_memory(more_bytes: int) -> None:
    """Limit the memory that this process may allocate from now on, if the system supports it."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(_SIZES.read_text().split()[0])
        most = pages * resource.getpagesize() + more_bytes
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _share_of_container() -> float:
    """Return how many cores' time Linux grants: cgroup version 2, else version 1."""
    try:
        quota, period = _CPU_MAX.read_text().split()
    except (OSError, ValueError):
        try:
            quota, period = _QUOTA.read_text(), _PERIOD.read_text()
        except OSError:
            return math.inf
    try:
        share = int(quota) / int(period)
    except (ValueError, ZeroDivisionError):  # "max"
        return math.inf
    return share if share > 0 else math.inf


_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_STATUS = Path("/proc/self/status")
_SIZES = Path("/proc/self/statm")
_CPU_INFO = Path("/proc/cpuinfo")
_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")
_QUOTA = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
_PERIOD = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")
