"""What is wrong with the masks of a dataset: against its labels, and by how much they cover."""

from __future__ import annotations

import numpy as np

from core.data.check.report import CheckRow, patches_row
from core.data.store.dataset import Dataset
from core.errors import ConfigError

BATCH = 256  # masks read at once
LEAST_SHARE = 0.01  # of the area from which a mask means landslide, where the dataset does not say
MUCH = 0.5  # of all pixels of the masks that are not empty; more may be inverted masks
WHOLE = 0.999  # of a patch


def mask_rows(dataset: Dataset, labels: np.ndarray) -> list[CheckRow]:
    """Findings about the masks; none for a dataset without. labels: (N,) int8, those that count."""
    if not dataset.has_masks:
        return []
    shares = _shares(dataset)
    least = dataset.facts.get("patches_from_masks", {}).get("mask_threshold", LEAST_SHARE)
    negative, positive = dataset.class_names
    if not shares.any():
        advice = "Are they the right masks, and read by the right value? Ingest again with --mask-value V."
        return [CheckRow("warning", "All masks are empty", "", len(dataset), 1.0, advice)]
    marked = shares > 0
    cover = float(shares[marked].mean())
    whole = shares >= WHOLE
    advice = (
        f"On average {cover:.1%} of each. If they are inverted, ingest again with --mask-value 0; if they hold more "
        "than landslides, name these with --mask-value V."
    )
    much = (marked & (whole | (shares > MUCH))) if cover > MUCH else np.zeros_like(marked)
    return [
        patches_row(much, dataset, ("Masks cover most of everything", "Masks cover a part of the patches"), advice),
        patches_row(
            (labels == 0) & (shares >= least),
            dataset,
            (f"Patches labelled '{negative}' have a landslide in their mask", f"No mask contradicts '{negative}'"),
            "Decide which is right: correct the label, the mask or the positive class, and ingest again.",
        ),
        patches_row(
            (labels == 1) & ~marked,
            dataset,
            (f"Patches labelled '{positive}' have an empty mask", f"No mask contradicts '{positive}'"),
            "Their mask is missing, or it says that nothing is there: correct it, or the label, and ingest again.",
        ),
    ]


def require_masks(dataset: Dataset, labels: np.ndarray | None = None) -> None:
    """Raise ConfigError where outlines cannot be learnt (``model.masks``), for want of masks.

    labels: (N,) int8, those that count; None: the dataset's.
    """
    if not dataset.has_masks:
        raise ConfigError(
            f"model.masks=true learns outlines from masks, and '{dataset.name}' has none. Ingest it again with --masks "
            "DIR, or set model.masks=false."
        )
    marked = np.flatnonzero((dataset.labels if labels is None else labels) == 1)
    if not any(dataset.masks(rows).any() for rows in np.array_split(marked, 1 + len(marked) // BATCH)):
        raise ConfigError(
            f"model.masks=true learns outlines from masks, and in '{dataset.name}' all masks of '{dataset.positive}' "
            "are empty. Ingest it again with the right masks, or set model.masks=false."
        )


def _shares(dataset: Dataset) -> np.ndarray:
    """(N,) share of each patch that its mask covers."""
    starts = range(0, len(dataset), BATCH)
    parts = [dataset.masks(np.arange(i, min(i + BATCH, len(dataset)))).mean(axis=(1, 2)) for i in starts]
    return np.concatenate(parts)
