"""Which patches show the same place or are made of each other, and which of them lie on both sides of a split.

The pairs (:class:`Leaks`) are kept beside the dataset file under the content's hash, because training asks for them.

Where places are known, they tell at any shift which patches share ground. In pixels alone there are five kinds of
evidence, cheap ones first: a hash (identical), a descriptor of every corner window compared with every window of all
others (shifted crops, by at most half a side), the same after flips and quarter turns (near-duplicates), phase
correlation with the correlation of fine detail and SSIM over the overlap (which decides), and least squares on two
parents (synthetic).
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from core.arrays import Texts
from core.data.leakage.duplicates import patch_hashes
from core.data.leakage.footprints import footprints, overlaps
from core.data.leakage.overlap import agreement, detail_of
from core.data.leakage.parts import OnDisk, Rows, parts_by_bands
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
from core.data.leakage.synthetic_children import Child, find_children
from core.data.store.dataset import Dataset
from core.errors import DataError
from core.io.atomic import write_text
from core.io.json_text import load_json
from core.progress import Progress, Steps, part

VERSION = 4  # of the finder: what an older one found is found again
COLUMNS = ("a", "b", "kind", "turn", "dy", "dx", "overlap", "ssim", "similarity", "weight", "partner")
KINDS = ("identical", "near", "shifted", "overlap", "synthetic")
MOST_BY_PLACE = 200_000  # pairs that share ground by their places alone, those that share most
NO_PLACES = (
    "Without places, crops of one ground are found by their pixels, if they are shifted by at most half a side; what "
    "shares less ground is not found."
)
BATCH = 128  # candidates whose patches are read at once


@dataclass(frozen=True, eq=False)
class Leaks:
    """What belongs together in a dataset.

    Attributes:
        pairs: columns a, b (ids), kind (identical, near, shifted, overlap: share ground by place alone, synthetic),
            turn (how b is flipped or turned, or ""), dy, dx (px: ``a[y + dy, x + dx]`` shows what ``b[y, x]`` shows),
            overlap (share of the patch, 0-1), ssim and similarity (over the overlap; similarity is the correlation of
            fine detail), and for synthetic ones, whose b is the child and a one of its parents, weight (of that parent,
            0-1) and partner (id of the other parent).
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
    found = _from_pixels(dataset)
    if found is None:
        began = time.monotonic()
        pairs, notes = yield from find_leaks(OnDisk(dataset), dataset.ids)
        found = Leaks(pairs, dataset.content_hash, len(dataset), time.monotonic() - began, notes)
        try:
            _keep(leaks_path(dataset.path), found)
        except OSError:
            pass  # a read-only folder: found again next time
    return _with_places(dataset, found)


def cached_leaks(dataset: Dataset) -> Leaks | None:
    """What was found before in the same content by the same finder, in milliseconds; or None."""
    found = _from_pixels(dataset)
    return found and _with_places(dataset, found)


def _from_pixels(dataset: Dataset) -> Leaks | None:
    """What was kept beside the dataset; places are not part of its content, and are looked at each time."""
    try:
        card = load_json(leaks_path(dataset.path))
        if (card["version"], card["content_hash"]) != (VERSION, dataset.content_hash):
            return None
        pairs = pd.DataFrame(card["pairs"], columns=list(COLUMNS))
        return Leaks(_typed(pairs), card["content_hash"], card["n"], card["seconds"], tuple(card["notes"]))
    except (OSError, DataError, ValueError, KeyError, TypeError):
        return None


def _with_places(dataset: Dataset, leaks: Leaks) -> Leaks:
    """The pairs, and those that share ground by their places without being among them."""
    ground = footprints(dataset)
    if not ground.known.any():
        return replace(leaks, notes=(*leaks.notes, NO_PLACES))
    known = {frozenset(pair) for pair in zip(leaks.pairs["a"], leaks.pairs["b"], strict=True)}
    table = overlaps(ground)
    names = dataset.ids.astype(str)
    new = [
        frozenset(pair) not in known
        for pair in zip(names[table["a"]].tolist(), names[table["b"]].tolist(), strict=True)
    ]
    table = table[np.array(new, bool)].sort_values("share", ascending=False, kind="stable")
    notes = [*leaks.notes, *filter(None, [ground.note])]
    if not ground.known.all():
        notes.append(f"{int((~ground.known).sum()):,} of {len(dataset):,} patches have no place. {NO_PLACES}")
    elif len(np.unique(ground.frame)) > 1:
        notes.append(f"Some patches have a place within their own picture only. {NO_PLACES}")
    if len(table) > MOST_BY_PLACE:
        notes.append(
            f"Of {len(table):,} pairs that share ground by place, the {MOST_BY_PLACE:,} that share most are listed."
        )
        table = table[:MOST_BY_PLACE]
    pixel = ground.size / np.array([dataset.shape[2], dataset.shape[1]])  # (N, 2), width and height of one
    shift = np.round(table[["dx", "dy"]].to_numpy() / pixel[table["a"]]).astype(int)
    rows = [
        _row(names[a], names[b], "overlap", overlap=share, dx=dx, dy=dy)
        for a, b, share, (dx, dy) in zip(table["a"], table["b"], table["share"], shift.tolist(), strict=True)
    ]
    found = pd.DataFrame(rows, columns=list(COLUMNS))
    pairs = _typed(pd.concat([leaks.pairs, found], ignore_index=True)) if rows else leaks.pairs
    return replace(leaks, pairs=pairs, notes=tuple(notes))


def leaks_path(dataset: Path | str) -> Path:
    """Where the pairs found in the dataset file ``dataset`` lie: ``X.h5`` has ``X.leaks.json``."""
    return Path(dataset).with_suffix(".leaks.json")


Found = tuple[pd.DataFrame, tuple[str, ...]]  # pairs, and notes on what was not looked for


def find_leaks(patches: Patches, ids: Texts | None = None) -> Steps[Found]:
    """The pairs (see :class:`Leaks`) and the notes.

    patches: (N, C, H, W) in the bands' units, nan where missing, an array or anything read by rows. ids: (N,) text, or
    none for the row numbers. Two patches are compared in the bands that both have.
    """
    with threadpool_limits(1, "blas"):
        return (yield from _find(patches, ids))


def _find(patches: Patches, ids: Texts | None) -> Steps[Found]:
    n, _, height, width = patches.shape
    names = np.arange(n).astype(str) if ids is None else np.asarray(ids)
    hashed, blank, seen = yield from part(_hashes(patches), 0.0, 0.15)
    rows = [_row(a, b, "identical", overlap=1.0, ssim=1.0, similarity=1.0) for a, b in _equal(hashed, blank)]
    notes = []
    if min(height, width) < SMALLEST_PX:
        notes.append(
            f"Patches of {height} x {width} pixels are too small to look for shifted crops, near-duplicates and blends "
            f"(at least {SMALLEST_PX} are needed); identical ones were looked for."
        )
    elif len(first := np.flatnonzero(_first_of_each(hashed) & ~blank)) > 1:  # of identical ones one stands for all
        some = Rows(patches, first)
        cells = yield from part(averaged(some), 0.15, 0.25)
        same, children, note = yield from part(_compared(some, cells, seen[first]), 0.25, 1.0)
        notes += note
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


def _compared(patches: Patches, cells: Cells, seen: np.ndarray) -> Steps[tuple[list[tuple], list[Child], list[str]]]:
    """(a, b, kind, facts) of rows that show the same pixels, the blends, and notes; each by the bands of both.

    seen: (N, C) bool, the bands that each patch has.
    """
    parts, left_out = parts_by_bands(seen)
    same: dict[tuple[int, int], tuple] = {}
    children: dict[int, Child] = {}
    for k, (rows, bands) in enumerate(parts):
        some, begin, end = Rows(patches, rows, bands), k / len(parts), (k + 1) / len(parts)
        own = cells if some.is_all else cells.part(rows, bands)
        middle = begin + 0.8 * (end - begin)
        for a, b, kind, facts in (yield from part(_same_ground(some, own), begin, middle)):
            pair = (int(rows[a]), int(rows[b]))
            same.setdefault(pair, (*pair, kind, facts))
        for child in (yield from part(find_children(some, own), middle, end)):
            at = {name: int(rows[getattr(child, name)]) for name in ("row", "parent", "other")}
            children.setdefault(at["row"], replace(child, **at))
    notes = []
    if left_out:
        notes.append(
            f"Patches lack bands in so many ways that {left_out} combinations of bands were not compared; pairs in "
            "which few bands are common may be missed."
        )
    return list(same.values()), list(children.values()), notes


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


def _hashes(patches: Patches) -> Steps[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(N,) text a patch, (N,) bool where it is one value a band or without data, and (N, C) bool the bands it has.

    Blank patches are never compared. A band is there that is known in half as many pixels as the best known one.
    """
    n, n_bands = patches.shape[:2]
    hashed, blank, seen = [], np.zeros(n, bool), np.ones((n, n_bands), bool)
    for start in range(0, n, BATCH):
        images = np.asarray(patches[np.arange(start, min(start + BATCH, n))])
        hashed.append(patch_hashes(images))
        done = start + len(images)
        there = np.isfinite(images)
        known = there.sum(axis=(2, 3))
        seen[start:done] = (known > 0) & (2 * known >= known.max(axis=1, keepdims=True))
        low = images.min(axis=(2, 3), where=there, initial=np.inf)
        high = images.max(axis=(2, 3), where=there, initial=-np.inf)
        blank[start:done] = (low >= high).all(axis=1)
        yield Progress(done / n, f"Reading {done:,} of {n:,} patches.")
    return np.concatenate(hashed) if hashed else np.array([], "U32"), blank, seen


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


def _row(a: int | str, b: int | str, kind: str, **facts) -> dict:
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
