"""What of a dataset file a run uses: its bands, and the labels that are left after exclusions and the cloud limit.

A patch that is left out is treated exactly as an unlabelled one: never trained on, never scored, still in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from core.config import DataConfig, FoldsConfig
from core.data.bands import Band, choose_bands
from core.data.held_back.split_parts import held_back
from core.data.label_versions import labels_of
from core.data.store.beside import CLOUD_SHARE
from core.data.store.dataset import Dataset
from core.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Selection:
    """What is used, and what is left out why.

    Attributes:
        bands: what is trained on, in this order.
        labels: (N,) int8; 1, 0, and -1 for what is unlabelled or left out.
        excluded: (N,) bool, named in ``data.exclude``.
        cloudy: (N,) bool, above ``data.max_cloud``.
        held_back: (N,) bool, of the dataset's own test part (``core.data.held_back``).
        version: of the labels (``core.data.label_versions``), as a run records it; None for the file's own.
        together: groups of ids that no fold may divide, by that version.
        notes: a sentence for each reason why labelled patches are left out, and for what the limit could not judge.
    """

    bands: tuple[Band, ...]
    labels: np.ndarray
    excluded: np.ndarray
    cloudy: np.ndarray
    held_back: np.ndarray
    notes: tuple[str, ...] = field(default=())
    version: dict | None = None
    together: tuple[tuple[str, ...], ...] = ()

    @property
    def n_excluded(self) -> int:
        """Patches left out, for whatever reason."""
        return int((self.excluded | self.cloudy).sum())

    def to_dict(self) -> dict:
        """Plain values for a run's record."""
        return {
            "bands": [band.name for band in self.bands],
            "n_labelled": int((self.labels >= 0).sum()),
            "n_excluded": int(self.excluded.sum()),
            "n_cloudy": int(self.cloudy.sum()),
            "n_left_out": self.n_excluded,
            "n_held_back": int(self.held_back.sum()),
            "notes": list(self.notes),
            "labels": self.version,
        }


def select(dataset: Dataset, config: DataConfig, folds: FoldsConfig | None = None) -> Selection:
    """Bands and labels that these settings choose.

    folds: whether the dataset's own test part is held back; none: it is, as by default.

    Raises ConfigError for bands or a cloud column that are not there, DataError for ids or a version of the labels that
    are not, FoldError when nothing labelled is left beside the test part.
    """
    excluded = np.zeros(len(dataset), bool)
    excluded[dataset.index_of(config.exclude)] = True
    cloudy, notes = _cloudy(dataset, config)
    given, version = labels_of(dataset, config.labels)
    labels = np.where(excluded | cloudy, np.int8(-1), given)
    held = held_back(dataset, labels, folds or FoldsConfig())
    labels[held.mask] = -1
    labels.flags.writeable = False
    if excluded.any():
        notes = [f"Patches left out by the exclusion list: {_count(dataset, excluded)}.", *notes]
    together = tuple(group.ids for group in version.together) if version else ()
    told = (
        *([version.sentence] if version else []),
        *notes,
        *held.notes,
        *_across(dataset, labels, held.mask, together),
    )
    record = version.record() if version else None
    bands = choose_bands(config.bands, dataset.bands)
    return Selection(bands, labels, excluded, cloudy, held.mask, told, record, together)


def without_blank(dataset: Dataset, selection: Selection, blank: np.ndarray) -> Selection:
    """The selection without patches that hold no data in the chosen bands, (N,) bool, and a note on how many."""
    left_out = blank & (selection.labels >= 0)
    if not left_out.any():
        return selection
    labels = np.where(left_out, np.int8(-1), selection.labels)
    labels.flags.writeable = False
    note = f"Patches left out because they hold no data in the chosen bands: {_count(dataset, left_out)}."
    return replace(selection, labels=labels, notes=(*selection.notes, note))


def _across(dataset: Dataset, labels: np.ndarray, held: np.ndarray, together: Sequence[Sequence[str]]) -> list[str]:
    """A sentence where groups that are to stay together lie on both sides of the held-back part."""
    rows = [dataset.index_of(ids) for ids in together]
    n = sum(bool(held[mine].any() and (labels[mine] >= 0).any()) for mine in rows)
    if not n:
        return []
    subject = "1 group of patches lies" if n == 1 else f"{n:,} groups of patches lie"
    return [
        f"{subject} on both sides of the held-back part, though the version of the labels keeps them together: that "
        "part's figures are flattered. Exclude their patches on one side, or set folds.use_split=false."
    ]


def _cloudy(dataset: Dataset, config: DataConfig) -> tuple[np.ndarray, list[str]]:
    """(N,) bool, patches with more cloud than allowed; unknown cloud is no reason to leave a patch out."""
    if config.max_cloud is None:
        return np.zeros(len(dataset), bool), []
    column, values = cloud_of(dataset, config.cloud_column)
    limit, said = config.max_cloud, f"{config.max_cloud:g}"
    if 0.0 < limit < 1.0 and 1.0 < np.nanmax(values, initial=0.0) <= 100.0:
        limit, said = 100.0 * limit, f"{said} (a share: {100 * limit:g} in this column, which goes beyond 1)"
    cloudy = values > limit  # nan compares as not above
    notes = []
    if cloudy.any():
        notes.append(f"Patches left out with {column} above {said}: {_count(dataset, cloudy)}.")
    unknown = int(np.isnan(values).sum())
    if unknown:
        notes.append(f"Patches without a value of {column}, which were kept: {unknown:,}.")
    return cloudy, notes


def cloud_of(dataset: Dataset, column: str | None = None) -> tuple[str, np.ndarray]:
    """The dataset's column of cloud, and its values (N,) float64, nan where unknown.

    column: its name; none: the one column of numbers with "cloud" in its name. Raises ConfigError naming the columns
    that hold numbers when there is no such column, or more than one.
    """
    numbers = {name: values for name in dataset.columns if (values := _numbers(dataset.columns[name])) is not None}
    fitting = [name for name in numbers if (name == column if column else "cloud" in name.lower())]
    if column is None and len(fitting) > 1:
        fitting = [name for name in fitting if name != CLOUD_SHARE]  # the dataset's own comes before an estimate
    if len(fitting) != 1:
        wanted = f"the column of numbers '{column}'" if column else "one column of numbers with 'cloud' in its name"
        raise ConfigError(
            f"data.max_cloud needs {wanted}; {dataset.name} has {len(fitting) or 'none'}. Columns of numbers here: "
            f"{', '.join(numbers) or 'none'}. Set data.cloud_column to one of them, or data.max_cloud=none."
        )
    return fitting[0], numbers[fitting[0]]


def _numbers(values: np.ndarray) -> np.ndarray | None:
    """A column as float64, empty text as nan; none where it holds no numbers."""
    if values.dtype.kind == "U":
        values = np.where(np.char.strip(values) == "", "nan", values)
    try:
        numbers = values.astype(np.float64)
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).any() else None


def _count(dataset: Dataset, chosen: np.ndarray) -> str:
    labelled = int((dataset.labels[chosen] >= 0).sum())
    positive = int((dataset.labels[chosen] == 1).sum())
    return f"{int(chosen.sum()):,} ({labelled:,} labelled, {positive:,} of them {dataset.positive})"
