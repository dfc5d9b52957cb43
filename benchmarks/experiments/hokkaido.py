"""Hokkaido 2018: a run trained on Landslide4Sense's true-colour patches, asked of a scene, against counted landslides.

    python -m benchmarks.experiments.hokkaido CHECKPOINTS RUN --data DIR [--work DIR] [--out FILE.json] [--picture FILE]

CHECKPOINTS/RUN: a run on ``landslide4sense-rgb`` (folders, grouped by source_image, unit 0-255). DIR holds
``landslide4sense-rgb``, ``landslide4sense-h5-labelled-2`` and ``hokkaido-2018-s2-scene``.

**One scale.** The patches are true-colour pictures: each band of a 128 x 128 image, in DN over the band's mean, times
255 over the highest value of the whole image, cut off to whole numbers. That is checked here on the one image whose
numbers are known. The scene is DN; ``blocks`` does the same to every block of 128 x 128 pixels of it. That way was
chosen before any annotated cell was looked at, because it is how the patches were made; the others are to compare, and
without the mean over flips, which costs eight times as much.

**What is compared.** 46 cells of 128 x 128 pixels with their number of annotated landslide pixels (Sen12Landslides).
Ours: the mean probability over the answered pixels of a cell, the share of them at the run's threshold, and the mean
probability weighted by slope as the triage grid does. Theirs: the share of bright steep pixels, and where the earlier
scene was seen, of pixels that became brighter and are steep; of both the best of many thresholds, chosen on these very
cells, which favours them. Intervals: 4,000 resamples of cells; neighbouring cells are alike, so they are too narrow.

**Same ground.** Landslide4Sense has images of this earthquake, without their places. With --same-ground each patch is
looked for in both scenes (normalised correlation at half the resolution).
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from PIL import Image

from benchmarks.experiments.hokkaido_scale import (
    BLOCK,
    WAYS,
    patch_numbers,
    patches_of,
    read_scene,
    same_ground,
    to_patch_scale,
    write_rgb,
)
from benchmarks.report import circumstances, keep
from core.analyses.maps.polygons import ANALYSIS as POLYGONS
from core.analyses.scene import ANALYSIS
from core.analyses.scene import read as read_scenes
from core.predict.triage_grid.cells import slope_weight
from core.progress import drain
from core.runs.store import RunFolder, open_run

N_BOOT = 4000
HIGH = 0.95  # a threshold at which there are many polygons to be read
SNOW_DN = 1500  # blue before the event: above it lies snow (or cloud)
DATE = "after 6 September 2018"  # the source states no day


# ----------------------------------------------------------------------------------------------------------- cells


def read_cells(path: Path) -> list[dict[str, float]]:
    """Name, counted share, and row and column in the scene of each cell."""
    with open(path, encoding="utf-8") as file:
        return [{"id": row["patch_id"], "counted": float(row["landslide_fraction"]), "row": int(row["row"]),
                 "col": int(row["col"])} for row in csv.DictReader(file)]  # fmt: skip


def cell_means(values: np.ndarray, cells: list[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    """(n,) means of values (H, W) over what is known of each cell, and the share of the cell that is known."""
    means, shares = [], []
    for cell in cells:
        row, col = cell["row"], cell["col"]
        inside = values[max(0, row) : row + BLOCK, max(0, col) : col + BLOCK]
        known = inside[np.isfinite(inside)]
        means.append(known.mean() if known.size else np.nan)
        shares.append(known.size / BLOCK**2)
    return np.array(means), np.array(shares)


def correlations(ours: np.ndarray, counted: np.ndarray, rival: np.ndarray | None = None) -> dict[str, Any]:
    """Spearman and Pearson with 95 % intervals; with a rival also the differences, on the same resamples."""
    known = np.isfinite(ours) & np.isfinite(counted)
    a, b, c = ours[known], counted[known], None if rival is None else rival[known]
    draws = np.random.default_rng(0).integers(len(a), size=(N_BOOT, len(a)))
    found: dict[str, Any] = {"n": int(known.sum())}
    for name, one in (("pearson", _pearson), ("spearman", lambda x, y: _pearson(_ranks(x), _ranks(y)))):
        drawn = np.array([one(a[k], b[k]) for k in draws])
        found[name] = _rounded(one(a, b), drawn)
        if c is not None:
            theirs = np.array([one(c[k], b[k]) for k in draws])
            found[f"{name}_less_rival"] = _rounded(one(a, b) - one(c, b), drawn - theirs)
    found["cells_for_80_percent"] = cells_needed(a, b)
    return found


def cells_needed(order: np.ndarray, counted: np.ndarray, share: float = 0.8) -> int:
    """How many cells, the highest first, hold that share of what was counted."""
    held = np.cumsum(counted[np.argsort(-order, kind="stable")])
    return int(np.searchsorted(held, share * held[-1]) + 1)


def _rounded(value: float, drawn: np.ndarray) -> list[float]:
    return [round(float(v), 3) for v in (value, *np.nanpercentile(drawn, [2.5, 97.5]))]


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    spread = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / spread) if spread else np.nan


def _ranks(a: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    return rankdata(a)


def best_rule(band: np.ndarray, slope: np.ndarray, cells: list[dict[str, Any]], least_seen: float) -> dict[str, Any]:
    """Share of pixels above a percentile of ``band`` on ground steeper than so many degrees: the best of all tried."""
    counted = np.array([cell["counted"] for cell in cells])
    tried = []
    for percentile in (50, 60, 70, 75, 80, 85, 90, 95):
        for degrees in (5, 10, 15, 20):
            marked = (band > np.nanpercentile(band, percentile)) & (slope > degrees)
            means, shares = cell_means(np.where(np.isfinite(band), marked, np.nan), cells)
            means[shares < least_seen] = np.nan
            known = np.isfinite(means)
            tried.append((_pearson(means[known], counted[known]), percentile, degrees, means))
    best = max(tried, key=lambda one: one[0])
    return {"percentile": best[1], "degrees": best[2], "tried": len(tried), "means": best[3]}


# ----------------------------------------------------------------------------------------------- the parts of a show


def polygons_read(path: Path, reported: dict[str, Any]) -> dict[str, Any]:
    """GeoJSON and GeoPackage opened by fiona: valid, closed, right-handed, in which system, and their geodesic area."""
    import fiona
    import shapely
    from pyproj import Geod

    geod, found = Geod(ellps="WGS84"), {}
    for file in (path, path.with_suffix(".gpkg")):
        with fiona.open(file) as shapes:
            crs, features = shapes.crs.to_string(), list(shapes)
        given = [shapely.geometry.shape(dict(one.geometry)) for one in features]
        parts = [part for one in given for part in getattr(one, "geoms", [one])]
        rings = [ring for one in parts for ring in (one.exterior, *one.interiors)]
        found[file.suffix[1:]] = {
            "crs": crs,
            "features": len(features),
            "parts": len(parts),
            "holes": len(rings) - len(parts),
            "valid": sum(one.is_valid for one in given),
            "closed_rings": sum(ring.coords[0] == ring.coords[-1] for ring in rings),
            "rings": len(rings),
            "right_handed": sum(one.exterior.is_ccw and not any(r.is_ccw for r in one.interiors) for one in parts),
        }
        if crs == "EPSG:4326":
            area = sum(abs(geod.geometry_area_perimeter(one)[0]) for one in given) / 1e6
            found[file.suffix[1:]] |= {"area_km2": round(area, 4)}
    return found | {"area_km2_reported": round(reported["area_km2"], 4), "qml": _style(path.with_suffix(".qml"))}


def _style(path: Path) -> dict[str, Any]:
    """What QGIS reads of a style: the kind of drawing, its column, and whether every class has its symbol."""
    from xml.etree import ElementTree

    root = ElementTree.parse(path).getroot()
    renderer = root.find("renderer-v2")
    symbols = {one.get("name") for one in renderer.findall("symbols/symbol")}
    classes = [*renderer.findall("ranges/range"), *renderer.findall("categories/category"),
               *renderer.findall("rules/rule")]  # fmt: skip
    return {
        "root": root.tag,
        "renderer": renderer.get("type"),
        "column": renderer.get("attr"),
        "classes": len(classes),
        "classes_with_symbol": sum(one.get("symbol") in symbols for one in classes),
    }


def picture(path: Path, panels: list[np.ndarray], width: int = 480) -> None:
    """Panels (H, W, 3) uint8 side by side, two in a row."""
    small = [Image.fromarray(one).resize((width, round(width * one.shape[0] / one.shape[1]))) for one in panels]
    height, gap = small[0].height, 6
    sheet = Image.new("RGB", (2 * width + gap, 2 * height + gap), "white")
    for k, one in enumerate(small):
        sheet.paste(one, (k % 2 * (width + gap), k // 2 * (height + gap)))
    sheet.save(path, quality=82, optimize=True)


def panels_of(before: np.ndarray, after: np.ndarray, probability: np.ndarray, cells: list[dict[str, Any]],
              ours: np.ndarray) -> list[np.ndarray]:  # fmt: skip
    """Before, after, probability, and cells: counted share (left half) beside ours (right half)."""
    grey = np.array([205, 205, 210], np.uint8)
    found = []
    for dn in (before, after):
        shown = np.clip(dn / 2000 * 255, 0, 255)
        found.append(np.where(np.isfinite(dn).all(axis=0)[..., None], shown.transpose(1, 2, 0), grey).astype(np.uint8))
    found.append(np.where(np.isfinite(probability)[..., None], _heat(probability), grey).astype(np.uint8))
    drawn = (found[1] * 0.35 + 255 * 0.65).astype(np.uint8)
    counted = np.array([cell["counted"] for cell in cells])
    for values, side in ((counted, 0), (ours, 1)):
        ranks = (_ranks(values) - 1) / (len(values) - 1)
        for cell, rank in zip(cells, ranks, strict=True):
            row, col = cell["row"], cell["col"] + side * 60
            drawn[max(0, row + 6) : max(0, row + 122), col + 6 : col + 62] = _heat(np.array(rank))
    return [*found, drawn]


def _heat(values: np.ndarray) -> np.ndarray:
    """(..., 3) from white over orange to dark red."""
    stops = np.array([[0, 255, 250, 235], [0.35, 253, 187, 120], [0.7, 215, 70, 40], [1, 90, 0, 20]], float)
    known = np.nan_to_num(values)
    return np.stack([np.interp(known, stops[:, 0], stops[:, k]) for k in (1, 2, 3)], axis=-1)


# ------------------------------------------------------------------------------------------------------------ whole


def answered(run: RunFolder, scene: Path, out: Path, flips: bool | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The scene's facts and those of its polygons; what an earlier try has finished is not done again."""
    known = [facts for facts in (read_scenes(run) or {}).values() if Path(facts["out"]) == out.resolve()]
    if known and out.is_file():
        facts = known[-1]
    else:
        facts = drain(ANALYSIS.start(run, {"scene": str(scene), "out": str(out), "flips": flips}))
    asked = {"probability": str(out), "out": str(out.with_suffix(".geojson")), "date": DATE}
    return facts, drain(POLYGONS.start(run, asked))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("checkpoints", type=Path)
    options.add_argument("run")
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--work", type=Path, default=Path("hokkaido"), help="where rasters and polygons are kept")
    options.add_argument("--same-ground", action="store_true", help="look for the patches in the scenes (minutes)")
    options.add_argument("--picture", type=Path)
    options.add_argument("--out", type=Path)
    given = options.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    run, home = open_run(given.checkpoints, given.run), given.data / "hokkaido-2018-s2-scene"
    after, profile = read_scene(home / "post_event_rgb.tif")
    before = read_scene(home / "pre_event_rgb.tif")[0]
    slope = read_scene(home / "scene_pre_post_dem.tif")[0][7] / 100
    cells = read_cells(home / "sen12_cells.csv")
    counted = np.array([cell["counted"] for cell in cells])
    rows, patches = patches_of(given.data)

    bright = after.mean(axis=0)
    snow = before[2] > SNOW_DN
    rises = bright - before.mean(axis=0)
    rules = {
        "bright and steep": best_rule(bright, slope, cells, 0.5),
        "became brighter, and steep": best_rule(rises, slope, cells, 0.5),
        "the same without snow": best_rule(np.where(snow, np.nan, rises), slope, cells, 0.5),
    }
    rival = rules["bright and steep"]["means"]
    ways = {}
    for way, flips in ((WAYS[0], None), *((one, False) for one in WAYS)):
        scene = given.work / f"{way.replace(' ', '_')}.tif"
        out = scene.with_name(f"{scene.stem}_{'probability' if flips is None else 'without_flips'}.tif")
        if not scene.is_file():
            write_rgb(scene, to_patch_scale(after, way, patches), profile)
        facts, outlined = answered(run, scene, out, flips)
        with rasterio.open(out) as file:
            probability = file.read(1).astype(np.float64)
        called = np.where(np.isfinite(probability), probability >= np.float32(facts["threshold"]), np.nan)
        mean, shares = cell_means(probability, cells)
        ours = {
            "mean probability": mean,
            "share at the threshold": cell_means(called, cells)[0],
            "mean probability weighted by slope": cell_means(probability * slope_weight(slope), cells)[0],
        }
        whole = shares > 0.99
        name = way if flips is None else f"{way}, without flips"
        ways[name] = {
            "km2": facts["km2"],
            "threshold": facts["threshold"],
            "warnings": facts["warnings"],
            "called_share": round(float(np.nanmean(called)), 4),
            "cells_seen_whole": int(whole.sum()),
            "all_cells": {key: correlations(values, counted, rival) for key, values in ours.items()},
            "cells_seen_whole_only": {
                key: correlations(np.where(whole, values, np.nan), counted, rival) for key, values in ours.items()
            },
        }
        print(name, ways[name]["all_cells"], flush=True)
        if flips is None:
            read = polygons_read(out.with_suffix(".geojson"), outlined)
            read |= {key: outlined[key] for key in ("n", "n_below_cell")}
            asked = {"probability": str(out), "out": str(given.work / "high.geojson"), "threshold": HIGH}
            high = drain(POLYGONS.start(run, asked))
            read[f"from_{HIGH}"] = polygons_read(given.work / "high.geojson", high)
            if given.picture:
                picture(given.picture, panels_of(before, after, probability, cells, ours["mean probability"]))
    missing = ~np.isfinite(before).all(axis=0)
    summary = run.summary()
    result = {
        "experiment": "hokkaido",
        "run": {"backbone": "resnet18", "oof": {k: summary["oof"][k] for k in ("n", "f1", "auc", "threshold")}},
        "one_scale": {"chosen_before": WAYS[0], "check_of_a_patch": patch_numbers(given.data)},
        "cells": {
            "n": len(cells),
            "with_landslides": int((counted > 0).sum()),
            "cells_for_80_percent_in_the_best_order": cells_needed(counted, counted),
        },
        "earlier_scene": {
            "missing_share": round(float(missing.mean()), 4),
            "cells_seen_half": int((cell_means(rises, cells)[1] >= 0.5).sum()),
            "snow_share_of_what_was_seen": round(float(snow[~missing].mean()), 4),
        },
        "rules_chosen_on_these_cells": {
            name: {k: v for k, v in rule.items() if k != "means"} | correlations(rule["means"], counted)
            for name, rule in rules.items()
        },
        "rule_as_stated_with_the_data": 0.77,
        "ways": ways,
        "polygons": read,
        **circumstances("torch", "timm", "rasterio", "shapely", "pyogrio", "fiona"),
    }
    keep(result, given.out)
    if given.same_ground:
        known = given.work / "same_ground.json"
        if not known.is_file():
            known.write_text(json.dumps(same_ground(rows, patches, after, before)), encoding="utf-8")
        keep(result | {"same_ground": json.loads(known.read_text(encoding="utf-8"))}, given.out)


if __name__ == "__main__":
    main()
