"""Tiny rasters and roads made in tests."""

import numpy as np
import rasterio
from affine import Affine

from core.predict.maps.grid import Grid
from core.predict.maps.promise import Promise

UTM = "EPSG:32654"
NORTH = Affine(10.0, 0, 500_000.0, 0, -10.0, 4_700_000.0)


def write_raster(path, values, crs=UTM, transform=NORTH, nodata=-9999.0, **profile):
    """A GeoTIFF of (H, W) or (C, H, W); nan becomes the nodata value."""
    values = np.asarray(values, np.float32)
    values = values[None] if values.ndim == 2 else values
    filled = np.where(np.isnan(values), np.float32(nodata), values) if nodata is not None else values
    shape = dict(count=len(values), height=values.shape[1], width=values.shape[2])
    with rasterio.open(
        path, "w", "GTiff", dtype="float32", crs=crs, transform=transform, nodata=nodata, **shape, **profile
    ) as out:
        out.write(filled)
    return path


def grid(height, width, crs=UTM, transform=NORTH):
    return Grid(height, width, tuple(transform)[:6], rasterio.crs.CRS.from_user_input(crs).to_wkt())


def promise(threshold=0.5, **changes):
    return Promise(
        **{"run": "a-run", "head": "fc", "threshold": threshold, "words": "None.", "own_share": 0.3, "seen": None}
        | changes
    )
