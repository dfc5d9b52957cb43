"""Several datasets joined into one file, their source kept as a column; or one cut down, converted, or divided.

Bands are matched by name and must have one unit; what pictures (0-255), DN and reflectance show can be brought to
0-255 by the factors that pictures of them are drawn with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.data.bands import BYTES, TO_BRIGHTNESS, USUAL, Band
from core.data.exclusions import labels_in_use
from core.data.store.dataset import Dataset
from core.data.store.writer import DatasetWriter
from core.errors import ConfigError, FormatError
from core.progress import Progress, Steps
from core.text import list_names

SOURCE = "source"  # the column that says which dataset a patch came from
BATCH = 256
HELD = "-held"


@dataclass(frozen=True)
class Plan:
    """What is written. bands: in the first dataset's order. rows: of each dataset, of the part named ``part``."""

    datasets: tuple[Dataset, ...]
    names: tuple[str, ...]
    bands: tuple[Band, ...]
    factors: tuple[np.ndarray, ...]
    is_bytes: bool
    parts: dict[str, tuple[np.ndarray, ...]]
    notes: tuple[str, ...]


def held_path(out: Path) -> Path:
    """Where the patches that were held out are written: ``a.h5`` has ``a-held.h5``."""
    return out.with_name(f"{out.stem}{HELD}{out.suffix}")


def plan_join(
    datasets: Sequence[Dataset],
    names: Sequence[str] | None = None,
    bands: Sequence[str] | None = None,
    unit: str | None = None,
    hold_out: float = 0.0,
    most: int | None = None,
    seed: int = 0,
) -> Plan:
    """Check that the datasets fit, and choose what is written.

    names: what each is called in the column ``source``; none: as its file. bands: those to keep; none: all that every
    dataset has. unit: "0-255" brings optical bands to it; none: units must agree. hold_out: share of each dataset's
    patches, 0-1, in whole groups drawn at random, for a file of their own. most: patches of each dataset, likewise.

    Raises ConfigError and FormatError in plain words where they do not fit.
    """
    if not datasets:
        raise ConfigError("Name at least one dataset file to join.")
    named = tuple(names or (one.name for one in datasets))
    if len(named) != len(datasets) or len(set(named)) != len(named):
        raise ConfigError(f"Each dataset needs a name of its own; given: {', '.join(named)}. Say --name for each.")
    if not 0.0 <= hold_out < 1.0:
        raise ConfigError(f"The share that is held out is at least 0 and below 1; given: {hold_out:g}.")
    chosen, notes = _bands(datasets, named, bands)
    chosen, factors = _units(datasets, named, chosen, unit)
    sizes = {name: one.shape[1:] for name, one in zip(named, datasets, strict=True)}
    if len(set(sizes.values())) > 1:
        listed = list_names([f"{name} {h}x{w}" for name, (h, w) in sizes.items()])
        raise FormatError(f"Patches of one file have one size; these have {listed} pixels. Ingest them with --resize.")
    positive = {name: one.positive for name, one in zip(named, datasets, strict=True)}
    if len({name.casefold() for name in positive.values()}) > 1:
        listed = list_names([f"{name} '{word}'" for name, word in positive.items()])
        raise FormatError(
            f"The positive class must be the same; it is {listed}. Ingest one again with --positive, or rename it."
        )
    if any(one.has_masks for one in datasets) and not all(one.has_masks for one in datasets):
        without = [name for name, one in zip(named, datasets, strict=True) if not one.has_masks]
        notes.append(f"Masks were left out: {list_names(without)} has none.")
    rng = np.random.default_rng(seed)
    kept, held = zip(*(_drawn(one, hold_out, most, rng) for one in datasets), strict=True)
    for name, one, rows in zip(named, datasets, kept, strict=True):
        if not len(rows):
            n = len(one) if one.groups is None else len(set(one.groups))
            raise ConfigError(f"Holding out {hold_out:g} leaves nothing of {name} to learn from: it has {n} groups.")
    parts = {"": kept} | ({HELD: held} if hold_out else {})
    is_bytes = all(one.dtype == np.uint8 and one.nodata is None for one in datasets)
    return Plan(tuple(datasets), named, chosen, factors, is_bytes, parts, tuple(notes))


def join(plan: Plan, out: Path) -> Steps[list[Dataset]]:
    """Write the file, and the one of what is held out; returns them. Raises DataError where nothing can be written."""
    made = []
    for part, rows in plan.parts.items():
        made.append((yield from _write(plan, rows, held_path(out) if part == HELD else out)))
    return made


def _bands(
    datasets: Sequence[Dataset], names: Sequence[str], asked: Sequence[str] | None
) -> tuple[tuple[Band, ...], list[str]]:
    """The bands that all have, or those asked for, and what is left out."""
    shared = [band for band in datasets[0].bands if all(band.name in one.band_names for one in datasets)]
    if asked:
        for name in asked:
            if without := [n for n, one in zip(names, datasets, strict=True) if name not in one.band_names]:
                raise FormatError(f"{list_names(without)} has no band '{name}'. In all: {_named(shared) or 'none'}.")
        shared = [band for name in asked for band in shared if band.name == name]
    if not shared:
        listed = "; ".join(f"{name}: {_named(one.bands)}" for name, one in zip(names, datasets, strict=True))
        raise FormatError(f"The datasets have no band of one name ({listed}). Name bands alike with ingest --bands.")
    notes = []
    for name, one in zip(names, datasets, strict=True):
        left = [band for band in one.band_names if band not in {band.name for band in shared}]
        if left:
            notes.append(f"Bands of {name} that were left out: {list_names(left)}.")
    return tuple(shared), notes


def _units(
    datasets: Sequence[Dataset], names: Sequence[str], bands: tuple[Band, ...], unit: str | None
) -> tuple[tuple[Band, ...], tuple[np.ndarray, ...]]:
    """The bands in their common unit, and what each dataset's are multiplied by."""
    if unit not in (None, BYTES):
        raise ConfigError(f"Bands can be brought to the unit {BYTES}; given: {unit}.")
    found, factors = [], np.ones((len(datasets), len(bands)))
    for i, band in enumerate(bands):
        units = [next(mine.unit for mine in one.bands if mine.name == band.name) for one in datasets]
        if unit and band.family == "optical":
            if wrong := [f"{n} ({u or 'none'})" for n, u in zip(names, units, strict=True) if u not in TO_BRIGHTNESS]:
                raise FormatError(f"Band '{band.name}' has a unit that cannot be drawn as 0-255: {list_names(wrong)}.")
            factors[:, i] = [1.0 if u == BYTES else 255 * TO_BRIGHTNESS[u] for u in units]
            band = replace(band, unit=BYTES, sensor="", usual=USUAL[BYTES])
        elif len(set(units)) > 1:
            listed = list_names([f"{name} '{u}'" for name, u in zip(names, units, strict=True)])
            raise FormatError(
                f"Band '{band.name}' is in different units: {listed}. Give --unit 0-255 to draw all as pictures (DN "
                "4,000 is white), or ingest them in one unit (--unit)."
            )
        found.append(band)
    return tuple(found), tuple(factors)


def _drawn(dataset: Dataset, hold_out: float, most: int | None, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Rows that are kept and rows that are held out, in whole groups; labelled patches alone count as enough."""
    labels = labels_in_use(dataset)
    groups = dataset.ids if dataset.groups is None else dataset.groups
    names, group_of = np.unique(groups, return_inverse=True)
    order = rng.permutation(len(names))
    sizes = np.bincount(group_of, labels >= 0)[order]
    before = np.cumsum(sizes) - sizes  # labelled patches in the groups drawn earlier
    held = before < hold_out * sizes.sum() if hold_out else np.zeros(len(names), bool)
    kept = ~held
    if most is not None:
        kept &= np.cumsum(sizes * kept) - sizes * kept < most
    return tuple(np.flatnonzero(np.isin(group_of, order[which])) for which in (kept, held))


def _write(plan: Plan, rows: Sequence[np.ndarray], out: Path) -> Steps[Dataset]:
    masks, places = all(one.has_masks for one in plan.datasets), any(one.lonlat is not None for one in plan.datasets)
    total, done = sum(map(len, rows)), 0
    first = plan.datasets[0]
    came = [{"name": n, "content_hash": one.content_hash} for n, one in zip(plan.names, plan.datasets, strict=True)]
    writer = DatasetWriter(
        out,
        bands=plan.bands,
        shape_hw=first.shape[1:],
        class_names=first.class_names,
        source=f"Joined: {', '.join(plan.names)}"[:20_000],
        licence="; ".join(dict.fromkeys(filter(None, (one.licence for one in plan.datasets))))[:20_000],
        dtype="uint8" if plan.is_bytes else "float32",
        facts={"joined": came, "warnings": list(plan.notes)},
    )
    with writer:
        for name, one, factors, mine in zip(plan.names, plan.datasets, plan.factors, rows, strict=True):
            labels = labels_in_use(one)
            for start in range(0, len(mine), BATCH):
                part = mine[start : start + BATCH]
                images = one.images(part, [band.name for band in plan.bands])
                changed = factors != 1
                images[:, changed] = np.clip(images[:, changed] * factors[changed, None, None], 0, 255)
                writer.append(
                    images.astype(np.uint8) if plan.is_bytes else images,
                    labels[part],
                    [f"{name}:{id}" for id in one.ids[part]],
                    groups=[f"{name}:{group}" for group in (one.ids if one.groups is None else one.groups)[part]],
                    masks=one.masks(part) if masks else None,
                    lonlat=_places(one, part) if places else None,
                    columns={SOURCE: [name] * len(part), **_table(plan, "columns", one, part)},
                    files=_table(plan, "files", one, part),
                )
                done += len(part)
                yield Progress(0.8 * done / max(total, 1), f"{done:,} of {total:,} patches joined.")
        return (yield from writer.finishing())


def _places(dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    return np.full((len(rows), 2), np.nan) if dataset.lonlat is None else dataset.lonlat[rows]


def _table(plan: Plan, kind: str, dataset: Dataset, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Columns (or facts of files) that any dataset has; unknown where this one has not, texts where kinds differ."""
    found = {}
    for name in dict.fromkeys(name for one in plan.datasets for name in getattr(one, kind) if name != SOURCE):
        kinds = [getattr(one, kind)[name].dtype.kind for one in plan.datasets if name in getattr(one, kind)]
        as_text = "U" in kinds
        values = getattr(dataset, kind).get(name)
        if values is None:
            found[name] = np.full(len(rows), "" if as_text else np.nan)
        else:
            found[name] = values[rows].astype(str if as_text else np.float64)
    return found


def _named(bands: Sequence[Band]) -> str:
    return ", ".join(band.name for band in bands)
