"""Clouds and shadows of a whole scene as a raster, which ``predict-scene --cloud`` then counts as not seen."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from core.data.clouds.network import CLEAR, CLOUD, CORE, MARGIN, SHADOW, UNSEEN, CloudNetwork
from core.data.clouds.reflectance import NEEDED, PIXEL_M, coarser, factors, steps_of
from core.errors import ConfigError
from core.predict.scene.ground import Tally
from core.predict.scene.layers import Layer, open_layer
from core.predict.scene.rasters import Kind, finish, writing
from core.progress import Progress, Steps, part

CLOUDS = Kind("", "0 clear, 1 cloud, 2 cloud shadow", "uint8", UNSEEN, "MODE")
WORDS = {CLEAR: "clear", CLOUD: "cloud", SHADOW: "shadow", UNSEEN: "no data"}


def opened(scene: Path, bands: tuple[str, ...] | None, unit: str | None, nodata: float | None) -> Layer:
    """The scene, by its header alone.

    Raises FormatError for what is no raster, ConfigError for one without the bands or units that clouds are told from.
    """
    layer = open_layer(scene, bands, unit, nodata)
    factors(layer.bands, scene.name)
    return layer


def cloud_raster(layer: Layer, out: Path, network: CloudNetwork) -> Steps[dict[str, Any]]:
    """Write the classes of every pixel on the scene's own grid; plain values on how much is what.

    The networks read pixels of about 30 m, so outlines are no finer than that.
    """
    if out.resolve() == layer.path.resolve():
        raise ConfigError(f"{out.name} is read, and would be written over. Give another name with --out.")
    height, width = layer.grid.shape
    known = layer.grid.pixel_m()
    step = steps_of(known or PIXEL_M)
    scale = factors(layer.bands, layer.path.name)[:, None, None]
    positions = [layer.names.index(name) for name in NEEDED]
    tops, lefts = range(0, height, CORE * step), range(0, width, CORE * step)
    tally = Tally(layer.grid)
    with TemporaryDirectory(dir=out.parent, prefix=f".{out.stem}-") as folder:
        with writing(Path(folder), layer.grid, {"NETWORK": network.level}, (CLOUDS,)) as rows:
            for i, top in enumerate(tops):
                yield Progress(0.95 * i / len(tops), f"Clouds of rows {top + 1:,} to {height:,}.")
                n = min(CORE * step, height - top)
                found = np.empty((n, width), np.uint8)
                for left in lefts:
                    own = (top, left, n, min(CORE * step, width - left))
                    found[:, left : left + own[3]] = _classes(layer, own, positions, scale, step, network)
                tally.add(top, {word: found == kind for kind, word in WORDS.items()})
                rows.write([found])
        yield from part(finish(Path(folder), out, (CLOUDS,)), 0.95, 1.0)
    pixels = {word: int(tally.pixels.get(word, 0)) for word in WORDS.values()}
    seen = height * width - pixels["no data"]
    return {
        "out": str(out), "scene": str(layer.path), "level": network.level, "pixel_m": known, "pixels": pixels,
        "cloud_share": pixels["cloud"] / seen if seen else None,
        "shadow_share": pixels["shadow"] / seen if seen else None,
    }  # fmt: skip


def _classes(
    layer: Layer, own: tuple[int, int, int, int], positions: list[int], scale: np.ndarray, step: int,
    network: CloudNetwork,
) -> np.ndarray:  # fmt: skip
    """(h, w) of a window (row, column, height, width), answered with a margin of the scene around it."""
    top, left, height, width = own
    above, before = min(top, MARGIN * step), min(left, MARGIN * step)
    rows = min(height + MARGIN * step, layer.grid.shape[0] - top) + above
    cols = min(width + MARGIN * step, layer.grid.shape[1] - left) + before
    images = layer.on(layer.grid, (top - above, left - before, rows, cols), positions) * scale
    classes = network.classes(coarser(images, step)[0])
    fine = classes.repeat(step, axis=0).repeat(step, axis=1)[above : above + height, before : before + width]
    seen = np.isfinite(images[:, above : above + height, before : before + width]).all(axis=0)
    # Where a coarse pixel was mostly not seen, what was is left as clear: it is no cloud that is known.
    return np.where(seen, np.where(fine == UNSEEN, np.uint8(CLEAR), fine), np.uint8(UNSEEN))
