"""Independent parts of one job (folds, rows, trials, stripes of a scene), and who does them.

Whatever loops over such parts hands them to :func:`executor`. By default that is this process, which does one after
the other; the worker of a job may put another one in its place (``core.jobs.executors``), and nothing else changes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from core.errors import LandslideLensError
from core.progress import Progress, Steps


@dataclass(frozen=True)
class Part:
    """One part, and two ways to do it, which have the same result.

    name: for people, "Fold 2". here: does it in this process, with what that has loaded. work: "module:function", which
    does it in any other process from ``arguments`` alone: plain values, paths among them, that JSON can hold. needs:
    folders and files that it reads or writes. Both ways yield Progress whose shares run from 0 to 1 of this part, and
    return plain values. shared: several processes may do ``work`` in step, each on a share of its batches; its argument
    ``run`` is then the folder that it writes into.
    """

    name: str
    here: Callable[[], Steps[Any]]
    work: str
    arguments: Mapping[str, Any]
    needs: tuple[Path, ...] = ()
    shared: bool = False


@dataclass(frozen=True)
class Done:
    """How a part ended: with a value, or with an error that the user can mend."""

    value: Any = None
    error: LandslideLensError | None = None


Told = tuple[int, Progress | Done]  # position of the part, and what it says


class Executor(Protocol):
    """Does parts. ``slots``: how many at once, as far as is known."""

    @property
    def slots(self) -> int:
        """How many parts it does at once."""

    def expect(self, parts: int) -> None:
        """So many parts follow soon: what takes its time before the first may begin."""

    def map(self, parts: Sequence[Part]) -> Generator[Told, None, None]:
        """Do every part; each tells its progress, then one Done. A closed generator leaves nothing running."""


@dataclass(frozen=True)
class ThisProcess:
    """Does parts in this process, in their order, one at a time."""

    slots: int = field(default=1, init=False)

    def expect(self, parts: int) -> None:
        """Nothing needs to begin."""

    def map(self, parts: Sequence[Part]) -> Generator[Told, None, None]:
        """As :class:`Executor`."""
        for i, part in enumerate(parts):
            steps = part.here()
            try:
                while True:
                    yield i, next(steps)
            except StopIteration as end:
                yield i, Done(end.value)
            except LandslideLensError as error:
                yield i, Done(error=error)
            finally:
                steps.close()


_chosen: list[Executor] = [ThisProcess()]


def executor() -> Executor:
    """Who does the parts of this process's job."""
    return _chosen[-1]


@contextmanager
def done_by(chosen: Executor) -> Generator[None, None, None]:
    """Within it, ``chosen`` does the parts."""
    _chosen.append(chosen)
    try:
        yield
    finally:
        _chosen.remove(chosen)


def together(parts: Sequence[Part]) -> Steps[list[Any]]:
    """Do all parts; what they return, in their order. The share is the mean of theirs.

    Raises the first error of a part, and the others are stopped.
    """
    shares, values = [0.0] * len(parts), [None] * len(parts)
    told = executor().map(parts)
    try:
        for i, said in told:
            if isinstance(said, Done):
                if said.error is not None:
                    raise said.error
                shares[i], values[i] = 1.0, said.value
                continue
            shares[i] = said.share
            yield replace(said, share=sum(shares) / len(parts))
    finally:
        told.close()
    return values
