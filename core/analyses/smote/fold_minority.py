"""The landslides that one fold's synthetic patches are made from, as SMOTE saw them: no network is needed for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.data.folds import all_ids, training_ids
from core.data.normalise import Normaliser
from core.data.selection import select
from core.data.store import Dataset
from core.data.store.missing import has_data
from core.errors import RunError
from core.runs.store import RunFolder
from core.smote.resample import copies_of, interpolate, keep_missing, normalised_range


@dataclass(frozen=True, eq=False)
class FoldLandslides:
    """A fold's landslides and the synthetic patches between them.

    ids: (n,) text; rows: (n,) of the dataset, ascending. patches: (n, C, H, W) float32 normalised by the fold.
    valid: (n, H, W) bool, where a patch holds data; None: everywhere. usable: (n, C, H, W) bool, the values that are
    there. data_range: see ``normalised_range``.
    """

    fold: int
    ids: np.ndarray
    rows: np.ndarray
    patches: np.ndarray
    valid: np.ndarray | None
    usable: np.ndarray
    data_range: float | np.ndarray

    @classmethod
    def of(cls, run: RunFolder, dataset: Dataset, fold: int) -> FoldLandslides:
        """Those of the fold's training part; of every fold where the run's protocol is ``before_folds``."""
        config = run.config()
        selection = select(dataset, config.data, config.folds)
        everyone = config.smote.protocol != "inside_fold"
        folds = run.folds()
        learnt = [all_ids(folds)] if everyone else [training_ids(folds, fold)]
        inside = {str(name) for ids in learnt for name in ids}
        names = dataset.ids.astype(str)
        rows = np.flatnonzero(np.array([name in inside for name in names]) & (selection.labels == 1))
        raw = dataset.images(rows, bands=tuple(band.name for band in selection.bands))
        patches = Normaliser.from_json(run.normaliser_text(fold)).transform(raw)
        return cls(
            fold,
            names[rows],
            rows,
            patches,
            has_data(raw),
            np.isfinite(raw),
            normalised_range(config.normalise.method, patches),
        )

    @cached_property
    def place(self) -> dict[str, int]:
        """Position of each id."""
        return {name: i for i, name in enumerate(self.ids.tolist())}

    @cached_property
    def copies(self) -> np.ndarray:
        """(n,) position of the first patch that is the same in every value."""
        return copies_of(self.patches)

    def at(self, ids: Sequence[str]) -> np.ndarray:
        """(m,) positions. Raises RunError for a patch that this fold's synthetics cannot come from."""
        unknown = [str(name) for name in ids if str(name) not in self.place]
        if unknown:
            raise RunError(
                f"'{unknown[0]}' is not among the {len(self.ids)} landslides that fold {self.fold + 1} was trained on. "
                "Choose one of its training part."
            )
        return np.array([self.place[str(name)] for name in ids], np.int64)

    def between(self, anchor: np.ndarray, neighbour: np.ndarray, anchor_weight: np.ndarray) -> np.ndarray:
        """(M, C, H, W) the synthetic patches of Algorithm 1; 0, the normaliser's centre, where a parent has no data."""
        images = interpolate(self.patches, anchor, neighbour, anchor_weight)
        keep_missing(images, self.usable, anchor, neighbour)
        return images
