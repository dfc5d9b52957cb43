"""What was understood of a source, as plain values that JSON can hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from typing import Any

import numpy as np

from core.data.bands import Band
from core.data.check.units import other_unit
from core.data.readers.base import Aside, Collection, Item
from core.data.readers.preview.sample import Seen

MOST_ASIDE = 200  # files set aside that are named
NAMES = ("min", "q01", "q50", "q99", "max")


def facts_of(collection: Collection, seen: Seen, aside: Aside, told: Container[str]) -> dict[str, Any]:
    """What an import would make of the collection. told: warnings that a question tells already.

    n: patches, or images that are cut into tiles. n_listed, n_looked: items listed, and looked at. n_tiles: patches cut
    from those looked at; 0 where items are patches.
    labels: patches of each class, of all or of those looked at (``counted``). bands: with the values found, and a note
    where these are not what the unit says. groups, splits, n_placed, n_masks, columns: as listed. patches: those drawn,
    in order. rejected, warnings: as an import reports them.
    """
    items = collection.items
    some = bool(seen.from_masks)
    every = seen.n_looked == len(items)  # then what cannot be used is known
    n_of = seen.n_labels if some or every else Counter(item.label for item in items)
    groups = [item.group for item in items]
    return {
        "n": sum(seen.n_labels.values()) if every and not seen.tile else len(items),
        "n_listed": len(items),
        "n_looked": seen.n_looked,
        "n_tiles": sum(seen.n_labels.values()) if seen.tile else 0,
        "labels": {
            "positive": collection.class_names[1],
            "negative": collection.class_names[0],
            "n_positive": int(n_of.get(1, 0)),
            "n_negative": int(n_of.get(0, 0)),
            "n_unlabelled": int(n_of.get(-1, 0)),
            "counted": "some" if some and not every else "all",
            "from_masks": some and seen.has_masks,
        },
        "shape": list(seen.shape),
        "dtype": "uint8" if seen.is_bytes else "float32",
        "bands": [_band(band, row) for band, row in zip(seen.bands, seen.quantiles, strict=True)],
        "groups": len(set(groups)) if groups and None not in groups else 0,
        "splits": dict(Counter(item.split for item in items if item.split)),
        "n_placed": sum(item.lonlat is not None for item in items),
        "n_masks": sum(item.mask is not None for item in items),
        "masks_read_as": seen.read_as,
        "nodata": seen.nodata,
        "columns": list(dict.fromkeys(name for item in seen.items for name in item.columns)),
        "rejected": [{"file": one.file, "reason": one.reason} for one in aside.rejected[:MOST_ASIDE]],
        "n_rejected": len(aside.rejected),
        "warnings": [text for text in aside.warnings if text not in told],
        "patches": _patches(seen.shown, collection.class_names),
    }


def _band(band: Band, row: np.ndarray) -> dict[str, Any]:
    values = {name: float(value) for name, value in zip(NAMES, row, strict=True) if np.isfinite(value)}
    note = other_unit(band, values)
    if not note and values and band.usual and not band.usual[0] <= values["q01"] <= values["q99"] <= band.usual[1]:
        note = "outside the usual range"
    return {**band.to_dict(), "usual": list(band.usual) if band.usual else None, "values": values, "note": note}


def _patches(items: Sequence[Item], classes: tuple[str, str]) -> list[dict[str, Any]]:
    names = {0: classes[0], 1: classes[1], -1: ""}
    return [
        {"id": item.id, "file": item.file, "label": int(item.label), "class": names[item.label], "group": item.group}
        for item in items
    ]
