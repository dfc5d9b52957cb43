"""A real Ray cluster of two nodes on this machine: ``python -m tests.core.jobs.executors.nodes TOKEN_FILE CPUS``.

Prints the head's address, then does what its standard input says: ``head`` kills the head's processes; at the end of
the input all of it ends. Everything listens on 127.0.0.1.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from typing import TypeVar

import psutil

from core.jobs.executors.connection import ONE_MACHINE, QUIET

T = TypeVar("T")


def main(token: str, cpus: int) -> None:
    os.environ.update(QUIET | ONE_MACHINE | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": token})
    from ray.cluster_utils import Cluster

    with tempfile.TemporaryDirectory(prefix="ll-nodes-", ignore_cleanup_errors=True) as folder:
        common = {"num_cpus": cpus, "node_ip_address": "127.0.0.1", "object_store_memory": 80 * 2**20}
        common |= {"include_log_monitor": False}
        head = {"include_dashboard": False, "dashboard_host": "127.0.0.1", "temp_dir": folder, "no_monitor": True}
        cluster = _tried(lambda: Cluster(initialize_head=True, head_node_args=common | head), _end_all)
        _tried(lambda: cluster.add_node(**common))
        print(cluster.address, flush=True)
        for line in sys.stdin:
            if line.strip() == "head":
                cluster.head_node.kill_gcs_server(check_alive=False)
                cluster.head_node.kill_raylet(check_alive=False)
            print("done", flush=True)
        try:
            cluster.shutdown()
        except Exception:  # its head is gone
            for node in (*cluster.worker_nodes, cluster.head_node):
                node.kill_all_processes(check_alive=False, allow_graceful=False)


def _end_all() -> None:
    for process in psutil.Process().children(recursive=True):
        process.kill()


def _tried(start: Callable[[], T], sweep: Callable[[], None] = lambda: None, most: int = 5) -> T:
    """Ray gives a node 30 s to start, which a busy machine may not have."""
    for left in range(most - 1, -1, -1):
        try:
            return start()
        except Exception:
            if not left:
                raise
            sweep()
    raise AssertionError


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
