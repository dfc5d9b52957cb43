"""Inventories of landslides joined to the patches of a dataset by place; the join is kept beside the dataset file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import Field, field_validator

from core.analyses.base import Analysis, Options
from core.data import uploads
from core.data.inventories import read_inventory
from core.data.inventories.join import join_dataset, write_join
from core.data.store import open_dataset
from core.errors import DataError
from core.progress import Progress, Steps
from core.runs.targets import DatasetTarget


class InventoryOptions(Options):
    """Which inventories, and which of their events are used."""

    files: tuple[Path, ...] = Field(min_length=1, title="CSV files", description="Inventories as CSV.")
    names: tuple[str, ...] = Field((), title="Names", description="What to call them; none: by their file names.")
    within_km: float = Field(
        1.0, ge=0.01, le=500.0, title="Join within (km)", description="The farthest that an event may be from a patch."
    )
    max_accuracy_km: float | None = Field(
        None,
        ge=0.0,
        le=500.0,
        title="Location accuracy of at least (km)",
        description="NASA states how well each location is known, from exact to 250 km. Events known less well than "
        "this are left out; those that state nothing stay.",
    )
    min_confidence: float | None = Field(
        None,
        ge=1.0,
        le=8.0,
        title="Confidence of at least",
        description="USGS scale: 1 possible, 2 probable, 3 likely, 5 confident, 8 high confidence in the extent. "
        "Events that state nothing stay.",
    )
    uploaded: bool = Field(
        False, title="Uploaded", description="Files that are uploads (core.data.uploads) are removed when the job ends."
    )

    @field_validator("files")
    @classmethod
    def _absolute(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        return tuple(path.expanduser().absolute() for path in value)  # the job works elsewhere


@dataclass(frozen=True)
class JoinReport:
    """How the newest join was made. aside: rows set aside (file, line, reason). report: events, notes, options."""

    aside: pd.DataFrame
    report: dict[str, Any]


def analyse(target: DatasetTarget, options: InventoryOptions) -> Steps[dict[str, Any]]:
    """Read the inventories and keep, beside the dataset, the nearest event of every patch.

    Raises DataError for patches without coordinates, FormatError for a CSV that cannot be used.
    """
    try:
        return (yield from _joined(target, options))
    finally:
        if options.uploaded:
            for folder in {uploads.folder_of(path, target.checkpoints) for path in options.files}:
                if folder is not None:
                    uploads.forget(folder)


def _joined(target: DatasetTarget, options: InventoryOptions) -> Steps[dict[str, Any]]:
    inventories = []
    names = options.names or tuple(path.name for path in options.files)
    if len(names) != len(options.files):
        raise DataError(f"{len(options.files)} files need as many names, not {len(names)}.")
    for number, (path, name) in enumerate(zip(options.files, names, strict=True)):
        yield Progress(number / (len(names) + 1), f"Reading {name}.")
        inventories.append(read_inventory(path, name))
    yield Progress(len(names) / (len(names) + 1), "Joining events and patches by place.")
    dataset = open_dataset(target.path)
    filters = {"max_accuracy_km": options.max_accuracy_km, "min_confidence": options.min_confidence}
    write_join(dataset.path, join_dataset(dataset, inventories, options.within_km, **filters))
    aside = pd.concat([one.aside.assign(file=one.name) for one in inventories], ignore_index=True)
    report = {
        "events": sum(map(len, inventories)),
        "notes": [f"{one.name}: {note}" for one in inventories for note in one.notes],
        "options": options.model_dump(mode="json"),
    }
    results = target.results(ANALYSIS.name)
    results.write_table("aside", aside)
    results.write_json("report.json", report)
    return {"message": f"{report['events']:,} events read, {len(aside):,} rows set aside."}


def read(target: DatasetTarget) -> JoinReport | None:
    """How the newest join was made, or None; the join itself: ``core.data.inventories.join.read_join``."""
    results = target.results(ANALYSIS.name)
    if not results.has("report.json"):
        return None
    return JoinReport(results.table("aside"), results.json("report.json"))


ANALYSIS = Analysis(
    name="inventory_join",
    title="Inventory join",
    summary="Gives each patch the nearest event of landslide inventories (CSV), with its date, size and confidence.",
    page="dataset",
    view="map",
    target="dataset",
    Options=InventoryOptions,
    run=analyse,
    read=read,
    needs_device=False,
)
