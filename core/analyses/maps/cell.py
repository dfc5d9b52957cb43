"""One cell or one pixel of a scene's map, at once: values of its bands, each fold's answer, attention, nearest patches.

The networks are those that the warm process keeps loaded; what a window answers here is what it answered for the map.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.analyses.maps.opened import OpenMap, open_map, reason_of
from core.errors import RunError
from core.predict.scene.windows import WindowGrid
from core.runs.store import RunFolder

MOST_WINDOWS = 4  # of a cell that are answered again, those with the highest probability
MOST_PIXELS = 2**20  # of a cell whose values are summed up; of a larger one the middle
K_NEIGHBORS = 6
QUANTILES = {"q05": 0.05, "q50": 0.5, "q95": 0.95}


def answer_pixel(run: RunFolder, request: Mapping[str, Any], models: Any = None) -> dict[str, Any]:
    """What is known of one pixel: row, col, lonlat, probability, disagreement, unseen (why, or ""), bands.

    request: ``map``; ``row`` and ``col`` of the pixel, or ``lon`` and ``lat`` in degrees. Raises DataError for a place
    outside of the scene.
    """
    scene = open_map(run, str(request["map"]))
    if request.get("lon") is not None:
        row, col = scene.at_degrees(float(request["lon"]), float(request["lat"]))
    else:
        row, col = int(request["row"]), int(request["col"])
    scene.must_be_there(row, col)
    values, answers = scene.images(row, col, 1, 1)[:, 0, 0], scene.answers(row, col, 1, 1)
    lonlat = scene.stack.grid.degrees_at(np.array([row + 0.5]), np.array([col + 0.5]))
    bands = [
        {"band": band.name, "unit": band.unit, "value": value, **_training(trained)}
        for band, value, trained in zip(scene.bands, values.tolist(), scene.trained, strict=True)
    ]
    return {
        "row": row, "col": col, "lonlat": None if lonlat is None else lonlat[0].tolist(), "bands": bands,
        "probability": float(answers["probability"][0, 0]), "disagreement": float(answers["disagreement"][0, 0]),
        "unseen": reason_of(answers["unseen"][0, 0]),
    }  # fmt: skip


def answer_cell(run: RunFolder, request: Mapping[str, Any], models: Any) -> dict[str, Any]:
    """What the run sees in one cell. request: ``map``, ``cell``, and ``fold`` (from 0) for attention and neighbours.

    bands: of each the 5th, 50th and 95th percentile of the cell's pixels, beside training's. windows: (row, column) of
    those answered again, at most ``MOST_WINDOWS``, of ``n_windows``; probs: (windows, folds) calibrated; maps:
    (windows, h, w) raw attention of the fold, by ``method`` at ``layer``; images, shown: see :func:`shown`; near: rows
    of the run's dataset and distance of the training patches nearest to the first window in the fold's embedding, and
    ``unlike``, the share of held-out patches that are nearer to the training part than it.
    """
    scene, fold = open_map(run, str(request["map"])), int(request.get("fold", 0))
    cell = scene.cell(str(request["cell"]))
    found: dict[str, Any] = {"bands": _bands(scene, cell), "side": list(scene.windows.side)}
    corners, n_windows = chosen_windows(scene, cell)
    side = scene.windows.side
    images = [scene.images(row, col, *side) for row, col in corners]
    found |= {"windows": corners, "n_windows": n_windows, "fold": fold}
    if not corners:
        return found | {"probs": [], "maps": [], "images": [], "shown": [], "near": None}
    raw = np.stack(images)
    found |= {"probs": fold_probs(run, scene, raw, models).T}
    view = models.view(run, fold)
    found |= _attention(run, view, raw) | {"near": nearest_training(run, fold, view, raw[:1])}
    return found | shown(scene, raw)


def shown(scene: OpenMap, raw: np.ndarray) -> dict[str, Any]:
    """``images``, (N, c, H, W) of the bands of the first composite, and their names, ``shown``; for pictures."""
    from core.data.bands import composites

    names = list(dict.fromkeys(composites(scene.bands)[0].bands))
    at = [[band.name for band in scene.bands].index(name) for name in names]
    return {"images": raw[:, at], "shown": names}


def chosen_windows(scene: OpenMap, cell: Mapping[str, Any], most: int = MOST_WINDOWS) -> tuple[list, int]:
    """(row, column) of the windows of a cell that have an answer, the highest first, and how many there are."""
    windows, side = scene.windows, scene.windows.side
    inside = windows_in(windows, cell)
    scored = []
    for row, col in inside:
        middle = min(row + side[0] // 2, windows.shape[0] - 1), min(col + side[1] // 2, windows.shape[1] - 1)
        scored.append((float(scene.answers(*middle, 1, 1)["probability"][0, 0]), (row, col)))
    known = sorted((one for one in scored if np.isfinite(one[0])), key=lambda one: (-one[0], one[1]))
    return [corner for _, corner in known[:most]], len(inside)


def windows_in(windows: WindowGrid, cell: Mapping[str, Any]) -> list[tuple[int, int]]:
    """(row, column) of the windows whose middle lies in a cell; of a cell between their middles the nearest one."""
    middles = [
        np.asarray(begins) + side / 2 for begins, side in zip((windows.rows, windows.cols), windows.side, strict=True)
    ]
    ends = ((cell["top"], cell["bottom"]), (cell["left"], cell["right"]))
    chosen = []
    for begins, middle, (low, high) in zip((windows.rows, windows.cols), middles, ends, strict=True):
        inside = np.flatnonzero((middle >= low) & (middle < high))
        if not inside.size:
            inside = [int(np.abs(middle - (low + high) / 2).argmin())]
        chosen.append([begins[k] for k in inside])
    return [(row, col) for row in chosen[0] for col in chosen[1]]


def fold_probs(run: RunFolder, scene: OpenMap, raw: np.ndarray, models: Any) -> np.ndarray:
    """(folds, N) calibrated probability of windows (N, C, H, W) by each fold's model, as for the map."""
    from scipy.special import expit

    found = []
    for fold in range(run.config().folds.n_splits):
        view = models.view(run, fold)
        found.append(expit(view.model.log_odds(raw, [scene.head], view.rules, tta=scene.flips)[scene.head]))
    return np.stack(found)


def nearest_training(run: RunFolder, fold: int, view: Any, raw: np.ndarray) -> dict[str, Any]:
    """The training patches nearest to one window in this fold's embedding, and how usual such a distance is."""
    from core.config import EmbedConfig
    from core.embed.features import Preparation
    from core.embed.neighbours import nearest
    from core.flow.fold_rows import fold_rows

    rows, known = fold_rows(run, fold), run.embeddings(fold)["embeddings"]
    preparation = Preparation.fit(known, rows.train, EmbedConfig().metric)
    learnt = preparation.rows(known[rows.train])
    near = nearest(preparation.rows(view.model.embeddings(raw)), learnt, K_NEIGHBORS)
    usual = nearest(preparation.rows(known[rows.val]), learnt, 1).distance[:, 0]
    return {
        "rows": rows.train[near.index[0]], "distance": near.distance[0],
        "labels": rows.labels[rows.train][near.index[0]],
        "unlike": float((usual < near.distance[0, 0]).mean()) if usual.size else None, "n_train": len(rows.train),
        "metric": EmbedConfig().metric,
    }  # fmt: skip


def _attention(run: RunFolder, view: Any, raw: np.ndarray) -> dict[str, Any]:
    from core.explain.cam.gradcam import gradcam

    try:
        card = run.cams()[2]
    except RunError:  # a run whose patches were never explained
        card = {}
    model, method = view.model, card.get("method", "gradcam")
    maps, layer = gradcam(
        model.network, model.normaliser.transform(raw), model.device, run.config().explain.min_map, 1, method=method,
        layer=card.get("layer"),
    )  # fmt: skip
    return {"maps": maps, "method": method, "layer": layer}


def _bands(scene: OpenMap, cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    top, left, height, width = scene.pixels_of(cell)
    if height * width > MOST_PIXELS:
        side = int(MOST_PIXELS**0.5)
        top, left = top + max(0, height - side) // 2, left + max(0, width - side) // 2
        height, width = min(height, side), min(width, side)
    values = scene.images(top, left, height, width).reshape(len(scene.bands), -1)
    found = []
    for band, row, trained in zip(scene.bands, values, scene.trained, strict=True):
        known = row[np.isfinite(row)].astype(np.float64)
        if known.size:
            own = dict(zip(QUANTILES, np.quantile(known, list(QUANTILES.values())).tolist(), strict=True))
        else:
            own = dict.fromkeys(QUANTILES)
        found.append({"band": band.name, "unit": band.unit, **own, **_training(trained), "n": int(known.size)})
    return found


def _training(row: Mapping[str, Any]) -> dict[str, Any]:
    """Percentiles of the training patches' pixels, None where the run did not record them."""
    return {f"trained_{key}": row.get(key) for key in QUANTILES}
