"""What a dataset is, in a sentence and as tables for people."""

from __future__ import annotations

import pandas as pd

from core.data.store import Dataset
from core.text import percent
from core.wording.voice import PLAIN, Voice


def sentence(data: Dataset, voice: Voice = PLAIN) -> str:
    """The dataset in one sentence."""
    labelled = int((data.labels >= 0).sum())
    n_positive, positive = int((data.labels == 1).sum()), voice.shown(data.positive)
    kind = "simulated patches" if data.facts.get("simulated") else "patches"
    if not labelled:
        share = "none of them labelled"
    elif n_positive * 2 == labelled:
        share = f"half of them {positive}"
    else:
        share = f"{n_positive:,} of them {positive} ({percent(n_positive / labelled, 0)})"
    if 0 < labelled < len(data):
        share += f", {len(data) - labelled:,} unlabelled"
    n_bands = len(data.bands)
    what = "band" if data.has_pictures else "column"
    words = [f"{voice.strong(f'{len(data):,} {kind}')}, {share}", f"{n_bands} {what}{'s' if n_bands > 1 else ''}"]
    if data.groups is not None:
        words.append(f"{len(set(data.groups.tolist())):,} groups")
    words.append(f"{data.shape[1]}×{data.shape[2]} pixels each" if data.has_pictures else "no pictures")
    return f"{', '.join(words)}."


def class_counts(data: Dataset) -> dict[str, int]:
    """Patches by class name, the positive one first; unlabelled ones where there are any."""
    counts = {data.positive: int((data.labels == 1).sum()), data.class_names[0]: int((data.labels == 0).sum())}
    unlabelled = int((data.labels == -1).sum())
    return counts | ({"unlabelled": unlabelled} if unlabelled else {})


def band_table(data: Dataset) -> pd.DataFrame:
    """A row a band: what it is, its unit, its statistics, how much of it is unusable."""
    rows = []
    for band, numbers in zip(data.bands, data.statistics, strict=True):
        row = {"Band": band.title, "Name": band.name, "Sensor": band.sensor, "Orbit": band.orbit, "Unit": band.unit}
        digits = 0 if max(abs(numbers["min"]), abs(numbers["max"])) >= 100 else 2
        row |= {key: round(numbers[key], digits) for key in ("min", "q05", "mean", "q50", "q95", "max", "std")}
        rows.append(row | {"Not finite": numbers.get("n_nonfinite"), "No data": numbers.get("n_nodata")})
    return pd.DataFrame(rows)


def short_band_table(data: Dataset) -> pd.DataFrame:
    """What of :func:`band_table` fits a page: no column that says nothing, five numbers."""
    whole = band_table(data)
    names = {"Band": "Band", "Unit": "Unit", "Sensor": "Sensor", "Orbit": "Orbit", "min": "Min", "q05": "5%",
             "q50": "Median", "q95": "95%", "max": "Max"}  # fmt: skip
    kept = [name for name in names if name not in ("Unit", "Sensor", "Orbit") or whole[name].any()]
    return whole[kept].rename(columns=names)
