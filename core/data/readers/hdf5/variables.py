"""HDF5 and netCDF-4 files that hold one patch each, a variable a band: (y, x), or (time, y, x) over several dates.

Sen12Landslides is published so: ``B02`` ... ``B12`` or ``VV`` and ``VH``, ``DEM``, and ``MASK``. Variables whose names
are bands are read, the mask among them gives the label, others are left out with a word. What their attributes say of
the values is applied (``core.data.readers.value_tags``). Of a series one date is taken (``--date``), see
``core.data.readers.hdf5.series``. The axes are those that the file names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from core.arrays import pair
from core.data.bands import bands_named
from core.data.names.reading import POLARISATIONS, canonical, is_known, read_names
from core.data.readers.base import Aside, Collection, Item, ReaderOptions, some
from core.data.readers.files import patch_files
from core.data.readers.folders import ids
from core.data.readers.hdf5.patches import SUFFIXES, tags_in
from core.data.readers.hdf5.series import Series, check, chosen, series_of, usual_places
from core.data.readers.hdf5.variable_patches import Layer, VariableMask, VariablesPatch
from core.data.readers.pairs import MASKS, split_of
from core.data.readers.stacks.rows import USUAL
from core.data.readers.stacks.stored import axes_named, is_scale, members
from core.data.readers.tables import DEFAULT_CLASSES
from core.data.readers.value_tags import ValueTags, of_optical, tell_tags
from core.data.store.hdf5 import open_safely
from core.errors import ConfigError, DataError, FormatError

ROWS = ("y", "lat", "latitude", "row", "rows", "height", "northing")
COLUMNS = ("x", "lon", "longitude", "col", "column", "columns", "width", "easting")
TIMES = ("time", "t", "date", "dates", "times")
MASK_NAMES = (*MASKS, "landslide", "landslides", "gt", "ground_truth")
KEPT = ("event_date", "date_confidence", "satellite", "region", "event")  # attributes worth a column
MAX_TEXT = 4096  # characters of an attribute


@dataclass(frozen=True)
class _File:
    """What one file holds. bands, mask: keys. axes: by key. series: None without an axis of time."""

    path: Path
    bands: tuple[str, ...]
    mask: str | None
    left_out: tuple[str, ...]
    axes: Mapping[str, tuple[str, ...]]
    series: Series | None
    facts: Mapping[str, str]
    place: tuple[float, float] | None


def recognises(source: Path) -> bool:
    """Whether ``source`` is such a file, or a folder of HDF5 files that begins with one. Opens one file."""
    if source.is_file():
        return source.suffix.lower() in SUFFIXES and _is_patch(source)
    if not source.is_dir() or patch_files(source, Aside(), masks_too=True):
        return False
    files = patch_files(source, Aside(), kinds=SUFFIXES, masks_too=True)
    return bool(files) and _is_patch(files[0])


def _is_patch(path: Path) -> bool:
    try:
        return len(_look(path).bands) > 0
    except DataError:
        return False


def collect(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """The patches, labelled from the masks in their files. Raises DataError when no file can be used."""
    return _collect(source, options, aside, labelled=True)


def collect_unlabelled(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """The patches without their masks."""
    return _collect(source, options, aside, labelled=False)


def _collect(source: Path, options: ReaderOptions, aside: Aside, labelled: bool) -> Collection:
    if options.labels or options.masks:
        raise ConfigError("This format finds the mask in each file. Leave out --labels and --masks.")
    check(options.date)
    root = source.parent if source.is_file() else source
    paths = [source] if source.is_file() else patch_files(source, aside, kinds=SUFFIXES, masks_too=True)
    looked: list[_File] = []
    tags: dict[str, tuple[ValueTags, tuple[str, ...]]] = {}
    for path in paths:
        file = path.relative_to(root).as_posix()
        try:
            found = _look(path)
            if not found.bands:
                raise FormatError(
                    f"{path.name} has no variable whose name is a band (python -m core bands lists them)."
                )
            tags[file] = _tags(found), found.bands
            looked.append(found)
        except DataError as error:
            aside.reject(file, error)
    usual = usual_places([one.series for one in looked if one.series])
    _tell(looked, options, usual, labelled, aside)
    names = ids(root, [one.path for one in looked])
    splits = {one.path: split for one in looked if (split := split_of(root, one.path))}
    items = [_item(one, names[one.path], root, options, usual, labelled, splits) for one in looked]
    has_masks = any(item.mask is not None for item in items)
    optical = {file: of_optical(one, [_short(key) for key in bands]) for file, (one, bands) in tags.items()}
    return Collection(
        f"netcdf: {source.resolve().name}",
        items,
        DEFAULT_CLASSES,
        has_masks=has_masks,
        labels_from_masks=has_masks,
        unit=tell_tags({file: one for file, (one, _) in tags.items()}, {}, aside, optical),
    )


def _item(
    one: _File,
    name: str,
    root: Path,
    options: ReaderOptions,
    usual: tuple[int, int] | None,
    labelled: bool,
    splits: Mapping[Path, str],
) -> Item:
    file = one.path.relative_to(root).as_posix()
    dates = chosen(one.series, options.date, usual) if one.series else (None,)
    mask = None
    if labelled and one.mask:
        layer = Layer(one.mask, one.axes[one.mask], dates[-1], one.mask)
        mask = VariableMask(one.path, file, layer)
    days = one.series.days if one.series else ()
    last = dates[-1]
    facts = {"file": file, **one.facts} | ({"date": days[last].isoformat()} if days and last is not None else {})
    split = splits.get(one.path, "" if splits else None)
    patch = VariablesPatch(one.path, file, _layers(one, dates))
    return Item(name, patch, split=split, mask=mask, lonlat=one.place, columns=facts)


def _layers(one: _File, dates: tuple[int | None, ...]) -> tuple[Layer, ...]:
    """Of two dates the ground's height is taken once: it does not change. Radar is called with its orbit and unit."""
    text = f"{one.facts.get('satellite', '')} {one.path.stem}".lower()
    orbit = "_asc" if "asc" in text else "_dsc" if "dsc" in text or "desc" in text else ""
    power = "_power" if text.startswith("s1") else ""  # Sen12Landslides holds it so, not in dB
    layers = []
    for number, date in enumerate(dates, 1):
        when = "pre_" if number < len(dates) else ""
        for key in one.bands:
            word = canonical(_short(key))
            if when and bands_named([word])[0].family == "terrain":
                continue
            radar = f"{orbit}{power}" if word in POLARISATIONS else ""
            layers.append(Layer(key, one.axes[key], date, f"{when}{_short(key)}{radar}"))
    return tuple(layers)


def _tell(
    looked: list[_File], options: ReaderOptions, usual: tuple[int, int] | None, labelled: bool, aside: Aside
) -> None:
    left = Counter(name for one in looked for name in one.left_out)
    if left:
        aside.warn(f"Variables that are no bands were left out: {some(list(left), 20)}.")
    series = [one.series for one in looked if one.series]
    if series:
        unknown = sum(one.post is None for one in series)
        by = f"{series[0].n} dates a file: taken is {options.date} (--date)."
        if unknown and options.date in ("post", "pre", "both"):
            place = (
                f"images {usual[0]} and {usual[1]}, the middle of the others'" if usual else "the first and the last"
            )
            by += f" {unknown} of {len(series)} files know no event; before and after it are {place}."
        aside.warn(by)
    if labelled and looked and not any(one.mask for one in looked):
        aside.warn("The files have no mask among their variables, so their patches are unlabelled.")


# --------------------------------------------------------------------------------------------------- one file


def _look(path: Path) -> _File:
    """What a file holds, from its structure. Raises DataError when it is refused or is laid out otherwise."""
    with open_safely(path, foreign=True) as file:
        arrays = members(file)
        scales = {key: data for key, data in arrays.items() if is_scale(data)}
        one_array = any(_last(key) in USUAL["images"] and data.ndim > 2 for key, data in arrays.items())
        if "card" in arrays or one_array or any(data.ndim == 4 for data in arrays.values()):
            raise FormatError(f"{path.name} keeps its bands in one array: use the format 'hdf5'.")
        axes: dict[str, tuple[str, ...]] = {}
        for key, data in arrays.items():
            if key not in scales and data.dtype.kind in "iufb" and data.ndim in (2, 3) and data.size:
                axes[key] = _axes(data, scales)
        facts = _facts(file)
        series = _series(arrays, axes, facts)
        masks = [key for key in axes if _last(key) in MASK_NAMES]
        bands = [key for key in axes if key not in masks and _is_band([_short(key) for key in axes], _short(key))]
        place = _place(arrays, facts)
    kept = {key: value for key, value in facts.items() if key in KEPT}
    others = [key for key in axes if key not in (*bands, *masks)]
    return _File(path, tuple(bands), masks[0] if masks else None, (*others, *masks[1:]), axes, series, kept, place)


def _tags(one: _File) -> ValueTags:
    """Scale and offset of each band. Raises FormatError as ``tags_of``."""
    with open_safely(one.path, checked=True) as file:
        tags = [tags_in(file[key]) for key in one.bands]
    return ValueTags(tuple(one.scale[0] for one in tags), tuple(one.offset[0] for one in tags))


def _is_band(names: list[str], name: str) -> bool:
    if is_known(name):
        return True
    reading = read_names(names)
    return reading.understood[names.index(name)]


def _short(key: str) -> str:
    return key.rsplit("/", 1)[-1]


def _last(key: str) -> str:
    return _short(key).lower()


def _axes(data: h5py.Dataset, scales: Mapping[str, h5py.Dataset]) -> tuple[str, ...]:
    """The kind of each axis, "T", "Y" or "X": as their scales are called, otherwise in this order."""
    kinds = {**dict.fromkeys(TIMES, "T"), **dict.fromkeys(ROWS, "Y"), **dict.fromkeys(COLUMNS, "X")}
    named = tuple(kinds.get(name.lower(), "") for name in axes_named(data, scales)) if scales else ()
    if named and sorted(named) in (["X", "Y"], ["T", "X", "Y"]):
        return named
    return ("Y", "X") if data.ndim == 2 else ("T", "Y", "X")


def _series(
    arrays: Mapping[str, h5py.Dataset], axes: Mapping[str, tuple[str, ...]], facts: Mapping[str, str]
) -> Series | None:
    lengths = Counter(arrays[key].shape[kinds.index("T")] for key, kinds in axes.items() if "T" in kinds)
    if not lengths:
        return None
    n = lengths.most_common(1)[0][0]
    time = next((data for key, data in arrays.items() if _last(key) in TIMES and data.shape == (n,)), None)
    units = _attribute(time, "units") if time is not None else ""
    return series_of(n, time[()] if time is not None else None, units, facts)


def _facts(file: h5py.File) -> dict[str, str]:
    return {name: text for name in file.attrs if (text := _attribute(file, name))}


def _attribute(holder: Any, name: str) -> str:
    """A short attribute as text; "" for none, and for one that is long or no plain value."""
    if name not in holder.attrs or name in ("DIMENSION_LIST", "REFERENCE_LIST"):
        return ""
    attribute = holder.attrs.get_id(name)
    if attribute.shape not in ((), (1,)) or attribute.get_storage_size() > MAX_TEXT:
        return ""
    value = np.ravel(holder.attrs[name])[0] if not isinstance(holder.attrs[name], str) else holder.attrs[name]
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.strip() if len(text) <= MAX_TEXT else ""


def _place(arrays: Mapping[str, h5py.Dataset], facts: Mapping[str, str]) -> tuple[float, float] | None:
    """(longitude, latitude) of the middle, from the axes x and y and the coordinate system; None where unknown."""
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    from core.data.readers.geo.placement import degrees

    by_name = {_last(key): data for key, data in arrays.items() if data.ndim == 1 and data.dtype.kind in "iuf"}
    x = next((by_name[name] for name in COLUMNS if name in by_name), None)
    y = next((by_name[name] for name in ROWS if name in by_name), None)
    if x is None or y is None or not x.size or not y.size:
        return None
    middle = [float(np.mean([data[0], data[-1]])) for data in (x, y)]
    grid = next((data for key, data in arrays.items() if _last(key) in ("spatial_ref", "crs")), None)
    written = facts.get("crs") or (
        _attribute(grid, "crs_wkt") or _attribute(grid, "spatial_ref") if grid is not None else ""
    )
    if not written:
        degrees_named = "lon" in by_name or "longitude" in by_name
        return pair(middle) if degrees_named and abs(middle[1]) <= 90 else None
    try:
        return degrees(CRS.from_user_input(written).to_wkt(), middle[0], middle[1])
    except (CRSError, ValueError):
        return None
