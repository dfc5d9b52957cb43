"""Judged cells of a scene become training patches: windows whose label follows from what people said, as a dataset.

A judgement is about a cell, a patch is a window. "No landslide" holds for every window that lies in such cells alone.
"Landslide" holds for a window that covers the whole cell, or for the one around the place that was marked; in which
other window of the cell it lies, nobody has said, and none is taken. What people disagree on, or are unsure of, is
left out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from core.analyses.base import Analysis, Options
from core.analyses.maps.opened import OpenMap, open_map, report_of
from core.analyses.scene_map import folder
from core.arrays import pair, whole_pair
from core.data.store import DatasetWriter
from core.errors import ConfigError, DataError
from core.io.safe_paths import slug
from core.progress import Progress, Steps
from core.review.entry import Entry
from core.review.judgements import Judgements
from core.runs.store import RunFolder, datasets_path

NAME = "judged_patches"
KIND = "cell"
BATCH = 64  # windows that are read before they are written
LEFT_OUT = {
    "unsure": "{n} cells that somebody is unsure of",
    "disagree": "{n} cells that people judge differently",
    "no place": "{n} cells with a landslide that are larger than a patch and have no marked place",
    "part judged": "{n} cells without a landslide that are smaller than a patch, beside cells not judged so",
    "not seen": "{n} patches of which too much was not seen",
}


class JudgedOptions(Options):
    """Which map, and what the dataset is called."""

    map: str = Field(min_length=1, max_length=200, title="Map", description="Name of a scene's map of the run.")
    name: str | None = Field(
        None, min_length=1, max_length=80, title="Dataset name", description="None: after the scene; must be new."
    )


@dataclass(frozen=True)
class Patch:
    """A window with its label. row, col: its corner. by: who said so, at: when."""

    row: int
    col: int
    label: int
    cell: str
    by: str
    at: str


def subject_of(report: Mapping[str, Any], cell: str) -> str:
    """What a cell is called among judgements: with its size, since "3-4" is other ground in a grid of other cells."""
    return f"{float(report['options']['cell_m']):g} m {cell}"


def verdicts(own_path: Path, report: Mapping[str, Any]) -> dict[str, list[Entry]]:
    """What stands of the cells of this grid, by the cell's name; of each person one entry."""
    start = subject_of(report, "")
    found = Judgements(own_path).by_subject(KIND)
    return {name.removeprefix(start): said for (_, name), said in found.items() if name.startswith(start)}


def verdict_of(said: Sequence[Entry]) -> str:
    """landslide, not, unsure or disagree: what several people's judgements of one cell come to."""
    labels = {entry.label for entry in said} - {None}
    if len(labels) > 1:
        return "disagree"
    if not labels or any(entry.label is None for entry in said):
        return "unsure"
    return "landslide" if labels == {1} else "not"


def analyse(run: RunFolder, options: JudgedOptions) -> Steps[dict[str, Any]]:
    """Cut the windows from the rasters and write the dataset. Raises DataError where no label follows."""
    yield Progress(0.0, "Opening the scene.")
    scene = open_map(run, options.map)
    out = _place(run, scene.own.path.name, options, scene.report)
    said = verdicts(scene.own.path, scene.report)
    left: Counter[str] = Counter()
    patches = labelled_windows(scene, said, left)
    made = yield from _write(scene, out, patches, left)
    counts = Counter(int(label) for label in made.labels)
    told = [LEFT_OUT[why].format(n=f"{n:,}") for why, n in left.items() if n]
    message = f"{len(made):,} patches ({counts[1]:,} with a landslide, {counts[0]:,} without) in dataset '{made.name}'."
    if told:
        message += f" Left out: {'; '.join(told)}."
    return {
        "message": message, "dataset": str(made.path), "name": made.name, "n": len(made), "positive": counts[1],
        "negative": counts[0], "left_out": {why: n for why, n in left.items() if n},
    }  # fmt: skip


def check(run: RunFolder, options: JudgedOptions) -> None:
    """Raises ConfigError for a name that is taken, DataError before anything was judged."""
    own = folder(run, options.map)
    report = report_of(run, options.map)
    _place(run, own.path.name, options, report)
    if not verdicts(own.path, report):
        raise DataError("No cell of this map has been judged yet. Judge some first.")


def _place(run: RunFolder, name: str, options: JudgedOptions, report: Mapping[str, Any]) -> Path:
    wanted = options.name or f"judged-{Path(report['scene']['scene']).stem}"
    path = datasets_path(run.checkpoints) / f"{slug(wanted)}.h5"
    if path.exists():
        raise ConfigError(
            f"There is a dataset '{path.stem}' already, which runs may be trained on. Choose another name."
        )
    return path


# ------------------------------------------------------------------------------------------------- which windows


def labelled_windows(scene: OpenMap, said: Mapping[str, Sequence[Entry]], left: Counter) -> list[Patch]:
    """The windows whose label follows from the judgements; ``left`` counts what is left out, by ``LEFT_OUT``."""
    cells = scene.own.table("cells").set_index("cell")
    word = {name: verdict_of(entries) for name, entries in said.items() if name in cells.index}
    clear = cells.loc[
        [name for name, one in word.items() if one == "not"], ["top", "left", "bottom", "right"]
    ].to_numpy()
    found: dict[tuple[int, int], Patch] = {}
    for name, one in word.items():
        if one in ("unsure", "disagree"):
            left[one] += 1
            continue
        last = max(said[name], key=lambda entry: entry.at)
        by = ", ".join(sorted({entry.by for entry in said[name]}))
        if one == "landslide":
            corners = _with_landslide(scene, cells.loc[name], said[name])
            left["no place"] += not corners
        else:
            corners = _without(scene, cells.loc[name], clear)
            left["part judged"] += not corners
        for corner in corners:
            patch = Patch(*corner, int(one == "landslide"), name, by, last.at)
            if corner not in found or patch.label == 1:
                found[corner] = patch
    return list(found.values())


def _with_landslide(scene: OpenMap, cell: pd.Series, said: Sequence[Entry]) -> list[tuple[int, int]]:
    """Around each place that was marked; else around the cell, where a window covers it."""
    top, left, height, width = scene.pixels_of(cell)
    places = [entry.lonlat for entry in said if entry.lonlat is not None]
    corners = []
    if places:
        rows, cols = scene.stack.grid.at_degrees(np.array(places, float))
        for row, col in zip(rows, cols, strict=True):
            if top <= row < top + height and left <= col < left + width:
                corners.append(_around(scene, row, col))
    if not corners and height <= scene.windows.side[0] and width <= scene.windows.side[1]:
        corners.append(_around(scene, top + height / 2, left + width / 2))
    return list(dict.fromkeys(corners))


def _without(scene: OpenMap, cell: pd.Series, clear: np.ndarray) -> list[tuple[int, int]]:
    """Side by side within the cell; of a cell that is smaller than a window, the one around it where that is clear."""
    top, left, height, width = scene.pixels_of(cell)
    side = scene.windows.side
    if height >= side[0] and width >= side[1]:
        rows, cols = (
            range(begin, begin + n - s + 1, s) for begin, n, s in ((top, height, side[0]), (left, width, side[1]))
        )
        return [(row, col) for row in rows for col in cols]
    row, col = _around(scene, top + height / 2, left + width / 2)
    down = (np.minimum(clear[:, 2], row + side[0]) - np.maximum(clear[:, 0], row)).clip(0)
    across = (np.minimum(clear[:, 3], col + side[1]) - np.maximum(clear[:, 1], col)).clip(0)
    return [(row, col)] if (down * across).sum() >= side[0] * side[1] - 0.5 else []


def _around(scene: OpenMap, row: float, col: float) -> tuple[int, int]:
    """The corner of the window around a place, moved where it would leave the scene."""
    return whole_pair(
        min(max(0, math.floor(at) - side // 2), most - side)
        for at, side, most in zip((row, col), scene.windows.side, scene.windows.shape, strict=True)
    )


def groups_of(corners: np.ndarray, side: tuple[int, int], block: tuple[float, float], name: str) -> list[str]:
    """(N,) text: scene and square of ground; squares that windows (N, 2) reach over together are one group."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    where = np.floor((corners + np.array(side) / 2) / block).astype(int)
    _, own = np.unique(where, axis=0, return_inverse=True)
    down = np.abs(corners[:, None, 0] - corners[None, :, 0]) < side[0]
    across = np.abs(corners[:, None, 1] - corners[None, :, 1]) < side[1]
    one, other = np.nonzero(down & across)
    n = int(own.max()) + 1
    _, joined = connected_components(coo_array((np.ones(len(one)), (own[one], own[other])), shape=(n, n)), False)
    return [f"{name} block {joined[k]}" for k in own.ravel()]


# ------------------------------------------------------------------------------------------------------- the file


def _write(scene: OpenMap, out: Path, patches: list[Patch], left: Counter) -> Steps[Any]:
    side, options = scene.windows.side, scene.report["options"]
    stem = Path(scene.report["scene"]["scene"]).stem
    cells = scene.own.table("cells")
    cell_side = [float((cells[b] - cells[a]).median()) for a, b in (("top", "bottom"), ("left", "right"))]
    block = pair(max(2.0 * s, c) for s, c in zip(side, cell_side, strict=True))
    kept: list[Patch] = []
    for patch in patches:
        seen = np.isfinite(scene.images(patch.row, patch.col, *side)).all(axis=0).mean()
        if 1 - seen > float(options.get("most_unseen", 0.5)):
            left["not seen"] += 1
        else:
            kept.append(patch)
    if not kept:
        told = "; ".join(LEFT_OUT[why].format(n=f"{n:,}") for why, n in left.items() if n) or "no cell was judged"
        raise DataError(
            f"No patch can be cut from these judgements: {told}. Judge more cells yes or no; in a cell larger than a "
            "patch, click the landslide on the picture before you judge."
        )
    corners = np.array([(patch.row, patch.col) for patch in kept])
    groups = groups_of(corners, side, block, stem)
    lonlat = scene.stack.grid.degrees_at(*(corners + np.array(side) / 2).T)
    facts = {"judged": {"run": scene.run.name, "map": scene.own.path.name, "scene": scene.report["scene"]["scene"],
                        "date": options.get("date"), "left_out": dict(left)}}  # fmt: skip
    names = tuple(scene.run.summary().get("class_names") or ("not landslide", "landslide"))
    with DatasetWriter(
        out, bands=scene.bands, shape_hw=side, class_names=names, facts=facts,
        source=f"Cells of {Path(scene.report['scene']['scene']).name} that people judged, by the map of run "
        f"'{scene.run.name}'.",
    ) as writer:  # fmt: skip
        for start in range(0, len(kept), BATCH):
            part = kept[start : start + BATCH]
            at = slice(start, start + len(part))
            writer.append(
                np.stack([scene.images(one.row, one.col, *side) for one in part]),
                np.array([one.label for one in part]),
                [f"{stem}_r{one.row:05d}_c{one.col:05d}" for one in part],
                groups=groups[at], lonlat=None if lonlat is None else lonlat[at],
                columns={"cell": [one.cell for one in part], "judged_by": [one.by for one in part],
                         "judged_at": [one.at for one in part]},
            )  # fmt: skip
            yield Progress(
                0.9 * (start + len(part)) / len(kept), f"{start + len(part):,} of {len(kept):,} patches cut."
            )
        made = yield from writer.finishing()
    return made


ANALYSIS = Analysis(
    name=NAME,
    title="Judged cells as training patches",
    summary="The judged cells of a scene's map as a dataset: windows whose label follows from what people said.",
    page="predict",
    view="scene",
    Options=JudgedOptions,
    run=analyse,
    check=check,
    needs_device=False,
)
