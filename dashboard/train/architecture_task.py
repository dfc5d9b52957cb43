"""The dashboard's side of ``python -m core model``: a process that builds networks, so that pages need no torch.

Comes in: backbones, a dataset file, bands, settings. Goes out: a :class:`dashboard.jobs.background.Task` whose result is what the
command printed. The process tells on its error output which network it is at.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Sequence
from typing import Any

from core.data.store import Dataset
from core.errors import RunError
from core.jobs.processes import open_pipe
from dashboard import state
from dashboard.jobs import background

_AT = re.compile(r"(\d+) of (\d+): (.+)")


def begin(data: Dataset, backbones: Sequence[str], bands: Sequence[str], settings: Sequence[str]) -> background.Task:
    """Describe one backbone, or compare several. Raises DataError while such work is under way."""
    options = ["--dataset", str(data.path), *(["--bands", ",".join(bands)] if bands else [])]
    arguments = [*options, *(part for text in settings for part in ("--set", text)), "--json", "--", *backbones]
    words = f"A look at {backbones[0]}" if len(backbones) == 1 else f"A comparison of {len(backbones)} backbones"
    facts = {"backbones": list(backbones), "bands": list(bands), "settings": list(settings), "dataset": data.name}
    return background.start(state.checkpoints(), kind(data), words, lambda task: _work(task, arguments), facts)


def kind(data: Dataset) -> str:
    """What this work is called among the tasks."""
    return f"model {data.name}"


def _work(task: background.Task, arguments: Sequence[str]) -> dict[str, Any]:
    task.step(0.0, 1.0, "Loading what builds networks.")
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = open_pipe(["-m", "core", "model", *arguments], **pipes)
    threading.Thread(target=_stop_with, args=(task, process), daemon=True).start()
    told: list[str] = []
    with process:
        reader = threading.Thread(target=lambda: told.append(process.stdout.read()), daemon=True)
        reader.start()
        last = ""
        for line in process.stderr:
            last = line.strip() or last
            if at := _AT.fullmatch(line.strip()):
                task.step((int(at[1]) - 1) / int(at[2]), 1.0, at[3])
        reader.join()
    if task.stop.is_set():
        raise background.Stopped
    if process.returncode:
        raise RunError(last.removeprefix("Error: ") or "The process that builds networks was lost. Try again.")
    return json.loads(told[0])


def _stop_with(task: background.Task, process: subprocess.Popen) -> None:
    while process.poll() is None:
        if task.stop.wait(0.2):
            process.kill()
            return
