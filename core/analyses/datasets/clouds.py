"""Clouds of a dataset: how much of each patch a cloud network takes for cloud and for shadow.

The shares are kept beside the dataset file and stand among its columns (csmask_cloud, csmask_shadow), so that filters,
slices and ``data.max_cloud`` can use them. No patch is left out unless ``data.max_cloud`` is set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import Field

from core.analyses.base import Analysis, Options
from core.data.clouds.reflectance import factors
from core.data.store import open_dataset
from core.data.store.beside import CLOUD_SHARE, SHADOW_SHARE, card_of
from core.progress import Steps
from core.runs.targets import DatasetTarget

SHOWN = 0.05  # share of a patch from which the sentence counts it


class CloudOptions(Options):
    """Which of the two networks."""

    level: Literal["auto", "l1c", "l2a"] = Field(
        "auto",
        title="Processing level",
        description="Of the images. l1c: top of the atmosphere. l2a: corrected for it. auto: l1c where there is a "
        "cirrus band (B10), which only Level-1C has, else l2a.",
    )


@dataclass(frozen=True)
class Clouds:
    """report: n, n_cloudy, n_shaded, n_unknown, cloudy_landslides, seconds and how the shares came (``card``)."""

    report: dict[str, Any]


def check(target: DatasetTarget, options: CloudOptions) -> None:
    """Raises ConfigError for bands or units without clouds to tell, MissingDependencyError without the networks."""
    from core.data.clouds.network import require
    from core.data.clouds.shares import level_of

    dataset = open_dataset(target.path)
    factors(dataset.bands, dataset.name)
    require(level_of(dataset) if options.level == "auto" else options.level)


def analyse(target: DatasetTarget, options: CloudOptions) -> Steps[dict[str, Any]]:
    """Measure every patch and keep the shares beside the dataset."""
    from core.data.clouds.network import CloudNetwork
    from core.data.clouds.shares import level_of, measure

    check(target, options)
    dataset = open_dataset(target.path)
    level = level_of(dataset) if options.level == "auto" else options.level
    table, card = yield from measure(dataset, CloudNetwork(level))
    cloud, shadow = (table[name].to_numpy() for name in (CLOUD_SHARE, SHADOW_SHARE))
    cloudy = cloud > SHOWN
    report = {
        "n": len(table), "n_cloudy": int(cloudy.sum()), "n_shaded": int((shadow > SHOWN).sum()),
        "n_unknown": int(np.isnan(cloud).sum()), "cloudy_landslides": int((dataset.labels[cloudy] == 1).sum()),
        "card": card,
    }  # fmt: skip
    target.results(ANALYSIS.name).write_json("report.json", report)
    message = (
        f"{report['n_cloudy']:,} of {report['n']:,} patches have more than {SHOWN:.0%} cloud, {report['n_shaded']:,} "
        f"more than {SHOWN:.0%} cloud shadow. None is left out unless data.max_cloud is set."
    )
    return report | {"message": message}


def read(target: DatasetTarget) -> Clouds | None:
    """What was found, or None before, or where the dataset has changed since."""
    results = target.results(ANALYSIS.name)
    if not results.has("report.json"):
        return None
    report, card = results.json("report.json"), card_of(target.path)
    return Clouds(report) if card is not None and card == report["card"] else None


ANALYSIS = Analysis(
    name="clouds",
    title="Clouds",
    summary="Estimates how much of each patch is cloud and cloud shadow, as columns beside the dataset.",
    page="dataset",
    view="clouds",
    target="dataset",
    Options=CloudOptions,
    run=analyse,
    read=read,
    check=check,
    needs_device=False,
)
