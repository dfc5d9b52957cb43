"""The content hash of a dataset file: what tells its patches, labels, ids and groups from any others.

The writer puts it on the card; a file may be edited afterwards, so that whoever asks gets the hash of what the file
holds now. It is computed once for each version of a file in a process, at about a second a GB; that of a large file is
remembered beside it (``.X.hash.json``), with its size, times of change and inode. The system sets the time of change
of an inode, and no program can set it back, so that an edited or replaced file is never taken for the one remembered.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from core.data.store.hdf5 import open_safely
from core.errors import DataError
from core.io.atomic import write_text
from core.io.json_text import load_json

BATCH_BYTES = 32 * 2**20  # of images read at once
REMEMBERED_BYTES = 256 * 2**20  # of a file whose hash is kept beside it: a quarter of a second
SETTLED_NS = 2 * 10**9  # no change for as long as the coarsest clock of a file system ticks


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
        self._digest.update(np.ascontiguousarray(block).data)

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
    place = Path(path)
    if version[0] < REMEMBERED_BYTES:
        return _computed(place)
    found = _remembered(place, version)
    if found is None:
        found = _computed(place)
        _remember(place, version, found)
    return found


def _note(path: Path) -> Path:
    return path.with_name(f".{path.stem}.hash.json")


def _remembered(path: Path, version: tuple[int, ...]) -> str | None:
    try:
        said = load_json(_note(path), 4096)
    except (OSError, DataError):
        return None
    known = isinstance(said, dict) and said.get("version") == list(version) and said.get("content_hash")
    return known if isinstance(known, str) and len(known) == 64 else None


def _remember(path: Path, version: tuple[int, ...], found: str) -> None:
    """A file that changed while it was read, or just before, may have changed unseen."""
    try:
        if file_version(path) == version and time.time_ns() - max(version[1:3]) > SETTLED_NS:
            write_text(_note(path), json.dumps({"version": version, "content_hash": found}))
    except (OSError, DataError):
        pass  # a folder that cannot be written: the next process reads the file again


def _computed(path: Path) -> str:
    with open_safely(path, checked=True) as file:
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
