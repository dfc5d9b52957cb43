"""What an ingest has read so far, kept next to its dataset file, so that a killed one continues where it stopped.

A killed process leaves an HDF5 file unreadable, so batches of patches are kept otherwise, in the order of the source:
two growing files hold the pixels and the masks; a journal names each batch once it is complete, with a checksum, so
that a torn end is noticed and dropped. That takes as much disk as the images, until the dataset file is complete.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.data.readers.base import Aside, Item, Rejection, Shape
from core.errors import DataError
from core.io import atomic

try:
    import fcntl
except ImportError:  # no such locks on this system: two ingests into one file are then not told apart
    fcntl = None  # type: ignore[assignment]  # a module, or nothing

VERSION = 1


@dataclass(frozen=True)
class Batch:
    """rows: (n,) positions in the list of items. images: (n, C, H, W). masks: (n, H, W) uint8, or None."""

    rows: list[int]
    images: np.ndarray
    masks: np.ndarray | None


def identity(items: Iterable[Item], facts: Sequence[Any]) -> str:
    """Hex digest of all that decides what a dataset file will hold: the listing with sizes and times, and the options.

    Raises DataError when a file is gone.
    """
    digest = hashlib.sha256(repr((VERSION, facts)).encode("utf-8", "surrogateescape"))
    for item in items:
        known = (item.id, item.file, item.label, item.group, item.split, item.lonlat, sorted(item.columns.items()))
        masked = item.mask and (item.mask.file, item.mask.stamp())
        digest.update(repr((known, item.patch.stamp(), masked)).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def spool_path(out: Path) -> Path:
    """Where an ingest into ``out`` keeps what it has read."""
    return out.with_name(f".{out.name}.spool")


def discard(out: Path) -> None:
    """Remove what an interrupted ingest into ``out`` has read: the next one starts afresh."""
    atomic.remove_tree(spool_path(out))


class Spool:
    """The batches of one ingest into ``out``, found again by ``identity``. Use as a context manager.

    After an error the spool is removed; after an interruption (Ctrl-C, a closed generator, a killed process) it stays,
    and the next ingest of the same source with the same options into the same file finds what was read. Another source
    starts afresh. Raises DataError when another process is at it, or the disk is full.

    Attributes:
        next_item: position of the first item that was not looked at yet.
        n: patches kept so far.
        dtype: of the images.
        has_masks: whether every batch comes with masks.
    """

    def __init__(self, out: Path, identity: str, shape: Shape, dtype: np.dtype, has_masks: bool):
        self._out = out.absolute()
        self.folder = spool_path(self._out)
        self._identity = identity
        self._shape, self.dtype, self.has_masks = shape, np.dtype(dtype), has_masks
        self._sizes = {"images": int(np.prod(shape)) * self.dtype.itemsize}  # bytes of one patch
        if has_masks:
            self._sizes["masks"] = int(np.prod(shape[1:]))
        self._files: dict[str, BinaryIO] = {}
        self._entries: list[dict] = []
        self.next_item, self.n = 0, 0

    def __enter__(self) -> Spool:
        with ExitStack() as opened, self._telling():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._journal = opened.enter_context(open(self.folder / "journal.jsonl", "a+b", buffering=0))
            self._lock()
            for name in self._sizes:
                self._files[name] = opened.enter_context(open(self.folder / f"{name}.bin", "a+b", buffering=0))
            self._restore()
            self._opened = opened.pop_all()  # from here on closed by __exit__
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._opened.close()
        if kind is None or issubclass(kind, Exception):
            discard(self._out)

    def _lock(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DataError(f"Another ingest into {self._out} is under way. Wait until it has ended.") from error

    def _restore(self) -> None:
        """Keep the complete batches of the journal, when it is one of this ingest, and cut off the rest."""
        self._journal.seek(0)
        lines = self._journal.readall().split(b"\n")[:-1]
        kept = len(lines[0]) + 1 if lines and _parsed(lines[0]) == {"identity": self._identity} else 0
        for line in lines[1:] if kept else []:
            entry = _parsed(line)
            if not self._is_complete(entry):
                break
            self._count(entry)
            kept += len(line) + 1
        self._journal.truncate(kept)
        for name, size in self._sizes.items():
            self._files[name].truncate(self.n * size)
        if not kept:
            self._note({"identity": self._identity})

    def _is_complete(self, entry: Any) -> bool:
        try:
            return zlib.crc32(b"".join(self._bytes(entry, self.n).values())) == entry["checksum"]
        except (KeyError, TypeError):
            return False

    def _bytes(self, entry: dict, start: int) -> dict[str, bytes]:
        found = {}
        for name, size in self._sizes.items():
            self._files[name].seek(start * size)
            found[name] = self._files[name].read(len(entry["rows"]) * size)
        return found

    def _count(self, entry: dict) -> None:
        self._entries.append(entry)
        self.n += len(entry["rows"])
        self.next_item = entry["next_item"]

    def check_room(self, n_items: int) -> None:
        """Raise DataError when there is no room for the rest of ``n_items`` patches and for the dataset file."""
        need = (2 * n_items - self.n) * sum(self._sizes.values())
        free = shutil.disk_usage(self.folder).free
        if need > free:
            raise DataError(
                f"{self._out} cannot be written: it needs {need / 2**30:.1f} GiB while it is made, and "
                f"{free / 2**30:.1f} GiB are free. Free space, or choose another place."
            )

    def add(self, batch: Batch, next_item: int, rejected: Sequence[Rejection], warnings: Sequence[str]) -> None:
        """Keep a batch, and what was said while it was read. A batch may be empty when all of it was set aside."""
        parts = {"images": np.ascontiguousarray(batch.images, self.dtype)}
        if "masks" in self._sizes:
            parts["masks"] = np.ascontiguousarray(batch.masks, np.uint8)
        checksum = 0
        with self._telling():
            for name, values in parts.items():
                if len(values):
                    atomic.at_boundary("append", self.folder / f"{name}.bin")
                    _write(self._files[name], values)
                    checksum = zlib.crc32(values.data, checksum)
            entry = {
                "rows": batch.rows,
                "next_item": next_item,
                "checksum": checksum,
                "rejected": [astuple(item) for item in rejected],
                "warnings": list(warnings),
            }
            self._note(entry)
        self._count(entry)

    def _note(self, entry: dict) -> None:
        atomic.at_boundary("append", self.folder / "journal.jsonl")
        _write(self._journal, json.dumps(entry).encode() + b"\n")
        atomic.at_boundary("appended", self.folder / "journal.jsonl")

    def replay(self, aside: Aside) -> None:
        """Say again what was said while the batches were read."""
        for entry in self._entries:
            aside.rejected += [Rejection(*item) for item in entry["rejected"]]
            for text in entry["warnings"]:
                aside.warn(text)

    def rows(self) -> list[int]:
        """The positions in the list of items of what was kept so far."""
        return [row for entry in self._entries for row in entry["rows"]]

    def batches(self) -> Iterator[Batch]:
        """Every batch kept so far, in order, one in memory at a time. Raises DataError when the disk fails."""
        start = 0
        for entry in self._entries:
            n = len(entry["rows"])
            if not n:
                continue
            with self._telling():
                found = self._bytes(entry, start)
            if zlib.crc32(b"".join(found.values())) != entry["checksum"]:
                raise DataError(f"What was read so far in {self.folder} is damaged. Ingest again; it starts afresh.")
            images = np.frombuffer(found["images"], self.dtype).reshape(n, *self._shape)
            masks = found.get("masks")
            yield Batch(
                entry["rows"],
                images,
                None if masks is None else np.frombuffer(masks, np.uint8).reshape(n, *self._shape[1:]),
            )
            start += n

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            discard(self._out)
            why = error.strerror or str(error)[:200]
            raise DataError(f"{self._out} cannot be written ({why}). Free space, or choose another place.") from error


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _write(file: Any, data: bytes | np.ndarray) -> None:
    view = (data.data if isinstance(data, np.ndarray) else memoryview(data)).cast("B")
    while len(view):
        view = view[file.write(view) :]
