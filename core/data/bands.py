"""The registry of bands: what each is called, which sensor and orbit saw it, in which unit, and how to look at it.

Zindi's order and units: host's data page and FACTS ("optical DN = reflectance x 10 000, SAR dB, diff = post - pre").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

from core.errors import ConfigError

Family = Literal["optical", "sar_post", "sar_change", "sar_pre", "terrain", "index", "edge", "other"]
Modality = Literal["optical", "sar", "terrain", "other"]

DN, BYTES, REFLECTANCE, DECIBEL = "DN", "0-255", "reflectance", "dB"
TIMES_MEAN = "times its mean"  # Landslide4Sense: each band divided by its own mean; no reflectance comes back from it
# Factor from a unit to reflectance 0-1. A picture's 0-255 counts as 0-1: the best that can be said of it.
TO_REFLECTANCE: dict[str, float] = {DN: 1 / 10_000, REFLECTANCE: 1.0, BYTES: 1 / 255}
# Factor from a unit to brightness as a picture shows it, 1 being white. 0.4 is about the 95 % quantile of Zindi's
# optical bands (DN 3 900 - 4 000), and 2.5 times their mean of 0.16-0.19; pictures are stretched already.
TO_BRIGHTNESS: dict[str, float] = {DN: 1 / 4_000, REFLECTANCE: 1 / 0.4, BYTES: 1 / 255, TIMES_MEAN: 1 / 2.5}


# What a unit's values stay within on the ground; brighter ones are clouds, or in another unit.
USUAL: dict[str, tuple[float, float]] = {DN: (0.0, 21000.0), REFLECTANCE: (0.0, 2.1), BYTES: (0.0, 255.0)}
Unit = Literal["DN", "reflectance", "0-255"]  # of optical bands: the keys of USUAL


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

    @property
    def modality(self) -> Modality:
        """What kind of sensing the band comes from; for a computed band, that of the bands it is computed from."""
        match self.family:
            case "index" | "edge":
                return "sar" if self.orbit else "optical"
            case "optical" | "terrain" | "other":
                return self.family
            case _:
                return "sar"

    def to_dict(self) -> dict:
        """Plain values for a dataset file's attributes."""
        return asdict(self)


@dataclass(frozen=True)
class Composite:
    """A way to look at a patch: one band (greys) or three (red, green, blue), by name."""

    name: str
    bands: tuple[str, ...]


def _optical(name: str, title: str) -> Band:
    return Band(name, title, "Sentinel-2", "", DN, "optical", USUAL[DN])


def _sar(name: str, title: str, orbit: str, family: Family) -> Band:
    return Band(name, title, "Sentinel-1", orbit, DECIBEL, family, (-70.0, 40.0))


def _four_sar(key: str, orbit: str) -> tuple[Band, ...]:
    title = orbit.capitalize()
    return (
        _sar(f"{key}_vv", f"{title} VV", orbit, "sar_post"),
        _sar(f"{key}_vh", f"{title} VH", orbit, "sar_post"),
        _sar(f"{key}_dvv", f"{title} VV change", orbit, "sar_change"),
        _sar(f"{key}_dvh", f"{title} VH change", orbit, "sar_change"),
    )


ZINDI_BANDS: tuple[Band, ...] = (
    _optical("red", "Red"),
    _optical("green", "Green"),
    _optical("blue", "Blue"),
    _optical("nir", "Near infrared"),
    *_four_sar("desc", "descending"),
    *_four_sar("asc", "ascending"),
)
RGB_BANDS: tuple[Band, ...] = tuple(
    Band(name, title, "", "", BYTES, "optical", USUAL[BYTES])
    for name, title in (("red", "Red"), ("green", "Green"), ("blue", "Blue"))
)
# Sentinel-2's B1-B12 without B8A, in their order.
SENTINEL2_NAMES: tuple[tuple[str, str], ...] = (
    ("coastal", "Coastal aerosol"),
    ("blue", "Blue"),
    ("green", "Green"),
    ("red", "Red"),
    ("red_edge_1", "Red edge 1"),
    ("red_edge_2", "Red edge 2"),
    ("red_edge_3", "Red edge 3"),
    ("nir", "Near infrared"),
    ("water_vapour", "Water vapour"),
    ("cirrus", "Cirrus"),
    ("swir_1", "Short-wave infrared 1"),
    ("swir_2", "Short-wave infrared 2"),
)
_SENTINEL2_NM = (443, 490, 560, 665, 705, 740, 783, 842, 945, 1375, 1610, 2190)  # central wavelengths, in their order
_TIMES_MEAN_USUAL = (0.0, 20.0)  # the real samples reach 7, except B10 (cirrus), whose spikes reach 50
LANDSLIDE4SENSE_BANDS: tuple[Band, ...] = (
    *(
        Band(name, f"{title}, B{number} {nm} nm", "Sentinel-2", "", TIMES_MEAN, "optical", _TIMES_MEAN_USUAL)
        for number, ((name, title), nm) in enumerate(zip(SENTINEL2_NAMES, _SENTINEL2_NM, strict=True), 1)
    ),
    Band("slope", "Slope", "ALOS PALSAR", "", TIMES_MEAN, "terrain", _TIMES_MEAN_USUAL),
    Band("elevation", "Elevation", "ALOS PALSAR", "", TIMES_MEAN, "terrain", _TIMES_MEAN_USUAL),
)
_FURTHER_OPTICAL = (
    ("nir_narrow", "Narrow near infrared"),
    ("nir_2", "Near infrared 2"),
    ("red_edge", "Red edge"),
    ("green_1", "Green I"),
    ("yellow", "Yellow"),
    ("swir_0", "Short-wave infrared 1.24 \u00b5m"),
    ("pan", "Panchromatic"),
)
_TERRAIN = (
    Band("slope", "Slope", unit="degrees", family="terrain"),
    Band("aspect", "Aspect", unit="degrees", family="terrain"),
    Band("elevation", "Elevation", unit="m", family="terrain"),
    Band("dem", "Elevation", unit="m", family="terrain"),
    *(Band(name, name.capitalize(), family="terrain") for name in ("curvature", "hillshade", "roughness")),
    Band("twi", "Topographic wetness index", family="terrain"),
)
_THERMAL = (
    Band("thermal", "Thermal infrared"),
    Band("thermal_1", "Thermal infrared 1"),
    Band("thermal_2", "Thermal infrared 2"),
    Band("angle", "Angle of incidence", unit="degrees"),
)


def _radar() -> Iterator[Band]:
    """Every polarisation of each orbit and of none: after, before, and their difference."""
    for key, orbit in (("", ""), ("desc_", "descending"), ("asc_", "ascending")):
        for wave in ("VV", "VH", "HH", "HV"):
            title = f"{orbit.capitalize()} {wave}".strip()
            yield _sar(f"{key}{wave.lower()}", title, orbit, "sar_post")
            yield _sar(f"{key}d{wave.lower()}", f"{title} change", orbit, "sar_change")
            yield _sar(f"{key}{wave.lower()}_pre", f"{title} before", orbit, "sar_pre")


_REGISTRY = {
    band.name: band
    for band in (
        *_radar(),
        *_THERMAL,
        *(_optical(*names) for names in (*SENTINEL2_NAMES, *_FURTHER_OPTICAL)),
        *_TERRAIN,
        *ZINDI_BANDS,
    )
}
_ENDINGS = {"_pre": "before", "_change": "change"}


def bands_named(names: Sequence[str], sensor: str = "", units: Mapping[str, str] | None = None) -> tuple[Band, ...]:
    """The registry's band for each name; an unknown name gives a band without sensor, unit or usual range.

    ``sensor``: of the optical bands; "": the registry's. ``units``: by name, where they are other than usual.
    """
    found = []
    for name in names:
        band = _registered(name)
        if sensor and band.family == "optical":
            band = replace(band, sensor=sensor)
        if units and name in units:
            band = replace(band, unit=units[name], usual=None)
        found.append(band)
    return tuple(found)


def _registered(name: str) -> Band:
    """Also of a band before the event (``red_pre``), or of its change."""
    for ending, when in _ENDINGS.items():
        base = _REGISTRY.get(name.removesuffix(ending)) if name.endswith(ending) and name not in _REGISTRY else None
        if base is not None:
            usual = base.usual if ending == "_pre" else None
            return replace(base, name=name, title=f"{base.title} {when}", usual=usual)
    return _REGISTRY.get(name, Band(name, name.replace("_", " ")))


def as_bytes(band: Band) -> Band:
    """The same band as a picture shows it, 0-255."""
    rgb = {one.name: one for one in RGB_BANDS}
    usual = USUAL[BYTES] if band.family == "optical" else None
    return rgb.get(band.name) or replace(band, sensor="", unit=BYTES, usual=usual)


def with_optical_unit(bands: Sequence[Band], unit: str | None) -> tuple[Band, ...]:
    """The same bands, the optical ones in ``unit``; None changes nothing."""
    if unit is None:
        return tuple(bands)
    return tuple(replace(b, unit=unit, usual=USUAL[unit]) if b.modality == "optical" else b for b in bands)


# ------------------------------------------------------------------------------------------------------ subsets

_RGB = ("red", "green", "blue")
SUBSETS: dict[str, Callable[[Band], bool]] = {
    "optical": lambda band: band.modality == "optical",
    "sar": lambda band: band.modality == "sar",
    "sar_post": lambda band: band.family == "sar_post",
    "sar_change": lambda band: band.family == "sar_change",
    "terrain": lambda band: band.modality == "terrain",
    "descending": lambda band: band.orbit == "descending",
    "ascending": lambda band: band.orbit == "ascending",
    "rgb": lambda band: band.name in _RGB,
}


def subsets_of(bands: Sequence[Band]) -> dict[str, tuple[str, ...]]:
    """The named subsets that these bands fill, each with the names of its bands in their order."""
    found = {name: tuple(band.name for band in bands if holds(band)) for name, holds in SUBSETS.items()}
    return {name: members for name, members in found.items() if members}


def choose_bands(wanted: Sequence[str] | None, bands: Sequence[Band]) -> tuple[Band, ...]:
    """The bands that ``wanted`` names, each once: band names and the names of SUBSETS, in the order given; none: all.

    A band's own name comes before a subset of the same name. Raises ConfigError, listing what is known, for a name
    that is neither, for a subset that none of ``bands`` belongs to, and for an empty choice.
    """
    if wanted is None:
        return tuple(bands)
    by_name, filled = {band.name: band for band in bands}, subsets_of(bands)
    known = f"Bands here: {', '.join(by_name)}. Subsets here: {', '.join(filled) or 'none'}."
    chosen: dict[str, Band] = {}
    for name in wanted:
        if name not in by_name and name not in filled:
            reason = "has no band of this dataset" if name in SUBSETS else "is neither a band nor a subset of bands"
            raise ConfigError(f"data.bands names '{name}', which {reason}. {known}")
        for member in [name] if name in by_name else filled[name]:
            chosen[member] = by_name[member]
    if not chosen:
        raise ConfigError(f"data.bands chooses no band. {known}")
    return tuple(chosen.values())


# --------------------------------------------------------------------------------------------------- composites


def _sar_composites(when: str, ends: tuple[str, str]) -> tuple[Composite, ...]:
    """Both orbits together, then each alone with VV as red and blue, VH as green."""
    vv, vh = ends
    return (
        Composite(f"SAR {when} (descending VV, VH, ascending VV)", (f"desc_{vv}", f"desc_{vh}", f"asc_{vv}")),
        Composite(f"SAR {when}, descending (VV, VH, VV)", (f"desc_{vv}", f"desc_{vh}", f"desc_{vv}")),
        Composite(f"SAR {when}, ascending (VV, VH, VV)", (f"asc_{vv}", f"asc_{vh}", f"asc_{vv}")),
    )


_COMPOSITES: tuple[Composite, ...] = (
    Composite("True colour", ("red", "green", "blue")),
    Composite("True colour before", ("red_pre", "green_pre", "blue_pre")),
    Composite("False colour (NIR, red, green)", ("nir", "red", "green")),
    Composite("Short-wave infrared (SWIR 2, NIR, red)", ("swir_2", "nir", "red")),
    Composite("SAR (VV, VH, VV)", ("vv", "vh", "vv")),
    *_sar_composites("change", ("dvv", "dvh")),
    *_sar_composites("after", ("vv", "vh")),
    *_sar_composites("before", ("vv_pre", "vh_pre")),  # computed bands: see core.data.stacks.extended
)


def composites(bands: Sequence[Band]) -> tuple[Composite, ...]:
    """Every way to look at a patch with these bands: the known composites whose bands are there, then each band."""
    names = {band.name for band in bands}
    known = [c for c in _COMPOSITES if names.issuperset(c.bands)]
    return (*known, *(Composite(band.title, (band.name,)) for band in bands))
