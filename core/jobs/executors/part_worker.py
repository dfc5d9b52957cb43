"""What a worker of a cluster does: one part, from plain values to plain values.

Nothing but JSON text goes in and comes out. What a part reads and writes lies on storage that all nodes share, under
the same path; what it has made is there when it has ended, and what it had made when its worker was lost is gone on
from.
"""

from __future__ import annotations

import json
import os
import socket
import traceback
from collections.abc import Iterator, Mapping
from contextlib import closing
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from core import errors
from core.errors import JobError, LandslideLensError
from core.progress import Progress
from core.runs.plain_files import to_json_value

DECIDE = ("torch", "timm", "numpy", "scikit-learn", "lightgbm", "numba")  # libraries that numbers depend on


def versions() -> dict[str, str]:
    """Of what the numbers depend on, here."""
    found = {}
    for name in DECIDE:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def do(work: str, arguments: str, needs: tuple[str, ...], wanted: Mapping[str, str]) -> Iterator[str]:
    """Do ``work`` with the JSON object ``arguments``; JSON lines of its progress, then of how it ended.

    needs: what has to be there. wanted: :func:`versions` of whoever asks.
    """
    try:
        yield _line(began={"node": socket.gethostname(), "pid": os.getpid()})
        _check(needs, wanted)
        module, _, name = work.partition(":")
        with closing(getattr(import_module(module), name)(**json.loads(arguments))) as steps:
            try:
                while True:
                    step = next(steps)
                    yield _line(progress=[step.share, step.message, step.event, dict(step.fields)])
            except StopIteration as end:
                yield _line(value=end.value)
    except LandslideLensError as error:
        yield _line(error=[type(error).__name__, str(error)])
    except Exception:
        yield _line(fault=traceback.format_exc())


def read(line: str) -> tuple[str, Any]:
    """What :func:`do` said: "began", "progress" (a Progress), "value", "error" (an exception) or "fault" (text)."""
    ((kind, value),) = json.loads(line).items()
    if kind == "progress":
        share, message, event, fields = value
        return kind, Progress(share, message, event, fields)
    if kind == "error":
        found = getattr(errors, value[0], None)
        if isinstance(found, type) and issubclass(found, LandslideLensError):
            return kind, found(value[1])
        return kind, LandslideLensError(value[1])
    return kind, value


def _check(needs: tuple[str, ...], wanted: Mapping[str, str]) -> None:
    node = socket.gethostname()
    for path in needs:
        if not Path(path).exists():
            raise JobError(
                f"The node {node} of the cluster does not see {Path(path).name}. Checkpoints and datasets must lie on "
                "storage that every node has under the same path (docs/scaling.md)."
            )
    here = versions()
    if differ := [f"{name} {here.get(name)} instead of {text}" for name, text in wanted.items() if here[name] != text]:
        raise JobError(
            f"The node {node} of the cluster has {', '.join(differ)}: its numbers would differ. Install the same "
            "requirements on every node."
        )


def _line(**said: Any) -> str:
    return json.dumps(to_json_value(said))
