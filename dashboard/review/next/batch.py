"""A batch that was chosen: what is asked, beside what judgements of it are kept, and how one of it looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.analyses import scene_map
from core.analyses.maps.judged import subject_of
from core.analyses.review.next_patches import folder
from core.data.store import Dataset
from core.review.entry import Entry
from core.review.judgements import Judgements, Pace
from core.runs.results import ResultFolder
from core.runs.store import RunFolder
from dashboard import cache
from dashboard.patches import gallery, render
from dashboard.predict import inspector
from dashboard.predict.judging import place_of
from dashboard.review import judging

CONTEXT = 0.5  # of a cell's side, seen around it
FRAME = np.array([255, 214, 0], np.uint8)  # around the cell


@dataclass(frozen=True, eq=False)
class Batch:
    """report: of the analysis; its table has a row each that was chosen."""

    run: RunFolder
    report: Mapping[str, Any]

    @cached_property
    def table(self) -> pd.DataFrame:
        """rank, id, prob, spread, uncertainty, novelty, kind, alike, near, reason."""
        return folder(self.run, self.report["where"]).table("patches")

    @property
    def ids(self) -> list[str]:
        """The names, the worthiest first."""
        return list(self.report["ids"])

    @property
    def is_of_cells(self) -> bool:
        """Whether cells of a scene are asked for; else patches of a dataset file."""
        return self.report["kind"] == "cell"

    @property
    def noun(self) -> str:
        """What one of it is called."""
        return "cell" if self.is_of_cells else "patch"

    @property
    def judged(self) -> Path:
        """The dataset file, or the folder of the map."""
        return Path(self.report["judged"])

    @cached_property
    def data(self) -> Dataset:
        """The dataset of the patches, with the labels of its file. Raises DataError where it is gone."""
        return cache.dataset(self.judged)

    @cached_property
    def own(self) -> ResultFolder:
        """Of the map whose cells are asked for."""
        return scene_map.folder(self.run, self.report["where"].partition(":")[2])

    @cached_property
    def map_report(self) -> dict[str, Any]:
        """What is known of that map."""
        return self.own.json("report.json")

    @cached_property
    def cells(self) -> pd.DataFrame:
        """Its cells."""
        cells = self.own.table("cells")
        return cells.assign(cell=cells["cell"].astype(str))

    # ------------------------------------------------------------------------------------------------- judgements

    def subject(self, name: str) -> str:
        """What it is called among the judgements."""
        return subject_of(self.map_report, name) if self.is_of_cells else name

    def place(self, name: str) -> dict[str, Any]:
        """Where it is, as a judgement keeps it."""
        return place_of(self.map_report, self.cells, name) if self.is_of_cells else judging.place_of(self.data, name)

    @property
    def desk(self) -> Judgements:
        """Where its judgements are kept."""
        return Judgements(self.judged)

    def said(self) -> dict[str, list[Entry]]:
        """What stands, by name."""
        found = self.desk.by_subject(self.report["kind"])
        names = {self.subject(name): name for name in self.ids}
        return {names[subject]: entries for (_, subject), entries in found.items() if subject in names}

    def pace(self, by: str) -> Pace:
        """How far it has come, of one person or ("") of anybody."""
        return self.desk.progress([self.subject(name) for name in self.ids], self.report["kind"], by or None)

    # --------------------------------------------------------------------------------------------------- pictures

    def pictures(self, names: Sequence[str], look: gallery.Look | None, side: int) -> list[np.ndarray]:
        """(side, w, 3) uint8 each. look: how patches are drawn; a cell is seen with some ground around it."""
        if not self.is_of_cells:
            return gallery.pictures(self.data, names, look, side=side)
        after, step = self.own.arrays("picture")["after"], self.own.json("picture.json")["step"]
        rows = self.cells.set_index("cell")
        return [_with_context(after, rows.loc[name], step, side) for name in names]


def _with_context(after: np.ndarray, cell: pd.Series, step: int, side: int) -> np.ndarray:
    """The cell in a frame, and the ground around it as far as the scene reaches."""
    around = dict(zip(("top", "bottom"), _widened(cell["top"], cell["bottom"], step * after.shape[0]), strict=True))
    around |= dict(zip(("left", "right"), _widened(cell["left"], cell["right"], step * after.shape[1]), strict=True))
    part = np.ascontiguousarray(inspector.cut(after, around, step))
    drawn = render.enlarge(part, side).copy()
    scale = np.array(drawn.shape[:2]) / part.shape[:2]
    corner = np.array([max(0, int(around["top"] // step)), max(0, int(around["left"] // step))])
    low, high = (
        np.clip(np.rint((np.array([cell[row], cell[col]]) / step - corner) * scale).astype(int), 0, None)
        for row, col in (("top", "left"), ("bottom", "right"))
    )
    inside = np.zeros(drawn.shape[:2], bool)
    inside[low[0] : high[0], low[1] : high[1]] = True
    inside[low[0] + 2 : high[0] - 2, low[1] + 2 : high[1] - 2] = False
    drawn[inside] = FRAME
    return drawn


def _widened(low: float, high: float, most: float) -> tuple[float, float]:
    """A side with ``CONTEXT`` around it, moved where it would leave the scene, so that all cells look equally large."""
    room = CONTEXT * (high - low)
    begin = min(max(0.0, low - room), max(0.0, most - (high - low) - 2 * room))
    return begin, min(begin + (high - low) + 2 * room, most)
