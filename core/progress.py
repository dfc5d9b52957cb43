"""How far long work is: the one record that everything long yields, and the one way to go through it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

T = TypeVar("T")

TRAINING = 0.8  # share of a training run; maps and explanations have the rest


@dataclass(frozen=True)
class Progress:
    """Where long work stands.

    share: 0 to 1 of the whole. message: a sentence for people. event: a name, when something worth keeping has just
    happened. fields: facts of it, which JSON can hold (stage, fold, epoch, scores).
    """

    share: float
    message: str
    event: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


Steps = Generator[Progress, None, T]


def drain(steps: Steps[T], tell: Callable[[Progress], None] = lambda progress: None) -> T:
    """Go through ``steps``, hand each one to ``tell``, and return what the generator returns.

    Whatever ``tell`` raises ends the work: the generator is closed and leaves nothing half done behind.
    """
    try:
        while True:
            try:
                progress = next(steps)
            except StopIteration as end:
                return end.value
            tell(progress)
    finally:
        steps.close()


def part(steps: Steps[T], start: float, end: float) -> Steps[T]:
    """The same steps as a part of something longer: shares run from ``start`` to ``end``. Returns what they return."""
    try:
        while True:
            progress = next(steps)
            yield replace(progress, share=start + (end - start) * progress.share)
    except StopIteration as stop:
        return stop.value
    finally:
        steps.close()


class Clock:
    """Seconds gone and seconds left, judged by the share done since the first report (resumed work begins above 0)."""

    LEAST_SHARE = 0.005  # below it the rate says nothing

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._first: float | None = None

    def times(self, share: float) -> tuple[float, float | None]:
        """Seconds since the start, and seconds to go; None before anything is known."""
        if self._first is None:
            self._first = share
        elapsed, done = time.monotonic() - self._began, share - self._first
        return elapsed, elapsed * (1.0 - share) / done if done > self.LEAST_SHARE else None
