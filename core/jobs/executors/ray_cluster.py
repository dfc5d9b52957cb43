"""Does parts on a Ray cluster: as many at once as it has room for; one whose worker is lost goes on elsewhere.

A part is a task without a retry of Ray's own: a part that is begun again goes on from its own files, and that it was
lost is told. The job's folder stays with the job's process; only parts leave it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from core.errors import ClusterError, JobError
from core.jobs.executors import connection, part_worker, train_together
from core.jobs.executors.settings import JobsConfig
from core.jobs.processes import ROOT
from core.parts import Done, Part, Told
from core.progress import Progress

LOOK_S = 2.0  # between two looks at whether the head is there
GONE_S = 15.0  # without an answer of the head, after which the cluster counts as gone
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass
class _Task:
    """A part on its way."""

    i: int
    lines: Any  # ray.ObjectRefGenerator
    tries: int
    share: float = 0.0
    node: str = ""


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

    def map(self, parts: Sequence[Part]) -> Generator[Told, None, None]:
        """As ``core.parts.Executor``. Raises ClusterError when the head is gone, or nothing has room for a part."""
        ray = self._connected()
        self._must_fit(ray)
        waiting, most = deque(enumerate(parts)), self.settings.most or len(parts)
        tasks: list[_Task] = []
        looked = heard = time.monotonic()
        try:
            while tasks or waiting:
                while waiting and len(tasks) < most:
                    tasks.append(self._begin(*waiting.popleft()))
                ready, _ = ray.wait([task.lines for task in tasks], num_returns=1, timeout=LOOK_S / 2)
                if time.monotonic() - looked >= LOOK_S:
                    looked = time.monotonic()
                    heard = looked if connection.answers(self._address) else heard
                    if looked - heard > GONE_S:
                        raise self._left()
                for lines in ready:
                    task = next(one for one in tasks if one.lines is lines)
                    yield from self._told(ray, parts, tasks, task)
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

    def _begin(self, i: int, part: Part, tries: int = 1) -> _Task:
        self._must_answer()  # Ray would wait for its head without end
        environment = {name: str(self.settings.cpus) for name in THREADS}
        environment |= {"PYTHONPATH": str(ROOT), **_waiting()}
        settings, needs = self.settings, tuple(str(path) for path in part.needs)
        given = (part.work, json.dumps(dict(part.arguments)), needs, part_worker.versions())
        common = {
            "max_retries": 0, "num_returns": "streaming", "name": part.name, "runtime_env": {"env_vars": environment},
        }  # fmt: skip
        if part.shared and settings.workers_per_fold > 1:
            asked: dict[str, Any] = {"workers": settings.workers_per_fold, "cpus": settings.cpus, "gpus": settings.gpus}
            asked |= {"retries": settings.retries, "environment": environment}
            remote = self._ray.remote(train_together.do).options(num_cpus=0, **common)
            return _Task(i, remote.remote(*given, asked), tries)
        remote = self._ray.remote(part_worker.do).options(num_cpus=settings.cpus, num_gpus=settings.gpus, **common)
        return _Task(i, remote.remote(*given), tries)

    def _told(self, ray: Any, parts: Sequence[Part], tasks: list[_Task], task: _Task) -> Generator[Told, None, None]:
        """The next line of a task that has one."""
        part = parts[task.i]
        try:
            kind, said = part_worker.read(ray.get(next(task.lines)))
        except StopIteration:
            tasks.remove(task)
            yield task.i, Done(error=JobError(f"{part.name} ended without an answer."))
            return
        except ray.exceptions.RayError as error:
            if isinstance(error, ray.exceptions.LocalRayletDiedError):
                raise
            tasks.remove(task)
            yield self._lost(part, tasks, task, error)
            return
        if kind == "began":
            task.node = f"{said['node']}, process {said['pid']}"
            facts = {"part": part.name, **said}
            yield task.i, Progress(task.share, f"{part.name} is done on {task.node}.", "part", facts)
        elif kind == "progress":
            task.share = said.share
            yield task.i, said
        elif kind == "fault":
            print(said, file=sys.stderr, flush=True)  # into the log of the job
            raise RuntimeError(f"{part.name} on {task.node}: {said.strip().splitlines()[-1]}")
        else:
            tasks.remove(task)
            yield task.i, Done(said) if kind == "value" else Done(error=said)

    def _lost(self, part: Part, tasks: list[_Task], task: _Task, error: Exception) -> Told:
        """A part whose worker is gone: begun again, or given up."""
        why = _reason(error)
        if task.tries > self.settings.retries:
            text = f"{part.name} was lost {task.tries} times, the last time on {task.node or 'a worker'}: {why}. "
            return task.i, Done(
                error=JobError(text + "Resume the job when the cluster is well: it goes on from there.")
            )
        tasks.append(again := self._begin(task.i, part, task.tries + 1))
        again.share = task.share
        text = (
            f"{part.name} was lost on {task.node or 'its worker'} ({why}); it goes on elsewhere from what it has kept."
        )
        facts = {"part": part.name, "tries": again.tries}
        return task.i, Progress(task.share, text, "retried", facts)

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
