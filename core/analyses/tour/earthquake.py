"""An earthquake, two images, a map: a simulated scene answered by a run, and judged by the landslides that it holds.

The scene is other ground than the run's patches, made by the same simulation (``core.data.demo.scene``). A landslide is
found where at least half of its pixels lie inside what the map calls. A place without one is a false alarm where at
least half of it is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from core.analyses import scene_map
from core.analyses.base import Analysis, Options
from core.data.bands import ZINDI_BANDS
from core.data.demo.ground import CELL, PIXEL_M
from core.data.demo.scene import AFTER, BEFORE, SEED, scene_steps
from core.errors import ConfigError
from core.progress import Progress, Steps, part
from core.runs.job_folder import now
from core.runs.store import RunFolder
from core.stats.design_effect import wilson

NAME = "tour_earthquake"
CALLED = 0.5  # share of a landslide, or of a place without one, that has to be called
MINUTES = 2.0  # to look at one place


class EarthquakeOptions(Options):
    """Which ground."""

    seed: int = Field(SEED, ge=1, title="Seed", description="The same seed gives the same ground and landslides.")


def check(run: RunFolder, options: EarthquakeOptions) -> None:
    """Raises ConfigError for a run that needs what the simulated satellites do not see, or in another unit."""
    from core.data.store import open_dataset

    known, asked = {band.name: band.unit for band in ZINDI_BANDS}, run.config().data.bands
    bands = [band for band in open_dataset(run.dataset_path()).bands if asked is None or band.name in asked]
    if strange := [f"{one.name} in '{one.unit}'" for one in bands if known.get(one.name) != one.unit]:
        there = ", ".join(f"{name} in '{unit}'" for name, unit in known.items())
        raise ConfigError(
            f"The simulated scene has {there}; this run reads {', '.join(strange)}. Choose a run on the demo dataset."
        )


def analyse(run: RunFolder, options: EarthquakeOptions) -> Steps[dict[str, Any]]:
    """Simulate the scene, answer it, outline what is called, and judge it. Raises as ``scene_map`` does."""
    results = run.results(NAME)
    files = results.path / f"seed{options.seed}"
    scene = yield from part(scene_steps(files, options.seed), 0.0, 0.15)
    asked = {
        "scene": str(files / AFTER), "before": str(files / BEFORE),
        "before_bands": ["red_pre", "green_pre", "blue_pre"], "cell_m": CELL * PIXEL_M, "minutes": MINUTES,
    }  # fmt: skip
    made = yield from part(scene_map.ANALYSIS.start(run, asked), 0.15, 0.95)
    yield Progress(0.95, "Comparing the map with the landslides that are there.")
    threshold = float(made["scene"]["threshold"])
    landslides, quiet = judged(scene.scars, _probability(Path(made["scene"]["out"])), threshold)
    results.write_table("landslides", landslides)
    results.write_arrays("scars", {"scars": scene.scars.astype(np.int16)})
    report = {
        "made": now(), "map": made["name"], "seed": options.seed, "threshold": threshold,
        "stride_m": made["scene"]["stride"] * PIXEL_M, "place_m": CELL * PIXEL_M, "pixel_m": PIXEL_M,
        "seconds_a_place": 60 * MINUTES, "files": (made["polygons"] or {}).get("files", []),
        "n_polygons": (made["polygons"] or {}).get("n"), "area_km2": (made["polygons"] or {}).get("area_km2"),
        "found": _share(landslides["found"]), "false": _share(quiet["called"]),
        "shape": list(scene.scars.shape), "head": made["scene"]["head"],
    }  # fmt: skip
    results.write_json("report.json", report)
    return {"message": sentence(report), **report}


def judged(scars: np.ndarray, probs: np.ndarray, threshold: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row a landslide (cell, pixels, called_share, found), a row a place without one (cell, called_share, called).

    scars: (H, W) int, above 0 where a landslide is; each lies in one place. probs: (H, W), nan where nothing was seen,
    which calls nothing.
    """
    called = np.nan_to_num(probs, nan=-1.0) >= threshold
    rows, quiet = [], []
    for top in range(0, scars.shape[0], CELL):
        for left in range(0, scars.shape[1], CELL):
            window = np.s_[top : top + CELL, left : left + CELL]
            name, own = f"{top // CELL + 1}-{left // CELL + 1}", scars[window] > 0
            share = float(called[window][own].mean() if own.any() else called[window].mean())
            if own.any():
                rows.append({"cell": name, "pixels": int(own.sum()), "called_share": share, "found": share >= CALLED})
            else:
                quiet.append({"cell": name, "called_share": share, "called": share >= CALLED})
    return (
        pd.DataFrame(rows, columns=["cell", "pixels", "called_share", "found"]),
        pd.DataFrame(quiet, columns=["cell", "called_share", "called"]),
    )


def _share(hits: pd.Series) -> dict[str, Any]:
    low, high = wilson(int(hits.sum()), len(hits))
    return {"k": int(hits.sum()), "n": len(hits), "lo": float(low), "hi": float(high)}


def _probability(path: Path) -> np.ndarray:
    from core.data.readers.geo.raster import opened

    with opened(path) as raster:
        values = raster.read(1, masked=True)
    return np.ma.filled(values.astype(np.float32), np.nan)


def sentence(report: dict[str, Any]) -> str:
    """What the map finds, with its intervals."""
    found, false = report["found"], report["false"]
    return (
        f"The map finds {found['k']} of {found['n']} simulated landslides (95% interval {found['lo']:.0%} to "
        f"{found['hi']:.0%}), and calls {false['k']} of {false['n']} places without one."
    )


def read(run: RunFolder) -> dict[str, Any] | None:
    """The report, or None before anybody asked."""
    results = run.results(NAME)
    return results.json("report.json") if results.has("report.json") else None


ANALYSIS = Analysis(
    name=NAME,
    title="An earthquake, two images, a map",
    summary="A simulated scene after an earthquake becomes polygons, judged by the landslides that it holds.",
    page="tour",
    view="earthquake",
    Options=EarthquakeOptions,
    run=analyse,
    read=read,
    check=check,
)
