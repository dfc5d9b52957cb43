"""What lies between the patches that a fold judges and those that it learns from, on the ground.

What shares ground is left out of the training part; how near the rest comes is put on record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.data.leakage.footprints import EARTH, Footprints, nearest

LARGE_SHARE = 0.2  # of a patch's ground
FAR_M = 1000.0  # the farthest distance that is put on record


@dataclass(frozen=True, eq=False)
class Separation:
    """What must not stand on both sides: ground that two patches share, and what is nearer than a buffer.

    buffer_m: metres from edge to edge; it cannot be kept where a picture's pixels have no size.
    """

    ground: Footprints
    buffer_m: float = 0.0

    def too_near(self, train: np.ndarray, judged: np.ndarray) -> np.ndarray:
        """(n,) those rows of ``train`` that share ground with a row of ``judged``, or lie within the buffer of one."""
        found = np.zeros(len(train), bool)
        for in_metres, reach in ((True, self.buffer_m), (False, 0.0)):
            mine, theirs = (rows_in(self.ground, rows, in_metres) for rows in (train, judged))
            if not len(mine) or not len(theirs):
                continue
            gap, share = nearest(self.ground.rows(train[mine]), self.ground.rows(judged[theirs]), reach)
            found[mine] = (share > 0) | ((gap <= reach) if reach else False)
        return train[found]


def rows_in(ground: Footprints, rows: np.ndarray, in_metres: bool) -> np.ndarray:
    """(n,) positions in ``rows`` of those with a place that is known in metres, or in pixels only."""
    return np.flatnonzero(ground.known[rows] & (ground.in_metres[rows] == in_metres))


def on_record(ground: Footprints, parts: list[tuple[np.ndarray, np.ndarray]], buffer_m: float) -> dict[str, Any] | None:
    """How near to training the judged patches lie; None where no place is known.

    parts: of each fold the rows that it learns from and those that it judges.

    Returns:
        n: patches judged; n_placed: of these with a known place. Shares of those: ``overlap`` (any ground shared with
        a training patch of their fold), ``overlap_20`` (a fifth of their ground and more), and ``within``: a row a
        distance (``distance``, ``unit`` m or px, ``share``), from edge to edge, the first of them a patch's side.
        in_pictures: places are known within pictures only, so that what two pictures share is not. buffer_m, and note
        (where sizes were assumed).
    """
    n = sum(len(judged) for _, judged in parts)
    if not any(ground.known[judged].any() for _, judged in parts):
        return None
    metric = bool(ground.in_metres[ground.known].any())
    side = float(np.median(ground.size[ground.known & (ground.in_metres == metric)].max(axis=1)))
    distances = [side, *([FAR_M] if metric and side < FAR_M else [])]
    gaps, shares = [], []
    for train, judged in parts:
        judged = judged[rows_in(ground, judged, metric)]
        gap, share = nearest(ground.rows(judged), ground.rows(train[rows_in(ground, train, metric)]), max(distances))
        gaps.append(gap)
        shares.append(share)
    gap, share = np.concatenate(gaps), np.concatenate(shares)
    rows = [{"distance": d, "unit": "m" if metric else "px", "share": float((gap <= d).mean())} for d in distances]
    return {
        "n": n,
        "n_placed": len(gap),
        "overlap": float((share > 0).mean()),
        "overlap_20": float((share >= LARGE_SHARE).mean()),
        "within": rows,
        "in_pictures": bool((ground.frame[ground.known] != EARTH).any()),
        "buffer_m": buffer_m,
        "note": ground.note,
    }


def sentence(record: dict[str, Any] | None) -> str:
    """The record for people."""
    if record is None:
        return "Distance between training and evaluated patches: n/a, their places are not known."
    within = " and ".join(f"{row['share']:.0%} within {row['distance']:,.0f} {row['unit']}" for row in record["within"])
    placed = "" if record["n_placed"] == record["n"] else f" with a known place (of {record['n']:,})"
    unknown = " What different pictures show of one ground is not known." if record["in_pictures"] else ""
    return (
        f"Of {record['n_placed']:,} evaluated patches{placed}, {record['overlap']:.0%} share ground with a training "
        f"patch of their fold ({record['overlap_20']:.0%} share a fifth or more); {within} of one, from edge to edge."
        f"{unknown}"
    )
