"""Parts that are made up to try executors: they count, fail, and lose their worker."""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from core.errors import DataError, LandslideLensError
from core.jobs.executors.chosen import started
from core.jobs.executors.local_processes import LocalProcesses
from core.jobs.executors.ray_cluster import RayCluster
from core.jobs.executors.settings import JobsConfig, split, with_settings
from core.parts import Done, Part
from core.progress import Progress, Steps


def add(a: int, b: int, wait: float = 0.0) -> Steps[dict]:
    yield Progress(0.5, "Half way.", "half", {"a": a})
    time.sleep(wait)
    torch = sys.modules.get("torch")
    threads = os.environ.get("OMP_NUM_THREADS"), torch and torch.get_num_threads()
    return {"sum": a + b, "pid": os.getpid(), "threads": threads[0], "torch_threads": threads[1]}


def lost_once(folder: str) -> Steps[int]:
    """Its worker is killed at 3 of 6; the next one goes on there."""
    kept = Path(folder) / "kept"
    for i in range(int(kept.read_text()) if kept.exists() else 0, 6):
        yield Progress(i / 6, f"Step {i}.")
        kept.write_text(str(i + 1))
        with (Path(folder) / "steps").open("a") as file:
            file.write(f"{i} {os.getpid()}\n")
        if i == 2:
            time.sleep(0.5)
            os.kill(os.getpid(), signal.SIGKILL)
    return 6


def cut_once(folder: str) -> Steps[int]:
    """Its worker is killed while it writes what it has to say; the next one does it."""
    begun = Path(folder) / "begun"
    yield Progress(0.1, "Begun.")
    if not begun.exists():
        begun.touch()
        for pipe in range(3, 64):
            with suppress(OSError):
                if stat.S_ISFIFO(os.fstat(pipe).st_mode):
                    os.write(pipe, b'{"progress": [0.5, "Hal')
        os.kill(os.getpid(), signal.SIGKILL)
    return 7


def lost_always() -> Steps[None]:
    yield Progress(0.1, "Begun.")
    os.kill(os.getpid(), signal.SIGKILL)


def refused() -> Steps[None]:
    yield Progress(0.1, "Begun.")
    raise DataError("These data cannot be used. Choose others.")


def faulty() -> Steps[None]:
    yield Progress(0.1, "Begun.")
    raise ZeroDivisionError("of the program")


def waits(folder: str) -> Steps[None]:
    yield Progress(0.1, "Begun.")
    (Path(folder) / "waits").write_text(str(os.getpid()))
    time.sleep(600)


def part(name: str, **arguments: object) -> Part:
    """One of the above."""
    folder = arguments.get("folder")
    needs = (Path(str(folder)),) if folder else ()
    return Part(
        name, lambda: globals()[name](**arguments), f"tests.core.jobs.executors.made_parts:{name}", arguments, needs
    )


def of_case(case: str, folder: str) -> tuple[list[Part], dict[str, object]]:
    """The parts of one try, and settings of its own."""
    one = part("add", a=1, b=1)
    return {
        "sums": ([part("add", a=i, b=10, wait=1.0) for i in range(3)], {}),
        "lost_once": ([part("lost_once", folder=folder), one], {}),
        "cut_once": ([part("cut_once", folder=folder), one], {}),
        "lost_always": ([part("lost_always"), one], {"retries": 1}),
        "refused": ([part("refused"), one], {}),
        "faulty": ([part("faulty"), one], {}),
        "waits": ([part("waits", folder=folder)], {}),
        "two_wait": ([part("waits", folder=folder)] * 2, {}),
        "missing": ([part("waits", folder="/nowhere/at/all")], {}),
        "too_large": ([one], {"cpus": 64}),
    }[case]


def lines_of(executor: LocalProcesses | RayCluster, case: str, folder: str) -> Iterator[dict]:
    """What is told while the parts of a case are done."""
    parts, own = of_case(case, folder)
    executor.settings = with_settings(executor.settings, own, case)
    try:
        for i, told in executor.map(parts):
            if isinstance(told, Done):
                error = told.error and [type(told.error).__name__, str(told.error)]
                yield {"part": i, "value": told.value, "error": error}
            else:
                yield {"part": i, "share": told.share, "event": told.event, "message": told.message}
    except (LandslideLensError, RuntimeError) as error:
        yield {"raised": [type(error).__name__, str(error)]}


def main(cases: list[str], folder: str, said: list[str]) -> None:
    """Do the parts of cases, one after the other, as jobs would; a JSON line for each thing that is told."""
    settings = with_settings(JobsConfig(), split([f"jobs.{item}" for item in said])[1], "settings")
    with started(settings) as executor:
        for case in cases:
            executor.settings = settings
            for line in lines_of(executor, case, folder):
                print(json.dumps({"case": case} | line), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell starts in the background
    main(sys.argv[1].split(","), sys.argv[2], sys.argv[3:])
    sys.stdout.flush()
    os._exit(0)  # as core.workers.job_worker: a head that is gone is not waited for
