"""The rasters that a scene's answers become: written row by row, then turned into Cloud Optimized GeoTIFFs.

The COG driver writes a whole raster at once, from another file; so rows go into a plain GeoTIFF in the working folder
first. The finished file is put in its place in one step.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.io.atomic import make_folder, replacing
from core.predict.scene.ground import Grid
from core.progress import Progress, Steps

CACHE_MIB = 128  # of GDAL's blocks
STRIP_ROWS = 16  # of the working file
LEVEL = 3  # of the compression: 6, the usual one, takes half as long again for files 5 % smaller
BLOCK = 512  # pixels a side of the finished file's tiles
SEEN, NO_DATA, CLOUD, TOO_LITTLE = range(4)  # why a pixel has no answer
REASONS = {NO_DATA: "no data", CLOUD: "cloud", TOO_LITTLE: "too little seen around it"}
_ENV = {"GDAL_PAM_ENABLED": "NO", "GDAL_CACHEMAX": CACHE_MIB, "GDAL_NUM_THREADS": "2"}


@dataclass(frozen=True)
class Kind:
    """One raster that is written. ending: of its name, before ``.tif``."""

    ending: str
    description: str
    dtype: str
    nodata: float
    resampling: str


PROBABILITY = Kind("", "probability of landslide", "float32", float("nan"), "AVERAGE")
DISAGREEMENT = Kind(
    "_disagreement", "standard deviation of the folds' probabilities", "float32", float("nan"), "AVERAGE"
)
UNSEEN = Kind("_unseen", "1 no data, 2 cloud, 3 too little seen around it", "uint8", SEEN, "MODE")
NOVELTY = Kind(
    "_novelty", "share of held-out patches that lie as far from the training set; small is new", "float32",
    float("nan"), "AVERAGE",
)  # fmt: skip
WHERE = Kind("_where", "probability of landslide of each pixel, by the mask head", "float32", float("nan"), "AVERAGE")
KINDS = (PROBABILITY, DISAGREEMENT, NOVELTY, UNSEEN)
WITH_WHERE = (*KINDS, WHERE)  # of a run with a mask head


def path_of(kind: Kind, out: Path) -> Path:
    """Where a raster lies whose main one is ``out``."""
    return out.with_name(f"{out.stem}{kind.ending}{out.suffix}")


class RowWriter:
    """Takes rows of all kinds of rasters, from the first to the last."""

    def __init__(self, files: Mapping[Kind, Any]) -> None:
        self._files = files
        self._next = 0

    def write(self, rows: Sequence[np.ndarray]) -> None:
        """The next rows, (h, W) of each kind."""
        from rasterio.windows import Window

        height, width = rows[0].shape
        for (kind, file), values in zip(self._files.items(), rows, strict=True):
            file.write(values.astype(kind.dtype), 1, window=Window(0, self._next, width, height))
        self._next += height


@contextmanager
def writing(folder: Path, grid: Grid, tags: Mapping[str, str], kinds: Sequence[Kind] = KINDS) -> Iterator[RowWriter]:
    """Working files in ``folder``, which :func:`finish` takes."""
    import rasterio

    make_folder(folder)
    with ExitStack() as opened:
        opened.enter_context(rasterio.Env(**_ENV))
        files = {}
        for kind in kinds:
            _working(folder, kind).unlink(missing_ok=True)  # whatever lies there, it is not written through
            files[kind] = opened.enter_context(_created(_working(folder, kind), kind, grid))
            files[kind].set_band_description(1, kind.description)
            files[kind].update_tags(**tags)
        yield RowWriter(files)


def finish(folder: Path, out: Path, kinds: Sequence[Kind] = KINDS) -> Steps[None]:
    """Make ``out`` and the rasters beside it from the working files in ``folder``, which then are gone."""
    import rasterio
    from rasterio.shutil import copy

    make_folder(out.parent)
    for k, kind in enumerate(reversed(kinds)):  # the main one last: where it is new, the others are
        yield Progress(k / len(kinds), f"Making {path_of(kind, out).name}.")
        working = _working(folder, kind)
        made = working.with_suffix(".cog.tif")
        made.unlink(missing_ok=True)
        with rasterio.Env(**_ENV):
            copy(
                working,
                made,
                driver="COG",
                compress="DEFLATE",
                level=str(LEVEL),
                predictor="YES",
                blocksize=str(BLOCK),
                overview_resampling=kind.resampling,
                bigtiff="IF_SAFER",
            )
        with replacing(path_of(kind, out)) as partial:
            shutil.copyfile(made, partial)
        made.unlink()
        working.unlink()


def _working(folder: Path, kind: Kind) -> Path:
    return folder / f"rows{kind.ending}.tif"


def _created(path: Path, kind: Kind, grid: Grid) -> Any:
    import warnings

    import rasterio
    from affine import Affine
    from rasterio.errors import NotGeoreferencedWarning

    height, width = grid.shape
    place = {}
    if grid.place is not None:
        place = {"transform": Affine(*grid.place.transform), "crs": grid.place.crs}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(
            path, "w", driver="GTiff", height=height, width=width, count=1, dtype=kind.dtype, nodata=kind.nodata,
            blockysize=STRIP_ROWS, bigtiff="IF_SAFER", **place,
        )  # fmt: skip
