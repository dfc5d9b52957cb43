"""Which cells of a scene look like one cell to a fold's network: "find more like this".

A job embeds every window of the scene once, stripe by stripe, and keeps the embeddings beside the map; after that any
cell is answered at once. Distances lie in one fold's space: those of another fold's network are not comparable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from core.analyses.base import Analysis, Options
from core.analyses.maps.cell import chosen_windows, shown
from core.analyses.maps.opened import OpenMap, open_map
from core.analyses.scene import SceneOptions, input_of
from core.analyses.scene_map import OWN
from core.arrays import whole_pair
from core.config import EmbedConfig
from core.embed.features import Preparation
from core.errors import DataError, RunError
from core.io.free_space import need_room
from core.io.safetensors_file import load_arrays, save_arrays
from core.predict.scene.windows import Stripe, window_shares
from core.progress import Progress, Steps
from core.runs.results import ResultFolder
from core.runs.store import RunFolder

NAME = "scene_alike"
STRIPE_BYTES = 64 * 2**20  # of a stripe's bands
AT_ONCE = 256  # windows that are embedded together
MOST = 12  # cells that are found
BYTES = 2  # of a number that is kept


class AlikeOptions(Options):
    """Which map, in which fold's space, and for which cell."""

    map: str = Field(min_length=1, max_length=200, title="Map", description="Name of a scene's map of the run.")
    fold: int = Field(0, ge=0, title="Fold", description="Whose network compares, from 0.")
    cell: str | None = Field(None, max_length=40, title="Cell", description="Such as 3-4; none: only prepare.")


def analyse(run: RunFolder, options: AlikeOptions) -> Steps[dict[str, Any]]:
    """Embed the windows that are not yet embedded; with a cell, also find those like it.

    Begun again, it goes on after the last finished stripe. Raises DataError for a map or cell that is not there.
    """
    from core.predict.perturbed_model import PerturbedModel

    yield Progress(0.0, f"Loading the network of fold {options.fold + 1}.")
    scene = open_map(run, options.map)
    model = PerturbedModel.open(run, options.fold).model
    index = _index(scene, options.fold)
    stripes, width = _stripes(scene), run.embeddings(options.fold)["embeddings"].shape[1]
    need_room(index.path, BYTES * width * scene.windows.n_windows)
    n = 0
    for stripe in stripes:
        kept = _kept(index, stripe, _made_of(scene))
        if kept is None:
            kept = _embedded(scene, model, stripe)
            save_arrays(_file(index, stripe), kept | {"made_of": _made_of(scene)})
        n += len(kept["corners"])
        yield Progress((stripe.number + 1) / len(stripes), f"{n:,} windows embedded.")
    index.write_json("report.json", {"n_windows": n, "fold": options.fold, "stripes": len(stripes)})
    found = {"message": f"{n:,} windows can be compared, in the space of fold {options.fold + 1}.", "n_windows": n}
    if options.cell is None:
        return found
    like = alike(scene, options.fold, options.cell)
    return found | {"cell": options.cell, "found": [_plain(row) for row in like.to_dict("records")]}


def is_prepared(run: RunFolder, name: str, fold: int) -> bool:
    """Whether the windows of a map are embedded in a fold's space; whether they still fit is seen when one asks."""
    return run.results("scene_map").part(name).part(f"alike_{fold}").has("report.json")


def on_patch(run: RunFolder, request: Mapping[str, Any], models: Any) -> dict[str, Any]:
    """The cells like ``cell`` of ``map`` in the space of ``fold``, with pictures of them (``maps.cell.shown``)."""
    options = ANALYSIS.options({key: request.get(key) for key in ("map", "fold", "cell")})
    scene = open_map(run, options.map)
    like = alike(scene, options.fold, str(options.cell))
    side = scene.windows.side
    raw = [scene.images(int(row), int(col), *side) for row, col in like[["row", "col"]].to_numpy()]
    raw = np.stack(raw) if raw else np.empty((0, len(scene.bands), *side), np.float32)
    return {"found": [_plain(row) for row in like.to_dict("records")], "fold": options.fold} | shown(scene, raw)


def alike(scene: OpenMap, fold: int, cell: str) -> pd.DataFrame:
    """At most ``MOST`` cells, the most alike first: cell, row and col of their nearest window, distance, nearer, prob.

    The cell speaks through its window with the highest probability. Windows that share ground with that one are left
    out. nearer: the share of the scene's windows that are more alike. Raises RunError before the windows are embedded.
    """
    corners, _ = chosen_windows(scene, scene.cell(cell), 1)
    if not corners:
        raise DataError(f"Cell {cell} has no window with an answer, so nothing is compared with it.")
    asked = np.array(corners[0])
    index, known = _index(scene, fold), scene.run.embeddings(fold)["embeddings"]
    preparation = Preparation.fit(known, np.arange(len(known)), EmbedConfig().metric)
    query = preparation.rows(_query(scene, index, asked)[None])
    cells = scene.own.table("cells")
    place = _Places(cells)
    best: dict[int, tuple[float, int, int]] = {}
    distances = []
    for kept in _all(scene, index):
        if not len(kept["corners"]):
            continue
        rows = preparation.rows(kept["embeddings"].astype(np.float32))
        away = np.linalg.norm(rows - query, axis=1)
        apart = (np.abs(kept["corners"] - asked) >= np.array(scene.windows.side)).any(axis=1)
        distances.append(away[apart])
        of = place.of(kept["corners"] + np.array(scene.windows.side) / 2)
        for k in np.flatnonzero(apart & (of >= 0)):
            if away[k] < best.get(int(of[k]), (np.inf, 0, 0))[0]:
                best[int(of[k])] = (float(away[k]), *whole_pair(kept["corners"][k]))
    names = cells["cell"].to_numpy()
    best = {k: one for k, one in best.items() if names[k] != cell}
    first = sorted(best.items(), key=lambda item: (item[1], item[0]))[:MOST]
    every = np.sort(np.concatenate(distances)) if distances else np.empty(0)
    rows = [
        {
            "cell": str(names[k]), "row": row, "col": col, "distance": away,
            "nearer": float(np.searchsorted(every, away)) / max(1, len(every)),
            "prob": _middle(scene, row, col),
        }
        for k, (away, row, col) in first
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["cell", "row", "col", "distance", "nearer", "prob"])


class _Places:
    """Which cell a place in pixels lies in."""

    def __init__(self, cells: pd.DataFrame) -> None:
        self._tops, row = np.unique(cells["top"].to_numpy().round(3), return_inverse=True)
        self._lefts, col = np.unique(cells["left"].to_numpy().round(3), return_inverse=True)
        self._cell = np.full((len(self._tops), len(self._lefts)), -1)
        self._cell[row, col] = np.arange(len(cells))

    def of(self, middles: np.ndarray) -> np.ndarray:
        """(N,) row of the cell of each (row, column); -1 for none."""
        row = np.searchsorted(self._tops, middles[:, 0], side="right") - 1
        col = np.searchsorted(self._lefts, middles[:, 1], side="right") - 1
        return np.where((row >= 0) & (col >= 0), self._cell[row.clip(0), col.clip(0)], -1)


def _middle(scene: OpenMap, row: int, col: int) -> float:
    """The map's probability in the middle of a window."""
    row, col = (
        min(k + n // 2, most - 1)
        for k, n, most in zip((row, col), scene.windows.side, scene.windows.shape, strict=True)
    )
    return float(scene.answers(row, col, 1, 1)["probability"][0, 0])


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.item() if isinstance(value, np.generic) else value for key, value in row.items()}


# -------------------------------------------------------------------------------------------------- what is kept


def _index(scene: OpenMap, fold: int) -> ResultFolder:
    return scene.own.part(f"alike_{fold}")


def _file(index: ResultFolder, stripe: Stripe) -> Any:
    return index.path / f"stripe_{stripe.number:05d}.safetensors"


def _stripes(scene: OpenMap) -> list[Stripe]:
    return scene.windows.stripes(max(1, STRIPE_BYTES // (4 * len(scene.bands) * scene.windows.shape[1])), 4096)


def _made_of(scene: OpenMap) -> np.ndarray:
    """(12,) uint8: a digest of the rasters and how they are read, so that embeddings of others are not taken."""
    given = {key: value for key, value in scene.report["options"].items() if key not in OWN}
    asked = input_of(SceneOptions.model_validate(given | {"out": scene.report["scene"]["out"]}))
    return np.frombuffer(asked.digest(scene.run.name, scene.windows).encode(), np.uint8)


def _kept(index: ResultFolder, stripe: Stripe, made_of: np.ndarray) -> dict[str, np.ndarray] | None:
    try:
        found = load_arrays(_file(index, stripe))
    except DataError:
        return None
    return found if np.array_equal(found.get("made_of", np.empty(0)), made_of) else None


def _all(scene: OpenMap, index: ResultFolder) -> Iterator[dict[str, np.ndarray]]:
    made_of = _made_of(scene)
    for stripe in _stripes(scene):
        kept = _kept(index, stripe, made_of)
        if kept is None:
            raise RunError("The windows of this scene are not prepared for comparing, or its files have changed since.")
        yield kept


def _query(scene: OpenMap, index: ResultFolder, asked: np.ndarray) -> np.ndarray:
    for kept in _all(scene, index):
        here = np.flatnonzero((kept["corners"] == asked).all(axis=1))
        if here.size:
            return kept["embeddings"][here[0]].astype(np.float32)
    raise RunError("The window that speaks for this cell was not embedded. Prepare the scene again.")


def _embedded(scene: OpenMap, model: Any, stripe: Stripe) -> dict[str, np.ndarray]:
    """Embeddings (n, D) float16 of the windows of a stripe that are seen enough, and their corners (n, 2)."""
    windows = scene.windows
    images = scene.images(stripe.top, 0, stripe.bottom - stripe.top, windows.shape[1])
    rows = np.array(windows.rows[stripe.first : stripe.last]) - stripe.top
    options = scene.report["options"]
    known = np.isfinite(images)
    seen = known.all(axis=0) if options.get("seen", "all") == "all" else known.any(axis=0)
    wanted = window_shares(~seen, rows, windows.cols, windows.side) <= float(options.get("most_unseen", 0.5))
    corners = np.array([(int(rows[i]), windows.cols[j]) for i, j in np.argwhere(wanted)], np.int64).reshape(-1, 2)
    height, width = windows.side
    found = []
    for start in range(0, len(corners), AT_ONCE):
        part = corners[start : start + AT_ONCE]
        raw = np.stack([images[:, row : row + height, col : col + width] for row, col in part])
        found.append(model.embeddings(raw, tta=False).astype(np.float16))
    return {
        "embeddings": np.concatenate(found) if found else np.empty((0, 1), np.float16),
        "corners": (corners + (stripe.top, 0)).astype(np.int32),
    }


ANALYSIS = Analysis(
    name=NAME,
    title="More like this",
    summary="Which cells of a scene a fold's network finds most like one; the first time all windows are embedded.",
    page="predict",
    view="scene",
    Options=AlikeOptions,
    run=analyse,
    on_patch=on_patch,
)
