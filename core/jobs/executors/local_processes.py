"""Does parts in several processes of this machine, each with its share of the cores.

Small networks keep one core busy and hardly two: their steps are short, and threads wait for each other between them.
Two folds at once, on half of the cores each, are done sooner than one after the other (docs/scaling.md has figures).
"""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from core.device import choose_device, usable_cores
from core.jobs.executors import part_worker
from core.jobs.executors.settings import JobsConfig
from core.jobs.executors.tasks import THREADS, Task
from core.jobs.processes import open_pipe
from core.parts import Done, Part, ThisProcess, Told

Heard = queue.SimpleQueue[tuple["_Worker", str | None]]  # a line of a worker; None when it has ended


@dataclass
class LocalProcesses:
    """Processes are started for the first parts, keep what they have loaded, and end with :meth:`close`.

    On a machine with a GPU the job's own process does the parts: its memory holds one of them.
    """

    settings: JobsConfig
    _idle: list[_Worker] = field(default_factory=list)

    @property
    def slots(self) -> int:
        """How many parts at once: as many as there are cores for, ``jobs.cpus`` each, and ``jobs.most`` allows."""
        if on_gpu():
            return 1
        room = max(1, usable_cores() // self.settings.cpus)
        return min(room, self.settings.most or room)

    def expect(self, parts: int) -> None:
        """Start the processes, which load libraries while this one reads the dataset."""
        slots = min(self.slots, parts)
        while 1 < slots > len(self._idle):
            self._idle.append(_Worker(usable_cores() // slots))

    def map(self, parts: Sequence[Part]) -> Generator[Told, None, None]:
        """As ``core.parts.Executor``."""
        slots = min(self.slots, len(parts))
        if slots < 2:
            yield from ThisProcess().map(parts)
            return
        cores, last = usable_cores(), len(parts) % slots
        # By its place, not by what else runs: the threads decide in which order numbers are added up.
        threads = [cores // (slots if i < len(parts) - last else last) for i in range(len(parts))]
        waiting = deque(Task(i, one) for i, one in enumerate(parts))
        heard: Heard = queue.SimpleQueue()
        busy: dict[_Worker, Task] = {}
        try:
            while waiting or busy:
                while waiting and len(busy) < slots:
                    task = waiting.popleft()
                    worker = self._idle.pop() if self._idle else _Worker(cores // slots)
                    worker.begin(task, threads[task.i], heard)
                    busy[worker] = task
                worker, line = heard.get()
                if worker not in busy:
                    continue
                task = busy[worker]
                if line is None:
                    del busy[worker]
                    told = task.lost(f"its process ended{worker.reason()}", self.settings.retries)
                    worker.end()
                    if not isinstance(told[1], Done):
                        waiting.appendleft(task)
                else:
                    told = task.told(line)
                    if isinstance(told[1], Done):
                        self._idle.append(worker)
                        del busy[worker]
                yield told
        finally:
            for worker in busy:
                worker.end()

    def close(self) -> None:
        """End the processes."""
        while self._idle:
            self._idle.pop().end()


def on_gpu() -> bool:
    """Whether parts compute on a GPU where they may."""
    return choose_device("auto").type != "cpu"


class _Worker:
    """A process of ``core.workers.part_process``, and a thread that listens to it."""

    def __init__(self, threads: int) -> None:
        environment = dict.fromkeys(THREADS, str(threads))
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": None}
        self._process = open_pipe(["-m", "core.workers.part_process"], **pipes, environment=environment)
        self._heard: Heard = queue.SimpleQueue()
        self._ended = False
        threading.Thread(target=self._listen, name=f"parts-{self._process.pid}", daemon=True).start()

    def begin(self, task: Task, threads: int, heard: Heard) -> None:
        """Hand it a part; what it says is put into ``heard``."""
        self._heard = heard
        needs = [str(path) for path in task.part.needs]
        asked = {"work": task.part.work, "arguments": dict(task.part.arguments), "needs": needs, "threads": threads}
        assert self._process.stdin is not None
        if self._ended:  # while it was idle
            heard.put((self, None))
        with suppress(OSError):  # it ends: the listener says so
            self._process.stdin.write((json.dumps(asked | {"versions": part_worker.versions()}) + "\n").encode())
            self._process.stdin.flush()

    def reason(self) -> str:
        """How the process ended, in words; empty where its exit status says nothing."""
        code = self._process.wait()
        return " by force, as it does when memory runs out" if code == -9 else ""

    def end(self) -> None:
        """End it at once; nothing half written stays (every file is replaced whole)."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                if line.endswith(b"\n"):  # else it was killed while it wrote
                    self._heard.put((self, line.decode()))
        self._ended = True
        self._heard.put((self, None))
