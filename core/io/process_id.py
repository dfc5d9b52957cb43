"""Which process is meant: a pid, and a start time that neither a clock step nor a reused pid can make untrue."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from core.errors import needed


@dataclass(frozen=True)
class ProcessId:
    """A pid together with when its process started: reused pids differ in the second.

    started: on Linux the boot's id and clock ticks since that boot, so that setting the clock changes nothing and a
    process of another boot, or of another machine, is never taken for this one. Elsewhere the kernel's start time.
    """

    pid: int
    started: str


def identify(pid: int) -> ProcessId | None:
    """The identity of the process that has this pid now, or none; a zombie has one too."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
        return ProcessId(pid, f"{_boot()}:{after_name.split()[19]}")  # field 22 of proc(5): starttime
    except (OSError, IndexError):
        pass
    try:
        return ProcessId(pid, f"{psutil.Process(pid).create_time():.2f}")
    except psutil.Error:
        return None


def is_alive(process: ProcessId) -> bool:
    """Whether that very process runs: not a zombie, and not another one under the same pid."""
    if identify(process.pid) != process:
        return False
    try:
        return psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def heartbeat() -> float:
    """Seconds since the machine started, by a clock that nobody sets: when a process gave its last sign."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def silence(process: ProcessId, last: float) -> float | None:
    """Seconds since ``last``, a :func:`heartbeat` of that process; None for one of another boot or machine."""
    if ":" in process.started and not process.started.startswith(f"{_boot()}:"):
        return None
    return max(0.0, heartbeat() - last)


def mark(pid: int) -> str:
    """A process as a part of a file's name: machine, pid and start, without a character that names cannot have."""
    process = identify(pid)
    start = process.started.rpartition(":")[2].replace(".", "") if process else "0"
    return f"{_machine()}-{pid}-{start}"


def is_dead(owner: str) -> bool:
    """Whether the process of this :func:`mark` was one of this machine and no longer runs."""
    machine, _, rest = owner.partition("-")
    pid = rest.partition("-")[0]
    if machine != _machine() or not pid.isdecimal():
        return False  # storage may be shared between machines: theirs are theirs
    return mark(int(pid)) != owner or not psutil.pid_exists(int(pid))


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]
    except OSError:
        return socket.gethostname()


@cache
def _machine() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def myself() -> ProcessId:
    """The identity of this process."""
    return needed(identify(os.getpid()), "Neither /proc nor psutil knows this process. Mount /proc.")
