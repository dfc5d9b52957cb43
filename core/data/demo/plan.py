"""What the simulated demo will hold, decided before anything is drawn: scenes, landslides, wrong labels, shifted crops.

There is a :class:`ScenePlan` for each scene; the number of wrong labels is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.data.demo.ground import SCENARIOS, Cell
from core.errors import ConfigError

POSITIVE_SHARE = 0.176  # of landslides, as in Zindi's training set (1255 of 7147)
WRONG_SHARE = 0.02  # of labels turned round, half of them in each class
COPY_SHARE = 0.025  # of shifted crops: 30 of 1200
SMALLEST = 60  # patches
GRIDS = ((2, 3), (3, 2), (2, 4), (3, 3), (2, 5), (3, 4), (4, 3))  # rows and columns of a scene's cells
SCENARIO_SHARES = (0.50, 0.10, 0.07, 0.09, 0.08, 0.10, 0.06)  # of SCENARIOS
CLOUD_SHARES = {"": 0.925, "broken": 0.05, "overcast": 0.025}
FAINT_SHARE = 0.08  # of landslides whose scar covers its pixels only in part


@dataclass(frozen=True)
class ScenePlan:
    """What is decided before a scene is drawn."""

    number: int
    first: int  # position of its first patch in the dataset
    grid: tuple[int, int]
    cells: tuple[Cell, ...]
    copies: tuple[int, ...]  # cells of which a shifted crop follows after the cells' own patches

    def __len__(self) -> int:
        return len(self.cells) + len(self.copies)

    def pairs(self) -> list[tuple[int, int]]:
        """Positions in the dataset of each patch of which there is a shifted crop, and of that crop."""
        return [(self.first + k, self.first + len(self.cells) + j) for j, k in enumerate(self.copies)]


def decide(n: int, seed: int) -> tuple[list[ScenePlan], np.ndarray]:
    """Every scene's plan, and the positions of the patches whose label will be wrong."""
    if n < SMALLEST:
        raise ConfigError(
            f"The demo needs at least {SMALLEST} patches to hold every kind of scene; {n} were asked for."
        )
    if seed < 0:
        raise ConfigError(f"The demo's seed is 0 or more; it is {seed}.")
    scenes = _plan(n, np.random.default_rng([seed, 0]))
    return scenes, _wrong(scenes, round(WRONG_SHARE * n), np.random.default_rng([seed, 1]))


def _plan(n: int, rng: np.random.Generator) -> list[ScenePlan]:
    """Scenes, what each cell holds, and where shifted crops come from; exact in number and in landslides."""
    n_copies = round(COPY_SHARE * n)
    n_copied_scars = round(n_copies / 3)
    n_cells, n_scars = n - n_copies, round(POSITIVE_SHARE * n) - n_copied_scars
    grids, sizes = _sizes(n_cells, rng)
    scars = _scars_per_scene(np.array(sizes), n_scars, rng)
    copies = _copies_per_scene(len(sizes), (n_copied_scars, n_copies - n_copied_scars), scars, np.array(sizes), rng)
    scenes: list[ScenePlan] = []
    first = 0
    for number, (grid, size, n_positive, wanted) in enumerate(zip(grids, sizes, scars, copies, strict=True)):
        cells = plan_cells(grid, size, n_positive, rng)
        sources = tuple(_source(cells, grid, bool(scar), rng) for scar in wanted)
        scenes.append(ScenePlan(number, first, grid, cells, sources))
        first += len(scenes[-1])
    return scenes


def _sizes(n_cells: int, rng: np.random.Generator) -> tuple[list[tuple[int, int]], list[int]]:
    """Grids of the scenes and how many of their cells are used: 5 to 11, so that a group holds 5 to 12 patches."""
    grids: list[tuple[int, int]] = []
    sizes: list[int] = []
    while (left := n_cells - sum(sizes)) > 0:
        grid = GRIDS[rng.integers(len(GRIDS))]
        size = min(grid[0] * grid[1], 11) - int(rng.integers(0, 2))
        if left <= 11:
            grid, size = (3, 4), left
        elif left - size < 5:
            size = left - 5
        grids.append(grid)
        sizes.append(size)
    return grids, sizes


def _scars_per_scene(sizes: np.ndarray, n_scars: int, rng: np.random.Generator) -> np.ndarray:
    """Landslides in each scene: one at least where there are enough, never all cells but one."""
    scars = np.zeros(len(sizes), int)
    while scars.sum() < n_scars:
        room = np.flatnonzero((scars < sizes - 1) & (scars <= scars.min() + 2))
        scarce = room[scars[room] == 0]
        scars[rng.choice(scarce if scarce.size else room)] += 1
    return scars


def _copies_per_scene(n_scenes: int, wanted: tuple[int, int], scars, sizes, rng) -> list[list[int]]:
    """For each scene the labels of the shifted crops to take from it, spread over scenes that hold that label."""
    copies: list[list[int]] = [[] for _ in range(n_scenes)]
    for label, count in zip((1, 0), wanted, strict=True):
        holds = np.flatnonzero(scars > 0 if label else sizes > scars)
        order = rng.permutation(holds)
        for k in range(count):
            copies[order[k % len(order)]].append(label)
    return copies


def plan_cells(grid: tuple[int, int], size: int, n_positive: int, rng: np.random.Generator) -> tuple[Cell, ...]:
    """What ``size`` cells of a scene hold, ``n_positive`` of them a landslide."""
    places = np.sort(rng.permutation(grid[0] * grid[1])[:size])
    positive = set(rng.permutation(size)[:n_positive].tolist())
    cells = []
    for k, place in enumerate(places):
        scenario = str(rng.choice(SCENARIOS, p=SCENARIO_SHARES))
        cloud = str(rng.choice(list(CLOUD_SHARES), p=list(CLOUD_SHARES.values())))
        scar = ("faint" if rng.random() < FAINT_SHARE else "fresh") if k in positive else ""
        cells.append(Cell(int(place) // grid[1], int(place) % grid[1], scenario, scar, cloud))
    return tuple(cells)


def _source(cells: tuple[Cell, ...], grid: tuple[int, int], scar: bool, rng: np.random.Generator) -> int:
    """A cell with that label, at the rim of the scene where there is one: its crop can be shifted outwards."""
    fitting = [k for k, cell in enumerate(cells) if bool(cell.scar) == scar]
    rim = [k for k in fitting if cells[k].row in (0, grid[0] - 1) or cells[k].column in (0, grid[1] - 1)]
    return int(rng.choice(rim or fitting))


def _wrong(scenes: list[ScenePlan], count: int, rng: np.random.Generator) -> np.ndarray:
    """Positions of the patches whose label is turned round, half of each class, none of them near-duplicates."""
    labels = np.array([bool(cell.scar) for s in scenes for cell in (*s.cells, *(s.cells[k] for k in s.copies))])
    paired = {i for s in scenes for pair in s.pairs() for i in pair}
    free = np.array([i not in paired for i in range(len(labels))])
    halves = [rng.permutation(np.flatnonzero(free & (labels == label))) for label in (True, False)]
    return np.concatenate([halves[0][: count // 2], halves[1][: count - count // 2]])
