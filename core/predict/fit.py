"""Whether a run can judge the patches of another dataset: its bands, their units, the size, and labels. Reads no image.

What :func:`core.predict.patches.fitting` checks while it reads, asked of a whole dataset beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.data.bands import Band
from core.data.store.dataset import Dataset
from core.text import list_names


def misfit(trained: Sequence[Band], shape_hw: tuple[int, int], dataset: Dataset, labelled: bool = True) -> str:
    """Why a run trained on these bands and this size (pixels) cannot judge ``dataset``, in words; "" where it can.

    labelled: whether its patches must have labels.
    """
    given = {band.name: band for band in dataset.bands}
    if missing := [band.name for band in trained if band.name not in given]:
        return f"has no band {list_names(missing)}"
    units = [b for b in trained if b.unit and given[b.name].unit and given[b.name].unit != b.unit]
    if units:
        return f"has {units[0].name} in {given[units[0].name].unit}, the run in {units[0].unit}"
    if tuple(dataset.shape[1:]) != tuple(shape_hw):
        return f"has patches of {dataset.shape[1]}×{dataset.shape[2]} pixels, the run of {shape_hw[0]}×{shape_hw[1]}"
    if labelled and not (dataset.labels >= 0).any():
        return "has no labels"
    return ""
