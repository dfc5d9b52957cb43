"""Parts on their way in other processes: what a worker said of one, and what becomes of one whose worker is lost."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from core.errors import JobError
from core.jobs.executors import part_worker
from core.parts import Done, Part, Told
from core.progress import Progress

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(eq=False)
class Task:
    """A part in another process. i: its place among the parts. node: where it is done, for people."""

    i: int
    part: Part
    tries: int = 1
    share: float = 0.0
    node: str = ""

    def told(self, line: str) -> Told:
        """What a line of ``part_worker.do`` says of it. Raises RuntimeError for a fault of the program."""
        kind, said = part_worker.read(line)
        if kind == "began":
            self.node = f"{said['node']}, process {said['pid']}"
            facts = {"part": self.part.name, **said}
            return self.i, Progress(self.share, f"{self.part.name} is done on {self.node}.", "part", facts)
        if kind == "progress":
            self.share = said.share
            return self.i, said
        if kind == "fault":
            print(said, file=sys.stderr, flush=True)  # into the log of the job
            raise RuntimeError(f"{self.part.name} on {self.node}: {said.strip().splitlines()[-1]}")
        return self.i, Done(said) if kind == "value" else Done(error=said)

    def without_answer(self) -> Told:
        """It ended, and said neither a value nor an error."""
        return self.i, Done(error=JobError(f"{self.part.name} ended without an answer."))

    def lost(self, why: str, retries: int) -> Told:
        """Its worker is gone: Done where it is given up; else what is told of it while the caller begins it again."""
        if self.tries > retries:
            text = f"{self.part.name} was lost {self.tries} times, the last time on {self.node or 'a worker'}: {why}. "
            return self.i, Done(error=JobError(text + "Resume the job when there is room: it goes on from there."))
        self.tries += 1
        text = (
            f"{self.part.name} was lost on {self.node or 'its worker'} ({why}); it goes on elsewhere from what it has "
            "kept."
        )
        return self.i, Progress(self.share, text, "retried", {"part": self.part.name, "tries": self.tries})
