"""One real Ray cluster of two nodes for all tests of this folder; nobody else's is touched."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed (requirements-cluster.txt)")


@dataclass(frozen=True)
class Nodes:
    """address: the head's. token: the file with the cluster's token."""

    address: str
    token: Path
    process: subprocess.Popen

    @property
    def settings(self) -> list[str]:
        """As LANDSLIDE_JOBS says it."""
        return ["executor=ray", f"address={self.address}", f"token_file={self.token}"]

    def kill_head(self) -> None:
        self.process.stdin.write("head\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"


def own_environment() -> dict[str, str]:
    """This process's, without a word about Ray."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("RAY_", "LANDSLIDE_JOBS"))}


def started(folder: Path, cpus: int = 2) -> Nodes:
    """A cluster of two nodes; whoever starts it closes its standard input."""
    token = folder / "token"
    token.write_text("a-token-of-this-test-alone-0123456789abcdef\n")
    token.chmod(0o600)
    with (folder / "nodes.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.core.jobs.executors.nodes", str(token), str(cpus)], cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=own_environment(),
        )  # fmt: skip
    address = process.stdout.readline().strip()
    assert address.startswith("127.0.0.1:"), (folder / "nodes.log").read_text()
    return Nodes(address, token, process)


def ended(nodes: Nodes) -> None:
    nodes.process.stdin.close()
    nodes.process.wait(timeout=120)
    nodes.process.stdout.close()


@pytest.fixture(scope="session")
def nodes(tmp_path_factory) -> Iterator[Nodes]:
    made = started(tmp_path_factory.mktemp("nodes"))
    yield made
    ended(made)
