"""Simulated patches with shifted crops planted among them, every pair of which is known.

The crops are cut from scenes of their own, larger than a
patch: the second one 10 to 40 % of the side away along its longer axis, in any direction, with noise and another
brightness, so that no value of it is the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.data import demo
from core.data.demo.ground import CELL, SCENARIOS, Cell, build_ground
from core.data.demo.sensors import observe

SHIFT_PX = (7, 25)  # 10.9 to 39.1 % of 64 px
NOISE = 0.02  # of each band's standard deviation
BRIGHTNESS = 0.03  # standard deviation of the factor (optical) and of the offset in standard deviations (radar)
ORIGINS = ((26, 26), (26, 134), (134, 26), (134, 134))  # of the first crops in a scene: they do not overlap


@dataclass(frozen=True, eq=False)
class Planted:
    """images: (N, 12, 64, 64). pairs: rows (a, b) of the planted crops, then of the demo's own. shifts: (dy, dx)."""

    images: np.ndarray
    labels: np.ndarray
    pairs: tuple[tuple[int, int], ...]
    shifts: dict[tuple[int, int], tuple[int, int]]


def planted(n: int = 1200, n_pairs: int = 200, seed: int = 0) -> Planted:
    """``n`` patches of the demo (with its own shifted crops) and ``n_pairs`` planted pairs."""
    base = demo.simulate(n, seed)
    row = {name: k for k, name in enumerate(base.ids.tolist())}
    known = [(row[a], row[b]) for a, b in base.near_duplicates]
    spread = base.images.std(axis=(0, 2, 3))[:, None, None]
    rng = np.random.default_rng([seed, 77])
    crops, labels, shifts = [], [], {}
    while len(shifts) < n_pairs:
        scene, scars = _scene(rng)
        for top, left in ORIGINS[: n_pairs - len(shifts)]:
            dy, dx = _shift(rng)
            shifts[n + len(crops), n + len(crops) + 1] = (dy, dx)
            for y, x in ((top, left), (top + dy, left + dx)):
                crops.append(scene[:, y : y + CELL, x : x + CELL].copy())
                labels.append((scars[y : y + CELL, x : x + CELL] > 0).mean() >= demo.MIN_SCAR_SHARE)
            crops[-1] += NOISE * spread * rng.standard_normal(crops[-1].shape)
            crops[-1][:4] *= 1 + BRIGHTNESS * rng.standard_normal()
            crops[-1][4:] += BRIGHTNESS * spread[4:] * rng.standard_normal()
    images = np.concatenate([base.images, np.array(crops, np.float32)])
    return Planted(images, np.concatenate([base.labels, np.array(labels, np.int8)]), (*shifts, *known), shifts)


def _scene(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    cells = [
        Cell(row, column, str(rng.choice(SCENARIOS)), str(rng.choice(["", "fresh"], p=[0.8, 0.2])),
             str(rng.choice(["", "broken", "overcast"], p=[0.8, 0.1, 0.1])))
        for row in range(3) for column in range(3)
    ]  # fmt: skip
    ground = build_ground(rng, (3 * CELL + 32, 3 * CELL + 32), cells)
    return observe(rng, ground), ground.scar


def _shift(rng: np.random.Generator) -> tuple[int, int]:
    low, high = SHIFT_PX
    while True:
        dy, dx = (int(v) for v in rng.integers(-high, high + 1, size=2))
        if max(abs(dy), abs(dx)) >= low:
            return dy, dx
