"""What the sensors make of a simulated ground: Sentinel-2 in DN, Sentinel-1 in dB before and after the event.

Pixels are (12, H, W) float32 in the order and units of ``core.data.bands.ZINDI_BANDS``.

Means, spreads and quantiles of the bands follow the real Zindi training set (FACTS in the tables below); the physics
is that of a textbook: sunlit and shaded slopes, foreshortened and shadowed slopes of a side-looking radar, speckle.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter, uniform_filter

from core.data.demo.ground import Ground, fractal

# Reflectance x 10 000 of red, green, blue, near infrared, without the air.
FOREST = np.array([260.0, 400.0, 240.0, 2230.0], np.float32)
GRASS = np.array([520.0, 700.0, 400.0, 2800.0], np.float32)
WATER = np.array([230.0, 380.0, 420.0, 110.0], np.float32)
SOIL = np.array([1600.0, 1250.0, 930.0, 2300.0], np.float32)
AIR = np.array([1040.0, 1060.0, 1150.0, 940.0], np.float32)  # offset of the product and light from clear air, DN

# Backscatter of flat ground (VV, VH), dB.
FOREST_DB, GRASS_DB, SOIL_DB, WATER_DB = (-9.5, -16.3), (-11.0, -18.6), (-11.6, -21.0), (-20.5, -32.0)
INCIDENCE = {"descending": np.deg2rad(33.0), "ascending": np.deg2rad(40.0)}  # of the beam on flat ground
RANGE_DB, CHANGE_DB = (-66.0, 34.0), (-41.0, 34.0)  # of the real data
SCAR_DB = (7.0, 12.0)  # what a fresh scar may do to backscatter
CLOUD_MOVED_PX = (40, 120)  # of the clouds between the two pictures of a pair
LOOK_DEG = {"descending": 280.0, "ascending": 80.0}  # where the antenna looks, clockwise from north


def optical(rng: np.random.Generator, ground: Ground) -> np.ndarray:
    """(4, H, W) float32 DN of red, green, blue, near infrared, after the event."""
    soil_colour = SOIL * rng.normal(1.0, (0.08, 0.05, 0.06, 0.10)) * rng.lognormal(0.0, 0.10)
    scar_colour = soil_colour * rng.normal((1.52, 1.6, 1.75, 0.85), 0.07)  # fresh rock and rubble: bright and grey
    layers: list[tuple[Any, np.ndarray]] = [
        (np.float32(1.0), FOREST * [1.1, 1.05, 1.05, 1.0]),
        (ground.grass, GRASS),
        (ground.soil, soil_colour),
        (ground.water, WATER),
        (ground.scar, scar_colour),
    ]
    surface = np.zeros((4, *ground.height.shape), np.float32)
    for share, colour in layers:  # each covers those before it by its share
        surface += share * (np.asarray(colour, np.float32)[:, None, None] - surface)
    plants = (1.0 - ground.soil) * (1.0 - ground.scar) * (1.0 - ground.water)
    surface[3] *= 1.0 + plants * (ground.vigour - 1.0)
    surface *= 1.0 + ground.grain * (rng.lognormal(np.log(0.05), 0.4) + 0.08 * ground.rough)
    surface *= _sunlight(rng, ground) * (1.0 - 0.45 * ground.shadow)
    haze = rng.gamma(1.2, 70.0) * np.array([1.0, 1.05, 1.2, 0.6], np.float32)
    dn = (AIR + haze)[:, None, None].astype(np.float32) + surface
    top = rng.uniform(3300.0, 8800.0) * np.exp(0.12 * fractal(rng, ground.height.shape, 2.5, 40.0))
    white = np.array([1.0, 0.97, 0.98, 1.03], np.float32)[:, None, None]
    dn += ground.cloud * (top * white - dn)
    dn += rng.lognormal(np.log(14.0), 0.5) * rng.standard_normal(dn.shape, dtype=np.float32)
    return np.round(np.clip(dn, 0.0, 20944.0)).astype(np.float32)


def optical_pair(rng: np.random.Generator, ground: Ground) -> np.ndarray:
    """(6, H, W) float32 DN of red, green, blue after the event, and of the same before it.

    Before, the ground has no fresh scar, other clouds, other sunlight and haze, and plants of another season.
    """
    after = optical(rng, ground)[:3]
    none = np.zeros_like(ground.scar)
    moved = tuple(int(by) for by in rng.integers(CLOUD_MOVED_PX[0], CLOUD_MOVED_PX[1], size=2))
    before = replace(
        ground, scar=none, rough=none, cloud=np.roll(ground.cloud, moved, (0, 1)),
        shadow=np.roll(ground.shadow, moved, (0, 1)), vigour=ground.vigour * np.float32(rng.uniform(0.75, 1.2)),
    )  # fmt: skip
    return np.concatenate([after, optical(rng, before)[:3]])


def _sunlight(rng: np.random.Generator, ground: Ground) -> np.ndarray:
    """Direct and scattered light on each slope; 1 on flat ground."""
    azimuth, zenith = np.deg2rad(rng.uniform(125.0, 170.0)), np.deg2rad(rng.uniform(22.0, 48.0))
    towards_sun = ground.east * np.sin(azimuth) - ground.south * np.cos(azimuth)  # rise towards the sun
    slope = np.sqrt(1.0 + ground.east**2 + ground.south**2)
    cosine = (np.cos(zenith) - towards_sun * np.sin(zenith)) / slope
    return (0.35 + 0.65 * np.clip(cosine, 0.0, None) / np.cos(zenith)).astype(np.float32)


def radar(rng: np.random.Generator, ground: Ground, orbit: str, strength_db: float) -> np.ndarray:
    """(4, H, W) float32 dB: VV, VH after the event, and their change (after minus before).

    ``strength_db`` is what a fresh scar does: bare rough ground brightens slopes that face the antenna and darkens
    those that look away, so that the sign differs between the orbits; without its plants VH loses in any case. In
    layover and radar shadow nothing of it is seen.
    """
    towards, seen = slope_towards(ground, orbit)
    relief_db = _relief_db(towards, orbit)
    sign = np.tanh(2.5 * towards)
    scar = uniform_filter(ground.scar * (1.0 - ground.water), 2) * seen * strength_db
    level_db = rng.normal(0.3 if orbit == "descending" else -0.9, 0.7)
    looks = rng.lognormal(np.log(0.42), 0.45)  # how much a product was filtered differs between scenes
    level_change = 0.7 if orbit == "descending" else -0.7
    wet = _season_db(rng, ground, orbit)
    bands = []
    for vh in (False, True):
        static = _cover_db(ground, vh) + relief_db + (0.5 * np.minimum(relief_db, 0.0) if vh else 0.0) + level_db
        other = ground.change_db * (0.8 if vh else 1.0) + (1.45 * wet + level_change if vh else wet)
        change = other + scar * (0.5 * sign - 0.8 if vh else 1.0 * sign - 0.25)
        noise_db = looks * (2.0 if vh else 1.1) * (1.0 + 3.0 * (1.0 - seen))
        before = np.clip(static + noise_db * _speckle(rng, ground.height.shape), *RANGE_DB)
        after = np.clip(static + change + noise_db * _speckle(rng, ground.height.shape), *RANGE_DB)
        bands.append((after, np.clip(after - before, *CHANGE_DB)))
    (vv, dvv), (vh_, dvh) = bands
    return np.stack([vv, vh_, dvv, dvh]).astype(np.float32)


def slope_towards(ground: Ground, orbit: str) -> tuple[np.ndarray, np.ndarray]:
    """Rise of the ground along the beam (positive: faces the antenna), and 1 where the radar sees it well."""
    look = np.deg2rad(LOOK_DEG[orbit])
    towards = gaussian_filter(ground.east * np.sin(look) - ground.south * np.cos(look), 0.7)
    local = INCIDENCE[orbit] - np.arctan(towards)
    hidden = np.maximum(np.clip((np.deg2rad(12) - local) / 0.12, 0, 1), np.clip((local - np.deg2rad(76)) / 0.12, 0, 1))
    return towards.astype(np.float32), (1.0 - hidden).astype(np.float32)


def _relief_db(towards: np.ndarray, orbit: str) -> np.ndarray:
    """Brightening of slopes that face the antenna and darkening of those that look away, dB."""
    flat = INCIDENCE[orbit]
    local = flat - np.arctan(towards)
    relief = -10.0 * np.log10(np.tan(np.clip(local, np.deg2rad(2.0), np.deg2rad(88.5))) / np.tan(flat))
    return (relief - 10.0 * np.clip((local - np.deg2rad(72)) / 0.2, 0.0, 1.0)).astype(np.float32)  # shadow: noise


def _cover_db(ground: Ground, vh: bool) -> np.ndarray:
    """Backscatter of the cover before the event, dB."""
    level = np.full(ground.height.shape, FOREST_DB[vh], np.float32)
    for share, target in ((ground.grass, GRASS_DB), (ground.soil, SOIL_DB), (ground.water, WATER_DB)):
        level += share * (target[vh] - level)
    return level


def _season_db(rng: np.random.Generator, ground: Ground, orbit: str) -> np.ndarray:
    """Change of a whole scene between the passes, dB: weather; wet snow on high ground; wet soil on low ground.

    The real descending changes have their long tail towards dark, the ascending ones towards bright.
    """
    weather = rng.normal(0.0 if orbit == "descending" else 0.3, 0.4)
    change = weather + rng.lognormal(np.log(0.8), 0.5) * fractal(rng, ground.height.shape, 3.4, 120.0)
    high = (ground.height - ground.height.mean()) / (ground.height.std() + 1e-6)
    if rng.random() < 0.16:
        if orbit == "descending":
            change -= rng.uniform(4.0, 11.0) * np.clip(0.6 + 0.6 * high, 0.0, 1.5)
        else:
            change += rng.uniform(2.0, 6.0) * np.clip(0.5 - 0.6 * high, 0.0, 1.5)
    return change.astype(np.float32)


def _speckle(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Speckle of a filtered product: skewed towards dark, standard deviation about 1.2 dB."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    noise = 0.45 * noise + 2.4 * gaussian_filter(noise, 1.0)
    return 1.1 * (noise - 0.12 * (noise * noise - 1.0))


def observe(rng: np.random.Generator, ground: Ground) -> np.ndarray:
    """(12, H, W) float32 in the order and units of ZINDI_BANDS."""
    strength_db = rng.uniform(*SCAR_DB)
    return np.concatenate(
        [
            optical(rng, ground),
            radar(rng, ground, "descending", strength_db),
            radar(rng, ground, "ascending", strength_db),
        ]
    )
