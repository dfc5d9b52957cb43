"""The content hash of a dataset file: what tells its patches, labels, ids and groups from any others.

The writer puts it on the card; a file may be edited afterwards, so that whoever asks gets the hash of what the file
holds now. It is computed once for each version of a file in a process, at about a second a GB.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from core.data.store.hdf5 import open_safely

BATCH_BYTES = 32 * 2**20  # of images read at once


class ContentHash:
    """The hash in the making: the facts first, then the images in their order, in blocks of any size."""

    def __init__(
        self,
        shape: Sequence[int],
        dtype: np.dtype,
        bands: Sequence[str],
        nodata: float | None,
        rows: Mapping[str, np.ndarray],
    ) -> None:
        head = {"shape": list(shape), "dtype": str(dtype), "bands": list(bands), "nodata": nodata}
        self._digest = hashlib.sha256(json.dumps(head).encode())
        for name in ("labels", "ids", "groups"):
            self._digest.update(json.dumps(rows[name].tolist() if name in rows else None).encode())

    def update(self, block: np.ndarray) -> None:
        """Add (n, C, H, W) images as they lie in the file."""
        self._digest.update(np.ascontiguousarray(block))

    def hexdigest(self) -> str:
        """The hash of all that was added."""
        return self._digest.hexdigest()


def file_version(path: Path) -> tuple[int, ...]:
    """What tells this file from an earlier one of its name: size, times of change (ns), inode."""
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino


def content_hash(path: Path) -> str:
    """The hash of what the dataset file holds now. Raises as ``open_safely`` does, OSError for a file that is gone."""
    return _hashed(str(path), file_version(path))


@lru_cache(maxsize=64)
def _hashed(path: str, version: tuple[int, ...]) -> str:
    with open_safely(Path(path), checked=True) as file:
        card, images = json.loads(file["card"][()].tobytes()), file["images"]
        rows = {name: _texts(file[name][()]) for name in ("labels", "ids", "groups") if name in file}
        names = [band["name"] for band in card["bands"]]
        made = ContentHash(images.shape, images.dtype, names, card["nodata"], rows)
        most = max(1, BATCH_BYTES // (images.dtype.itemsize * int(np.prod(images.shape[1:]))))
        for start in range(0, len(images), most):
            made.update(images[start : start + most])
    return made.hexdigest()


def _texts(values: np.ndarray) -> np.ndarray:
    return np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values
