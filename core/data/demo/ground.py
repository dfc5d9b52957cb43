"""The ground of the simulated demo: terrain, cover, fresh scars, what only looks like one, and the clouds above.

A :class:`Ground` holds maps of shares and heights, without any sensor's numbers.

Nothing here is a measurement. The shapes follow common knowledge: shallow landslides start on steep slopes and run
downhill as a wide crown, a narrow body and a fan of deposit; old scars keep that shape while plants return.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter, label

CELL = 64  # px, side of a patch
MARGIN = 16  # px around the cells of a scene, into which shifted crops may reach
PIXEL_M = 10.0  # Sentinel-2's and Sentinel-1's grid
SMALLEST_SCAR_PX = 120  # 1.2 ha, 2.9 % of a patch
SCENARIOS = ("forest", "bare soil", "old scar", "fields", "road", "water", "sar change")


@dataclass(frozen=True)
class Cell:
    """What one patch of a scene is to hold."""

    row: int  # of the cell in the scene's grid
    column: int
    scenario: str  # one of SCENARIOS
    scar: str  # "" (none), "fresh" or "faint"
    cloud: str  # "" (clear), "broken" or "overcast"

    @property
    def top(self) -> int:
        """First pixel row of the cell in the scene."""
        return MARGIN + CELL * self.row

    @property
    def left(self) -> int:
        """First pixel column of the cell in the scene."""
        return MARGIN + CELL * self.column


@dataclass
class Ground:
    """One scene before a sensor looks at it. All maps (H, W) float32; shares are 0 to 1 of a pixel."""

    east: np.ndarray  # rise of the ground towards the east, metres a metre
    south: np.ndarray  # the same towards the south (rows count southwards)
    height: np.ndarray  # metres
    grass: np.ndarray  # share of low plants; what is left over is forest
    vigour: np.ndarray  # about 1: how green the plants are
    soil: np.ndarray  # share of bare soil that is no fresh scar: fields, roads, clearings, old scars
    water: np.ndarray  # share of open water
    scar: np.ndarray  # share of fresh scar
    rough: np.ndarray  # 0 to 1: where in the scar the deposit lies
    change_db: np.ndarray  # change of backscatter between the passes that no scar made: rain, harvest, wind
    cloud: np.ndarray  # opacity
    shadow: np.ndarray  # of the clouds, 0 to 1
    grain: np.ndarray  # about 0, standard deviation 1: texture of the surface


def fractal(rng: np.random.Generator, shape: tuple[int, int], beta: float, longest_px: float = 1e9) -> np.ndarray:
    """(H, W) float32 random field, mean 0 and standard deviation 1, with power falling as frequency ** -beta.

    Waves longer than ``longest_px`` are damped, so that a field can be made of patches of that size.
    """
    spectrum = fft.rfft2(rng.standard_normal(shape, dtype=np.float32))
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None])
    frequency[0, 0] = 1.0
    spectrum *= (np.hypot(frequency, 1.0 / longest_px) ** (-beta / 2)).astype(np.float32)
    spectrum[0, 0] = 0.0
    field = fft.irfft2(spectrum, s=shape)
    return (field / field.std()).astype(np.float32)


def step(values: np.ndarray, width: float) -> np.ndarray:
    """0 below -width, 1 above width, smooth between."""
    t = np.clip(values / (2 * width) + 0.5, 0.0, 1.0)
    return (t * t * (3.0 - 2.0 * t)).astype(np.float32)


def build_ground(rng: np.random.Generator, shape: tuple[int, int], cells: list[Cell]) -> Ground:
    """The maps of one scene whose cells hold what is planned."""
    ground = _bare_ground(rng, shape)
    for cell in cells:
        window = np.s_[cell.top : cell.top + CELL, cell.left : cell.left + CELL]
        {
            "forest": _nothing,
            "bare soil": _clearing,
            "old scar": _old_scar,
            "fields": _fields,
            "road": _road,
            "water": _water,
            "sar change": _other_change,
        }[cell.scenario](rng, ground, window)
        if cell.scar:
            _fresh_scar(rng, ground, window, cell.scar == "faint")
    _clouds(rng, ground, cells)
    return ground


def _bare_ground(rng: np.random.Generator, shape: tuple[int, int]) -> Ground:
    """Terrain with ridges and plant cover; nothing else yet."""
    ridges = -np.abs(fractal(rng, shape, 4.2, 300.0))
    height = ridges + 0.6 * fractal(rng, shape, 4.2, 300.0) + 0.02 * fractal(rng, shape, 3.0, 25.0)
    height = gaussian_filter(height, 2.0)
    south, east = np.gradient(height)
    steepness = rng.uniform(0.3, 0.8)  # mean slope: 17 to 39 degrees
    scale = steepness / np.hypot(south, east).mean()
    grass = step(fractal(rng, shape, 2.9, 80.0) - rng.uniform(-0.4, 1.6), 0.8)
    vigour = rng.lognormal(-0.08, 0.28) * np.exp(0.10 * fractal(rng, shape, 2.6, 40.0))
    zeros = [np.zeros(shape, np.float32) for _ in range(7)]
    soil, water, scar, rough, change_db, cloud, shadow = zeros
    return Ground(
        (east * scale).astype(np.float32),
        (south * scale).astype(np.float32),
        (height * scale * PIXEL_M).astype(np.float32),
        grass,
        vigour.astype(np.float32),
        soil,
        water,
        scar,
        rough,
        change_db,
        cloud,
        shadow,
        fractal(rng, shape, 1.0, 12.0),
    )


def _frame(edge_px: float = 5.0) -> np.ndarray:
    """(CELL, CELL) 1 inside and 0 at the rim, so that what a cell holds ends inside it."""
    line = np.clip((np.minimum(np.arange(CELL), np.arange(CELL)[::-1]) - 1) / edge_px, 0, 1)
    return np.minimum.outer(line, line).astype(np.float32)


def _nothing(rng, ground, window) -> None:
    """Forest and grass as they are."""


def _spot(rng: np.random.Generator, size_px: tuple[float, float], stretch: tuple[float, float]) -> np.ndarray:
    """(CELL, CELL) share of a ragged oblong spot in any direction."""
    y, x = np.mgrid[:CELL, :CELL] - rng.uniform(20, 44, size=(2, 1, 1))
    angle, radius, ratio = rng.uniform(0, np.pi), rng.uniform(*size_px), rng.uniform(*stretch)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    distance = np.hypot(along / ratio, across * ratio) / radius
    return step(1.0 - distance + 0.25 * fractal(rng, (CELL, CELL), 2.5, 25.0), 0.15) * _frame()


def _clearing(rng, ground, window) -> None:
    """Bare soil that only looks like a scar: quarry, clear-cut, building site."""
    ground.soil[window] = np.maximum(ground.soil[window], _spot(rng, (5.0, 15.0), (1.0, 1.7)) * rng.uniform(0.55, 1.0))


def _old_scar(rng, ground, window) -> None:
    """A scar of years ago: the shape of one, half grown over, and no change between the two passes."""
    share, _ = _slide(rng, ground, window)
    ground.soil[window] = np.maximum(ground.soil[window], share * rng.uniform(0.45, 0.9))


def _fields(rng, ground, window) -> None:
    """A mosaic of fields, some bare, some harvested between the passes."""
    y, x = np.mgrid[:CELL, :CELL]
    angle, side_a, side_b = rng.uniform(0, np.pi), rng.uniform(7, 14), rng.uniform(9, 22)
    a = ((x * np.cos(angle) + y * np.sin(angle)) // side_a).astype(int)
    b = ((y * np.cos(angle) - x * np.sin(angle)) // side_b).astype(int)
    field = (a - a.min()) * 97 % 31 + (b - b.min()) * 57 % 37  # a number for each field
    bare, tall, harvest = rng.random(68), rng.random(68), rng.standard_normal(68)
    area = step(fractal(rng, (CELL, CELL), 3.0, 60.0) + 0.6, 0.2) * _frame()
    soil = np.where(bare[field] > 0.6, 0.3 + 0.6 * bare[field], 0.0).astype(np.float32)
    ground.soil[window] = np.maximum(ground.soil[window], area * soil)
    ground.grass[window] += area * (1.0 - ground.grass[window])
    ground.vigour[window] *= 1.0 + area * (0.5 * tall[field] - 0.2).astype(np.float32)
    ground.change_db[window] += area * np.where(np.abs(harvest[field]) > 1.2, 2.0 * harvest[field], 0.0)


def _road(rng, ground, window) -> None:
    """A hillside road: it follows a contour line."""
    height = gaussian_filter(ground.height[window], 2.0)
    slope = np.maximum(np.hypot(*np.gradient(height)), 0.8)  # m a pixel; on flat ground a road needs no bends
    row, column = rng.integers(20, 44, size=2)
    distance_px = np.abs(height - height[row, column]) / slope
    pieces, _ = label(distance_px < 2.5)
    only = pieces == pieces[row, column]
    share = step(rng.uniform(0.7, 1.4) - distance_px, 0.6) * only
    ground.soil[window] = np.maximum(ground.soil[window], share * rng.uniform(0.6, 1.0))


def _water(rng, ground, window) -> None:
    """A lake or a river where the ground is low; wind may roughen it between the passes."""
    y, x = np.mgrid[:CELL, :CELL] - (CELL - 1) / 2
    rim = 20.0 * (np.maximum(np.hypot(y, x) - 19.0, 0.0) / 6.0) ** 2  # metres: no lake reaches the next cell
    height = ground.height[window] + rim + 3.0 * fractal(rng, (CELL, CELL), 3.0, 20.0)
    level = np.quantile(height, rng.uniform(0.10, 0.45))
    share = step((level - height) / 6.0, 0.4) * _frame(3.0)
    ground.water[window] = np.maximum(ground.water[window], share)
    for plane in (ground.east, ground.south):
        plane[window] *= 1.0 - share
    if rng.random() < 0.5:
        ground.change_db[window] += share * rng.normal(0.0, 5.0)


def _other_change(rng, ground, window) -> None:
    """Backscatter changes without any scar: felled or wet ground, harvest, rain."""
    amplitude = rng.uniform(2.0, 5.0) * rng.choice([-1.0, 1.0], p=[0.65, 0.35])
    ground.change_db[window] += amplitude * _spot(rng, (8.0, 22.0), (1.0, 1.7))


def _fresh_scar(rng, ground, window, faint: bool) -> None:
    """A scar of this event, exactly 0 where there is none: the mask is what is above."""
    for widen in (1.0, 1.0, 1.0, 1.3, 1.7, 2.2):
        share, rough = _slide(rng, ground, window, widen)
        share[share < 0.3] = 0.0
        if np.count_nonzero(share) >= SMALLEST_SCAR_PX:
            break
    if faint:
        share *= rng.uniform(0.4, 0.65)
    ground.scar[window] = share
    ground.rough[window] = rough


def _slide(rng: np.random.Generator, ground: Ground, window, widen: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """(CELL, CELL) share of a landslide that runs downhill, and where its deposit lies."""
    path = _steepest_path(rng, ground, window, rng.uniform(24, 56))
    along = np.linspace(0.0, 1.0, len(path))
    crown, fan = np.exp(-(((along - 0.10) / 0.16) ** 2)), np.exp(-(((along - 0.92) / 0.20) ** 2))
    half_width = widen * rng.uniform(3.4, 7.5) * (0.7 + 0.6 * crown + rng.uniform(0.3, 1.1) * fan)  # px
    y, x = np.mgrid[:CELL, :CELL]
    distance = np.hypot(y[..., None] - path[:, 0], x[..., None] - path[:, 1]) / half_width  # (CELL, CELL, path)
    nearest = distance.argmin(axis=-1)
    ragged = 0.22 * fractal(rng, (CELL, CELL), 2.0, 10.0)
    share = step(1.0 - distance.min(axis=-1) + ragged, 0.16) * _frame(2.0)
    return share, share * step(along[nearest] - 0.62, 0.12)


def _steepest_path(rng, ground: Ground, window, length_px: float) -> np.ndarray:
    """(points, 2) row and column: of a few ways down from steep places the one that falls furthest."""
    east, south = (gaussian_filter(plane[window], 2.0) for plane in (ground.east, ground.south))
    height, slope = ground.height[window], np.hypot(east, south)
    best, deepest = np.empty((0, 2)), -np.inf
    for _ in range(5):
        starts = rng.integers(12, CELL - 12, size=(6, 2))
        y, x = starts[np.argmax(slope[starts[:, 0], starts[:, 1]])].astype(float)
        points, heading = [(y, x)], np.zeros(2)
        while len(points) < length_px and 5 < y < CELL - 6 and 5 < x < CELL - 6 and slope[int(y), int(x)] > 0.08:
            downhill = -np.array([south[int(y), int(x)], east[int(y), int(x)]]) / slope[int(y), int(x)]
            heading = 0.6 * heading + downhill  # with some inertia
            y, x = (y, x) + heading / (np.hypot(*heading) + 1e-6)
            points.append((y, x))
        (top, left), (bottom, right) = points[0], points[-1]
        drop = height[int(top), int(left)] - height[int(bottom), int(right)]
        if drop > deepest:
            best, deepest = np.array(points), drop
    return best


def _clouds(rng: np.random.Generator, ground: Ground, cells: list[Cell]) -> None:
    """Broken or closed clouds over the cells that have them, and their shadows to the north-west."""
    field = np.clip(fractal(rng, ground.cloud.shape, 3.4, 60.0), -2.0, 2.0)
    cover = np.full(ground.cloud.shape, -3.4, np.float32)
    for cell in cells:
        if cell.cloud:
            around = np.s_[cell.top - 10 : cell.top + CELL + 10, cell.left - 10 : cell.left + CELL + 10]
            cover[around] = np.maximum(cover[around], rng.uniform(-0.8, 0.5) if cell.cloud == "broken" else 3.0)
    cover = gaussian_filter(cover, 8.0)
    ground.cloud[:] = step(field + cover, 0.7)
    ground.shadow[:] = np.roll(ground.cloud, (-9, -7), axis=(0, 1)) * (1.0 - ground.cloud)
