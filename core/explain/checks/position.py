"""The corner-bias meter: how much attention lies in corners and borders, and whether it follows the content.

The shares of attention are relative to uniform. ``core.explain.checks.group_tests`` makes the maps of the same patches
rolled, flipped and inset.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.explain.cam.overlay import dead_maps
from core.stats.grouped_means import mean_of
from core.stats.permutation import rank_test

CORNER = 0.2  # side of a corner, as a share of the patch's: 4 % of its area
BORDER = 0.1  # width of the frame, as a share of the patch's side: 36 % of its area
CORNERS = ("top_left", "top_right", "bottom_left", "bottom_right")
PLACES = (*CORNERS, "corners", "border")
AREAS = dict.fromkeys(CORNERS, CORNER**2) | {"corners": 4 * CORNER**2, "border": 1 - (1 - 2 * BORDER) ** 2}
RANGES = {place: (0.0, 1 / area) for place, area in AREAS.items()}  # of a place's attention over uniform


def place_shares(maps: np.ndarray, corner: float = CORNER, border: float = BORDER) -> pd.DataFrame:
    """One row a map: each of ``PLACES``' share of the attention, divided by its share of the area: 1 is uniform.

    maps: (N, h, w) raw. A cell that a place covers in part counts in part. Dead maps have no shares: nan.
    """
    maps = np.asarray(maps, np.float64)
    total = maps.sum(axis=(1, 2))
    alive = ~dead_maps(maps)
    found = {}
    for name, cover in places(maps.shape[1:], corner, border).items():
        ratio = np.full(len(maps), np.nan)
        share = (maps[alive] * cover).sum(axis=(1, 2)) / total[alive]
        ratio[alive] = share / cover.mean()
        found[name] = ratio
    return pd.DataFrame(found)


def places(size_hw: tuple[int, int], corner: float = CORNER, border: float = BORDER) -> dict[str, np.ndarray]:
    """By place: (h, w) the share of each cell that it covers."""
    (top, bottom), (left, right) = (_ends(side, corner) for side in size_hw)
    found = dict(
        zip(
            CORNERS,
            (np.outer(top, left), np.outer(top, right), np.outer(bottom, left), np.outer(bottom, right)),
            strict=True,
        )
    )
    found["corners"] = np.sum(list(found.values()), axis=0)
    (first_rows, last_rows), (first_columns, last_columns) = (_ends(side, border) for side in size_hw)
    found["border"] = 1 - np.outer(1 - first_rows - last_rows, 1 - first_columns - last_columns)
    return found


def _ends(cells: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """How much of each of the cells in a row lies within the first, and within the last, ``share`` of the row."""
    covered = np.clip(share * cells - np.arange(cells), 0.0, 1.0)
    return covered, covered[::-1]


def place_summary(shares: pd.DataFrame, outcome: np.ndarray, groups: np.ndarray | None = None) -> pd.DataFrame:
    """Rows of outcome (and "all", "called": TP and FP, "wrong": FP and FN), place, ratio, lo, hi, n, n_groups."""
    outcome = np.asarray(outcome)
    sets = {name: outcome == name for name in ("tp", "fp", "fn", "tn")}
    sets |= {"all": np.ones(len(outcome), bool), "called": sets["tp"] | sets["fp"], "wrong": sets["fp"] | sets["fn"]}
    rows = []
    for name, chosen in sets.items():
        for place in shares.columns:
            own = None if groups is None else groups[chosen]
            mean = mean_of(shares.loc[chosen, place].to_numpy(), own, RANGES[place])
            rows.append({"outcome": name, "place": place, "ratio": mean.value, **_facts(mean)})
    return pd.DataFrame(rows)


def wrong_against_right(shares: pd.DataFrame, outcome: np.ndarray, groups: np.ndarray | None = None) -> list[dict]:
    """Do wrong patches (FP and FN) hold more attention in a place than found landslides (TP)? One row a place.

    difference of mean ratios, p: of ranks, two-sided, whole groups resampled (without groups: Mann-Whitney).
    """
    wrong, right = np.isin(outcome, ("fp", "fn")), np.asarray(outcome) == "tp"
    rows = []
    for place in shares.columns:
        values = shares[place].to_numpy(float)
        a, b = (values[chosen & np.isfinite(values)] for chosen in (wrong, right))
        either = wrong | right
        own = None if groups is None else np.asarray(groups)[either]
        rows.append(
            {
                "place": place,
                "wrong": float(a.mean()) if len(a) else np.nan,
                "right": float(b.mean()) if len(b) else np.nan,
                "difference": float(a.mean() - b.mean()) if len(a) and len(b) else np.nan,
                "p": rank_test(values[either], wrong[either], own),
                "n_wrong": len(a),
                "n_right": len(b),
            }
        )
    return rows


def _facts(mean) -> dict:
    return {"lo": mean.lo, "hi": mean.hi, "n": mean.n, "n_groups": mean.n_groups}
