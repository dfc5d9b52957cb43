"""Patches read from where they lie in a dataset file, past HDF5's cache of chunks.

The HDF5 dataset has one chunk per patch. What is compressed, byte-swapped or not where it should be is left to HDF5.
HDF5 itself still says, once for each file, where the patches are.

h5py copies each chunk through its cache under one lock; here the system writes into the array, several threads at a
time. 562 MiB in chunks of 192 KiB, 2 CPU cores, in one run: 0.33 instead of 1.14 s from the page cache, 0.7 instead of
3.8 s from the disk (busy machine; ``benchmarks/results/load.json`` has the quiet one).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from core.errors import DataError

READ_BYTES = 8 * 2**20  # asked of the system at once
MOST_BUFFERS = 512  # of one call; Linux and macOS take 1024
THREADS = min(4, os.cpu_count() or 1)  # they wait for the disk or copy; more than 4 gained nothing
WORTH_THREADS = 4 * READ_BYTES


# Writes nan where values are missing, in place: given patches (n, c, H, W), the patches with all bands as they are
# stored (None: those are the same), and the bands chosen of them.
Mark = Callable[[np.ndarray, np.ndarray | None, Sequence[int] | None], None]


def place_patches(
    out: np.ndarray, part: np.ndarray, block: np.ndarray, channels: Sequence[int] | None, mark: Mark | None
) -> None:
    """Put patches ``block`` (n, B, H, W) at ``part`` (n,) of ``out``, some bands of them, what is missing marked."""
    chosen = block if channels is None else block[:, channels]
    if mark is not None:
        chosen = chosen.astype(np.float32)
        mark(chosen, block, channels)
    out[part] = chosen


def patch_places(data: h5py.Dataset) -> np.ndarray | None:
    """(N,) int64, the byte of the file at which each patch of ``data`` (N, ...) begins; None where HDF5 must read."""
    plist = data.id.get_create_plist()
    plain = plist.get_layout() == h5py.h5d.CHUNKED and not plist.get_nfilters() and data.chunks == (1, *data.shape[1:])
    # A user block shifts all places; os.preadv is missing on Windows.
    if not plain or not data.dtype.isnative or data.file.userblock_size or not hasattr(os, "preadv"):
        return None
    nbytes = data.dtype.itemsize * int(np.prod(data.shape[1:]))
    places = np.full(len(data), -1, np.int64)

    def note(chunk) -> None:
        if chunk.size == nbytes and not chunk.filter_mask and chunk.byte_offset is not None:
            places[chunk.chunk_offset[0]] = chunk.byte_offset

    data.id.chunk_iter(note)
    end = os.path.getsize(data.file.filename) - nbytes
    return places if ((places >= 0) & (places <= end)).all() else None


@dataclass(frozen=True)
class PatchFile:
    """A dataset file whose patches can be read from where they lie: (C, H, W) of ``dtype`` at ``places`` (N,)."""

    path: Path
    places: np.ndarray
    shape: tuple[int, int, int]
    dtype: np.dtype

    def read(
        self, rows: np.ndarray, out: np.ndarray, channels: Sequence[int] | None = None, mark: Mark | None = None
    ) -> None:
        """Fill ``out`` (n, c, H, W) with the patches of ``rows`` (n,), in their order.

        channels: the bands of ``out``; None: all. mark: see :func:`place_patches`. Raises DataError where the file is
        gone or ends too early.
        """
        straight = channels is None and out.dtype == self.dtype
        parts = self._neighbours(rows)
        try:
            handle = os.open(self.path, os.O_RDONLY)
        except OSError as error:
            raise DataError(f"The dataset file {self.path} cannot be read ({error.strerror}).") from error

        def read(part: np.ndarray) -> None:
            if straight:
                self._fill(handle, int(self.places[rows[part[0]]]), [out[i] for i in part])
                if mark is not None:
                    for i in part:
                        mark(out[i : i + 1], None, None)
                return
            block = np.empty((len(part), *self.shape), self.dtype)
            self._fill(handle, int(self.places[rows[part[0]]]), [block])
            place_patches(out, part, block, channels, mark)

        try:
            if len(rows) * self._nbytes < WORTH_THREADS:
                for part in parts:
                    read(part)
            else:
                with ThreadPoolExecutor(THREADS) as pool:
                    list(pool.map(read, parts))
        finally:
            os.close(handle)

    @property
    def _nbytes(self) -> int:
        return self.dtype.itemsize * int(np.prod(self.shape))

    def _neighbours(self, rows: np.ndarray) -> list[np.ndarray]:
        """Positions in ``rows``, in the file's order, cut where patches do not follow each other or are too many."""
        order = np.argsort(self.places[rows], kind="stable")
        breaks = np.flatnonzero(np.diff(self.places[rows[order]]) != self._nbytes) + 1
        most = min(MOST_BUFFERS, max(1, READ_BYTES // self._nbytes))
        return [run[i : i + most] for run in np.split(order, breaks) for i in range(0, len(run), most)]

    def _fill(self, handle: int, start: int, buffers: list[np.ndarray]) -> None:
        wanted = sum(buffer.nbytes for buffer in buffers)
        got = os.preadv(handle, [buffer.data for buffer in buffers], start)
        if got != wanted:
            raise DataError(f"The dataset file {self.path} ends too early: it was cut. Ingest the source again.")
