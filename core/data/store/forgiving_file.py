"""A file that HDF5 can write to without being told that the disk is full.

HDF5 (seen with
2.0 under h5py 3.16) brings the whole process down with a segmentation fault when it closes a file whose last writes
failed, so failures are kept here, and whoever writes asks for them.
"""

from __future__ import annotations

import os
from pathlib import Path


class ForgivingFile:
    """Reads and writes a new file; the first failed write is kept in ``failure`` and later ones are dropped."""

    def __init__(self, path: Path):
        self._file = open(path, "w+b", buffering=0)  # closed by close(); unbuffered, so that failures show at once
        self.failure: OSError | None = None

    def write(self, data: bytes | memoryview) -> int:
        """All of ``data`` is written, or counted as written after a failure."""
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view) and self.failure is None:
            try:
                done += self._file.write(view[done:]) or 0
            except OSError as error:
                self.failure = error
        if self.failure is not None:
            self._file.seek(len(view) - done, os.SEEK_CUR)
        return len(view)

    def truncate(self, size: int) -> int:
        """Set the file's size."""
        try:
            self._file.truncate(size)
        except OSError as error:
            self.failure = self.failure or error
        return size

    def flush(self) -> None:
        """Put what was written onto the disk."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            self.failure = self.failure or error

    def read(self, size: int = -1) -> bytes:
        """As of any file."""
        return self._file.read(size)

    def readinto(self, buffer: memoryview) -> int:
        """As of any file."""
        return self._file.readinto(buffer)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As of any file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As of any file."""
        return self._file.tell()

    def close(self) -> None:
        """As of any file."""
        self._file.close()
