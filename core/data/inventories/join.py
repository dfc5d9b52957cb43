"""Patches and inventories joined by place: the nearest event of each patch, in files next to the dataset.

The dataset itself never changes: removing the files undoes the join.

``<name>.inventory.parquet`` beside ``<name>.h5`` has one row for every patch of the dataset, in the dataset's order:
``id`` and the columns of ``COLUMNS``; a patch without an event within reach has "" and nan there, and ``n_within`` 0.
The parquet file's metadata ``landslide_lens`` is JSON: ``dataset_hash``, ``within_km``, the filters and the names of
the inventories. ``<name>.inventory-events.parquet`` holds the events near the patches, for drawing. A reader of
another program needs pyarrow only; :func:`read_join` refuses a table that was made for another dataset.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core import access
from core.arrays import Texts
from core.data.inventories import Inventory
from core.data.store.dataset import Dataset
from core.errors import DataError
from core.io.atomic import replacing
from core.io.json_text import parse_json
from core.io.parquet_file import load_table, table_note
from core.io.plain_file import is_there

EARTH_KM = 6371.0088  # mean radius (IUGG)
TIE_KM = 0.001  # nearest events closer to each other than this are told apart by nothing but their facts
FACTS = (
    "event_id", "inventory", "date", "date_precision", "size", "elevation_m", "confidence", "accuracy_km", "category",
    "trigger", "fatalities", "longitude", "latitude",
)  # fmt: skip
# Of each patch: the nearest event's facts; distance_km to it; events within reach; events as near as the nearest;
# patches that have the same event.
COLUMNS = (*(f"event_{name.removeprefix('event_')}" for name in FACTS), "distance_km", "n_within", "n_tied", "n_shared")
_META = b"landslide_lens"


@dataclass(frozen=True, eq=False)
class Join:
    """A row a patch (columns id and ``COLUMNS``), the events near the patches, and how it was made (``card``)."""

    table: pd.DataFrame
    events: pd.DataFrame
    card: dict

    @property
    def joined(self) -> np.ndarray:
        """(N,) bool: the patches that have an event."""
        return self.table["n_within"].to_numpy() > 0


def haversine_km(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Great-circle distance in kilometres between points (..., 2) of longitude and latitude in degrees."""
    lon_a, lat_a, lon_b, lat_b = (np.radians(np.asarray(p, np.float64)[..., i]) for p in (a, b) for i in (0, 1))
    half = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))


def join_by_place(
    ids: Texts,
    lonlat: np.ndarray,
    events: pd.DataFrame,
    within_km: float,
    max_accuracy_km: float | None = None,
    min_confidence: float | None = None,
) -> Join:
    """The nearest event of every patch, at most ``within_km`` away.

    Args:
        ids: (N,) of the patches.
        lonlat: (N, 2) degrees; nan where a patch has no place.
        events: rows of :class:`core.data.inventories.Inventory`.
        within_km: farthest that an event may lie.
        max_accuracy_km: leave out events whose place is known less well than this; those without a stated accuracy
            stay.
        min_confidence: leave out events of a lower confidence; those without one stay.

    Events as near as the nearest (within a metre) are a tie: the one with the higher confidence is taken, then the
    better known place, then the first in the file; ``n_tied`` says how many there were.
    """
    if not within_km > 0:
        raise DataError(f"Events can be joined within a distance above 0 km, not {within_km}.")
    keep = np.ones(len(events), bool)
    if max_accuracy_km is not None:
        keep &= ~(events["accuracy_km"].to_numpy() > max_accuracy_km)
    if min_confidence is not None:
        keep &= ~(events["confidence"].to_numpy() < min_confidence)
    used = events[keep].reset_index(drop=True)
    rank = np.lexsort((np.nan_to_num(used["accuracy_km"], nan=np.inf), -np.nan_to_num(used["confidence"], nan=-1.0)))
    used = used.iloc[rank].reset_index(drop=True)  # the better event of a tie comes first
    lonlat = np.asarray(lonlat, np.float64).reshape(-1, 2)
    nearest, distance, n_within, n_tied = _nearest(lonlat, used[["longitude", "latitude"]].to_numpy(), within_km)
    table = _table(ids, used, nearest, distance, n_within, n_tied)
    card = {
        "within_km": float(within_km), "max_accuracy_km": max_accuracy_km, "min_confidence": min_confidence,
        "n_events": len(events), "n_used": len(used), "n_joined": int((nearest >= 0).sum()),
        "n_tied": int((n_tied > 1).sum()), "n_shared": int((table["n_shared"] > 1).sum()),
        "n_without_place": int((~np.isfinite(lonlat).all(axis=1)).sum()),
    }  # fmt: skip
    return Join(table, _around(used, lonlat, within_km), card)


def _nearest(lonlat: np.ndarray, places: np.ndarray, within_km: float) -> tuple[np.ndarray, ...]:
    """Per patch: row of the nearest event (-1: none), its distance in km, events within reach, events that tie."""
    from scipy.spatial import cKDTree

    n = len(lonlat)
    nearest, distance = np.full(n, -1), np.full(n, np.nan)
    n_within, n_tied = np.zeros(n, np.int64), np.zeros(n, np.int64)
    placed = np.flatnonzero(np.isfinite(lonlat).all(axis=1))
    if not len(places) or not len(placed):
        return nearest, distance, n_within, n_tied
    tree = cKDTree(_on_sphere(places))
    first = tree.query(_on_sphere(lonlat[placed]))[1]
    km = haversine_km(lonlat[placed], places[first])
    placed, km = placed[km <= within_km], km[km <= within_km]
    points = _on_sphere(lonlat[placed])
    n_within[placed] = np.maximum(tree.query_ball_point(points, _chord(within_km), return_length=True), 1)
    ties = tree.query_ball_point(points, _chord(km + TIE_KM))  # the order of ``places`` decides
    for patch, rows in zip(placed, ties, strict=True):
        nearest[patch], n_tied[patch] = min(rows), len(rows)
    distance[placed] = haversine_km(lonlat[placed], places[nearest[placed]])
    return nearest, distance, n_within, n_tied


def _chord(km: np.ndarray | float) -> np.ndarray:
    """The length of a great circle in kilometres as its chord on the unit sphere."""
    return 2 * np.sin(np.minimum(np.asarray(km) / EARTH_KM, np.pi) / 2)


def _on_sphere(lonlat: np.ndarray) -> np.ndarray:
    """(n, 2) degrees as (n, 3) points of the unit sphere, where the date line and the poles are nothing special."""
    lon, lat = np.radians(lonlat).T
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def _table(
    ids: Texts,
    events: pd.DataFrame,
    nearest: np.ndarray,
    distance: np.ndarray,
    n_within: np.ndarray,
    n_tied: np.ndarray,
) -> pd.DataFrame:
    has = nearest >= 0
    table = pd.DataFrame({"id": np.asarray(ids).astype(str)})
    for name, column in zip(FACTS, COLUMNS, strict=False):
        values = events[name].to_numpy()
        is_number = values.dtype.kind in "iuf"
        out = np.full(len(table), np.nan if is_number else "", np.float64 if is_number else object)
        out[has] = values[nearest[has]]
        table[column] = out
    shared = np.bincount(nearest[has], minlength=max(len(events), 1))
    table["distance_km"], table["n_within"], table["n_tied"] = distance, n_within, n_tied
    table["n_shared"] = np.where(has, shared[np.clip(nearest, 0, None)], 0)
    return table


def _around(events: pd.DataFrame, lonlat: np.ndarray, within_km: float) -> pd.DataFrame:
    """The events in the patches' box and a margin around it: what a map of the patches can show.

    Longitudes are counted from the middle of the patches, so that the date line is nothing special.
    """
    placed = lonlat[np.isfinite(lonlat).all(axis=1)]
    if not len(placed):
        return events.head(0)
    angles = np.radians(placed[:, 0])
    middle = np.degrees(np.arctan2(np.sin(angles).sum(), np.cos(angles).sum()))
    placed = np.stack([_from_middle(placed[:, 0], middle), placed[:, 1]], axis=1)
    low, high = placed.min(axis=0), placed.max(axis=0)
    margin = np.maximum((high - low) * 0.25, 2 * within_km / 111.0)
    margin[0] /= max(np.cos(np.radians(np.abs(placed[:, 1]).max())), 0.05)
    place = events[["longitude", "latitude"]].to_numpy()
    place = np.stack([_from_middle(place[:, 0], middle), place[:, 1]], axis=1)
    return events[((place >= low - margin) & (place <= high + margin)).all(axis=1)].reset_index(drop=True)


def _from_middle(longitudes: np.ndarray, middle: float) -> np.ndarray:
    """Degrees east of ``middle``, -180 to 180."""
    return (longitudes - middle + 180) % 360 - 180


# ------------------------------------------------------------------------------------------ beside the dataset


def join_path(dataset: Path) -> Path:
    """Where the join of the dataset file ``dataset`` is kept."""
    return dataset.with_name(f"{dataset.stem}.inventory.parquet")


def _events_path(dataset: Path) -> Path:
    return dataset.with_name(f"{dataset.stem}.inventory-events.parquet")


def join_dataset(dataset: Dataset, inventories: Sequence[Inventory], within_km: float, **filters: float | None) -> Join:
    """The patches of ``dataset`` joined to the events of all ``inventories``; see :func:`join_by_place`.

    Raises DataError when the patches have no coordinates.
    """
    if dataset.lonlat is None or not np.isfinite(dataset.lonlat).all(axis=1).any():
        raise DataError(
            f"{dataset.name} has no coordinates, so events cannot be joined to its patches. Ingest GeoTIFFs with a "
            "coordinate system, or a labels CSV with longitude and latitude."
        )
    events = pd.concat([inventory.events for inventory in inventories], ignore_index=True)
    join = join_by_place(dataset.ids, dataset.lonlat, events, within_km, **filters)
    card = {"dataset_hash": dataset.content_hash, "inventories": [i.name for i in inventories], **join.card}
    return Join(join.table, join.events, card)


def write_join(dataset: Path, join: Join) -> Path:
    """Keep ``join`` beside the dataset file, replacing the one before; the file's path."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path, table in ((_events_path(dataset), join.events), (join_path(dataset), join.table)):
        arrow = pa.Table.from_pandas(table, preserve_index=False)
        arrow = arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), _META: json.dumps(join.card).encode()})
        with replacing(path) as partial:
            pq.write_table(arrow, partial)
    return join_path(dataset)


def read_join(dataset: Dataset) -> Join | None:
    """The join kept beside ``dataset``, or None. Raises DataError when it is damaged or of another dataset."""
    path = join_path(dataset.path)
    if not is_there(path):
        return None
    try:
        card = parse_json(table_note(path, _META) or b"")
        table, events = load_table(path), load_table(_events_path(dataset.path))
        fits = set(COLUMNS) <= set(table.columns) and table["id"].astype(str).tolist() == dataset.ids.tolist()
    except (OSError, DataError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path.name} is damaged ({error}). Remove it and join the inventories again.") from error
    if not fits:
        raise DataError(f"{path.name} was made for another state of {dataset.name}. Join the inventories again.")
    return Join(table, events, card)


def remove_join(dataset: Path) -> None:
    """Undo a join: its files are gone, the dataset is as it was."""
    access.require("train")
    for path in (join_path(dataset), _events_path(dataset)):
        path.unlink(missing_ok=True)
