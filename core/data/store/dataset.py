"""Reading a dataset file: its facts in memory, its images by row when they are asked for.

Files whose structure could reach outside them are refused (``core.data.store.hdf5``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from core.data.bands import Band
from core.data.store.chunks import PatchFile, patch_places
from core.data.store.content import BATCH_BYTES, content_hash
from core.data.store.hdf5 import open_safely
from core.errors import DataError, FormatError
from core.text import list_names

LAYOUT_VERSION = 1


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
        columns: further facts by name, each (N,), numbers or text.
        statistics: one dict a band: name, min, max, mean, std, q01 .. q99 (nan where undefined), n_nonfinite, n_nodata.
        nodata: a pixel equal to it in all bands holds no data; None: there is no such value.
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
    def band_names(self) -> tuple[str, ...]:
        """Names of the bands in the order of axis C."""
        return tuple(band.name for band in self.bands)

    @property
    def positive(self) -> str:
        """Name of the class that label 1 stands for."""
        return self.class_names[1]

    @property
    def content_hash(self) -> str:
        """Hex digest of images, labels, ids, groups, bands and nodata as the file holds them now.

        A file that was edited in place has another one than its card says. Raises DataError when the file is gone.
        """
        try:
            return content_hash(self.path)
        except OSError as error:
            raise DataError(f"The dataset file {self.path} is gone ({error.strerror}). Open another one.") from error

    def index_of(self, ids: Sequence[str]) -> np.ndarray:
        """(n,) int64 row of each id. Raises DataError naming the ids that are not in this dataset."""
        unknown = [str(i) for i in ids if str(i) not in self._rows]
        if unknown:
            raise DataError(
                f"{self.path.name} has no patch named {list_names(unknown)}. Its ids look like '{self.ids[0]}'."
            )
        return np.array([self._rows[str(i)] for i in ids], np.int64)

    def images(self, index: Any = None, bands: Sequence[str] | None = None) -> np.ndarray:
        """(n, C, H, W) float32 in the bands' units, in the order of ``index`` (rows, a slice or a mask; None: all).

        ``bands`` chooses bands by name, in that order. Raises DataError for unknown bands or rows.
        """
        channels = None if bands is None else self._channels(bands)
        n_channels = self.shape[0] if channels is None else len(channels)
        rows = self._row_numbers(index)
        out = np.empty((len(rows), n_channels, *self.shape[1:]), np.float32)
        if self._patch_file is None:
            self._read("images", rows, out, channels)
        elif len(rows):
            _check_stamp(self.path, self._stamp)
            self._patch_file.read(rows, out, channels)
        return out

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

    def _read(self, name: str, rows: np.ndarray, out: np.ndarray, channels: list[int] | None = None) -> None:
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
                    out[part] = block if channels is None else block[:, channels]


def open_dataset(path: Path | str) -> Dataset:
    """The dataset file at ``path``, its structure checked and its facts read.

    Raises UnsafeFileError for a file whose structure reaches outside it or claims absurd sizes, FormatError for a
    file that is not one of our dataset files or whose parts do not fit together.
    """
    path = Path(path).absolute()
    with open_safely(path) as file:
        return _read_dataset(file, path)


def list_datasets(checkpoints: Path | str) -> list[Path]:
    """The dataset files of a checkpoints folder, by name: ``checkpoints/datasets/*.h5``."""
    return sorted(p for p in (Path(checkpoints) / "datasets").glob("*.h5") if not p.name.startswith("."))


def _opened(path: Path, stamp: tuple[int, int]):
    _check_stamp(path, stamp)
    return open_safely(path, checked=True)


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
    missing = [name for name in ("images", "labels", "ids", "card") if not isinstance(file.get(name), h5py.Dataset)]
    if missing:
        raise FormatError(
            f"{path} is not a dataset file of this program: it has no {', '.join(missing)}. "
            "Make one with `python -m core ingest FORMAT SOURCE --out F.h5`."
        )
    try:
        card = json.loads(file["card"][()].tobytes())
        if card["layout_version"] != LAYOUT_VERSION:
            raise FormatError(f"{path} has layout {card['layout_version']}; this program reads {LAYOUT_VERSION}.")
        columns = file.get("columns", {})
        ids = _decode(file["ids"][()])
        dataset = Dataset(
            path=path,
            bands=tuple(Band(**{**b, "usual": b["usual"] and tuple(b["usual"])}) for b in card["bands"]),
            shape=file["images"].shape[1:],
            dtype=file["images"].dtype,
            class_names=tuple(card["class_names"]),
            ids=ids,
            labels=_frozen(file["labels"][()].astype(np.int8)),
            groups=_decode(file["groups"][()]) if "groups" in file else None,
            split=_decode(file["split"][()]) if "split" in file else None,
            lonlat=_frozen(file["lonlat"][()]) if "lonlat" in file else None,
            has_masks="masks" in file,
            columns={name: _decode(columns[name][()]) for name in columns},
            statistics=[{k: np.nan if v is None else v for k, v in row.items()} for row in card["statistics"]],
            nodata=card["nodata"],
            source=card["source"],
            licence=card["licence"],
            card_hash=card["content_hash"],
            facts=card["facts"],
            _stamp=_stamp(path),
            _rows={name: row for row, name in enumerate(ids.tolist())},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"{path} is damaged: its card cannot be used ({error}). Ingest the source again.") from error
    _check_parts(dataset, file)
    return dataset


def _check_parts(dataset: Dataset, file: h5py.File) -> None:
    n = len(dataset)
    images = file["images"]
    wrong = [name for name in ("labels", "groups", "split", "lonlat", "masks") if name in file and len(file[name]) != n]
    wrong += [name for name, values in dataset.columns.items() if len(values) != n]
    if images.ndim != 4 or len(images) != n or images.shape[1] != len(dataset.bands):
        wrong.append("images")
    if "masks" in file and file["masks"].shape[1:] != images.shape[2:]:
        wrong.append("masks")
    if images.dtype not in (np.float32, np.uint8):
        wrong.append("images (neither float32 nor uint8)")
    if len(dataset._rows) != n or not np.isin(dataset.labels, (-1, 0, 1)).all() or len(dataset.class_names) != 2:
        wrong.append("ids, labels or class names")
    if wrong:
        raise FormatError(f"{dataset.path} is damaged: {', '.join(wrong)} do not fit. Ingest the source again.")


def _decode(values: np.ndarray) -> np.ndarray:
    return _frozen(np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values)


def _frozen(values: np.ndarray) -> np.ndarray:
    values.flags.writeable = False
    return values
