"""Reading a dataset file: its facts in memory, its images by row when they are asked for.

Files whose structure could reach outside them are refused (``core.data.store.hdf5``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from core.arrays import Texts
from core.data.bands import Band
from core.data.store.beside import columns_beside
from core.data.store.chunks import Mark, PatchFile, patch_places, place_patches
from core.data.store.content_hash import BATCH_BYTES, content_hash
from core.data.store.contents import band_of, check_members, read_card
from core.data.store.hdf5 import damage_told, open_safely
from core.data.store.missing import as_missing, bounds_of
from core.errors import DataError, FormatError
from core.io.plain_file import is_plain
from core.text import list_names


@dataclass(frozen=True, eq=False)
class Dataset:
    """A dataset file, open for reading: facts in memory, images read when asked for.

    Safe to share between threads: each read opens the file by itself.

    Attributes:
        shape: (C, H, W) of one patch.
        dtype: of the images on disk, float32 or uint8.
        class_names: (negative, positive).
        ids: (N,) text, unique.
        labels: (N,) int8; 1 positive, 0 negative, -1 unlabelled.
        groups: (N,) text, or None; patches of one group must stay in one fold.
        split: (N,) text as in the source, or None.
        lonlat: (N, 2) float64 degrees, or None.
        columns: further facts by name, each (N,), numbers or text; those measured later (``beside``) among them.
        files: of the file that each patch came from, by name, each (N,) (``core.data.shortcuts.properties``); none
            where that was not kept.
        statistics: one dict a band: name, min, max, mean, std, q01 .. q99 (nan where undefined), n_nonfinite, n_nodata,
            n_absurd.
        nodata: a pixel equal to it in all bands holds no data in the file; :meth:`images` gives nan there. None: there
            is no such value.
        card_hash: the content hash that its writer put down; see :attr:`content_hash`.
        facts: anything else that the source recorded, as JSON values.
    """

    path: Path
    bands: tuple[Band, ...]
    shape: tuple[int, int, int]
    dtype: np.dtype
    class_names: tuple[str, str]
    ids: np.ndarray
    labels: np.ndarray
    groups: np.ndarray | None
    split: np.ndarray | None
    lonlat: np.ndarray | None
    has_masks: bool
    columns: dict[str, np.ndarray]
    files: dict[str, np.ndarray]
    statistics: list[dict]
    nodata: float | None
    source: str
    licence: str
    card_hash: str
    facts: dict
    _stamp: tuple[int, int] = field(repr=False)
    _rows: dict[str, int] = field(repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def name(self) -> str:
        """File name without its ending."""
        return self.path.stem

    @property
    def has_pictures(self) -> bool:
        """Whether its patches are pictures; false for a table of columns, whose numbers are bands of one pixel."""
        return self.shape[1:] != (1, 1)

    @property
    def band_names(self) -> tuple[str, ...]:
        """Names of the bands in the order of axis C."""
        return tuple(band.name for band in self.bands)

    @property
    def positive(self) -> str:
        """Name of the class that label 1 stands for."""
        return self.class_names[1]

    @property
    def planted_ids(self) -> frozenset[str]:
        """Ids whose label is wrong on purpose, which only simulated datasets know; empty for others."""
        ids = self.facts.get("flipped_ids")
        return frozenset(map(str, ids)) if self.facts.get("simulated") and isinstance(ids, list) else frozenset()

    @property
    def content_hash(self) -> str:
        """Hex digest of images, labels, ids, groups, bands and nodata as the file holds them now.

        A file that was edited in place has another one than its card says. Raises DataError when the file is gone.
        """
        try:
            return content_hash(self.path)
        except OSError as error:
            raise DataError(f"The dataset file {self.path} is gone ({error.strerror}). Open another one.") from error

    def index_of(self, ids: Texts) -> np.ndarray:
        """(n,) int64 row of each id. Raises DataError naming the ids that are not in this dataset."""
        unknown = [str(i) for i in ids if str(i) not in self._rows]
        if unknown:
            raise DataError(
                f"{self.path.name} has no patch named {list_names(unknown)}. Its ids look like '{self.ids[0]}'."
            )
        return np.array([self._rows[str(i)] for i in ids], np.int64)

    def images(self, index: Any = None, bands: Sequence[str] | None = None) -> np.ndarray:
        """(n, C, H, W) float32 in the bands' units, in the order of ``index`` (rows, a slice or a mask; None: all).

        What is missing is nan: a pixel with the nodata value in all bands of the file, and absurd values
        (``core.data.store.missing``). ``bands`` chooses bands by name, in that order. Raises DataError for unknown
        bands or rows.
        """
        return self._images(index, bands, self._mark_missing)

    def stored_images(self, index: Any = None) -> np.ndarray:
        """(n, C, H, W) float32, the values as the file has them, for whoever tells what is wrong with them."""
        return self._images(index, None, None)

    @cached_property
    def plausible(self) -> np.ndarray | None:
        """(C, 2) outside which a value is absurd; None where the file holds no such value."""
        bounds = bounds_of(self.bands, self.statistics)
        lows, highs = (np.array([row.get(key, np.nan) for row in self.statistics], float) for key in ("min", "max"))
        left_out = np.array([row.get("n_absurd", 0) for row in self.statistics]) > 0
        return bounds if (left_out | (lows < bounds[:, 0]) | (highs > bounds[:, 1])).any() else None

    def _images(self, index: Any, bands: Sequence[str] | None, mark: Mark | None) -> np.ndarray:
        channels = None if bands is None else self._channels(bands)
        n_channels = self.shape[0] if channels is None else len(channels)
        rows = self._row_numbers(index)
        out = np.empty((len(rows), n_channels, *self.shape[1:]), np.float32)
        if self._patch_file is None:
            self._read("images", rows, out, channels, mark)
        elif len(rows):
            _check_stamp(self.path, self._stamp)
            self._patch_file.read(rows, out, channels, mark)
        return out

    @property
    def _mark_missing(self) -> Mark | None:
        """What writes nan into patches read; None where there is nothing to look for."""
        bounds = self.plausible
        if self.nodata is None and bounds is None:
            return None

        def mark(out: np.ndarray, stored: np.ndarray | None, channels: Sequence[int] | None) -> None:
            chosen = bounds if bounds is None or channels is None else bounds[list(channels)]
            as_missing(out, self.nodata, chosen, stored)

        return mark

    def masks(self, index: Any = None) -> np.ndarray:
        """(n, H, W) uint8, 1 where the positive class is. Raises DataError when the dataset has no masks."""
        if not self.has_masks:
            raise DataError(f"{self.path.name} has no masks. Ingest it again with --masks DIR to have them.")
        rows = self._row_numbers(index)
        out = np.empty((len(rows), *self.shape[1:]), np.uint8)
        self._read("masks", rows, out)
        return out

    @cached_property
    def _patch_file(self) -> PatchFile | None:
        """Where the images lie, for reading them from there; None where HDF5 must read them."""
        with _opened(self.path, self._stamp) as file:
            places = patch_places(file["images"])
        return None if places is None else PatchFile(self.path, places, self.shape, self.dtype)

    def _channels(self, names: Sequence[str]) -> list[int] | None:
        """Positions of these bands; None where they are all bands in the file's order."""
        unknown = [name for name in names if name not in self.band_names]
        if unknown:
            raise DataError(
                f"{self.path.name} has no band {', '.join(map(repr, unknown))}. "
                f"Its bands: {', '.join(self.band_names)}."
            )
        return None if tuple(names) == self.band_names else [self.band_names.index(name) for name in names]

    def _row_numbers(self, index: Any) -> np.ndarray:
        if index is None:
            return np.arange(len(self))
        try:
            return np.atleast_1d(np.arange(len(self))[index])
        except IndexError as error:
            raise DataError(f"{self.path.name} has rows 0 to {len(self) - 1}; {error}.") from error

    def _read(
        self,
        name: str,
        rows: np.ndarray,
        out: np.ndarray,
        channels: list[int] | None = None,
        mark: Mark | None = None,
    ) -> None:
        """Fill ``out`` with ``rows``; neighbours in the file are read at once, in the file's order."""
        if not len(rows):
            return
        order = np.argsort(rows, kind="stable")
        wanted = rows[order]
        breaks = np.flatnonzero(np.diff(wanted) != 1) + 1
        most = max(1, BATCH_BYTES // (self.dtype.itemsize * int(np.prod(self.shape))))
        with _opened(self.path, self._stamp) as file:
            data = file[name]
            for run in np.split(order, breaks):
                for start in range(0, len(run), most):
                    part = run[start : start + most]
                    block = data[rows[part[0]] : rows[part[-1]] + 1]
                    place_patches(out, part, block, channels, mark)


def open_dataset(path: Path | str) -> Dataset:
    """The dataset file at ``path``, its structure checked and its facts read.

    Raises UnsafeFileError for a file whose structure reaches outside it or claims absurd sizes, FormatError for a
    file that is not one of our dataset files or whose parts do not fit together.
    """
    path = Path(path).absolute()
    with open_safely(path) as file, damage_told(path, Exception):
        return _read_dataset(file, path)


def list_datasets(checkpoints: Path | str) -> list[Path]:
    """The dataset files of a checkpoints folder, by name: ``checkpoints/datasets/*.h5``; links there are left out."""
    return sorted(
        path
        for path in (Path(checkpoints) / "datasets").glob("*.h5")
        if not path.name.startswith(".") and is_plain(path)
    )


@contextmanager
def _opened(path: Path, stamp: tuple[int, int]) -> Iterator[h5py.File]:
    _check_stamp(path, stamp)
    with open_safely(path, checked=True) as file, damage_told(path, Exception):
        yield file


def _check_stamp(path: Path, stamp: tuple[int, int]) -> None:
    try:
        now = _stamp(path)
    except OSError as error:
        raise DataError(f"The dataset file {path} is gone ({error.strerror}). Open another one.") from error
    if now != stamp:
        raise DataError(f"The dataset file {path} has changed since it was opened. Open it again.")


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _read_dataset(file: h5py.File, path: Path) -> Dataset:
    check_members(file, path)
    card = read_card(file, path)
    columns, files = file.get("columns", {}), file.get("files", {})
    ids, labels = _decode(file["ids"][()]), file["labels"][()]
    dataset = Dataset(
        path=path,
        bands=tuple(map(band_of, card["bands"])),
        shape=file["images"].shape[1:],
        dtype=file["images"].dtype,
        class_names=tuple(card["class_names"]),
        ids=ids,
        labels=_frozen(labels.astype(np.int8)),
        groups=_decode(file["groups"][()]) if "groups" in file else None,
        split=_decode(file["split"][()]) if "split" in file else None,
        lonlat=_frozen(file["lonlat"][()]) if "lonlat" in file else None,
        has_masks="masks" in file,
        columns=columns_beside(path, card["content_hash"], ids.tolist())
        | {name: _decode(columns[name][()]) for name in columns},
        files={name: _decode(files[name][()]) for name in files},
        statistics=[{k: np.nan if v is None else v for k, v in row.items()} for row in card["statistics"]],
        nodata=card["nodata"],
        source=card["source"],
        licence=card["licence"],
        card_hash=card["content_hash"],
        facts=card["facts"],
        _stamp=_stamp(path),
        _rows={name: row for row, name in enumerate(ids.tolist())},
    )
    if len(dataset._rows) != len(ids) or "" in dataset._rows or not np.isin(labels, (-1, 0, 1)).all():
        raise FormatError(f"{path} is damaged: ids or labels do not fit. Ingest the source again.")
    return dataset


def _decode(values: np.ndarray) -> np.ndarray:
    return _frozen(np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values)


def _frozen(values: np.ndarray) -> np.ndarray:
    values.flags.writeable = False
    return values
