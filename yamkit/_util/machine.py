"""What this machine is, and what this process may use of it.

Nothing is run to find out: `platform.processor` and `platform.platform` start whatever is called
``uname`` on the path.
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
    """Count the processor cores that this process may use.

    Those it may run on, and where a container's share of time is less, so many as that fills.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return math.ceil(min(cores or 1, _share_of_container()))


def processor_name() -> str:
    """Name the processor: its model where the system tells, else its architecture."""
    try:
        facts = _CPU_INFO.read_text()
    except OSError:
        facts = ""
    for line in facts.splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return os.environ.get("PROCESSOR_IDENTIFIER") or platform.machine()  # Windows has the former


def system_name() -> str:
    """Name the system and its release, such as ``Linux-6.1``."""
    return f"{platform.system()}-{platform.release()}"


@functools.cache
def boot_mark() -> str:
    """Give six hexadecimal digits that tell this machine from others that write to one folder.

    On Linux they are a hash of the kernel's boot ID: containers on one kernel share it, as they
    share its locks, and each start of the machine has another. Elsewhere it is the host's name.
    """
    try:
        name = _BOOT_ID.read_bytes()
    except OSError:
        name = os.fsencode(socket.gethostname())
    return hashlib.sha256(name).hexdigest()[:6]


def peak_memory_bytes() -> int | None:
    """Give the most memory that this process has had; None where the system does not tell."""
    try:  # what `resource` says begins with the size of the process that started this one
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
    """Let this process take so much more memory and no more, where the system can."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(_SIZES.read_text().split()[0])
        most = pages * resource.getpagesize() + more_bytes
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _share_of_container() -> float:
    """Read how many cores' time Linux grants: cgroup's version 2, else version 1."""
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
