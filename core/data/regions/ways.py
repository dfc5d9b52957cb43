"""Four ways of splitting the same patches for cross-validation, from the kindest to the hardest, and their folds.

random: any patch may be in any fold. grouped: groups stay together, as runs do by default. block: squares of ground
stay together, with a buffer around what is evaluated. region: one whole region is evaluated, all others are trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.config import FoldsConfig
from core.data.fold_drawing import Drawn, draw_folds
from core.data.leakage.footprints import footprints
from core.data.regions.leave_one_out import Regions, columns_of_regions, regions_of
from core.data.store.dataset import Dataset
from core.errors import ConfigError, FoldError

RANDOM, GROUPED, BLOCK, REGION = "random", "grouped", "block", "region"
TITLES = {
    RANDOM: "Random folds", GROUPED: "Grouped folds", BLOCK: "Blocks of ground", REGION: "Leave one region out",
}  # fmt: skip
BUFFER_M = 1000.0
NO_PLACES = (
    "The patches have no places in metres. Ingest GeoTIFFs, tiles with --pixel-m, or a table with longitude and "
    "latitude."
)
NO_REGIONS = (
    "No column names from 2 to 20 regions with both classes. Join this dataset with one from elsewhere, or "
    "ingest it with a column that names the source, country or event of each patch."
)
NO_GROUPS = (
    "The dataset has no groups, and no two of its patches show the same ground: these folds would be the random ones."
)


@dataclass(frozen=True)
class Way:
    """One way of splitting. folds: its settings; none where it is not possible here, and ``missing`` says why."""

    name: str
    folds: FoldsConfig | None
    missing: str = ""

    @property
    def title(self) -> str:
        """What people call it."""
        return TITLES[self.name]


def way_of(folds: FoldsConfig) -> str:
    """The name of the way that these settings split by."""
    if folds.region is not None:
        return REGION
    if not folds.grouped:
        return RANDOM
    return BLOCK if folds.group_by == "block" else GROUPED


def ways_of(
    dataset: Dataset,
    labels: np.ndarray,
    base: FoldsConfig,
    region: str | None = None,
    buffer_m: float = BUFFER_M,
    block_km: float | None = None,
) -> tuple[Way, ...]:
    """The four, from the kindest to the hardest.

    labels: (N,) int8 in use, -1 for what is left out. base: settings of a run; its way of grouping, its number of folds
    and its seed are kept. region: the column that names regions; none: that of ``base``, or the first that can be one.

    Raises ConfigError for a column that the dataset lacks.
    """
    as_drawn = base.region is None and base.protocol == "folds"
    n_splits = base.n_splits if as_drawn else FoldsConfig().n_splits
    group_by = base.group_by if way_of(base) == GROUPED else "groups"
    plain = base.model_copy(
        update={
            "protocol": "folds",
            "region": None,
            "grouped": True,
            "group_by": group_by,
            "buffer_m": 0.0,
            "n_splits": n_splits,
        }
    )
    placed = bool(footprints(dataset).in_metres.any())
    blocks = {"group_by": "block", "buffer_m": buffer_m, "block_km": block_km}
    column = region or base.region or next(iter(columns_of_regions(dataset, labels)), None)
    return (
        Way(RANDOM, plain.model_copy(update={"grouped": False, "group_by": "groups"})),
        Way(GROUPED, plain),
        Way(BLOCK, plain.model_copy(update=blocks) if placed else None, "" if placed else NO_PLACES),
        _by_region(dataset, labels, plain, column),
    )


def _by_region(dataset: Dataset, labels: np.ndarray, plain: FoldsConfig, column: str | None) -> Way:
    if column is None:
        return Way(REGION, None, NO_REGIONS)
    folds = plain.model_copy(update={"region": column, "rare_regions": "join"})
    try:
        regions_of(dataset, labels, folds)
    except FoldError as error:
        return Way(REGION, None, str(error))
    return Way(REGION, folds)


def draws_of(
    way: Way,
    dataset: Dataset,
    labels: np.ndarray,
    pairs: pd.DataFrame,
    hashes: np.ndarray,
    seed: int,
    draws: int,
    together: Sequence[Sequence[str]] = (),
) -> list[Drawn]:
    """The folds of a way, drawn with as many seeds as asked for; leave-one-region-out is one way only.

    The arguments are those of ``core.data.fold_drawing.draw_folds``. Raises what that does.
    """
    if way.folds is None:
        raise ConfigError(way.missing)
    mine = () if way.name == RANDOM else together
    many = 1 if way.name == REGION else draws
    return [draw_folds(dataset, labels, way.folds, seed + k, pairs, hashes, mine) for k in range(many)]


def regions_by(dataset: Dataset, labels: np.ndarray, ways: Sequence[Way]) -> Regions | None:
    """The regions that scores are told by; None where there are none."""
    folds = next((way.folds for way in ways if way.name == REGION), None)
    return None if folds is None else regions_of(dataset, labels, folds)
