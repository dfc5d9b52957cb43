"""What a search may look at, and what is kept for judging its winner, which no trial sees.

Both are drawn as folds are: groups, near-duplicates and shared ground stay on one side. The dataset's own test part is
in neither (``core.data.held_back``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from core.config import RunConfig
from core.data.fold_drawing import draw_folds
from core.data.leakage.duplicates import patch_hashes
from core.data.leakage.split_audit import leaks_of
from core.data.selection import Selection, select, without_blank
from core.data.store import Dataset
from core.data.store.missing import blank_patches
from core.errors import FoldError
from core.flow.shared import Shared
from core.progress import drain

Judge = Literal["held_back", "nested"]
LEAST = 5  # patches of each class that judge a winner


@dataclass(frozen=True, eq=False)
class Part:
    """One search and what judges it. search, outer: rows; exclude: ids of all others that have a label.

    labels: (N,) of the whole dataset. groups: (N,) text, what stays together; a patch's id where nothing does.
    """

    number: int
    search: np.ndarray
    outer: np.ndarray
    exclude: tuple[str, ...]
    labels: np.ndarray
    groups: np.ndarray

    def config(self, config: RunConfig) -> RunConfig:
        """The same settings on the patches that the search may look at."""
        exclude = tuple(sorted({*config.data.exclude, *self.exclude}))
        return config.model_copy(update={"data": config.data.model_copy(update={"exclude": exclude})})


def parts_of(
    dataset: Dataset, config: RunConfig, judge: Judge, share: float, outer_folds: int, shared: Shared
) -> list[Part]:
    """One part where ``share`` of the patches is held back, or as many as there are outer folds (nested).

    Raises FoldError where that cannot be drawn, or would leave too little to judge with.
    """
    selection, hashes = _looked_at(dataset, config, shared)
    single = judge == "held_back"
    # Folds by region cannot be one split: the regions are the groups then.
    settings: dict[str, Any] = {"region": None, "group_by": config.folds.region or config.folds.group_by}
    settings |= {"protocol": "single" if single else "folds", "n_splits": 1 if single else outer_folds}
    folds = config.folds.model_copy(update=settings | ({"val_share": share} if single else {}))
    leaks = shared.of("leaks", (dataset.path, dataset.content_hash), lambda: drain(leaks_of(dataset)))
    drawn = draw_folds(dataset, selection.labels, folds, config.fold_seed, leaks.pairs, hashes, selection.together)
    labelled = np.flatnonzero(selection.labels >= 0)
    groups = dataset.ids if drawn.groups is None else drawn.groups
    found = []
    for k in range(drawn.folds.n_splits):
        outer, search = drawn.folds.val(k), drawn.folds.train(k)
        counts = np.bincount(selection.labels[outer], minlength=2)
        if counts.min() < LEAST:
            raise FoldError(
                f"The part that judges the winner would have {counts[1]} positive and {counts[0]} negative patches; "
                f"{LEAST} of each are needed. Hold back a larger share, or label more patches."
            )
        others = np.setdiff1d(labelled, search)
        exclude = tuple(dataset.ids[others].tolist())
        found.append(Part(k, search, outer, exclude, selection.labels, groups.astype(str)))
    return found


def _looked_at(dataset: Dataset, config: RunConfig, shared: Shared) -> tuple[Selection, np.ndarray]:
    """Labels that count, and what tells equal patches, under the names that the runs of this process use."""
    selection = select(dataset, config.data, config.folds)
    names = tuple(band.name for band in selection.bands)
    content = dataset.content_hash, names
    images = shared.of("images", content, lambda: dataset.images(bands=names))
    blank = shared.of("blank", content, lambda: blank_patches(images))
    hashes = np.where(blank, dataset.ids, shared.of("hashes", content, lambda: patch_hashes(images)))
    return without_blank(dataset, selection, blank), hashes
