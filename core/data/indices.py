"""Indices: bands computed from other bands, pixel by pixel or, for edges, within one patch and one band.

Bands are given by name, in their unit, as numpy arrays or torch tensors alike. Formulas of optical bands see
reflectance 0-1 (or one common unit where only the ratio counts), those of SAR bands dB; the unit in each band's record
says how to get there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.data.bands import TO_BRIGHTNESS, TO_REFLECTANCE, Band, Family, Modality
from core.data.edges import HIGH, LOW, SIGMA, canny, sobel
from core.errors import ConfigError

Array = Any  # numpy array or torch tensor: only operators that both have are used
Wants = Literal["ratio", "reflectance", "brightness", "own"]
LUMINANCE = (0.2125, 0.7154, 0.0721)  # of red, green, blue: ITU-R BT.709 as in skimage.color.rgb2gray


@dataclass(frozen=True)
class Index:
    """One index: its ``formula`` over the bands it ``needs``, and what to say of it.

    Attributes:
        wants: what the formula must be given: "ratio": any one unit, since a common factor cancels; "reflectance":
            0-1; "brightness": 1 is white (``core.data.bands.TO_BRIGHTNESS``); "own": the unit of the record, dB.
        text: the formula as people write it.
        bounds: values are clipped to this range, which noise and mixed patches would leave; none: they are not.
        source: who defined it, and when.
        automatic: taken by ``model.indices=auto``.
    """

    name: str
    title: str
    needs: tuple[str, ...]
    formula: Callable[..., Array]
    text: str
    source: str
    bounds: tuple[float, float] | None = (-1.0, 1.0)
    wants: Wants = "ratio"
    automatic: bool = False
    unit: str = ""
    modality: Modality = "optical"
    orbit: str = ""
    family: Family = "index"

    @property
    def band(self) -> Band:
        """The record of the band that it computes."""
        sensor = "Sentinel-1" if self.modality == "sar" else ""
        return Band(self.name, self.title, sensor, self.orbit, self.unit, self.family, self.bounds)


def ratio(numerator: Array, denominator: Array) -> Array:
    """Quotient, and 0 where the denominator is 0."""
    zero = denominator == 0
    return numerator * ~zero / (denominator + zero)


def luminance(red: Array, green: Array, blue: Array) -> Array:
    """Brightness as the eye weighs the colours, in the unit of the bands."""
    return LUMINANCE[0] * red + LUMINANCE[1] * green + LUMINANCE[2] * blue


def _difference(a: Array, b: Array) -> Array:
    return ratio(a - b, a + b)


_RGB = ("red", "green", "blue")
_OPTICAL = (
    Index("redr", "Red share (REDR)", _RGB, lambda r, g, b: ratio(r, r + g + b), "R / (R + G + B)",
          "ours for paper A's undefined REDR", bounds=(0.0, 1.0), automatic=True),
    Index("greenr", "Green share", _RGB, lambda r, g, b: ratio(g, r + g + b), "G / (R + G + B)",
          "green chromatic coordinate: Gillespie et al. 1987", bounds=(0.0, 1.0), automatic=True),
    Index("ngrdi", "Green-red difference", ("green", "red"), _difference, "(G - R) / (G + R)",
          "Tucker 1979", automatic=True),
    Index("nrbdi", "Red-blue difference", ("red", "blue"), _difference, "(R - B) / (R + B)",
          "normalised difference of red and blue", automatic=True),
    Index("ndvi", "NDVI", ("nir", "red"), _difference, "(N - R) / (N + R)", "Rouse et al. 1974", automatic=True),
    Index("evi2", "EVI2", ("nir", "red"), lambda n, r: ratio(2.5 * (n - r), n + 2.4 * r + 1),
          "2.5 (N - R) / (N + 2.4 R + 1)", "Jiang et al. 2008", bounds=(-1.05, 2.5), wants="reflectance",
          automatic=True),
    Index("vari", "VARI", ("green", "red", "blue"), lambda g, r, b: ratio(g - r, g + r - b),
          "(G - R) / (G + R - B), clipped to [-1, 1]", "Gitelson et al. 2002; the denominator crosses zero"),
    Index("gndvi", "GNDVI", ("nir", "green"), _difference, "(N - G) / (N + G)", "Gitelson et al. 1996",
          automatic=True),
    Index("ndwi", "NDWI", ("green", "nir"), _difference, "(G - N) / (G + N)",
          "McFeeters 1996; others use the opposite sign", automatic=True),
    Index("sobel", "Sobel of luminance", _RGB, lambda r, g, b: sobel(luminance(r, g, b)),
          "sqrt((gx^2 + gy^2) / 2) of the luminance, 1 being white", "Sobel 1968, as skimage.filters.sobel",
          bounds=None, wants="brightness", family="edge"),
    Index("canny", "Canny of luminance", _RGB, lambda r, g, b: canny(luminance(r, g, b)),
          f"edges of the luminance, 1 being white; sigma {SIGMA:g} px, thresholds {LOW:g} and {HIGH:g}",
          "Canny 1986, as skimage.feature.canny; passes no gradient on", bounds=(0.0, 1.0), wants="brightness",
          family="edge"),
)  # fmt: skip


def _sar(key: str, orbit: str) -> tuple[Index, ...]:
    """VV - VH, both pre-event bands and the Sobel of VV, of one orbit."""
    title = orbit.capitalize()
    common: dict[str, Any] = {"bounds": None, "wants": "own", "modality": "sar", "orbit": orbit}
    ours = "ours: difference in dB, the ratio of the two in power"
    before = [
        Index(f"{key}_{p}_pre", f"{title} {p.upper()} before", (f"{key}_{p}", f"{key}_d{p}"), lambda post, d: post - d,
              f"{p.upper()} - {p.upper()} change", "diff = post - pre, as one public repository reads the data",
              unit="dB", family="sar_pre", **common)
        for p in ("vv", "vh")
    ]  # fmt: skip
    return (
        Index(f"{key}_vv_minus_vh", f"{title} VV - VH", (f"{key}_vv", f"{key}_vh"), lambda vv, vh: vv - vh, "VV - VH",
              ours, unit="dB", **common),
        *before,
        Index(f"{key}_vv_sobel", f"Sobel of {orbit} VV", (f"{key}_vv",), sobel, "sqrt((gx^2 + gy^2) / 2) of VV",
              "Sobel 1968, as skimage.filters.sobel", unit="dB", family="edge", **common),
    )  # fmt: skip


INDICES: dict[str, Index] = {
    index.name: index for index in (*_OPTICAL, *_sar("desc", "descending"), *_sar("asc", "ascending"))
}


def indices_named(names: Sequence[str], bands: Sequence[Band]) -> tuple[Index, ...]:
    """The indices of these names, each once.

    Raises ConfigError for an unknown one, one whose bands are not there, and one whose bands have the wrong unit.
    """
    names = tuple(dict.fromkeys(names))
    unknown = [name for name in names if name not in INDICES]
    if unknown:
        raise ConfigError(f"There is no index {', '.join(unknown)}. Known: {', '.join(INDICES)}.")
    present = {band.name: band for band in bands}
    for name in names:
        missing = [band for band in INDICES[name].needs if band not in present]
        if missing:
            raise ConfigError(
                f"The index '{name}' needs the band {', '.join(missing)}; there are only {', '.join(present)}. "
                "Leave the index out, or name the bands."
            )
        taken = [band.name for band in bands if band.name == name]
        if taken:
            raise ConfigError(f"The index '{name}' has the name of a band. Leave it out, or rename the band.")
        factors(INDICES[name], present)
    return tuple(INDICES[name] for name in names)


def possible(bands: Sequence[Band]) -> tuple[str, ...]:
    """Names of the indices that these bands and their units allow."""
    return tuple(name for name in INDICES if _allowed(name, bands))


def automatic(bands: Sequence[Band]) -> tuple[str, ...]:
    """What ``model.indices=auto`` takes: the ratios without a pole that these bands and their units allow.

    Differences of bands are left out, since a network's first layer makes them by itself, and so are edges.
    """
    return tuple(name for name in possible(bands) if INDICES[name].automatic)


def _allowed(name: str, bands: Sequence[Band]) -> bool:
    try:
        indices_named([name], bands)
    except ConfigError:
        return False
    return True


def factors(index: Index, bands: Mapping[str, Band]) -> dict[str, float]:
    """What each band's values are multiplied by before the formula sees them.

    Raises ConfigError when the bands' units do not allow the index.
    """
    if index.wants == "own":
        return dict.fromkeys(index.needs, 1.0)
    units = {name: bands[name].unit for name in index.needs}
    if index.wants == "ratio" and len(set(units.values())) == 1:
        return dict.fromkeys(index.needs, 1.0)
    known = TO_BRIGHTNESS if index.wants == "brightness" else TO_REFLECTANCE
    if all(unit in known for unit in units.values()):
        return {name: known[unit] for name, unit in units.items()}
    found = ", ".join(f"{name} in '{unit or 'no unit'}'" for name, unit in units.items())
    wanted = f"{index.wants} (units: {', '.join(known)})" if index.wants != "ratio" else "bands in one unit"
    raise ConfigError(f"The index '{index.name}' needs {wanted}; found {found}. Leave the index out.")


def compute(indices: Sequence[Index], bands: Mapping[str, Array], records: Mapping[str, Band] | None = None) -> list:
    """Each index over bands (..., H, W) of one shape, in the unit of their ``records``.

    Without records the bands are taken as they are: as reflectance, brightness or dB, whatever the formula wants.
    """
    out = []
    for index in indices:
        scale = dict.fromkeys(index.needs, 1.0) if records is None else factors(index, records)
        inputs = (bands[name] if scale[name] == 1.0 else bands[name] * scale[name] for name in index.needs)
        value = index.formula(*inputs)
        out.append(value if index.bounds is None else value.clip(*index.bounds))
    return out
