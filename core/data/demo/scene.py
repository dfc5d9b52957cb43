"""A simulated scene after an earthquake: the rasters that a satellite would deliver, and where its landslides are.

The same ground, sensors and units as the demo's patches, other ground than theirs. ``after.tif`` has the bands of
``core.data.bands.ZINDI_BANDS`` (optical after, radar after, and its change), ``before.tif`` red, green and blue before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.arrays import whole_pair
from core.data.bands import ZINDI_BANDS
from core.data.demo.ground import CELL, MARGIN, PIXEL_M, Ground, build_ground
from core.data.demo.plan import plan_cells
from core.data.demo.sensors import observe, optical_pair
from core.errors import ConfigError
from core.io.atomic import replacing
from core.progress import Progress, Steps

GRID = (7, 10)  # cells down and across: 4.5 by 6.4 km
SHARE = 0.3  # of cells with a fresh landslide: an earthquake has just passed
SEED = 90  # the demo's patches begin their seeds with 0
CRS = "EPSG:32654"  # a place is needed for polygons: in the open Pacific, so that nobody takes it for one
WEST, NORTH = 650_000.0, 3_400_000.0
AFTER, BEFORE = "after.tif", "before.tif"


@dataclass(frozen=True)
class DemoScene:
    """after: (12, H, W) float32, before: (3, H, W) float32 DN. scars: (H, W) int32, each landslide's number from 1.

    cells: rows and columns of the cells that have one, in the order of their numbers.
    """

    after: np.ndarray
    before: np.ndarray
    scars: np.ndarray
    cells: tuple[tuple[int, int], ...]


def simulate_scene(seed: int = SEED, grid: tuple[int, int] = GRID, share: float = SHARE) -> DemoScene:
    """The scene; the same for the same arguments. Raises ConfigError for a share that leaves no cell of a kind."""
    n = grid[0] * grid[1]
    n_scars = round(share * n)
    if not 0 < n_scars < n:
        raise ConfigError(f"{share:.0%} of {n} cells leaves no cell with, or none without a landslide.")
    rng = np.random.default_rng([seed, 3])
    planned = plan_cells(grid, n, n_scars, rng)
    # Whoever waits for an image after an event takes one that can be used: no place is wholly under cloud.
    cells = [replace(cell, cloud="" if cell.cloud == "overcast" else cell.cloud) for cell in planned]
    ground = build_ground(rng, whole_pair(CELL * side + 2 * MARGIN for side in grid), cells)
    after, before = observe(rng, ground), optical_pair(rng, ground)[3:]
    inner = np.s_[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
    holding = tuple((cell.row, cell.column) for cell in cells if cell.scar)
    return DemoScene(after[inner], before[inner], _numbered(ground, holding)[inner], holding)


def _numbered(ground: Ground, cells: tuple[tuple[int, int], ...]) -> np.ndarray:
    """(H, W) int32: each pixel of a fresh scar has the number of its cell's landslide; a scar ends inside its cell."""
    found = np.zeros(ground.scar.shape, np.int32)
    for number, (row, column) in enumerate(cells, 1):
        top, left = MARGIN + CELL * row, MARGIN + CELL * column
        window = np.s_[top : top + CELL, left : left + CELL]
        found[window][ground.scar[window] > 0] = number
    return found


def scene_steps(folder: Path, seed: int = SEED) -> Steps[DemoScene]:
    """Write the two rasters of :func:`simulate_scene` into ``folder``, which is made; the scene."""
    yield Progress(0.0, "Simulating the ground before and after the earthquake.")
    scene = simulate_scene(seed)
    Path(folder).mkdir(parents=True, exist_ok=True)
    yield Progress(0.7, "Writing the two images.")
    _write(Path(folder) / AFTER, scene.after, [band.name for band in ZINDI_BANDS])
    _write(Path(folder) / BEFORE, scene.before, ["red", "green", "blue"])
    return scene


def _write(path: Path, values: np.ndarray, names: list[str]) -> None:
    import rasterio
    from affine import Affine

    count, height, width = values.shape
    with replacing(path) as part, rasterio.open(
        part, "w", driver="GTiff", height=height, width=width, count=count, dtype="float32", crs=CRS,
        compress="deflate", predictor=3, tiled=True, transform=Affine(PIXEL_M, 0.0, WEST, 0.0, -PIXEL_M, NORTH),
    ) as raster:  # fmt: skip
        raster.write(values.astype(np.float32))
        for band, name in enumerate(names, 1):
            raster.set_band_description(band, name)
        raster.update_tags(SIMULATED="yes", SOURCE="Simulated by Landslide Lens; no place on Earth looks like this.")
