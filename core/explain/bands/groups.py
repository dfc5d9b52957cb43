"""Bands put into groups that share a sensor, an orbit and a kind, so that a handful of groups covers every band.

Zindi's 12 bands give optical, descending post, descending change, ascending post and ascending change; the bands of a
single sensor are divided by spectral region, or one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from core.data.bands import Band

FEWEST, MOST = 3, 8  # groups: fewer say little, and 2^8 = 256 subsets are the most that are worth computing
_KINDS = {"sar_post": "post", "sar_change": "change", "sar_pre": "before"}
_REGIONS = {
    "visible": ("coastal", "blue", "green", "red"),
    "red edge": ("red_edge_1", "red_edge_2", "red_edge_3"),
    "near infrared": ("nir",),
    "short-wave infrared": ("swir_1", "swir_2"),
    "water vapour and cirrus": ("water_vapour", "cirrus"),
}


@dataclass(frozen=True)
class BandGroup:
    """Bands that are occluded together: ``bands`` by name, ``index`` their places among the model's bands."""

    name: str
    modality: str
    bands: tuple[str, ...]
    index: tuple[int, ...]

    def to_dict(self) -> dict:
        """Plain values."""
        return asdict(self)


def band_groups(bands: Sequence[Band]) -> tuple[BandGroup, ...]:
    """A partition of the bands into at most 8 groups: the coarsest of three that has at least 3, else the finest.

    By sensing, orbit and time of the acquisition; the same with optical bands by spectral region; band by band.
    """
    ways = [way for way in (_coarse, _by_region, _alone) if len({way(band) for band in bands}) <= MOST]
    if not ways:
        ways = [lambda band: band.modality]
    way = next((way for way in ways if len({way(band) for band in bands}) >= FEWEST), ways[-1])
    return _partition(bands, way)


def _partition(bands: Sequence[Band], way: Callable[[Band], str]) -> tuple[BandGroup, ...]:
    members: dict[str, list[int]] = {}
    for place, band in enumerate(bands):
        members.setdefault(way(band), []).append(place)
    return tuple(
        BandGroup(name, bands[index[0]].modality, tuple(bands[i].name for i in index), tuple(index))
        for name, index in members.items()
    )


def _coarse(band: Band) -> str:
    if band.modality != "sar":
        return band.modality
    return " ".join(part for part in (band.orbit or "SAR", _KINDS.get(band.family, band.family)) if part)


def _by_region(band: Band) -> str:
    if band.modality != "optical":
        return _coarse(band)
    return next((region for region, names in _REGIONS.items() if band.name in names), "optical, other")


def _alone(band: Band) -> str:
    return band.name
