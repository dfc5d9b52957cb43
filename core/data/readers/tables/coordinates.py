"""Places in degrees from columns of text, as other people's tables write them.

Longitudes are -180 to 180 (0 to 360 is brought there), latitudes -90 to 90; decimal commas, degrees with minutes and
seconds, and the letters N, S, E and W are read. Metres of a projection are told apart and never taken for degrees.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.data.readers.tables.numbers import is_empty

FAR_NORTH = 72.0  # degrees; land beyond it is rare, and latitudes there are looked at twice
_MARKS = str.maketrans(
    {"−": "-", "–": "-", "’": "'", "′": "'", "´": "'", "”": '"', "″": '"', "“": '"', "º": "°", "˚": "°"}
)
_NUMBER = r"\d+(?:[.,]\d*)?|[.,]\d+"
_ANGLE = re.compile(
    rf"""(?P<before>[NSEW])?\s*(?P<sign>[+-])?\s*(?P<degrees>{_NUMBER})\s*(?:°|deg|d|:|\s)?\s*
    (?:(?P<minutes>{_NUMBER})\s*(?:'|min|m|:|\s)?\s*(?:(?P<seconds>{_NUMBER})\s*(?:"|''|sec|s(?![a-z]))?\s*)?)?
    (?P<after>[NSEW])?""",
    re.VERBOSE | re.IGNORECASE,
)
LONGITUDE_WORDS = ("longitude", "lon", "lng", "long", "longitud", "longitudine", "lambda")
LATITUDE_WORDS = ("latitude", "lat", "latitud", "latitudine", "phi")
_MORE_WORDS = frozenset(
    "deg degree degrees dd decimal wgs84 wgs 84 epsg 4326 center centre centroid point patch site event w e n gps "
    "coord coords coordinate coordinates".split()
)


def degrees(text: str, axis: str) -> float:
    """The degrees that a cell states for ``axis`` ("longitude" or "latitude"); nan where it states none.

    A letter of the other axis, minutes of 60 and more, and a minus beside N or E are no degrees.
    """
    plain = text.strip().translate(_MARKS)
    try:
        value = float(plain)
    except ValueError:
        pass
    else:
        return value if math.isfinite(value) else math.nan
    found = _ANGLE.fullmatch(plain)
    if not found:
        return math.nan
    whole, minutes, seconds = (
        float((found[name] or "0").replace(",", ".")) for name in ("degrees", "minutes", "seconds")
    )
    letters = [(found[name] or "").upper() for name in ("before", "after")]
    letter = "".join(letters)
    if minutes >= 60 or seconds >= 60 or (found["minutes"] and whole != int(whole)) or len(letter) > 1:
        return math.nan
    if letter and letter not in ("EW" if axis == "longitude" else "NS"):
        return math.nan
    if found["sign"] == "-" and letter in ("N", "E"):
        return math.nan
    value = whole + minutes / 60 + seconds / 3600
    return -value if found["sign"] == "-" or letter in ("S", "W") else value


@dataclass(frozen=True, eq=False)
class Places:
    """lonlat: (n, 2) degrees, nan where there is none. reasons: (n,) why, "" where there is a place or nothing is said.

    notes: sentences on what was understood. projected: why none of the columns is in degrees, or "".
    """

    lonlat: np.ndarray
    reasons: tuple[str, ...]
    notes: tuple[str, ...] = ()
    projected: str = ""


def read_places(longitudes: Sequence[str], latitudes: Sequence[str], names: tuple[str, str]) -> Places:
    """The places of two columns of cells; ``names`` of the columns, for messages and for what they say of west.

    Columns that only make sense the other way round are read so, with a note; a row alone that looks swapped is not.
    """
    lon = np.array([degrees(text, "longitude") for text in longitudes])
    lat = np.array([degrees(text, "latitude") for text in latitudes])
    crossed = (
        np.array([degrees(text, "latitude") for text in longitudes]),
        np.array([degrees(text, "longitude") for text in latitudes]),
    )
    written = np.array([not is_empty(a) or not is_empty(b) for a, b in zip(longitudes, latitudes, strict=True)], bool)
    if said := _projected(lon, lat, names):
        return Places(np.full((len(lon), 2), np.nan), (said,) * len(lon), projected=said)
    notes = []
    ok, other_way = _fits(lon, lat), _fits(crossed[1], crossed[0])
    if _is_swapped(ok, other_way, lat):
        lon, lat, ok = crossed[1], crossed[0], other_way
        notes.append(
            f"'{names[0]}' holds latitudes and '{names[1]}' longitudes: read the other way round. Rename the columns "
            "if that is wrong."
        )
        other_way = np.zeros_like(ok)
    lon, of_west = _west(lon, ok, names[0])
    notes += of_west
    beyond = ok & (lon > 180)
    if beyond.any():
        notes.append(f"{beyond.sum()} longitudes of 180 to 360 degrees were brought to -180 to 0.")
        lon = np.where(beyond, lon - 360, lon)
    zero = ok & (lon == 0) & (lat == 0)
    reasons = [
        _reason(a, b, bool(fine), bool(nothing), bool(swapped), bool(some_text))
        for a, b, fine, nothing, swapped, some_text in zip(
            longitudes, latitudes, ok, zero, other_way & ~ok, written, strict=True
        )
    ]
    ok = ok & ~zero
    far = ok & (np.abs(lat) > FAR_NORTH)
    if ok.any() and far.sum() > ok.sum() / 2 and not notes:
        notes.append(
            f"Most latitudes lie beyond {FAR_NORTH:g} degrees (up to {np.abs(lat[ok]).max():.2f}). If that is not "
            f"where the patches are, the columns '{names[0]}' and '{names[1]}' are swapped: rename them."
        )
    lonlat = np.where(ok[:, None], np.stack([lon, lat], axis=1), np.nan)
    return Places(lonlat, tuple(reasons), tuple(notes))


def place_columns(columns: Sequence[str], x_and_y: bool = False) -> tuple[str, str] | None:
    """Names of the columns of longitude and latitude, or None. ``x_and_y``: columns of these names are such too."""
    found: dict[str, tuple[tuple[int, int], str]] = {}
    for axis, words in (("longitude", LONGITUDE_WORDS), ("latitude", LATITUDE_WORDS)):
        for name in columns:
            parts = re.findall(r"[a-z]+|\d+", name.casefold())
            said = [part for part in parts if part in words]
            if len(said) == 1 and all(part in words or part in _MORE_WORDS for part in parts):
                rank = (words.index(said[0]), len(parts))
                found[axis] = min(found.get(axis, (rank, name)), (rank, name))
    if len(found) == 2:
        return found["longitude"][1], found["latitude"][1]
    for x, y in (("x", "y"), ("point_x", "point_y"), ("coord_x", "coord_y"), ("xcoord", "ycoord")):
        there = {name.casefold(): name for name in columns}
        if x_and_y and x in there and y in there:
            return there[x], there[y]
    return None


def _fits(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return (np.abs(lat) <= 90) & (lon >= -180) & (lon <= 360)


def _projected(lon: np.ndarray, lat: np.ndarray, names: tuple[str, str]) -> str:
    known = np.isfinite(lon) & np.isfinite(lat)
    far = known & (np.abs(lon) > 1000) & (np.abs(lat) > 1000) & ~((lon == lat) & (lon < 0))  # -9999 says nothing
    if not far.any() or _fits(lon, lat).sum() >= far.sum():
        return ""
    i = int(np.flatnonzero(far)[0])
    return (
        f"'{names[0]}' and '{names[1]}' hold numbers like {lon[i]:.10g} and {lat[i]:.10g}: metres of a projection "
        "(UTM or another), not degrees. Convert them to longitude and latitude (EPSG:4326)."
    )


def _is_swapped(ok: np.ndarray, other_way: np.ndarray, lat: np.ndarray) -> bool:
    """Whether whole columns make sense only the other way round."""
    wrong, against = (other_way & ~ok).sum(), (ok & ~other_way).sum()
    if not wrong or against:
        return False
    known = np.abs(lat[np.isfinite(lat) & (ok | other_way)])
    return bool(wrong > ok.sum() or np.median(known) > FAR_NORTH)


def _west(lon: np.ndarray, ok: np.ndarray, name: str) -> tuple[np.ndarray, list[str]]:
    """Longitudes in a column called ``Lon_W`` and without any sign are west of Greenwich."""
    if not re.fullmatch(r"(lon|long|longitude)_?w", name.casefold()) or not ok.any() or (lon[ok] < 0).any():
        return lon, []
    return -lon, [f"'{name}' says west, so its longitudes were taken as negative."]


def _reason(lon: str, lat: str, ok: bool, zero: bool, swapped: bool, written: bool) -> str:
    if zero:
        return "Its coordinates are 0, 0, which stands for an unknown place."
    if ok:
        return ""
    if not written or math.isnan(degrees(lon, "longitude")) or math.isnan(degrees(lat, "latitude")):
        readable = lon.strip() or lat.strip()
        return "It has no coordinates in degrees" + (f": '{lon[:30]}', '{lat[:30]}'." if readable else ".")
    hint = " They look swapped." if swapped else ""
    return f"Latitude {lat[:30]} and longitude {lon[:30]} are no place in degrees.{hint}"
