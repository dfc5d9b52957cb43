"""Where a raster lies: its coordinate system, the world file beside it, and degrees for any of its pixels.

What could not be placed is reported in plain words. No pixels are read, and the network is not used. A world file
(ESRI: six lines, the centre of the upper left pixel) or GDAL's .aux.xml is used only where the raster does not say
itself where it is.
"""

from __future__ import annotations

import html
import math
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from core.data.leakage.footprints import HEIGHT, WIDTH, metres_per_degree
from core.data.readers.base import Aside, some
from core.data.readers.geo.raster import RasterHeader
from core.errors import FormatError
from core.text import counted

MAX_WORLD_FILE = 4096  # bytes
MAX_PAM_FILE = 2**20  # bytes
ALIGNED = 1e-6  # of a pixel's side; less is rounding of a grid with north up
TURNED = 8.0  # degrees; less, as map grids are turned against the meridians, makes tiles overlap by 1 % of a side
WORLD_FILES = (".tfw", ".tifw", ".tiffw", ".wld")

Transform = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Placement:
    """transform: (a, b, c, d, e, f) as of a RasterHeader. crs: WKT, or None when only map units are known."""

    transform: Transform
    crs: str | None

    def at(self, row: Any, col: Any) -> tuple[Any, Any]:
        """(x, y) in map units of a position in pixels; whole numbers are corners of pixels, halves their centres."""
        a, b, c, d, e, f = self.transform
        return a * col + b * row + c, d * col + e * row + f

    def pixel(self, x: Any, y: Any) -> tuple[Any, Any]:
        """(row, col) in pixels of a position in map units, the inverse of :meth:`at`; arrays as well."""
        a, b, c, d, e, f = self.transform
        area = a * e - b * d
        return (a * (y - f) - d * (x - c)) / area, (e * (x - c) - b * (y - f)) / area

    @property
    def is_north_up(self) -> bool:
        """Whether rows run from north to south and columns from west to east."""
        a, b, _, d, e, _ = self.transform
        return a > 0 and e < 0 and abs(b) < ALIGNED * a and abs(d) < ALIGNED * -e

    @property
    def system_name(self) -> str:
        """As of :func:`crs_name`."""
        return crs_name(self.crs)

    def lonlat(self, row: float, col: float) -> tuple[float, float] | None:
        """(longitude, latitude) in degrees (WGS 84); None without a coordinate system that leads there."""
        return None if self.crs is None else degrees(self.crs, *self.at(row, col))

    def columns(self, row: float, col: float) -> Mapping[str, str]:
        """The position in map units and its coordinate system, as facts for a dataset's columns."""
        x, y = self.at(row, col)
        return {"x": f"{x:.12g}", "y": f"{y:.12g}", "crs": crs_name(self.crs)}

    def ground(self, row: float, col: float, height: float, width: float) -> Mapping[str, str]:
        """Width and height in metres of a window beginning at (row, col) pixels, as facts for a dataset's columns.

        Of one that is turned by more than ``TURNED``, those of the upright rectangle around it. Empty where its place
        on Earth is not known.
        """
        corners = [self.lonlat(row + h, col + w) for h in (0, height) for w in (0, width)]
        if any(corner is None for corner in corners):
            return {}
        lon, lat = np.array(corners).T
        per_lon, per_lat = metres_per_degree(lat.mean())
        at = np.stack([((lon - lon[0] + 180) % 360 - 180) * per_lon, (lat - lat[0]) * per_lat], axis=1)  # (4, 2)
        along = (at[1] + at[3] - at[0] - at[2]) / 2, (at[2] + at[3] - at[0] - at[1]) / 2  # of a row, of a column
        sides = np.linalg.norm(along, axis=1)
        if abs(along[0][1]) > math.sin(math.radians(TURNED)) * sides[0]:
            sides = np.ptp(at, axis=0)
        return {WIDTH: f"{sides[0]:.6g}", HEIGHT: f"{sides[1]:.6g}"}

    def bounds(self, height: int, width: int) -> tuple[float, float, float, float]:
        """(x0, y0, x1, y1) of a raster of that size, lower values first."""
        corners = [self.at(row, col) for row in (0, height) for col in (0, width)]
        xs, ys = zip(*corners, strict=True)
        return min(xs), min(ys), max(xs), max(ys)


@lru_cache(maxsize=64)
def _system(crs: str) -> Any:
    from rasterio.crs import CRS

    return CRS.from_wkt(crs)


@lru_cache(maxsize=64)
def crs_name(crs: str | None) -> str:
    """``EPSG:32646`` where it has such a code, otherwise its own name; "" for None."""
    if crs is None:
        return ""
    code = _system(crs).to_epsg()
    return f"EPSG:{code}" if code else crs.split('"')[1][:60] if '"' in crs else "unnamed"


def same_system(one: str | None, other: str | None) -> bool | None:
    """Whether two coordinate systems are the same one; None where either is not stated."""
    if one is None or other is None:
        return None
    return one == other or _system(one) == _system(other)


def to_system(crs: str, other: str, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Positions of any shape in ``crs`` as those of ``other``; not finite where the systems do not lead there.

    Raises FormatError when PROJ cannot lead from one to the other.
    """
    if crs == other:
        return x, y
    from rasterio.warp import transform

    try:
        found = transform(_system(crs), _system(other), np.ravel(x), np.ravel(y))
    except Exception as error:  # as in degrees
        raise FormatError(
            f"No way is known from the coordinate system {crs_name(crs)} to {crs_name(other)}. Save both in one."
        ) from error
    return np.reshape(found[0], np.shape(x)), np.reshape(found[1], np.shape(x))


def degrees(crs: str, x: float, y: float) -> tuple[float, float] | None:
    """(longitude, latitude) WGS 84 of a point in map units; None where the system does not lead to a place on Earth."""
    from rasterio.warp import transform

    try:
        (lon,), (lat,) = transform(_system(crs), _system_wgs84(), [x], [y])
    except Exception:  # PROJ fails in many ways: another planet, a local system, a point outside the projection
        return None
    if not (math.isfinite(lon) and math.isfinite(lat) and -90 <= lat <= 90):
        return None
    return (lon + 180) % 360 - 180, lat


@lru_cache(maxsize=1)
def _system_wgs84() -> Any:
    from rasterio.crs import CRS

    return CRS.from_epsg(4326)


def world_file(path: Path) -> Transform | None:
    """The transform that a world file beside ``path`` states, or None. Links and what is no such text are not read."""
    for beside in (path.with_suffix(suffix) for ending in WORLD_FILES for suffix in (ending, ending.upper())):
        if beside.is_file() and not beside.is_symlink() and beside.stat().st_size <= MAX_WORLD_FILE:
            try:
                a, d, b, e, x, y = (float(text) for text in beside.read_text("ascii").split())
            except ValueError:
                continue
            if all(map(math.isfinite, (a, d, b, e, x, y))) and a * e != b * d:
                return a, b, x - (a + b) / 2, d, e, y - (d + e) / 2
    return None


def pam_file(path: Path) -> tuple[Transform | None, str | None]:
    """(transform, coordinate system as WKT) that GDAL's ``.aux.xml`` beside ``path`` states; None for what it does not.

    Two of its elements are looked for in its text; nothing else of it is read. Links and large files are not.
    """
    beside = path.with_name(f"{path.name}.aux.xml")
    if not beside.is_file() or beside.is_symlink() or beside.stat().st_size > MAX_PAM_FILE:
        return None, None
    text = beside.read_text("utf-8", "replace")
    numbers, system = (re.search(rf"<{name}(?: [^>]*)?>([^<]*)</{name}>", text) for name in ("GeoTransform", "SRS"))
    try:
        c, a, b, f, d, e = [float(number) for number in (numbers[1] if numbers else "").split(",")]
        transform = (a, b, c, d, e, f) if all(map(math.isfinite, (a, b, c, d, e, f))) and a * e != b * d else None
    except ValueError:
        transform = None
    return transform, _known(html.unescape(system[1]).strip()) if system else None


def _known(crs: str) -> str | None:
    """The system as WKT, or None for a text that names none."""
    import rasterio
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    try:
        with rasterio.Env():  # or PROJ writes its complaint on standard error
            return CRS.from_wkt(crs).to_wkt() or None
    except CRSError:
        return None


def stated_beside(path: Path) -> tuple[Transform | None, str | None]:
    """(transform, coordinate system) that files beside a raster state: GDAL's .aux.xml, then a world file."""
    transform, crs = pam_file(path)
    return transform or world_file(path), crs


def place_of(path: Path, header: RasterHeader) -> Placement | None:
    """Where a raster lies, by itself or else by the files beside it; None where neither says."""
    transform, crs = stated_beside(path)
    transform = header.transform or transform
    return Placement(transform, header.crs or crs) if transform else None


class Placer:
    """Places one raster after another, and tells at the end, once a kind, what could not be placed."""

    def __init__(self) -> None:
        self._told: dict[str, list[str]] = defaultdict(list)
        self._boxes: list[tuple[str, tuple[float, float, float, float], str]] = []

    def place(self, path: Path, header: RasterHeader, file: str) -> Placement | None:
        """Where the raster lies, or None."""
        beside, _ = stated_beside(path)
        found = place_of(path, header)
        if found is None:
            self._told["points" if header.has_gcps else "nowhere"].append(file)
            return None
        if header.transform and beside and _differ(header.transform, beside, header.shape):
            self._told["disagrees"].append(file)
        _, height, width = header.shape
        if found.crs is None:
            self._told["no system"].append(file)
        elif found.lonlat(height / 2, width / 2) is None:
            self._told["nowhere on Earth"].append(file)
        self._boxes.append((found.crs or "", found.bounds(height, width), file))
        return found

    def tell(self, aside: Aside) -> None:
        """The warnings."""
        texts = {
            "nowhere": "files do not say where they are (no coordinate system, no world file), so their patches have "
            "no coordinates",
            "points": "files are placed by ground control points (GCPs), which are not applied, so their patches "
            "have no coordinates and may be turned or bent; gdalwarp IN.tif OUT.tif puts them on a grid",
            "no system": "files have a place but no coordinate system, so their patches have no longitude and "
            "latitude; map units are in the columns x and y",
            "nowhere on Earth": "files have a coordinate system that does not lead to longitude and latitude; map "
            "units are in the columns x and y",
            "disagrees": "files lie elsewhere by the world file or .aux.xml beside them than by themselves; their own "
            "place is used",
        }
        for kind, text in texts.items():
            if files := self._told[kind]:
                aside.warn(f"{len(files)} {text}: {some(files)}.")
        if files := _overlapping(self._boxes):
            aside.warn(
                f"{counted(len(files), 'file shows', 'files show')} ground that another one shows too: {some(files)}. "
                "Training leaves out what shares ground with the patches that a fold is evaluated on; "
                "folds.group_by=block draws folds of neighbouring patches, so that less is left out, and "
                "folds.buffer_m keeps a distance."
            )


def _differ(one: Transform, other: Transform, shape: tuple[int, int, int]) -> bool:
    """Whether a corner lies more than a pixel apart."""
    first, second = Placement(one, None), Placement(other, None)
    size = max(abs(one[0]), abs(one[1]), abs(one[3]), abs(one[4]))
    corners = [(row, col) for row in (0, shape[1]) for col in (0, shape[2])]
    return any(math.dist(first.at(*corner), second.at(*corner)) > size for corner in corners)


def _overlapping(boxes: list[tuple[str, tuple[float, float, float, float], str]]) -> list[str]:
    """Files whose box shares area with another's, by name; a sweep from west to east within each system."""
    files: dict[str, dict[tuple[float, float, float, float], list[str]]] = defaultdict(lambda: defaultdict(list))
    for crs, box, file in boxes:
        files[crs][box].append(file)
    found: set[str] = set()
    for by_box in files.values():
        found.update(*(names for names in by_box.values() if len(names) > 1))
        under_way: list[tuple[float, float, float, float]] = []
        for box in sorted(by_box):
            under_way = [other for other in under_way if other[2] > box[0]]
            for other in under_way:
                if _share_area(box, other):
                    found.update(by_box[box], by_box[other])
            under_way.append(box)
    return sorted(found)


def _share_area(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether two boxes overlap by more than rounding: a hundredth of the first one's side."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return wide > 0.01 * (one[2] - one[0]) and high > 0.01 * (one[3] - one[1])
