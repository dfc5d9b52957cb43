"""What every section of a report reads of a run: opened once, decided once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from core.config import RunConfig
from core.data.bands import composites
from core.data.label_versions import with_labels
from core.data.pictures.drawing import dataset_limits
from core.data.store import Dataset, open_dataset
from core.errors import LandslideLensError, needed
from core.evaluate.prevalence import with_intervals
from core.runs.prevalence import Prevalence, prevalence_of
from core.runs.store import RunFolder
from core.runs.targets import DatasetTarget

# What reading damaged results, or those of another version, may raise.
UNREADABLE = (LandslideLensError, LookupError, TypeError, ValueError, AttributeError, ZeroDivisionError, OSError)


@dataclass(frozen=True)
class Given:
    """A finished run. data: its dataset; None where that is gone or has changed, and then ``no_data`` says why.

    table: the patches that the headline head decided on, out of fold: id, label, fold, group, prob, pred, outcome.
    """

    run: RunFolder
    config: RunConfig
    record: dict[str, Any]
    summary: dict[str, Any]
    table: pd.DataFrame
    data: Dataset | None
    no_data: str
    stated: Prevalence | None

    @classmethod
    def of(cls, run: RunFolder) -> Given:
        """Read it. Raises RunError for a run that has not finished or cannot be read."""
        run.require_finished()
        summary, config = run.summary(), run.config()
        data, why = _data(run, config)
        return cls(
            run, config, run.provenance(), summary, _decided(run.oof(), summary["head"]), data, why, prevalence_of(run)
        )

    @property
    def opened(self) -> Dataset:
        """Its dataset. Raises DataError, saying why, where that is gone or has changed."""
        return needed(self.data, self.no_data)

    @property
    def head(self) -> str:
        """The headline head."""
        return self.summary["head"]

    @property
    def positive(self) -> str:
        """Name of the positive class, as its owner wrote it."""
        return self.summary["positive"]

    @property
    def names(self) -> tuple[str, str]:
        """(negative, positive)."""
        return tuple(self.summary["class_names"])

    @property
    def facts(self) -> dict[str, Any]:
        """The headline head's numbers."""
        return self.summary["heads"][self.head]

    @cached_property
    def labels(self) -> np.ndarray:
        """(N,) 0/1."""
        return self.table["label"].to_numpy(np.int8)

    @cached_property
    def pred(self) -> np.ndarray:
        """(N,) 0/1."""
        return self.table["pred"].to_numpy(np.int8)

    @cached_property
    def probs(self) -> np.ndarray:
        """(N,) of the positive class."""
        return self.table["prob"].to_numpy(np.float64)

    @cached_property
    def groups(self) -> np.ndarray | None:
        """(N,) text, or None where a patch has none."""
        groups = self.table["group"].astype(str).to_numpy() if "group" in self.table else np.array([""])
        return None if (groups == "").any() else groups

    @property
    def n_folds(self) -> int:
        """How many folds there are."""
        return len(self.summary["folds"])

    @property
    def own_share(self) -> float:
        """Of landslides among the patches."""
        return float(self.labels.mean()) if len(self.labels) else 0.0

    @cached_property
    def rates(self) -> dict[str, Any]:
        """Precision, alarms and misses with intervals: at the stated prevalence, or at that of these patches."""
        share = self.stated.share if self.stated else self.own_share
        return with_intervals(self.labels, self.pred, share, self.groups)

    @property
    def dataset(self) -> DatasetTarget:
        """The dataset as something that is asked about."""
        return DatasetTarget(self.run.dataset_path(), self.run.checkpoints)

    @cached_property
    def look(self) -> tuple[str, str]:
        """What the colours of pictures are, and the same for a note below them."""
        name = composites(self.opened.bands)[0].name
        return name, f"Pictures in {name}, stretched alike for the whole dataset."

    def pictures(self, ids: list[str], side: int = 128, outlined: bool = False) -> list[np.ndarray]:
        """Each patch as a picture (side, side, 3) uint8 in the dataset's usual composite."""
        from core.data.pictures.thumbnails import Style, draw

        data = self.opened
        shown = composites(data.bands)[0].bands
        limits = dataset_limits(data.statistics)
        names = list(data.band_names)
        known = all(name in names for name in shown)
        rows: Any = tuple(tuple(map(float, limits[names.index(name)])) for name in shown) if known else None
        return draw(data, data.index_of(ids), Style(tuple(shown), rows, side, mask=outlined))

    def command(self, words: str) -> str:
        """``python -m core`` with these words."""
        return f"python -m core {words}"


def own_share(summary: Mapping[str, Any]) -> float:
    """Of landslides among the patches that a run was evaluated on."""
    cells = summary["oof"]["confusion"]
    return (cells["tp"] + cells["fn"]) / max(1, sum(cells.values()))


def _data(run: RunFolder, config: RunConfig) -> tuple[Dataset | None, str]:
    from core.predict.training_dataset import changed

    try:
        data = open_dataset(run.dataset_path())
        text = changed(run, data)
        return (None, text) if text else (with_labels(data, config.data.labels), "")
    except (LandslideLensError, OSError) as error:
        return None, str(error)


def _decided(oof: pd.DataFrame, head: str) -> pd.DataFrame:
    mine = oof[(oof["label"] >= 0) & (oof["fold"] >= 0) & oof[f"prob_{head}"].notna()].reset_index(drop=True)
    table = mine[[name for name in ("id", "label", "fold", "group") if name in mine]].copy()
    table["id"] = table["id"].astype(str)
    table["prob"], table["pred"] = mine[f"prob_{head}"].astype(float), mine[f"pred_{head}"].astype(int)
    table["outcome"] = np.array(["TN", "FP", "FN", "TP"])[2 * table["label"].to_numpy(int) + table["pred"].to_numpy()]
    return table
