"""Does parts on a Ray cluster: as many at once as it has room for; one whose worker is lost goes on elsewhere.

A part is a task without a retry of Ray's own: a part that is begun again goes on from its own files, and that it was
lost is told. The job's folder stays with the job's process; only parts leave it.
"""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from core.errors import ClusterError, JobError
from core.jobs.executors import connection, part_worker, train_together
from core.jobs.executors.settings import JobsConfig
from core.jobs.executors.tasks import THREADS, Task
from core.jobs.processes import ROOT
from core.parts import Done, Part, Told

LOOK_S = 2.0  # between two looks at whether the head is there
GONE_S = 15.0  # without an answer of the head, after which the cluster counts as gone


@dataclass(eq=False)
class _Task(Task):
    """A part on its way through the cluster."""

    lines: Any = None  # ray.ObjectRefGenerator


@dataclass
class RayCluster:
    """Connected when the first parts are asked for, and until :meth:`close`."""

    settings: JobsConfig
    _stack: ExitStack = field(default_factory=ExitStack)
    _ray: Any = None
    _address: str = ""
    _gone: bool = False

    @property
    def slots(self) -> int:
        """How many parts find room in the whole cluster, at least one. Connects."""
        have = self._connected().cluster_resources()
        room = int(have.get("CPU", 0) // self.settings.cpus)
        if self.settings.gpus:
            room = min(room, int(have.get("GPU", 0) / self.settings.gpus + 1e-9))
        return max(1, min(room, self.settings.most or room))

    def expect(self, parts: int) -> None:
        """Nothing begins: the cluster's room belongs to others too."""

    def map(self, parts: Sequence[Part]) -> Generator[Told, None, None]:
        """As ``core.parts.Executor``. Raises ClusterError when the head is gone, or nothing has room for a part."""
        ray = self._connected()
        self._must_fit(ray)
        waiting, most = deque(_Task(i, one) for i, one in enumerate(parts)), self.settings.most or len(parts)
        tasks: list[_Task] = []
        looked = heard = time.monotonic()
        try:
            while tasks or waiting:
                while waiting and len(tasks) < most:
                    tasks.append(self._begin(waiting.popleft()))
                ready, _ = ray.wait([task.lines for task in tasks], num_returns=1, timeout=LOOK_S / 2)
                if time.monotonic() - looked >= LOOK_S:
                    looked = time.monotonic()
                    heard = looked if connection.answers(self._address) else heard
                    if looked - heard > GONE_S:
                        raise self._left()
                for lines in ready:
                    task = next(one for one in tasks if one.lines is lines)
                    yield from self._told(ray, tasks, task)
        except ray.exceptions.LocalRayletDiedError as error:
            self._gone = True
            raise ClusterError(
                "The Ray process of this machine has ended. What was finished is kept. Start Ray here again (ray "
                "start), then resume the job."
            ) from error
        finally:
            for task in tasks:
                self._stop(ray, task)

    def close(self) -> None:
        """Leave the cluster; one that was started for this job ends."""
        if self._ray is not None and not self._gone:
            self._ray.shutdown()
        self._stack.close()

    @property
    def lost(self) -> bool:
        """Whether the cluster went away: leaving it in order would wait for it."""
        return self._gone

    # ---------------------------------------------------------------------------------------------------- one part

    def _begin(self, task: _Task) -> _Task:
        self._must_answer()  # Ray would wait for its head without end
        part, settings = task.part, self.settings
        environment = {name: str(settings.cpus) for name in THREADS}
        environment |= {"PYTHONPATH": str(ROOT), **_waiting()}
        needs = tuple(str(path) for path in part.needs)
        given = (part.work, json.dumps(dict(part.arguments)), needs, part_worker.versions())
        common = {
            "max_retries": 0, "num_returns": "streaming", "name": part.name, "runtime_env": {"env_vars": environment},
        }  # fmt: skip
        if part.shared and settings.workers_per_fold > 1:
            asked: dict[str, Any] = {"workers": settings.workers_per_fold, "cpus": settings.cpus, "gpus": settings.gpus}
            asked |= {"retries": settings.retries, "environment": environment}
            remote = self._ray.remote(train_together.do).options(num_cpus=0, **common)
            task.lines = remote.remote(*given, asked)
        else:
            remote = self._ray.remote(part_worker.do).options(num_cpus=settings.cpus, num_gpus=settings.gpus, **common)
            task.lines = remote.remote(*given)
        return task

    def _told(self, ray: Any, tasks: list[_Task], task: _Task) -> Generator[Told, None, None]:
        """The next line of a task that has one."""
        try:
            told = task.told(ray.get(next(task.lines)))
        except StopIteration:
            told = task.without_answer()
        except ray.exceptions.RayError as error:
            if isinstance(error, ray.exceptions.LocalRayletDiedError):
                raise
            told = task.lost(_reason(error), self.settings.retries)
            if not isinstance(told[1], Done):
                self._begin(task)
        if isinstance(told[1], Done):
            tasks.remove(task)
        yield told

    def _stop(self, ray: Any, task: _Task) -> None:
        if self._gone:
            return
        try:
            ray.cancel(task.lines, force=True)
        except (ray.exceptions.RayError, ValueError, TypeError):
            pass  # it has ended meanwhile

    # ------------------------------------------------------------------------------------------------- the cluster

    def _connected(self) -> Any:
        if self._ray is None:
            self._ray = self._stack.enter_context(connection.connected(self.settings))
            self._address = connection.address_of(self._ray)
        return self._ray

    def _must_answer(self) -> None:
        """Raises ClusterError where the head is gone; it may take a while to come back."""
        deadline = time.monotonic() + GONE_S
        while not connection.answers(self._address):
            if time.monotonic() > deadline:
                raise self._left()
            time.sleep(LOOK_S / 2)

    def _left(self) -> ClusterError:
        self._gone = True
        return ClusterError(
            f"The head of the Ray cluster at {self._address} has not answered for {GONE_S:.0f} s. What was finished is "
            "kept. Start the cluster again, then resume the job."
        )

    def _must_fit(self, ray: Any) -> None:
        have, cpus, gpus = ray.nodes(), self.settings.cpus, self.settings.gpus
        alive = [node["Resources"] for node in have if node["Alive"]]
        if not any(one.get("CPU", 0) >= cpus and one.get("GPU", 0) >= gpus for one in alive):
            raise JobError(
                f"No node of the Ray cluster has {cpus} cores{f' and {gpus:g} GPUs' if gpus else ''} for a part. "
                "Lower jobs.cpus or jobs.gpus, or add such a node."
            )


def _reason(error: Exception) -> str:
    return {
        "WorkerCrashedError": "its process ended", "NodeDiedError": "its node is gone",
        "OutOfMemoryError": "memory ran out there", "TaskCancelledError": "it was cancelled there",
    }.get(type(error).__name__, type(error).__name__)  # fmt: skip


def _waiting() -> dict[str, str]:
    """How OpenMP's threads wait (``core.jobs.processes``), and other things that parts share with this process."""
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "NUMBA_CACHE_DIR", "LANDSLIDE_ANALYSES")
    return {name: os.environ[name] for name in names if name in os.environ}
