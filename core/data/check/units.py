"""Whether the values of a band can be what its name and unit say, judged by its robust statistics.

Only the dataset's statistics are used, and only what is plain is reported: a factor of 40 and more between units, radar
without a value below 0 dB, vegetation that is darker in the near infrared than in the red. Two bands of similar values
that changed places (red and blue) cannot be recognised in statistics.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from core.data.bands import BYTES, DECIBEL, DN, REFLECTANCE, Band
from core.data.check.report import CheckRow
from core.data.store.dataset import Dataset
from core.text import list_names

BRIGHTER = 0.8  # median of the near infrared over that of red below which they have changed places
APART_DB = 3.0  # by which a median must be on the wrong side of another one's
LARGEST = {REFLECTANCE: 2.0, BYTES: 255.0}  # q99 above which a band is in a coarser unit


def unit_row(dataset: Dataset) -> CheckRow:
    """Bands whose values are in another unit than they say."""
    found = {
        band.name: text
        for band, row in zip(dataset.bands, dataset.statistics, strict=True)
        if (text := other_unit(band, row))
    }
    if not found:
        return CheckRow("ok", "The bands' units agree with their values")
    where = list_names([f"{name} ({text})" for name, text in found.items()])
    advice = "Convert the values, or say --bands and --unit rightly when ingesting; they are used as they are."
    share = len(found) / len(dataset.bands)
    return CheckRow("warning", "Values are in another unit", where, len(found), share, advice, bands=tuple(found))


def order_row(dataset: Dataset) -> CheckRow:
    """Bands whose values contradict their names, for instance red where the near infrared should be."""
    medians = {
        band.name: (band, row["q50"])
        for band, row in zip(dataset.bands, dataset.statistics, strict=True)
        if row.get("q50") is not None and np.isfinite(row["q50"])
    }
    found = [*_optical_order(medians), *_radar_order(medians)]
    if not found:
        return CheckRow("ok", "The order of the bands agrees with their names")
    names = tuple(dict.fromkeys(name for pair, _ in found for name in pair))
    where = list_names([f"{' and '.join(pair)}: {why}" for pair, why in found])
    advice = (
        "Name the bands in the order of the file when ingesting (--bands), or write them in the order of the names."
    )
    share = len(names) / len(dataset.bands)
    what = "The order of the bands contradicts their names"
    return CheckRow("warning", what, where, len(names), share, advice, bands=names)


def other_unit(band: Band, row: Mapping) -> str:
    """What the values look like instead, or nothing. row: the band's statistics (q01, q99, max)."""
    low, high, top = (float("nan") if (value := row.get(key)) is None else value for key in ("q01", "q99", "max"))
    if not np.isfinite([low, high, top]).all() or low == high:
        return ""
    if band.unit == DECIBEL:
        if low >= 0.0:
            return "no value below 0: linear power, not dB"
        return "far beyond what dB can be: DN or linear" if high > 100.0 else ""
    if band.unit not in (DN, REFLECTANCE, BYTES):
        return ""
    if low < -5.0:
        return f"negative values: not {band.unit}, perhaps dB"
    if high > LARGEST.get(band.unit, np.inf):
        return "0-255, not reflectance" if band.unit == REFLECTANCE and high <= 255.0 else f"DN, not {band.unit}"
    if band.unit != REFLECTANCE and top <= 1.5:
        return f"reflectance 0-1, not {band.unit}"
    return "0-255, not DN" if band.unit == DN and top <= 255.0 else ""


def _optical_order(medians: dict) -> list[tuple[tuple[str, str], str]]:
    red, nir = medians.get("red"), medians.get("nir")
    if not red or not nir or red[0].unit != nir[0].unit or red[0].unit not in (DN, REFLECTANCE, BYTES):
        return []
    if nir[1] < BRIGHTER * red[1]:
        return [(("nir", "red"), f"median {nir[1]:.4g} against {red[1]:.4g}; plants are brighter in the near infrared")]
    return []


def _radar_order(medians: dict) -> list[tuple[tuple[str, str], str]]:
    """VH is weaker than VV; a change lies about 0 dB, backscatter far below."""
    found = []
    for name, (band, value) in medians.items():
        if band.unit != DECIBEL or not name.endswith("vv"):
            continue
        change = band.family == "sar_change"
        others = {other: medians[other] for other in (f"{name[:-2]}vh", f"{name[:-2]}dvv") if other in medians}
        for other, (_, theirs) in others.items():
            if other.endswith("dvv") and theirs < value - APART_DB:
                found.append(((name, other), f"median {value:.3g} against {theirs:.3g} dB; a change lies about 0 dB"))
            if other == f"{name[:-2]}vh" and not change and theirs > value + APART_DB:
                found.append(((name, other), f"median {value:.3g} against {theirs:.3g} dB; VH is weaker than VV"))
    return found
