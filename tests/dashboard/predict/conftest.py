"""A scene's map as the job leaves it, put into a finished run without a network having answered."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.analyses.scene_map import NAME
from core.runs.store import RunFolder
from tests.trained_runs import copied

SIDE, CELL = 60, 20  # pixels


def scene_facts(run, folder, placed=True):
    """What the scene's own job tells."""
    km2 = {"all": 0.36, "answered": 0.32, "landslide": 0.05, "no data": 0.03, "cloud": 0.01}
    km2["too little seen around it"] = 0.0
    return {
        "run": run.name, "scene": "/data/after.tif", "out": str(folder / "probability.tif"),
        "disagreement": str(folder / "probability_disagreement.tif"), "unseen": str(folder / "probability_unseen.tif"),
        "shape": [SIDE, SIDE], "side": [32, 32], "stride": 16, "n_windows": 9, "n_answered": 8, "n_folds": 2,
        "head": run.summary()["head"], "threshold": 0.5, "prevalence": None,
        "pixels": {name: round(value * 1e4) for name, value in km2.items()}, "km2": km2 if placed else None,
        "missing_by_band": {}, "warnings": ["A pixel of the scene is 10 m wide."], "message": "Answered.",
    }  # fmt: skip


def cells_table():
    """Nine cells: the last was not seen."""
    rows = []
    for k in range(9):
        row, col, seen = k // 3, k % 3, k < 8
        rows.append({
            "cell": f"{row + 1}-{col + 1}", "rank": k + 1 if seen else np.nan, "unseen_rank": np.nan if seen else 1,
            "status": "not seen" if not seen else "look" if k < 3 else "below threshold",
            "expected_km2": 0.02 / (k + 1) if seen else np.nan, "above_km2": 0.01 if k < 3 else 0.0,
            "prob_max": 0.9 - 0.1 * k if seen else np.nan, "seen_km2": 0.04 if seen else 0.0,
            "unseen_km2": 0.0 if seen else 0.04, "slope_deg": np.nan, "priority": 0.1, "left": col * CELL,
            "top": row * CELL, "right": (col + 1) * CELL, "bottom": (row + 1) * CELL,
        })  # fmt: skip
    table = pd.DataFrame(rows)
    table["held"] = table["expected_km2"].cumsum() / table["expected_km2"].sum()
    return table


def add_map(run, name="after-1", placed=True, before=True, made="2026-11-29T10:00:00+00:00", cells=None):
    """Put a map into a run; returns its folder."""
    own = run.results(NAME).part(name)
    folder = own.path
    scene = scene_facts(run, folder, placed)
    table = cells_table() if cells is None else cells
    arrays = {
        "after": np.full((SIDE, SIDE, 3), 90, np.uint8), "probability": np.full((SIDE, SIDE), 0.4, np.float32),
        "disagreement": np.full((SIDE, SIDE), 0.1, np.float32), "unseen": np.zeros((SIDE, SIDE), np.uint8),
    }  # fmt: skip
    if before:
        arrays["before"] = np.full((SIDE, SIDE, 3), 40, np.uint8)
    own.write_arrays("picture", arrays)
    own.write_json(
        "picture.json", {"step": 1, "bands": ["red", "green", "blue"], "pixel_m": [10, 10] if placed else None}
    )
    files = {}
    for kind, suffixes in (("cells", (".csv", ".gpkg")), ("polygons", (".geojson", ".gpkg", ".qml"))):
        files[kind] = [str(folder / f"probability_{kind}{suffix}") for suffix in suffixes]
    for path in (scene["out"], scene["disagreement"], scene["unseen"], *files["cells"], *files["polygons"]):
        with open(path, "wb") as file:
            file.write(b"content")
    triage = polygons = None
    if placed:
        own.write_table("cells", table)
        square = np.array([[5, 5], [25, 5], [25, 25], [5, 25], [5, 5], [np.nan, np.nan]], np.float32)
        own.write_arrays("outlines", {"xy": square, "polygon": np.zeros(6, np.int32)})
        triage = {
            "threshold": 0.5,
            "expected_km2": 0.05,
            "expected_km2_interval": [0.04, 0.06],
            "promise": "No promise on misses.",
            "files": files["cells"],
            "warnings": [],
        }
        polygons = {"n": 1, "area_km2": 0.04, "files": files["polygons"], "warnings": ["State how frequent they are."]}
    options = {"scene": "/data/after.tif", "out": scene["out"], "minutes": 5.0, "cell_m": 200.0, "dem": None}
    no_map = None if placed else "after.tif does not say where it lies."
    own.write_json("report.json", {
        "made": made, "scene": scene, "options": options, "triage": triage, "polygons": polygons, "no_map": no_map,
        "message": "Look at these cells.",
    })  # fmt: skip
    return own


def job_of(run, name, options, state, result=None, **status):
    """A job of this run that ended, or waits, without a worker."""
    from core.jobs.analysis_folder import create

    job = create(run, name, options)
    job.write_status(state=state, **status)
    if result is not None:
        job.write_json("result.json", result)
    return job


@pytest.fixture
def run(studio) -> RunFolder:
    """A finished run."""
    return studio.add_run(studio.add_dataset())


@pytest.fixture
def mapped(run) -> RunFolder:
    """A finished run with a scene's map."""
    add_map(run)
    return run


@pytest.fixture
def real_run(studio, trained_run) -> RunFolder:
    """A copy of a run whose networks were really trained: red, green and blue."""
    return copied(trained_run, studio.checkpoints)
