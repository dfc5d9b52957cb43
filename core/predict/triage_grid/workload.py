"""One dial: how many cells are looked at, what they are expected to hold, what is missed, and the hours it takes.

Cells are looked at in the order of their rank. Expectation is that of the calibrated probabilities, over what was seen;
what was not seen is told beside it and is in no share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.errors import ConfigError
from core.predict.triage_grid.cells import UNSEEN, Cells
from core.text import count, counted, duration

SHARES = (0.5, 0.8, 0.9, 0.95)
MINUTES = 5.0  # to look at one cell, unless another number is stated


@dataclass(frozen=True)
class Stop:
    """One place of the dial. cells: looked at. share: of what is expected, held by them. hours: of inspection.

    missed_km2: expected in the cells that are not looked at. km2: ground looked at. score: priority of the last cell.
    """

    cells: int
    share: float
    hours: float
    km2: float
    missed_km2: float
    score: float


@dataclass(frozen=True)
class Workload:
    """share: (n + 1,) held by the first k cells. km2: (n + 1,) their ground. score: (n + 1,) priority of the k-th."""

    share: np.ndarray
    km2: np.ndarray
    score: np.ndarray
    expected_km2: float
    minutes: float
    n_unseen: int
    unseen_km2: float

    def at_cells(self, cells: int) -> Stop:
        """The dial at a number of cells, at most all."""
        k = int(np.clip(cells, 0, len(self.share) - 1))
        missed = (1 - float(self.share[k])) * self.expected_km2
        hours = k * self.minutes / 60
        return Stop(k, float(self.share[k]), hours, float(self.km2[k]), missed, float(self.score[k]))

    def at_share(self, share: float) -> Stop:
        """The fewest cells that hold this share of what is expected. Raises ConfigError unless it lies in 0-1."""
        if not 0 <= share <= 1:
            raise ConfigError(f"A share of {share:g} makes no sense: give one between 0 and 1, such as 0.8.")
        enough = self.share >= share - 1e-12
        return self.at_cells(int(np.argmax(enough)) if enough.any() else len(self.share) - 1)

    def at_hours(self, hours: float) -> Stop:
        """What can be looked at in this time."""
        return self.at_cells(int(hours * 60 / self.minutes + 1e-9))

    def sentence(self, stop: Stop) -> str:
        """For a duty officer."""
        n = len(self.share) - 1
        if self.expected_km2 <= 0:
            seen = f"{counted(n, 'cell')} that {'was' if n == 1 else 'were'} seen"
            return f"Nothing is expected in the {seen}. {self.unseen_sentence()}".strip()
        time = duration(3600 * stop.hours) or "no time"
        these = f"{'these ' * (stop.cells > 1)}{count(stop.cells)} of {counted(n, 'cell')}"
        return (
            f"Look at {these} first ({stop.km2:,.4g} km², {time} at "
            f"{self.minutes:g} minutes a cell): expected to hold {100 * stop.share:.0f} of 100 parts of the landslide "
            f"ground that was seen. {self.unseen_sentence()}"
        ).strip()

    def unseen_sentence(self) -> str:
        """What no number here speaks of."""
        if not self.unseen_km2 > 0:
            return ""
        cells = ""
        if self.n_unseen:
            have, them = ("has a rank of its", "it") if self.n_unseen == 1 else ("have a rank of their", "them")
            cells = f" {counted(self.n_unseen, 'cell')} {have} own: nothing is known of {them}."
        return f"{self.unseen_km2:,.4g} km² were not seen.{cells}"

    def table(self, shares: Sequence[float] = SHARES) -> list[dict[str, Any]]:
        """Plain values at some shares."""
        return [{"asked": share, **asdict(self.at_share(share))} for share in shares]


def workload(cells: Cells, minutes: float = MINUTES) -> Workload:
    """The dial over the cells that were seen. Raises ConfigError unless ``minutes`` a cell is positive."""
    if not minutes > 0:
        raise ConfigError(f"{minutes:g} minutes a cell make no sense: give a positive number.")
    order = cells.ranked
    expected = cells.expected_km2[order]
    total = float(expected.sum())
    held = np.concatenate([[0.0], np.cumsum(expected)])
    share = held / total if total > 0 else np.zeros(len(held))
    return Workload(
        share=np.minimum(share, 1.0),
        km2=np.concatenate([[0.0], np.cumsum(cells.area_km2[order])]),
        score=np.concatenate([[np.inf], cells.priority[order]]),
        expected_km2=total,
        minutes=minutes,
        n_unseen=int((cells.status == UNSEEN).sum()),
        unseen_km2=float(cells.unseen_km2.sum()),
    )
