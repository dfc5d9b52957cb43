"""Sources that no reader takes as they are: what they look like, and the one line that converts them."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import h5py

from core.data.names.reading import read_names
from core.data.readers.base import some
from core.data.readers.geo.raster import SUFFIXES as RASTERS
from core.data.readers.geo.raster import raster_header
from core.data.readers.pairs import LITTER
from core.data.readers.stacks.stored import as_npz
from core.errors import DataError

MAX_SEEN = 20_000  # files looked at by name
# What a file of this ending is, and the line that converts it; {name} and {stem} are the first such file's.
ENDINGS: dict[str, tuple[str, str]] = {
    ".zarr": ("a Zarr store", ""),
    ".mat": ("a MATLAB file of version 5", ""),
    ".nc": ("a netCDF file of version 3", "nccopy -k nc4 {name} {stem}_4.nc"),
    ".jp2": ("JPEG 2000", "gdal_translate {name} {stem}.tif"),
    ".img": ("an ENVI or ERDAS raster", "gdal_translate {name} {stem}.tif"),
    ".vrt": ("a virtual raster, which points to other files", "gdal_translate {name} {stem}.tif"),
    ".webp": ("a WebP picture", "magick {name} {stem}.png"),
    ".tfrecord": ("TensorFlow records", ""),
    ".pt": ("a PyTorch file, which can run code when read", ""),
    ".pth": ("a PyTorch file, which can run code when read", ""),
    ".pkl": ("a pickle, which can run code when read", ""),
    ".parquet": ("a Parquet table", ""),
}
_TENSORS = (".pt", ".pth", ".pkl")


def advice(source: Path) -> str:
    """Why ``source`` is in no known format and what to do; "" where nothing is known to help."""
    if source.is_file():
        return _of_file(source)
    if (source / ".zgroup").exists() or (source / "zarr.json").exists() or (source / ".zarray").exists():
        return _converted("A Zarr store", as_npz("zarr.open", source.name))
    names = _files(source)
    if not names:
        return "It holds no files." if source.is_dir() else ""
    first = _in_zarr(names)
    if first:
        return _converted("A Zarr store", as_npz("zarr.open", first))
    counts = Counter(path.suffix.lower() for path in names)
    for ending, _ in counts.most_common():
        if ending in ENDINGS or ending == ".npz":
            return _of_file(next(path for path in names if path.suffix.lower() == ending), sum(counts.values()))
    endings = [f"{ending or 'no ending'} ({n})" for ending, n in counts.most_common(4)]
    return f"Its files end in {some(endings)}."


def band_files(source: Path) -> str:
    """What to do about a folder with one file a band (``S_B02.tif``, ``S_B03.tif``), as scenes are delivered; or ""."""
    if not source.is_dir():
        return ""
    groups: dict[tuple[Path, str], dict[str, Path]] = defaultdict(dict)
    files = [path for path in _files(source) if path.suffix.lower() in (*RASTERS, ".jp2")]
    for path in files:
        prefix, band = _split_name(path.stem)
        if band:
            groups[path.parent, prefix][band] = path
    scenes = {key: bands for key, bands in groups.items() if len(bands) > 1 and len(_understood([*bands])) > 1}
    if not scenes or sum(map(len, scenes.values())) < 0.8 * len(files):
        return ""
    (_, prefix), bands = next(iter(sorted(scenes.items())))
    if not all(_is_single(path) for path in bands.values()):
        return ""
    members = [path.name for _, path in sorted(bands.items())]
    ours = ",".join(_understood([*bands]))
    name = prefix.strip("_-. ") or "scene"
    return (
        f"It holds one file a band: {len(scenes)} scenes such as {some(members, 4)}. Join each to one file: "
        f"gdal_merge.py -separate -o {name}.tif {' '.join(members)} ; then import the joined files with --bands {ours}."
    )


def _split_name(stem: str) -> tuple[str, str]:
    """(what all bands of a scene share, the band) of ``T32_B02_10m``: the last part that looks like one."""
    match = re.fullmatch(
        r"(.*?)[_\-. ]?((?:SR_|ST_)?B\d{1,2}A?|VV|VH|HH|HV|red|green|blue|nir|swir\d?\w?|dem|slope)([_\-]\d+m)?",
        stem,
        re.IGNORECASE,
    )
    return (match[1] + (match[3] or ""), match[2]) if match else (stem, "")


def _understood(bands: Sequence[str]) -> list[str]:
    reading = read_names(sorted(bands))
    return list(reading.names) if any(reading.understood) or len(bands) > 2 else []


def _is_single(path: Path) -> bool:
    if path.suffix.lower() == ".jp2":
        return True
    try:
        return raster_header(path).shape[0] == 1
    except DataError:
        return False


def _of_file(path: Path, n: int = 1) -> str:
    ending = path.suffix.lower()
    if ending == ".npz":
        return "Each .npz is a source by itself. For one array of all patches: " + (
            "python -c \"import glob, numpy; f = sorted(glob.glob('*.npz')); "
            "numpy.savez('all.npz', **{k: numpy.stack([numpy.load(p)[k] for p in f]) for k in numpy.load(f[0])})\""
        )
    if ending == ".zarr" or path.name.lower().endswith(".zarr.zip"):
        return _converted("A Zarr store", as_npz("zarr.open", path.name))
    if ending not in ENDINGS:
        return ""
    what, line = ENDINGS[ending]
    if ending == ".mat":
        line = as_npz("scipy.io.loadmat", path.name).replace("v[()]", "numpy.squeeze(v)")
    if ending in (".mat", ".nc") and h5py.is_hdf5(path):
        return ""
    if ending in _TENSORS:
        line = f"where you trust it, save its arrays: numpy.savez('{path.stem}.npz', images=..., labels=...)"
    if not line:
        return f"{path.name} is {what}. Save the patches as images.npy (N, H, W, C) with labels.npy."
    return _converted(
        f"{path.name} is {what}", line.format(name=path.name, stem=path.stem) if "{name}" in line else line
    )


def _converted(what: str, line: str) -> str:
    return f"{what}, which is not read as it is. This line converts it: {line}"


def _files(source: Path) -> list[Path]:
    """The first files below a folder, hidden ones and what systems leave there not counted."""
    found: list[Path] = []
    for folder, names, files in os.walk(source, followlinks=False):
        names[:] = sorted(name for name in names if name.lower() not in LITTER)
        found += [Path(folder) / name for name in sorted(files) if name.lower() not in LITTER and name[:2] != "._"]
        if len(found) > MAX_SEEN:
            break
    return found


def _in_zarr(files: Sequence[Path]) -> str:
    """The name of a Zarr folder that holds the first of the files that lie in one; "" for none."""
    for path in files:
        if path.name in (".zarray", ".zgroup", "zarr.json"):
            return next((part.name for part in reversed(path.parents) if part.name.endswith(".zarr")), path.parent.name)
    return ""
