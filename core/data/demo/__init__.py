"""Simulated Sentinel-1/2 patches with landslides: a dataset made in seconds, of which everything is known.

A number of patches and a seed give :class:`DemoPatches`, or a dataset file, which says of itself that it is simulated.

Patches are cut from scenes of 5 to 12 cells (the groups). Scars run downhill, show as bare ground in the optical bands
and as a change of backscatter whose sign depends on slope and orbit; some hide under clouds (only radar shows them) or
in layover (only optics do). Clearings, fields, roads and old scars look like them without the change; rain, harvest
and wind change the radar without a scar. Two in a hundred labels are wrong and 30 patches are shifted crops of
another one of the same scene (the same group, so that grouped folds keep them together): both are recorded.

The same grounds can be had as pairs of pictures, before and after the event (``PAIR_BANDS``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from core.arrays import whole_pair
from core.data.bands import ZINDI_BANDS, bands_named
from core.data.demo.ground import CELL, MARGIN, Cell, Ground, build_ground
from core.data.demo.plan import ScenePlan, decide
from core.data.demo.sensors import LOOK_DEG, observe, optical_pair, slope_towards
from core.data.store.dataset import Dataset
from core.data.store.writer import DatasetWriter
from core.progress import Progress, Steps

MIN_SCAR_SHARE = 0.01  # of a patch: fewer scar pixels are no landslide (the Landslide4Sense rule of FACTS)
PAIR_BANDS = bands_named(["red", "green", "blue", "red_pre", "green_pre", "blue_pre"])
SHIFT_PX = (6, MARGIN)  # of a shifted crop along its longer axis: 10 to 25 % of a side


@dataclass(frozen=True)
class DemoPatches:
    """Simulated patches and everything that is known about them."""

    images: np.ndarray  # (N, C, 64, 64) float32, order and units of ZINDI_BANDS or of PAIR_BANDS
    labels: np.ndarray  # (N,) int8 as given, a recorded share of them wrong
    true_labels: np.ndarray  # (N,) int8
    masks: np.ndarray  # (N, 64, 64) uint8, 1 where the ground is fresh scar, whatever the label says
    groups: np.ndarray  # (N,) text, the scene
    ids: np.ndarray  # (N,) text
    scenario: np.ndarray  # (N,) text, what the patch shows, for instance "old scar" or "scar under cloud"
    cloud_share: np.ndarray  # (N,) float32, mean opacity
    scar_share: np.ndarray  # (N,) float32, share of mask pixels
    near_duplicate_of: np.ndarray  # (N,) text, id of the patch of which this is a shifted crop, or ""

    @property
    def flipped(self) -> tuple[str, ...]:
        """Ids whose label is wrong."""
        return tuple(map(str, self.ids[self.labels != self.true_labels]))

    @property
    def near_duplicates(self) -> tuple[tuple[str, str], ...]:
        """Pairs of ids: a patch and its shifted crop."""
        rows = np.flatnonzero(self.near_duplicate_of != "")
        return tuple((str(self.near_duplicate_of[i]), str(self.ids[i])) for i in rows)


def simulate(n: int = 1200, seed: int = 0, pairs: bool = False) -> DemoPatches:
    """``n`` simulated patches; the same for the same ``n`` and ``seed``. Raises ConfigError below 60 patches.

    pairs: pictures before and after the event, in place of Sentinel-1 and 2.
    """
    parts = list(_draw(*decide(n, seed), seed, pairs))
    names = [field.name for field in fields(DemoPatches)]
    return DemoPatches(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def demo_steps(path: Path | str, n: int = 1200, seed: int = 0, pairs: bool = False) -> Steps[Dataset]:
    """Write :func:`simulate`'s patches to a dataset file, scene by scene, and open it.

    Columns: scenario, true_label, cloud_share, scar_share, near_duplicate_of. Facts: that it is simulated, the seed,
    the flipped ids and the near-duplicate pairs.
    """
    scenes, wrong = decide(n, seed)
    facts = {
        "simulated": True,
        "seed": int(seed),
        "flipped_ids": _ids(np.sort(wrong)),
        "near_duplicates": [_ids(np.array(pair)) for scene in scenes for pair in scene.pairs()],
    }
    options: dict[str, Any] = {
        "bands": PAIR_BANDS if pairs else ZINDI_BANDS,
        "shape_hw": (CELL, CELL),
        "class_names": ("non_landslide", "landslide"),
    }
    with DatasetWriter(path, source="simulated", licence="CC0", facts=facts, **options) as writer:
        written = 0
        for part in _draw(scenes, wrong, seed, pairs):
            yield Progress(written / n, f"{written:,} of {n:,} patches simulated.")
            written += len(part.ids)
            writer.append(
                part.images,
                part.labels,
                part.ids,
                groups=part.groups,
                masks=part.masks,
                columns={
                    "scenario": part.scenario,
                    "true_label": part.true_labels,
                    "cloud_share": part.cloud_share,
                    "scar_share": part.scar_share,
                    "near_duplicate_of": part.near_duplicate_of,
                },
            )
        return writer.finish()


def _draw(scenes: list[ScenePlan], wrong: np.ndarray, seed: int, pairs: bool) -> Iterator[DemoPatches]:
    """The patches, one scene at a time."""
    for scene in scenes:
        yield _draw_scene(scene, wrong, np.random.default_rng([seed, 2, scene.number]), pairs)


def _draw_scene(scene: ScenePlan, wrong: np.ndarray, rng: np.random.Generator, pairs: bool) -> DemoPatches:
    shape = whole_pair(CELL * side + 2 * MARGIN for side in scene.grid)
    ground = build_ground(rng, shape, list(scene.cells))
    images = (optical_pair if pairs else observe)(rng, ground)
    corners = [(cell.top, cell.left) for cell in scene.cells]
    corners += [_shift(ground.scar, scene, scene.cells[k], rng) for k in scene.copies]
    cells = [*scene.cells, *(scene.cells[k] for k in scene.copies)]
    windows = [np.s_[top : top + CELL, left : left + CELL] for top, left in corners]
    masks = np.stack([ground.scar[window] > 0 for window in windows])
    position = scene.first + np.arange(len(scene))
    true_labels = np.array([bool(cell.scar) for cell in cells])
    ids = np.array(_ids(position))
    originals = [ids[k] for k in scene.copies]
    return DemoPatches(
        images=np.stack([images[(slice(None), *window)] for window in windows]),
        labels=(true_labels ^ np.isin(position, wrong)).astype(np.int8),
        true_labels=true_labels.astype(np.int8),
        masks=masks.astype(np.uint8),
        groups=np.full(len(scene), f"scene_{scene.number:04d}"),
        ids=ids,
        scenario=np.array([_name(cell, ground, window) for cell, window in zip(cells, windows, strict=True)]),
        cloud_share=np.array([ground.cloud[window].mean() for window in windows], np.float32),
        scar_share=masks.mean(axis=(1, 2)).astype(np.float32),
        near_duplicate_of=np.array([""] * len(scene.cells) + originals),
    )


def _shift(scar: np.ndarray, scene: ScenePlan, cell: Cell, rng: np.random.Generator) -> tuple[int, int]:
    """Top left corner of a shifted crop with the cell's label: any direction first, then straight out of the scene."""
    low, high = SHIFT_PX
    outwards = (-low if cell.row == 0 else low if cell.row == scene.grid[0] - 1 else 0,
                -low if cell.column == 0 else low if cell.column == scene.grid[1] - 1 else 0)  # fmt: skip
    tries = [tuple(rng.integers(-high, high + 1, size=2)) for _ in range(40)]
    for down, right in [*(t for t in tries if max(abs(t[0]), abs(t[1])) >= low), (outwards[0], 0), (0, outwards[1])]:
        top, left = cell.top + int(down), cell.left + int(right)
        share = (scar[top : top + CELL, left : left + CELL] > 0).mean()
        if (share >= MIN_SCAR_SHARE) if cell.scar else (share == 0):
            return top, left
    return cell.top, cell.left + outwards[1]


def _name(cell: Cell, ground: Ground, window) -> str:
    """What the patch shows, in the words of the ``scenario`` column."""
    cloudy = ground.cloud[window]
    if not cell.scar:
        return "cloud" if cloudy.mean() > 0.5 else cell.scenario
    scar = ground.scar[window] > 0
    if cloudy[scar].mean() > 0.5:
        return "scar under cloud"
    seen = [slope_towards(ground, orbit)[1][window][scar].mean() for orbit in LOOK_DEG]
    if min(seen) < 0.5:
        return "scar in layover"
    return "faint scar" if cell.scar == "faint" else "scar"


def _ids(positions: np.ndarray) -> list[str]:
    return [f"demo_{i:05d}" for i in positions]
