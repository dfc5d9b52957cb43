"""Child processes: started, told apart from strangers that were given their pid, and stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from core.io.plain_file import open_plain
from core.io.process_id import ProcessId, identify, is_alive

__all__ = ["ProcessId", "child_environment", "end", "identify", "is_alive", "open_pipe", "spawn"]

ROOT = Path(__file__).resolve().parents[2]

# What a child process may see of this one's environment: nothing that could hold a secret.
_ALLOWED = frozenset(
    "PATH HOME USER LANG LC_ALL LC_CTYPE TZ TMPDIR TEMP TMP SYSTEMROOT VIRTUAL_ENV LD_LIBRARY_PATH "
    "CUDA_VISIBLE_DEVICES CUDA_DEVICE_ORDER CUBLAS_WORKSPACE_CONFIG OMP_NUM_THREADS MKL_NUM_THREADS "
    "OPENBLAS_NUM_THREADS OMP_WAIT_POLICY GOMP_SPINCOUNT NUMBA_NUM_THREADS NUMBA_CACHE_DIR "
    "XDG_CACHE_HOME HF_HOME LANDSLIDE_ANALYSES LANDSLIDE_READ_ONLY "
    "HF_HUB_CACHE HF_HUB_OFFLINE TORCH_HOME SSL_CERT_FILE REQUESTS_CA_BUNDLE LANDSLIDE_CHECKPOINTS "
    "LANDSLIDE_JOBS RAY_AUTH_TOKEN_PATH".split()  # the file's place, never the token
)

# GNU's OpenMP, which torch's Linux builds carry, reads the count; others read the policy.
_WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "2000"}


def child_environment() -> dict[str, str]:
    """The allow-listed part of this process's environment, the repository root on PYTHONPATH, and how to wait.

    OpenMP's threads wait for each other hundreds of times in a training step. By default they busy-wait and hold cores
    that other work on the machine needs, which in turn keeps training waiting. Asleep at once (PASSIVE), they cost it
    half its speed when it is alone. So they spin for a moment and then sleep; docs/why.md says what that gives, alone
    and beside busy neighbours. What the user set in the environment counts instead.
    """
    environment = {key: value for key, value in os.environ.items() if key in _ALLOWED}
    waiting = {} if "OMP_WAIT_POLICY" in environment else _WAITING
    return {**waiting, **environment, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def spawn(arguments: Sequence[str], log: Path | None, environment: Mapping[str, str] | None = None) -> ProcessId:
    """Start ``python arguments`` in its own session, output appended to ``log`` if any; it outlives this process.

    environment: variables beside those that every child gets.
    """
    with contextlib.nullcontext(subprocess.DEVNULL) if log is None else open_plain(log, "ab") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**child_environment(), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # Someone must collect the exit status, or a finished child of a long-lived server stays a zombie.
    threading.Thread(target=process.wait, name=f"reap-{process.pid}", daemon=True).start()
    return identify(process.pid) or ProcessId(process.pid, "ended")


def open_pipe(
    arguments: Sequence[str], stdin: Any, stdout: Any, stderr: Any, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start ``python arguments`` in its own session, its pipes held by this process (``core.workers.model_client``).

    environment: as for :func:`spawn`.
    """
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**child_environment(), **(environment or {})},
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )


def end(process: ProcessId, patience_s: float = 10.0) -> None:
    """End the process and its whole group: first politely, after ``patience_s`` by force."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if not _group_alive(process):
            return
        try:
            os.killpg(process.pid, sign)
        except (ProcessLookupError, PermissionError):
            return
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline and _group_alive(process):
            time.sleep(0.05)


def _group_alive(process: ProcessId) -> bool:
    """Whether the leader lives or anyone it left behind in its session does (a reused pid counts as neither)."""
    if process.pid < 2:
        return False  # of a crafted status: 0 stands for the own group, and 1 for everything
    if is_alive(process):
        return True
    if psutil.pid_exists(process.pid) and (found := identify(process.pid)) is not None:
        if found != process:
            return False  # a stranger: never signalled
    for other in psutil.process_iter(["pid", "status"]):
        try:
            if os.getpgid(other.pid) == process.pid and other.info["status"] != psutil.STATUS_ZOMBIE:
                return True
        except (ProcessLookupError, PermissionError):
            continue
    return False
