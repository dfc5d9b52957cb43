"""What a file says of its own numbers: scale, offset and the value that means "not seen"; applied once, at reading.

GeoTIFF and netCDF say it alike: what was measured is ``number * scale + offset`` (CF conventions: ``scale_factor``,
``add_offset``, ``_FillValue``, ``missing_value``).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.data.bands import REFLECTANCE, bands_named
from core.data.names.reading import read_names
from core.data.readers.base import Aside, some
from core.data.store.missing import equals_nodata
from core.errors import FormatError

LIKE_REFLECTANCE = (1e-6, 1e-2)  # scales that lead from integers to reflectance: 0.0001, Landsat's 0.0000275


@dataclass(frozen=True)
class ValueTags:
    """scale, offset: one number a band, or one for all; fills: values that mean "not seen", before scaling."""

    scale: tuple[float, ...] = (1.0,)
    offset: tuple[float, ...] = (0.0,)
    fills: tuple[float, ...] = ()

    @property
    def scaled(self) -> bool:
        """Whether the numbers are something else than what was measured."""
        return any(value != 1.0 for value in self.scale) or any(self.offset)

    @property
    def says_nothing(self) -> bool:
        """Whether values may be taken as they are."""
        return not self.scaled and not self.fills

    def text(self) -> str:
        """For people: ``scale 0.0001, offset -0.1``."""
        scale, offset = (" / ".join(f"{v:g}" for v in dict.fromkeys(values)) for values in (self.scale, self.offset))
        return f"scale {scale}, offset {offset}" if self.scaled else "no scale"


def usable_scale(scale: float) -> float:
    """A scale as stated; 1 for one that would leave nothing of the values."""
    return float(scale) if math.isfinite(scale) and scale != 0 else 1.0


def tags_of(attributes: Mapping[str, Any], name: str = "an array") -> ValueTags:
    """The tags in the attributes of an HDF5 or netCDF array; what is no number is passed over.

    Raises FormatError, with the ``name`` of the array, for several scales or offsets: which axis they go along is not
    stated.
    """
    scale, offset = (_one_number(attributes, key, name) for key in ("scale_factor", "add_offset"))
    fills = [value for key in ("_FillValue", "missing_value") for value in _numbers(attributes, key)]
    return ValueTags(
        (1.0 if scale is None else usable_scale(scale),),
        (0.0 if offset is None or not math.isfinite(offset) else offset,),
        tuple(dict.fromkeys(value for value in fills if not math.isnan(value))),
    )


def apply_tags(values: np.ndarray, tags: ValueTags, axis: int = 0) -> np.ndarray:
    """What was measured, float32 with nan where nothing was seen; ``values`` themselves where the tags say nothing.

    values: any shape; a scale a band is along ``axis``.
    """
    if tags.says_nothing:
        return values
    missing = np.zeros(values.shape, bool)
    for fill in tags.fills:
        missing |= equals_nodata(values, fill)
    if tags.scaled:
        shape = [1] * values.ndim
        shape[axis] = -1
        scale, offset = (np.array(numbers, np.float64).reshape(shape) for numbers in (tags.scale, tags.offset))
        values = (values * scale + offset).astype(np.float32)
    if not missing.any():
        return values
    values = values.astype(np.promote_types(values.dtype, np.float32))
    values[missing] = np.nan
    return values


def unit_of(tags: Iterable[ValueTags]) -> str | None:
    """The unit of optical bands after scaling: "reflectance" where the scales say so; None: nobody knows."""
    scales = {abs(scale) for one in tags for scale in one.scale}
    low, high = LIKE_REFLECTANCE
    return REFLECTANCE if scales and all(low <= scale <= high for scale in scales) else None


def of_optical(tags: ValueTags, names: Sequence[str | None]) -> ValueTags:
    """The tags of the optical bands alone, by the names of all; ``tags`` where names do not tell them."""
    known = tuple(name for name in names if name)
    if len(known) < len(names) or not len(names) == len(tags.scale) == len(tags.offset):
        return tags
    bands = bands_named(read_names(known).names)
    places = [place for place, band in enumerate(bands) if band.family == "optical"]
    if not places:
        return tags
    return ValueTags(*(tuple(values[place] for place in places) for values in (tags.scale, tags.offset)))


def tell_tags(
    tags: Mapping[str, ValueTags],
    labels: Mapping[str, int],
    aside: Aside,
    optical: Mapping[str, ValueTags] | None = None,
) -> str | None:
    """Say which scales the files state and were applied; returns the unit of optical bands that follows, or None.

    tags: of each file; labels: of each file, 1, 0 or -1; optical: of each file's optical bands (``of_optical``), whose
    scales say the unit; None: as ``tags``. Raises FormatError where every file of one class states other
    tags than every file of the other: whatever is wrong with one of them, a network would tell the classes by it.
    """
    files: dict[ValueTags, list[str]] = defaultdict(list)
    for file, one in tags.items():
        files[ValueTags(one.scale, one.offset)].append(file)
    if not any(one.scaled for one in files):
        return None
    of_unit = {ValueTags(one.scale, one.offset) for one in (tags if optical is None else optical).values()}
    unit = unit_of(of_unit) if all(one.scaled for one in of_unit) else None
    texts = [f"{one.text()} in {len(names):,} files ({some(names, 2)})" for one, names in files.items()]
    if len(files) > 1:
        of_class = {
            label: {one for one, names in files.items() for n in names if labels.get(n) == label} for label in (0, 1)
        }
        if all(of_class.values()) and not of_class[0] & of_class[1]:
            raise FormatError(
                f"The files of the two classes state different scales: {'; '.join(texts)}. A network would tell the "
                "classes by them. Correct the tags (gdal_edit.py -scale S -offset O FILE) or write the values scaled."
            )
        aside.warn(f"The files state different scales; each file's own was applied: {'; '.join(texts)}.")
        return unit
    as_what = f"; optical bands are taken as {unit} (--unit says otherwise)" if unit else ""
    aside.warn(f"The files state {next(iter(files)).text()}, which was applied{as_what}.")
    return unit


def _one_number(attributes: Mapping[str, Any], key: str, name: str) -> float | None:
    found = set(_numbers(attributes, key))
    if len(found) > 1:
        raise FormatError(
            f"The attribute {key} of {name} holds {len(found)} numbers; accepted: one. Write the values scaled."
        )
    return found.pop() if found else None


def _numbers(attributes: Mapping[str, Any], key: str) -> list[float]:
    """The numbers of an attribute, [] for none. Text of several cells is not read: it may claim any size."""
    if key not in attributes:
        return []
    stored = attributes.get_id(key) if hasattr(attributes, "get_id") else None
    if stored is not None and stored.dtype.kind not in "iuf" and math.prod(stored.shape or ()) > 1:
        return []
    try:
        return [float(value) for value in np.ravel(attributes[key])]
    except (TypeError, ValueError):
        return []
