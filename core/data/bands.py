"""The registry of bands: what each is called, which sensor and orbit saw it, in which unit, and how to look at it.

Comes in: band names. Goes out: :class:`Band` and :class:`Composite` records. It knows nothing of files or arrays.
Zindi's order and units: host's data page and FACTS ("optical DN = reflectance x 10 000, SAR dB, diff = post - pre").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Family = Literal["optical", "sar_post", "sar_change", "other"]


@dataclass(frozen=True)
class Band:
    """One spectral channel. ``usual`` is the (low, high) range outside which values deserve a warning, in ``unit``."""

    name: str
    title: str
    sensor: str = ""
    orbit: str = ""
    unit: str = ""
    family: Family = "other"
    usual: tuple[float, float] | None = None

    @property
    def label(self) -> str:
        """Title with unit, for axes and headings: ``Descending VV (dB)``."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    def to_dict(self) -> dict:
        """Plain values for a dataset file's attributes."""
        return asdict(self)


@dataclass(frozen=True)
class Composite:
    """A way to look at a patch: one band (greys) or three (red, green, blue), by name."""

    name: str
    bands: tuple[str, ...]


def _optical(name: str, title: str) -> Band:
    return Band(name, title, "Sentinel-2", "", "DN", "optical", (0.0, 21000.0))


def _sar(name: str, title: str, orbit: str, family: Family) -> Band:
    return Band(name, title, "Sentinel-1", orbit, "dB", family, (-70.0, 40.0))


ZINDI_BANDS: tuple[Band, ...] = (
    _optical("red", "Red"),
    _optical("green", "Green"),
    _optical("blue", "Blue"),
    _optical("nir", "Near infrared"),
    _sar("desc_vv", "Descending VV", "descending", "sar_post"),
    _sar("desc_vh", "Descending VH", "descending", "sar_post"),
    _sar("desc_dvv", "Descending VV change", "descending", "sar_change"),
    _sar("desc_dvh", "Descending VH change", "descending", "sar_change"),
    _sar("asc_vv", "Ascending VV", "ascending", "sar_post"),
    _sar("asc_vh", "Ascending VH", "ascending", "sar_post"),
    _sar("asc_dvv", "Ascending VV change", "ascending", "sar_change"),
    _sar("asc_dvh", "Ascending VH change", "ascending", "sar_change"),
)
RGB_BANDS: tuple[Band, ...] = tuple(
    Band(name, title, "", "", "0-255", "optical", (0.0, 255.0))
    for name, title in (("red", "Red"), ("green", "Green"), ("blue", "Blue"))
)
_REGISTRY = {band.name: band for band in ZINDI_BANDS}


def bands_named(names: Sequence[str]) -> tuple[Band, ...]:
    """The registry's band for each name; an unknown name gives a band without sensor, unit or usual range."""
    return tuple(_REGISTRY.get(name, Band(name, name.replace("_", " "))) for name in names)


_COMPOSITES: tuple[Composite, ...] = (
    Composite("True colour", ("red", "green", "blue")),
    Composite("False colour (NIR, red, green)", ("nir", "red", "green")),
    Composite("SAR change (descending VV, VH, ascending VV)", ("desc_dvv", "desc_dvh", "asc_dvv")),
    Composite("SAR after (descending VV, VH, ascending VV)", ("desc_vv", "desc_vh", "asc_vv")),
)


def composites(bands: Sequence[Band]) -> tuple[Composite, ...]:
    """Every way to look at a patch with these bands: the known composites whose bands are there, then each band."""
    names = {band.name for band in bands}
    known = [c for c in _COMPOSITES if names.issuperset(c.bands)]
    return (*known, *(Composite(band.title, (band.name,)) for band in bands))
