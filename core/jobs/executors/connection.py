"""The connection of a job's process to a Ray cluster: one that is there, or one of this machine for the job alone.

A cluster of this machine listens on 127.0.0.1 only, has a token of its own and ends with the job. Ray takes its
settings from the environment when it is first imported, which is why it is imported here and nowhere else.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.errors import ClusterError, MissingDependencyError
from core.jobs.executors.settings import JobsConfig
from core.jobs.executors.token import VARIABLE, new_token, token_of

COMMAND = "python -m pip install -r requirements-cluster.txt"
LOOPBACK = ("127.0.0.1", "localhost")
ANSWER_S = 5.0  # for a TCP connection to the head
STORE_BYTES = 100 * 2**20  # of a local cluster: parts exchange a few lines of text
# Ray binds to every address unless its node's address is 127.0.0.1, and replaces that address by another one unless
# it is told that clusters of several machines are off. The variable's name says otherwise; it holds on Linux too.
ONE_MACHINE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_TRAIN_V2_ENABLED": "1",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "600",  # that the head is gone is told by us, before Ray ends the process
    "RAY_worker_niceness": "0",  # of a cluster that is started here: parts are no less than what a job does itself
    "RAY_raylet_client_connect_timeout_milliseconds": "10000",
}


def installed() -> bool:
    """Whether Ray is there, without importing it."""
    return find_spec("ray") is not None


def require() -> None:
    """Raises MissingDependencyError where Ray is not installed."""
    if not installed():
        raise MissingDependencyError(f"jobs.executor=ray needs Ray, which is not installed. Install it: {COMMAND}")


def is_local(address: str) -> bool:
    """Whether the head is this machine's and listens to nobody else."""
    return not address or address.rpartition(":")[0] in LOOPBACK


def answers(address: str) -> bool:
    """Whether anything listens at host:port."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), ANSWER_S):
            return True
    except (OSError, ValueError, OverflowError):
        return False


@contextlib.contextmanager
def connected(settings: JobsConfig) -> Iterator[Any]:
    """The module ``ray``, connected; its ``address`` is told by :func:`address_of`.

    Raises MissingDependencyError, JobError for a token that is missing or that others can read, and ClusterError for a
    cluster that does not answer or refuses the token.
    """
    require()
    own = Path(tempfile.mkdtemp(prefix="ll-ray-")) if not settings.address else None  # a short path: sockets lie there
    try:
        _prepare(settings, own)
        if own is None and not answers(settings.address):
            raise ClusterError(
                f"No Ray cluster answers at {settings.address}. Start it, or correct the address: python -m core jobs "
                "executor ray --address HOST:PORT. Then resume the job."
            )
        import ray

        handler = signal.getsignal(signal.SIGTERM)
        try:
            _connect(ray, settings, own)
        finally:
            signal.signal(signal.SIGTERM, handler)  # Ray has put its own in the place of the worker's
        yield ray
    finally:
        if own is not None:
            shutil.rmtree(own, ignore_errors=True)


def address_of(ray: Any) -> str:
    """The head's address."""
    return str(ray.get_runtime_context().gcs_address)


def _prepare(settings: JobsConfig, own: Path | None) -> None:
    """Tell Ray, through the environment, what must be known before it is imported."""
    token = new_token(own) if own is not None else token_of(settings)
    os.environ.update(QUIET)
    if is_local(settings.address):
        os.environ.update(ONE_MACHINE)
    os.environ.pop("RAY_AUTH_TOKEN", None)  # the file is what counts
    os.environ["RAY_AUTH_MODE"] = "disabled" if token is None else "token"
    if token is not None:
        os.environ[VARIABLE] = str(token)


def _connect(ray: Any, settings: JobsConfig, own: Path | None) -> None:
    common = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
    try:
        if own is not None:
            ray.init(
                address="local", include_dashboard=False, _node_ip_address="127.0.0.1", _temp_dir=str(own),
                object_store_memory=STORE_BYTES, **common,
            )  # fmt: skip
            return
        where = {"_node_ip_address": "127.0.0.1"} if is_local(settings.address) else {}
        ray.init(address=settings.address.replace("localhost", "127.0.0.1"), **where, **common)
    except (ray.exceptions.RayError, RuntimeError, ValueError, ConnectionError) as error:
        if own is None and isinstance(error, ray.exceptions.AuthenticationError | ConnectionError):
            raise ClusterError(
                f"The Ray cluster at {settings.address} answers and did not let this job in. Most likely the token in "
                f"{os.environ.get(VARIABLE, 'no file')} is not the one that it was started with; otherwise it runs "
                "another version of Ray. Correct it (jobs.token_file or RAY_AUTH_TOKEN_PATH), then resume the job."
            ) from None
        raise ClusterError(
            f"The Ray cluster{f' at {settings.address}' if settings.address else ''} could not be joined: "
            f"{str(error).splitlines()[0]}. This machine must be one of its nodes (ray start --address ...; "
            "docs/scaling.md), with the same versions of Python and Ray."
        ) from error
