"""``python -m core.workers.part_process``: does the parts that it is handed, one after the other.

A request is a JSON object on one line of standard input: ``work``, ``arguments``, ``needs`` and ``versions`` as
``core.jobs.executors.part_worker.do`` takes them, and ``threads``, how many to compute with. That says lines on
standard output. The process ends at once when its input ends, also in the middle of a part: whoever asked is gone.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from typing import Any

from core.jobs.executors import part_worker


def main() -> None:
    """Do parts until the input ends."""
    answers = os.dup(1)
    os.dup2(2, 1)  # what a library prints belongs into the log
    asked: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(asked,), daemon=True).start()
    import torch

    import core.pipeline  # noqa: F401 (while nothing is asked for yet: it takes seconds)

    while True:
        request = asked.get()
        torch.set_num_threads(request["threads"])
        given = request["work"], json.dumps(request["arguments"]), tuple(request["needs"]), request["versions"]
        for line in part_worker.do(*given):
            _write(answers, f"{line}\n".encode())


def _write(pipe: int, text: bytes) -> None:
    while text:
        text = text[os.write(pipe, text) :]


def _listen(asked: queue.SimpleQueue[dict[str, Any]]) -> None:
    for line in sys.stdin:
        asked.put(json.loads(line))
    os._exit(1)


if __name__ == "__main__":
    main()
