"""Rasters of the same ground on one grid, as the bands of a run: the first raster's grid, bands by name.

Optical and radar, before and after the event may lie in files of their own, with pixels of other sizes or in other
coordinate systems. A band that none of them has is computed where it is the difference of two that are there. Whatever
does not fit the run is refused with the name of the band, before any network answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.data.bands import Band, bands_named
from core.data.names.reading import POLARISATIONS
from core.data.readers.geo.raster import Window
from core.errors import FormatError
from core.predict.scene.ground import Grid
from core.predict.scene.layers import Layer, where
from core.predict.scene.mosaic import Mosaic
from core.predict.values import unit_factors
from core.text import list_names

COARSER = 1.5  # times as large pixels as the scene's are told of


@dataclass(frozen=True)
class Source:
    """Where a band comes from: ``plus``, a (layer, band) by position, less ``minus`` where it is a difference."""

    plus: tuple[int, int]
    minus: tuple[int, int] | None = None


@dataclass(frozen=True)
class Cloud:
    """A raster that says where clouds are. values: those that mean cloud; (): all but 0."""

    layer: Layer
    values: tuple[float, ...] = ()

    def on(self, grid: Grid, window: Window) -> np.ndarray:
        """(H, W) bool; nothing is said outside of the raster."""
        found = self.layer.on(grid, window)[0]
        return np.isin(found, self.values) if self.values else np.isfinite(found) & (found != 0)


@dataclass(frozen=True)
class View:
    """What a window of the scene holds.

    images: (C, H, W) float32 in the run's bands and units, nan where nothing was seen. cloudy: (H, W) bool, or None.
    """

    images: np.ndarray
    cloudy: np.ndarray | None = None

    def seen(self, all_bands: bool) -> np.ndarray:
        """(H, W) bool: every band has a value there, or else any has."""
        known = np.isfinite(self.images)
        return known.all(axis=0) if all_bands else known.any(axis=0)


@dataclass(frozen=True)
class SceneStack:
    """bands: of the run, in its order. factors: (C,) to its units. optical: (C,) bool, what a cloud hides."""

    grid: Grid
    layers: tuple[Layer | Mosaic, ...]
    bands: tuple[Band, ...]
    sources: tuple[Source, ...]
    factors: np.ndarray
    clouds: tuple[Cloud, ...] = ()

    @property
    def files(self) -> list[Path]:
        """Every file or folder of tiles that is read."""
        return [layer.path for layer in (*self.layers, *(cloud.layer for cloud in self.clouds))]

    @property
    def optical(self) -> np.ndarray:
        """(C,) bool: the bands that a cloud hides."""
        return np.array([band.modality == "optical" for band in self.bands])

    def read(self, window: Window) -> View:
        """What the run reads of a window (row, column, height, width) of the grid."""
        needed: dict[int, list[int]] = {}
        for source in self.sources:
            for one in (source.plus, source.minus):
                if one is not None and one[1] not in needed.setdefault(one[0], []):
                    needed[one[0]].append(one[1])
        plain = [source.plus[1] for source in self.sources if source.minus is None]
        if list(needed.values()) == [plain] and len(plain) == len(self.sources):  # one raster as it is
            images = self.layers[next(iter(needed))].on(self.grid, window, plain)
        else:
            images = self._put_together(window, needed)
        for band in np.flatnonzero(self.factors != 1):
            images[band] *= self.factors[band]
        if not self.clouds or not self.optical.any():
            return View(images)
        cloudy = np.logical_or.reduce([cloud.on(self.grid, window) for cloud in self.clouds])
        cloudy &= np.isfinite(images[self.optical]).any(axis=0)  # what was not seen at all hides behind no cloud
        hidden = images[self.optical]
        hidden[:, cloudy] = np.nan
        images[self.optical] = hidden
        return View(images, cloudy)

    def _put_together(self, window: Window, needed: dict[int, list[int]]) -> np.ndarray:
        """The bands from several rasters, or differences of them. needed: positions of bands by layer."""
        images = np.empty((len(self.sources), *window[2:]), np.float32)
        for k, wanted in needed.items():  # one raster after the other, so that only one is held beside the result
            values = self.layers[k].on(self.grid, window, wanted)
            for place, source in enumerate(self.sources):
                if source.plus[0] == k and (source.minus is None or source.minus[0] == k):
                    images[place] = values[wanted.index(source.plus[1])]
                    if source.minus is not None:
                        images[place] -= values[wanted.index(source.minus[1])]
        for place, source in enumerate(self.sources):
            if source.minus is not None and source.minus[0] != source.plus[0]:
                ends = [self.layers[k].on(self.grid, window, [band]) for k, band in (source.plus, source.minus)]
                images[place] = ends[0][0] - ends[1][0]
        return images


def stacked(
    run: str, trained: Sequence[Band], layers: Sequence[Layer | Mosaic], clouds: Sequence[Cloud], told: list[str]
) -> SceneStack:
    """The rasters as the bands that the run named ``run`` was trained on.

    told: gets sentences on what was converted, computed, resampled or not used. Raises FormatError naming the band that
    is missing or in another unit, or the raster that cannot be laid on the first one.
    """
    grid = layers[0].grid
    for layer in (*layers[1:], *(cloud.layer for cloud in clouds)):
        _must_lie_on(grid, layer, layers[0], told)
    places: dict[str, tuple[int, int]] = {}
    for k, layer in enumerate(layers):
        for b, name in enumerate(layer.names):
            if name in places:
                first = layers[places[name][0]].path.name
                told.append(f"{name} is in {first} and in {layer.path.name}; that of {first} is used.")
            places.setdefault(name, (k, b))
    known = {name: layers[k].bands[b] for name, (k, b) in places.items()}
    found, missing, given = [], [], []
    for band in trained:
        pair = _difference(band.name, places)
        if band.name in places:
            found.append(Source(places[band.name]))
            given.append(known[band.name])
        elif pair is not None and known[pair[0]].unit == known[pair[1]].unit:
            found.append(Source(places[pair[0]], places[pair[1]]))
            given.append(bands_named([band.name], units={band.name: known[pair[0]].unit})[0])
            told.append(f"{band.name} was computed as {pair[0]} less {pair[1]}.")
        else:
            missing.append(band.name)
    if missing:
        theirs = "; ".join(f"{layer.path.name}: {', '.join(layer.names)}" for layer in layers)
        raise FormatError(
            f"Run '{run}' was trained on the bands {', '.join(band.name for band in trained)}; the scene has no "
            f"{', '.join(missing)} ({theirs}). Add the raster that has them (--also FILE, --before FILE), or name the "
            "bands in their order (--bands, --also-bands) if they are there under other names."
        )
    used = {one[0] for source in found for one in (source.plus, source.minus) if one is not None}
    if idle := [layer.path.name for k, layer in enumerate(layers) if k not in used]:
        told.append(f"Run '{run}' reads no band of {list_names(idle)}.")
    factors = unit_factors(run, trained, given, told)
    return SceneStack(grid, tuple(layers), tuple(trained), tuple(found), factors, tuple(clouds))


def _difference(name: str, places: dict[str, tuple[int, int]]) -> tuple[str, str] | None:
    """(after, before): the two bands whose difference a band of change is, where both are there."""
    *orbit, last = name.split("_")
    if last.startswith("d") and last[1:] in POLARISATIONS:
        after = "_".join([*orbit, last[1:]])
    else:
        after = name.removesuffix("_change")
    pair = (after, f"{after}_pre")
    return pair if after != name and all(one in places for one in pair) else None


def _must_lie_on(grid: Grid, layer: Layer | Mosaic, first: Layer | Mosaic, told: list[str]) -> None:
    shift = layer.grid.shift(grid)
    if shift is not None and grid.place is None:
        told.append(f"{first.path.name} and {layer.path.name} have no place; as they are of one size, their pixels "
                    "were taken to lie on each other.")  # fmt: skip
        return
    if shift is None and not all(one.place and one.place.crs for one in (grid, layer.grid)):
        raise FormatError(
            f"{where(layer)} cannot be laid on {where(first)}: both need a place and a coordinate system, or the same "
            "size without. gdal_edit.py -a_srs states a coordinate system."
        )
    if not _meet(grid, layer, shift):
        raise FormatError(f"{where(layer)} does not lie on the ground of {where(first)}. Give rasters of one place.")
    if shift is not None:
        if not (layer.grid.lies.crs and grid.lies.crs):
            told.append(f"{layer.path.name} states no coordinate system; its numbers were taken to be those of "
                        f"{first.path.name}.")  # fmt: skip
        return
    coarser = max(layer.scales(grid).values())
    how = "by the nearest pixel" if layer.nearest else "bilinear"
    told.append(
        f"{layer.path.name} was brought to the grid of {first.path.name} ({how})."
        + (f" Its pixels are {coarser:.2g} times as large: it shows no more than that." if coarser > COARSER else "")
    )


def _meet(grid: Grid, layer: Layer | Mosaic, shift: tuple[int, int] | None) -> bool:
    if shift is None:
        return layer.beneath(grid, (0, 0, *grid.shape)) is not None
    ends = zip(shift, layer.grid.shape, grid.shape, strict=True)
    return all(begin < most and begin + length > 0 for begin, length, most in ends)
