"""One source format a module: each reader turns a folder of somebody's patches into a collection of them.

:func:`ingest` writes the dataset file and reports what was set aside and why; :func:`iterate_patches` gives batches of
patches for prediction. A new format is a :class:`Reader`, mostly a module, and a line in ``FORMATS``:

    recognises(source) -> bool                                     cheap, opens no image
    collect(source, options, aside) -> Collection                  patches with labels, groups, masks, places
    collect_unlabelled(source, options, aside) -> Collection       those to predict
    options_for(source, options, aside) -> ReaderOptions           where a source needs options that were not given

Readers look at names, tables and headers and read no image; ``build`` does, for all of them alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from core.data.bands import Band
from core.data.readers import cas, columns, folders, landslide4sense, zindi
from core.data.readers.archives.unpack import entered, tell_elsewhere, unpacked
from core.data.readers.bands.order import aligned
from core.data.readers.base import Aside, Collection, IngestReport, ReaderOptions, Rejection, some
from core.data.readers.build import MOST_AT_ONCE, batches, build, survey_bands
from core.data.readers.files import with_axes
from core.data.readers.geo import geotiff
from core.data.readers.geo.tiles import nodata_of
from core.data.readers.hdf5 import arrays, variables
from core.data.readers.layouts import elsewhere
from core.data.readers.moments import before_after
from core.data.readers.named_sets import named_sets
from core.data.readers.resized import resized
from core.data.readers.stacks import npy_stacks
from core.data.store.missing import as_missing
from core.errors import FormatError
from core.progress import Steps

__all__ = [
    "FORMATS",
    "IngestReport",
    "ReaderOptions",
    "Rejection",
    "ingest",
    "iterate_patches",
    "looked_at",
    "must_exist",
    "recognise",
]


class Reader(Protocol):
    """What a format's module offers."""

    def recognises(self, source: Path) -> bool:
        """Whether ``source`` is in this format."""

    def collect(self, source: Path, options: ReaderOptions, aside: Aside) -> Collection:
        """The patches with what is known of them."""

    def collect_unlabelled(self, source: Path, options: ReaderOptions, aside: Aside) -> Collection:
        """The patches to predict."""


# From the most particular to the most general.
FORMATS: dict[str, Reader] = {
    "zindi": zindi,
    "landslide4sense": landslide4sense,
    "before_after": before_after,
    "geotiff": geotiff,
    "cas": cas,
    "netcdf": variables,
    "hdf5": arrays,
    "npy": npy_stacks,
    "columns": columns,
    "folders": folders,
    **named_sets(),
}


def ingest(
    format: str | None, source: Path | str, out: Path | str, options: ReaderOptions | None = None
) -> Steps[IngestReport]:
    """Write the dataset file ``out`` from ``source``; returns the report.

    ``format`` None: recognised. ``source`` is a folder, or an archive of one
    (``core.data.readers.archives.unpack``), also one that a stranger uploaded: whatever it holds is judged before it is
    read, nothing of it is run, and no link is followed out of its folder.
    Raises FormatError for an unknown format and DataError when the source cannot be used; then no file is written.
    """
    options = options or ReaderOptions()
    if options.manifest is None:
        options = options.model_copy(update={"manifest": Path(out).with_suffix(".manifest.json")})
    aside = Aside(options.strict)
    if format is not None:
        _reader(format)  # a wrong name is told before anything is unpacked
    must_exist(Path(source))
    with unpacked(Path(source), beside=Path(out)) as folder:
        format, folder = looked_at(folder, format, options)
        reader = _reader(format)
        if hasattr(reader, "options_for"):
            options = reader.options_for(folder, options, aside)
        collection = with_axes(reader.collect(folder, options, aside), options)
        return (yield from build(collection, Path(out), options, aside))


def recognise(source: Path | str) -> str:
    """Name of the format of ``source``.

    Raises FormatError when there is no such source, or when it is in none of the formats: then what it looks like, with
    the line that converts it where there is one, or else the formats.
    """
    source = Path(source)
    must_exist(source)
    tell_elsewhere(source)
    told = elsewhere.band_files(source)
    if told:
        raise FormatError(f"{source}: {told}")
    name = _found(source)
    if name is not None:
        return name
    if source.is_dir() and (links := [path.name for path in source.rglob("*") if path.is_symlink()]):
        raise FormatError(
            f"{source} holds no file of a known format but {len(links)} links ({some(sorted(links))}), which are not "
            "followed out of it. Put the files or folders themselves there."
        )
    known = f"Known: {', '.join(FORMATS)}; or give a dataset file (.h5). python -m core layouts shows them."
    raise FormatError(f"{source} is in no known format. {known} {elsewhere.advice(source)}".rstrip())


def looked_at(source: Path, format: str | None, options: ReaderOptions) -> tuple[str, Path]:
    """The format, and the folder where the data begin: inside single folders, unless tables or masks lie outside."""
    outside = any(path is not None and (source / path).exists() for path in (options.labels, options.masks))
    if source.is_dir() and not outside and (inner := entered(source)) != source:
        first, second = (_reader(format).recognises(one) if format else _found(one) for one in (source, inner))
        if second and (not first or (format is None and first != second)):
            source = inner
    return format or recognise(source), source


def _found(source: Path) -> str | None:
    return next((name for name, reader in FORMATS.items() if reader.recognises(source)), None)


def must_exist(source: Path) -> None:
    """Raise FormatError for a source that is not there, naming the nearest folder that is."""
    if not source.exists():
        there = next((folder for folder in source.absolute().parents if folder.is_dir()), None)
        raise FormatError(f"There is no folder or file {source}. {there} exists; check what follows it.")


def iterate_patches(
    source: Path | str,
    format: str | None = None,
    bands: Sequence[str] | None = None,
    batch_size: int = MOST_AT_ONCE,
    rejected: list[Rejection] | None = None,
    unit: str | None = None,
    nodata: float | None = None,
    warnings: list[str] | None = None,
) -> tuple[tuple[Band, ...], Iterator[tuple[np.ndarray, np.ndarray]]]:
    """Bands of an unlabelled source, and batches of (ids (n,), images (n, C, H, W) float32 in the bands' units).

    What is missing is nan, as in patches of a dataset file.

    Args:
        source: a folder, an archive of one, or one file of a patch.
        format: name of its format; None: recognised.
        bands: names of the bands in the order of the files.
        batch_size: most patches in a batch.
        rejected: filled with what is set aside, completely once the batches are used up; without it the first
            unusable file raises DataError.
        unit: of the optical bands; None: as the format or the kind of numbers says.
        nodata: a pixel with it in all bands holds no data; None: as the format says.
        warnings: filled with what the reader warns of, completely once the batches are used up.
    """
    aside = Aside(strict=rejected is None)
    if rejected is not None:
        aside.rejected = rejected
    if warnings is not None:
        aside.warnings = warnings
    options = ReaderOptions(bands=tuple(bands) if bands else None, unit=unit, nodata=nodata)
    steps = _patches(Path(source), format, options, aside, batch_size)
    return next(steps), steps


def _patches(source: Path, format: str | None, options: ReaderOptions, aside: Aside, batch_size: int) -> Iterator[Any]:
    """First the bands, then the batches; an archive stays unpacked in between."""
    must_exist(source)
    with unpacked(source) as folder:
        format, folder = looked_at(folder, format, options)
        collection = with_axes(_reader(format).collect_unlabelled(folder, options, aside), options)
        collection = resized(aligned(collection, options, aside), collection.resize)
        items, shape, is_bytes, bands = survey_bands(collection, options, aside)
        yield bands
        for ids, images in batches(items, shape, aside, batch_size):
            as_missing(images, nodata_of(collection, options, is_bytes))
            yield ids, images


def _reader(format: str) -> Reader:
    if format not in FORMATS:
        raise FormatError(f"There is no format '{format}'. Known: {', '.join(FORMATS)}.")
    return FORMATS[format]
