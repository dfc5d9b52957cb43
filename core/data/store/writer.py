"""Writing a dataset file batch by batch, in bounded memory, under a temporary name until it is complete."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from core.arrays import Column, Texts, Whole
from core.data.bands import Band
from core.data.store.content_hash import ContentHash
from core.data.store.contents import LAYOUT_VERSION
from core.data.store.dataset import BATCH_BYTES, Dataset, open_dataset
from core.data.store.forgiving_file import ForgivingFile
from core.data.store.missing import to_single
from core.data.store.summary import BandSummary
from core.errors import DataError, FormatError, LabelError
from core.io.atomic import put_in_place, unfinished
from core.progress import Progress, Steps, drain

MAX_TEXT = 500  # characters of an id, a group or a text in a column


class DatasetWriter:
    """Writes a dataset file batch by batch, beside its place, and moves it there when it is complete.

    Use as a context manager; leaving it without :meth:`finish`, or by an exception, leaves no file.

    Args:
        path: where the file will be; an existing file is replaced only by a complete one.
        bands: one Band a channel.
        shape_hw: (H, W) of every patch.
        class_names: (negative, positive).
        source: where the patches come from, for people.
        licence: of the patches.
        dtype: "float32" or "uint8", of the images on disk.
        nodata: a pixel equal to it in all bands holds no data.
        facts: anything else worth keeping, as JSON values.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        bands: Sequence[Band],
        shape_hw: tuple[int, int],
        class_names: tuple[str, str],
        source: str,
        licence: str = "",
        dtype: str = "float32",
        nodata: float | None = None,
        facts: dict | None = None,
    ):
        self.path = Path(path).absolute()
        self._bands, (height, width) = tuple(bands), shape_hw
        self._shape = (len(bands), int(height), int(width))
        self._dtype = np.dtype(dtype)
        if self._dtype not in (np.float32, np.uint8):
            raise FormatError(f"Images are kept as float32 or uint8, not {dtype}.")
        if len({band.name for band in bands}) != len(bands) or not bands:
            raise FormatError(f"Bands need different names; given: {', '.join(band.name for band in bands) or 'none'}.")
        if len(class_names) != 2 or class_names[0] == class_names[1]:
            raise LabelError(f"Two different class names are needed, negative then positive; given: {class_names}.")
        self._card: dict[str, Any] = {
            "layout_version": LAYOUT_VERSION,
            "class_names": [str(name) for name in class_names],
            "source": source,
            "licence": licence,
            "nodata": None if nodata is None else float(nodata),
            "facts": facts or {},
        }
        self._kept: dict[str, list[np.ndarray]] = {}
        self._file: Any = None  # an h5py.File, between entering and closing
        self._disk: ForgivingFile | None = None

    def __enter__(self) -> DatasetWriter:
        if self.path.is_dir():
            raise DataError(f"{self.path} is a folder. Give the name of a file in it, ending in .h5.")
        try:
            with self._telling():
                self._temporary = unfinished(self.path, "tmp")
                self._disk = ForgivingFile(self._temporary)
                self._file = h5py.File(self._disk, "w")
                self._create("images", self._dtype, self._shape)
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._discard()

    def _discard(self) -> None:
        self._close()
        if self._disk is not None:
            self._temporary.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._disk is not None:
            self._disk.close()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Errors of the disk become a sentence, also those that HDF5 was not told of."""
        try:
            yield
            if self._disk is not None and self._disk.failure is not None:
                raise self._disk.failure
        except OSError as error:
            why = error.strerror or str(error)[:200]
            raise DataError(f"{self.path} cannot be written ({why}). Free space, or choose another place.") from error

    def _create(self, name: str, dtype: np.dtype, shape: tuple[int, ...], compression: str | None = None) -> None:
        """An empty, growing (N, ...) dataset with one chunk a patch."""
        self._file.create_dataset(
            name, (0, *shape), dtype, chunks=(1, *shape), maxshape=(None, *shape), compression=compression
        )

    def append(
        self,
        images: np.ndarray,
        labels: Whole,
        ids: Texts,
        groups: Texts | None = None,
        masks: np.ndarray | None = None,
        lonlat: np.ndarray | None = None,
        split: Texts | None = None,
        columns: Mapping[str, Column] | None = None,
        files: Mapping[str, Column] | None = None,
    ) -> None:
        """Add a batch of any size; what is optional comes with every batch or with none.

        Args:
            images: (n, C, H, W), cast to the file's dtype.
            labels: (n,) integers in {-1, 0, 1}.
            ids: (n,) text, unique in the dataset.
            groups: (n,) text.
            masks: (n, H, W) 0 or 1.
            lonlat: (n, 2) degrees.
            split: (n,) text.
            columns: further facts by name, each (n,) numbers or text.
            files: of the source files, by name, each (n,) numbers or text (``core.data.shortcuts.properties``).

        Raises FormatError or LabelError when a part does not fit.
        """
        images = np.asarray(images)
        if images.shape[1:] != self._shape or not len(images):
            raise FormatError(f"Patches must be (n, {', '.join(map(str, self._shape))}); given: {images.shape}.")
        if self._dtype == np.uint8 and images.dtype != np.uint8:
            raise FormatError(f"This file keeps uint8 images; given: {images.dtype}.")
        labels = np.asarray(labels)
        if not np.isin(labels, (-1, 0, 1)).all():
            raise LabelError("Labels are 1 (positive), 0 (negative) or -1 (unlabelled).")
        rows = {"labels": labels.astype(np.int8), "ids": _text(ids)}
        rows |= {name: _text(values) for name, values in (("groups", groups), ("split", split)) if values is not None}
        if lonlat is not None:
            rows["lonlat"] = np.asarray(lonlat, np.float64).reshape(-1, 2)
        for place, facts in (("columns", columns), ("files", files)):
            for name, values in (facts or {}).items():
                rows[f"{place}/{name.replace('/', '_')}"] = _column(values)
        self._keep(rows, len(images), has_masks=masks is not None)
        with to_single():
            images = images.astype(self._dtype, copy=False)
        with self._telling():
            self._extend("images", images)
            if masks is not None:
                self._extend("masks", (np.asarray(masks) != 0).astype(np.uint8))

    def finish(self) -> Dataset:
        """Compute statistics and hash, move the file to its place and open it. Raises DataError when it is empty."""
        return drain(self.finishing())

    def finishing(self) -> Steps[Dataset]:
        """As ``finish``, yielding progress."""
        if self._file is None or not self._kept:
            raise DataError(f"There is no patch to write to {self.path}. Look at why the files were set aside.")
        rows = {name: np.concatenate(parts) for name, parts in self._kept.items()}
        ids, counts = np.unique(rows["ids"], return_counts=True)
        if (counts > 1).any():
            raise FormatError(f"Ids must be unique; these are not: {', '.join(ids[counts > 1][:5])}.")
        with self._telling():
            yield from self._complete(rows)
        return open_dataset(self.path)

    def _complete(self, rows: dict[str, np.ndarray]) -> Steps[None]:
        for name, values in rows.items():
            self._file.create_dataset(name, data=_encode(values) if values.dtype.kind == "U" else values)
        summary = yield from self._summarise(rows)
        card = json.dumps(self._card | summary, allow_nan=False).encode()
        self._file.create_dataset("card", data=np.frombuffer(card, np.uint8))
        self._file.flush()
        if self._disk is not None:
            self._disk.flush()
            if self._disk.failure is not None:
                raise self._disk.failure
        self._close()
        put_in_place(self._temporary, self.path)

    def _keep(self, rows: dict[str, np.ndarray], n: int, has_masks: bool) -> None:
        uneven = [name for name, values in rows.items() if len(values) != n]
        if uneven:
            raise FormatError(f"{n} patches came with another number of {', '.join(uneven)}.")
        if self._kept and (set(rows) != set(self._kept) or has_masks != ("masks" in self._file)):
            raise FormatError("Groups, masks, lonlat, split and columns come with every batch or with none.")
        for name, values in rows.items():
            self._kept.setdefault(name, []).append(values)

    def _extend(self, name: str, values: np.ndarray) -> None:
        if name not in self._file:
            self._create(name, values.dtype, values.shape[1:], "lzf")
        data = self._file[name]
        start = len(data)
        data.resize(start + len(values), axis=0)
        data[start:] = values

    def _summarise(self, rows: dict[str, np.ndarray]) -> Steps[dict]:
        names = tuple(band.name for band in self._bands)
        images = self._file["images"]
        digest = ContentHash(images.shape, images.dtype, names, self._card["nodata"], rows)
        summary = yield from self._look_at(images, None, digest)
        bounds = summary.absurd(self._bands)
        if bounds is not None:  # wild values spoil mean and range, which are then taken without them
            summary = yield from self._look_at(images, bounds)
        return {
            "bands": [band.to_dict() for band in self._bands],
            "statistics": summary.rows(names),
            "content_hash": digest.hexdigest(),
        }

    def _look_at(
        self, images: h5py.Dataset, bounds: np.ndarray | None, digest: ContentHash | None = None
    ) -> Steps[BandSummary]:
        """The summary of all patches as they are stored, which ``digest`` sees too."""
        summary = BandSummary(len(images), self._shape, self._card["nodata"], bounds)
        most = max(1, BATCH_BYTES // (images.dtype.itemsize * int(np.prod(self._shape))))
        for start in range(0, len(images), most):
            block = images[start : start + most]
            if digest is not None:
                digest.update(block)
            summary.add(block)
            done, n = start + len(block), len(images)
            fields = {"stage": "patches summarised", "done": done, "total": n}
            yield Progress(done / n, f"{done:,} of {n:,} patches summarised.", fields=fields)
        return summary


def _text(values: Column) -> np.ndarray:
    texts = [str(value) for value in values]
    bad = [t for t in texts if "\0" in t or len(t) > MAX_TEXT or not _is_unicode(t)]
    if bad:
        raise FormatError(f"Texts are at most {MAX_TEXT} characters of Unicode without NUL; given: {bad[0][:60]!r}.")
    return np.array(texts, dtype=np.str_)


def _is_unicode(text: str) -> bool:
    """False for text with lone surrogates, which is how Python shows file names that are not UTF-8."""
    try:
        return text.encode("utf-8") is not None
    except UnicodeEncodeError:
        return False


def _column(values: Column) -> np.ndarray:
    array = np.asarray(values)
    return array if array.dtype.kind in "iufb" else _text(values)


def _encode(values: np.ndarray) -> np.ndarray:
    return np.char.encode(values, "utf-8")
