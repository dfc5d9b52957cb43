"""Which patches show the same place or are made of each other, and which of them lie on both sides of a split.

The pairs (:class:`Leaks`) are kept beside the dataset file under the content's hash, because training asks for them.

Five kinds of evidence, cheap ones first: a hash (identical), a descriptor of every corner window compared with every
window of all others (shifted crops), the same after flips and quarter turns (near-duplicates), phase correlation with
the correlation of fine detail and SSIM over the overlap (which decides), and least squares on two parents (synthetic).
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from core.data.leakage.duplicates import patch_hashes
from core.data.leakage.overlap import agreement, detail_of
from core.data.leakage.shifted_crops import (
    CELLS,
    SMALLEST_PX,
    TURNS,
    Cells,
    Patches,
    averaged,
    find_candidates,
    on_all_cores,
)
from core.data.leakage.synthetic_children import find_children
from core.data.store.dataset import Dataset
from core.errors import DataError
from core.io.atomic import write_text
from core.io.json_text import load_json
from core.progress import Progress, Steps, part

VERSION = 3  # of the finder: what an older one found is found again
COLUMNS = ("a", "b", "kind", "turn", "dy", "dx", "overlap", "ssim", "similarity", "weight", "partner")
KINDS = ("identical", "near", "shifted", "synthetic")
BATCH = 128  # candidates whose patches are read at once


@dataclass(frozen=True, eq=False)
class Leaks:
    """What belongs together in a dataset.

    Attributes:
        pairs: columns a, b (ids), kind (identical, near, shifted, synthetic), turn (how b is flipped or turned, or ""),
            dy, dx (px: ``a[y + dy, x + dx]`` shows what ``b[y, x]`` shows), overlap (share of the patch, 0-1), ssim and
            similarity (over the overlap; similarity is the correlation of fine detail), and for synthetic ones, whose
            b is the child and a one of its parents, weight (of that parent, 0-1) and partner (id of the other parent).
        content_hash: of the dataset they were found in.
        n: patches looked at.
        seconds: it took to find them.
        notes: sentences on what was not looked for, and why.
    """

    pairs: pd.DataFrame
    content_hash: str
    n: int
    seconds: float
    notes: tuple[str, ...] = ()


def leaks_of(dataset: Dataset) -> Steps[Leaks]:
    """What belongs together in ``dataset``: from the file beside it where its content was looked at before.

    Where the folder cannot be written to, nothing is kept.
    """
    found = cached_leaks(dataset)
    if found is None:
        began = time.monotonic()
        pairs, notes = yield from find_leaks(_OnDisk(dataset), dataset.ids, dataset.nodata)
        found = Leaks(pairs, dataset.content_hash, len(dataset), time.monotonic() - began, notes)
        try:
            _keep(leaks_path(dataset.path), found)
        except OSError:
            pass  # a read-only folder: found again next time
    return found


def cached_leaks(dataset: Dataset) -> Leaks | None:
    """What was found before in the same content by the same finder, in milliseconds; or None."""
    try:
        card = load_json(leaks_path(dataset.path))
        if (card["version"], card["content_hash"]) != (VERSION, dataset.content_hash):
            return None
        pairs = pd.DataFrame(card["pairs"], columns=list(COLUMNS))
        return Leaks(_typed(pairs), card["content_hash"], card["n"], card["seconds"], tuple(card["notes"]))
    except (OSError, DataError, ValueError, KeyError, TypeError):
        return None


def leaks_path(dataset: Path | str) -> Path:
    """Where the pairs found in the dataset file ``dataset`` lie: ``X.h5`` has ``X.leaks.json``."""
    return Path(dataset).with_suffix(".leaks.json")


Found = tuple[pd.DataFrame, tuple[str, ...]]  # pairs, and notes on what was not looked for


def find_leaks(patches: Patches, ids: Sequence[str] | None = None, nodata: float | None = None) -> Steps[Found]:
    """The pairs (see :class:`Leaks`) and the notes.

    patches: (N, C, H, W) in the bands' units, an array or anything read by rows. ids: (N,) text, or none for the row
    numbers. nodata: a pixel equal to it in all bands holds no data.
    """
    with threadpool_limits(1, "blas"):
        return (yield from _find(patches, ids, nodata))


def _find(patches: Patches, ids: Sequence[str] | None, nodata: float | None) -> Steps[Found]:
    n, _, height, width = patches.shape
    names = np.arange(n).astype(str) if ids is None else np.asarray(ids)
    hashed, blank = yield from part(_hashes(patches, nodata), 0.0, 0.15)
    rows = [_row(a, b, "identical", overlap=1.0, ssim=1.0, similarity=1.0) for a, b in _equal(hashed, blank)]
    notes = []
    if min(height, width) < SMALLEST_PX:
        notes.append(
            f"Patches of {height} x {width} pixels are too small to look for shifted crops, near-duplicates and blends "
            f"(at least {SMALLEST_PX} are needed); identical ones were looked for."
        )
    elif len(first := np.flatnonzero(_first_of_each(hashed) & ~blank)) > 1:  # of identical ones one stands for all
        some = _Rows(patches, first)
        cells = yield from part(averaged(some, nodata), 0.15, 0.25)
        same = yield from part(_same_ground(some, cells), 0.25, 0.85)
        children = yield from part(find_children(some, cells), 0.85, 1.0)
        blends = {frozenset((c.row, parent)) for c in children for parent in (c.parent, c.other)}
        rows += [
            _row(first[a], first[b], kind, **facts)
            for a, b, kind, facts in same
            if not (kind == "near" and frozenset((a, b)) in blends)  # a child shows its parent's detail, faintly
        ]
        rows += [
            _row(
                first[p], first[c.row], "synthetic", weight=w, partner=str(names[first[q]]), similarity=1 - c.left_over
            )
            for c in children
            for p, q, w in ((c.parent, c.other, c.weight), (c.other, c.parent, 1 - c.weight))
        ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["a"], table["b"] = names[table["a"].to_numpy(int)], names[table["b"].to_numpy(int)]
    return _typed(table), tuple(notes)


def crossing(pairs: pd.DataFrame, part_of: Mapping[str, object]) -> pd.DataFrame:
    """Those of ``pairs`` whose two patches lie in different parts, with columns part_a and part_b.

    part_of: id -> split, fold or group; patches that are not in it (excluded, unlabelled) lie in no part.
    """
    parts = pairs.assign(part_a=pairs["a"].map(part_of), part_b=pairs["b"].map(part_of))
    known = parts["part_a"].notna() & parts["part_b"].notna()
    return parts[known & (parts["part_a"] != parts["part_b"])].reset_index(drop=True)


def _same_ground(patches: Patches, cells: Cells) -> Steps[list[tuple]]:
    """(a, b, kind, facts) of rows that show the same pixels, by candidate and then by fine detail."""
    height, width = patches.shape[2:]
    candidates = yield from part(find_candidates(cells, height == width), 0.0, 0.58)
    listed = sorted(candidates.found.items())
    batches = [listed[start : start + BATCH] for start in range(0, len(listed), BATCH)]
    found = []
    for done, pairs in enumerate(on_all_cores(lambda batch: _looked_at(patches, cells, batch), batches), 1):
        found += pairs
        text = f"Comparing {min(done * BATCH, len(listed)):,} of {len(listed):,} similar pairs closely."
        yield Progress(0.58 + 0.42 * done / len(batches), text)
    return found


def _looked_at(patches: Patches, cells: Cells, candidates: list[tuple]) -> list[tuple]:
    """Those of some candidates that fine detail confirms."""
    per_cell = np.array(patches.shape[2:]) / CELLS
    reach = int(np.ceil(per_cell.max())) + 1
    rows = np.unique([row for pair, _ in candidates for row in pair])
    z, has_data = cells.scaled(np.asarray(patches[rows]))
    fine = [detail_of(one, there) for one, there in zip(z, has_data, strict=True)]
    at = {row: k for k, row in enumerate(rows.tolist())}
    found = []
    for (a, b), (_, turn, dy, dx) in candidates:
        move = TURNS[turn] if turn else np.asarray
        k, m = at[a], at[b]
        guess = np.round(np.array([dy, dx]) * per_cell)
        seen = agreement(z[k], move(z[m]), fine[k], move(fine[m]), guess, reach)
        if seen.same:
            kind = "near" if turn or not (seen.dy or seen.dx) else "shifted"
            facts = {"turn": turn, "dy": seen.dy, "dx": seen.dx, "overlap": seen.overlap}
            found.append((a, b, kind, {**facts, "ssim": seen.ssim, "similarity": seen.detail}))
    return found


def _hashes(patches: Patches, nodata: float | None) -> Steps[tuple[np.ndarray, np.ndarray]]:
    """(N,) text a patch, and (N,) bool where a patch is one value only or without data: such are never compared."""
    n = patches.shape[0]
    hashed, blank = [], np.zeros(n, bool)
    for start in range(0, n, BATCH):
        images = np.asarray(patches[np.arange(start, min(start + BATCH, n))])
        hashed.append(patch_hashes(images))
        finite = np.where(np.isfinite(images), images, images.flat[0] if nodata is None else nodata)
        blank[start : start + len(images)] = (finite.max(axis=(2, 3)) == finite.min(axis=(2, 3))).all(axis=1)
        done = start + len(images)
        yield Progress(done / n, f"Reading {done:,} of {n:,} patches.")
    return np.concatenate(hashed) if hashed else np.array([], "U32"), blank


def _equal(hashed: np.ndarray, blank: np.ndarray) -> list[tuple[int, int]]:
    """Each further patch of a set of identical ones with the first of it."""
    first: dict[str, int] = {}
    pairs = []
    for row, name in enumerate(hashed.tolist()):
        if not blank[row] and first.setdefault(name, row) != row:
            pairs.append((first[name], row))
    return pairs


def _first_of_each(hashed: np.ndarray) -> np.ndarray:
    first = np.zeros(len(hashed), bool)
    first[np.unique(hashed, return_index=True)[1]] = True
    return first


def _row(a: int, b: int, kind: str, **facts) -> dict:
    empty = {"turn": "", "dy": 0, "dx": 0, "overlap": np.nan, "ssim": np.nan, "similarity": np.nan}
    return {"a": a, "b": b, "kind": kind, **empty, "weight": np.nan, "partner": "", **facts}


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    kinds = {"dy": np.int64, "dx": np.int64, **dict.fromkeys(("overlap", "ssim", "similarity", "weight"), np.float64)}
    text = dict.fromkeys(("a", "b", "kind", "turn", "partner"), str)
    order = table["kind"].map({kind: k for k, kind in enumerate(KINDS)})
    table = table.astype(kinds | text).assign(_order=order)
    return table.sort_values(["_order", "a", "b"], kind="stable", ignore_index=True)[list(COLUMNS)]


def _keep(path: Path, leaks: Leaks) -> None:
    rows = leaks.pairs.astype(object).where(leaks.pairs.notna(), None).to_dict("records")
    card = {"version": VERSION, "content_hash": leaks.content_hash, "n": leaks.n, "seconds": leaks.seconds}
    write_text(path, json.dumps({**card, "notes": leaks.notes, "pairs": rows}, allow_nan=False) + "\n")


@dataclass(frozen=True)
class _OnDisk:
    """A dataset's patches by row, read when asked for."""

    dataset: Dataset

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.dataset), *self.dataset.shape)

    def __getitem__(self, rows) -> np.ndarray:
        return self.dataset.images(rows)


@dataclass(frozen=True)
class _Rows:
    """Some rows of other patches, counted from 0."""

    patches: Patches
    rows: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.rows), *self.patches.shape[1:])

    def __getitem__(self, rows) -> np.ndarray:
        return self.patches[self.rows[rows]]
