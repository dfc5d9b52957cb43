"""What an archive holds, judged as a whole from its listing: plain files under plain names, of honest sizes.

The archive (.zip, .tar or .tar.gz) may come from a stranger: it is accepted as a whole, or refused as a whole with one
sentence. Nothing is written.
"""

from __future__ import annotations

import gzip
import math
import stat
import struct
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from io import BufferedIOBase
from pathlib import Path
from typing import IO, cast

from core.data.readers.base import shown
from core.errors import FormatError, UnsafeFileError

MAX_FILES = 200_000  # files and folders in one archive
MAX_BYTES = 64 * 2**30  # of all files, unpacked
MAX_RATIO = 200  # unpacked / packed size of one file; deflate reaches 1032, real patches at most a few times
MAX_RATIO_WHOLE = 100  # the same of the whole archive
MAX_RATIO_ARRAY = 1100  # of an array in an .npz, whose header is judged as well: masks are mostly 0
ALWAYS_FINE = 4 * 2**20  # bytes unpacked; below this the ratio is not questioned (an empty mask packs very well)
MAX_COMPONENT = 255  # bytes of one part of a name
ACCEPTED = (
    f"Accepted: .zip, .npz, .tar, .tar.gz with at most {MAX_FILES} plain files of together {MAX_BYTES >> 30} GiB."
)
_NESTED = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".7z", ".rar", ".zst", ".lz4", ".jar", ".npz")
_MAX_HEADER = 2**20  # bytes of one header of a tar archive (long names, extended headers)
_MAX_LISTING = 128 * 2**20  # bytes of all headers, which are kept in memory


@dataclass(frozen=True)
class Member:
    """A file of an archive: its name as written there, and its unpacked size in bytes."""

    name: str
    size: int
    open: Callable[[], IO[bytes]]


def judged(source: Path, stack: ExitStack) -> list[Member]:
    """Its files, to be opened while ``stack`` is open.

    Raises UnsafeFileError or FormatError, and for a damaged archive what zipfile and tarfile raise.
    """
    read = _zip_members if source.suffix.lower() in (".zip", ".npz") else _tar_members
    members = read(source, stack)
    if not members:
        raise FormatError(f"{source.name} holds no files. Pack the folder of patches again.")
    total, packed = sum(member.size for member in members), source.stat().st_size
    if total > MAX_BYTES:
        raise unsafe(source, f"unpacks to {total / 2**30:.0f} GiB")
    if total > max(ALWAYS_FINE, MAX_RATIO_WHOLE * packed):
        raise unsafe(source, f"unpacks to {total / max(packed, 1):.0f} times its size, as a bomb does")
    return members


def _zip_members(source: Path, stack: ExitStack) -> list[Member]:
    _check_listing(source)
    archive = stack.enter_context(zipfile.ZipFile(source))
    entries = archive.infolist()
    _check_count(source, len(entries))
    names = _Names(source)
    ratio = MAX_RATIO_ARRAY if source.suffix.lower() == ".npz" else MAX_RATIO
    members, ends = [], []
    for entry in entries:
        name = entry.orig_filename  # as written; zipfile cuts a name at a NUL
        mode = entry.external_attr >> 16
        folder = name.endswith("/")
        names.check(name.removesuffix("/"), folder)
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise unsafe(source, f"holds a link or a device ('{shown(name)}')")
        if entry.flag_bits & 0x1:
            raise FormatError(f"{source.name} is protected by a password ('{shown(name)}'). Pack it without.")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise FormatError(f"{source.name} is packed in a rare way ('{shown(name)}'). Pack it as an ordinary zip.")
        if entry.file_size > max(ALWAYS_FINE, ratio * entry.compress_size):
            raise unsafe(
                source, f"holds '{shown(name)}', which unpacks to {entry.file_size / 2**20:.0f} MiB, as a bomb does"
            )
        ends.append((entry.header_offset, entry.header_offset + entry.compress_size, name))
        if not folder:
            members.append(Member(name, entry.file_size, partial(archive.open, entry)))
    ends.sort()
    for (_, end, name), (start, _, _) in zip(ends, ends[1:], strict=False):
        if start < end:
            raise unsafe(source, f"stores '{shown(name)}' and another file in the same bytes, as a bomb does")
    return members


def _check_listing(source: Path) -> None:
    """Refuse a zip whose list of files is huge before zipfile reads it whole: its last record says how large it is."""
    with open(source, "rb") as file:
        file.seek(max(0, source.stat().st_size - 2**16 - 200))
        tail = file.read()
    end, end64 = tail.rfind(b"PK\x05\x06"), tail.rfind(b"PK\x06\x06")
    if end < 0 or end + 22 > len(tail):
        raise FormatError(f"{source.name} cannot be unpacked: it is cut short or no zip file. {ACCEPTED}")
    size = struct.unpack_from("<L", tail, end + 12)[0]
    if 0 <= end64 <= len(tail) - 56:
        size = max(size if size != 0xFFFFFFFF else 0, struct.unpack_from("<Q", tail, end64 + 40)[0])
    if size > _MAX_LISTING:
        raise unsafe(source, f"has a list of files of {size / 2**20:.0f} MiB")


def _tar_members(source: Path, stack: ExitStack) -> list[Member]:
    """The headers of a tar lie between its files, so looking at all of them unpacks everything once, into nothing."""
    names, total, members = _Names(source), 0, []
    most = max(ALWAYS_FINE, min(MAX_BYTES, MAX_RATIO_WHOLE * source.stat().st_size))
    stream = _tar_stream(source, stack)
    archive = tarfile.open(fileobj=cast(IO[bytes], stream), mode="r:")  # it only reads, seeks and tells
    for count, entry in enumerate(archive, 1):
        _check_count(source, count)
        names.check(entry.name.removesuffix("/"), entry.isdir())
        if not (entry.isreg() or entry.isdir()) or entry.issparse():
            raise unsafe(source, f"holds a link or a device ('{shown(entry.name)}')")
        total += entry.size
        if total > most:
            raise unsafe(source, f"unpacks to {total / 2**20:.0f} MiB or more, as a bomb does")
        if entry.isreg():
            read = cast(Callable[[], IO[bytes]], partial(archive.extractfile, entry))  # None of links and folders only
            members.append(Member(entry.name, entry.size, read))
    stream.left = math.inf  # what is read from here on is files, whose sizes are known
    return members


def _tar_stream(source: Path, stack: ExitStack) -> _Careful:
    with open(source, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return _Careful(stack.enter_context(gzip.open(source) if packed else open(source, "rb")))


class _Careful:
    """A file that gives no megabyte in one piece, and headers only up to a limit: tarfile keeps them all in memory."""

    def __init__(self, file: BufferedIOBase):
        self._file = file
        self.seek, self.tell = file.seek, file.tell
        self.left: float = _MAX_LISTING

    def read(self, size: int = -1) -> bytes:
        self.left -= size
        if not 0 <= size <= _MAX_HEADER or self.left < 0:
            raise tarfile.ReadError(f"headers of {size} bytes or more")
        return self._file.read(size)


class _Names:
    """The names of an archive so far; raises UnsafeFileError for one that is not a plain new path below a folder."""

    def __init__(self, source: Path):
        self._source = source
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def check(self, name: str, is_folder: bool) -> None:
        if "\\" in name or "\0" in name or (len(name) > 1 and name[1] == ":"):
            raise unsafe(self._source, f"holds a name with a backslash, a drive or a NUL ('{shown(name)}')")
        if name.startswith("/"):
            raise unsafe(self._source, f"holds an absolute path ('{shown(name)}')")
        parts = name.removeprefix("./").split("/") if name not in (".", "./") else []
        if ".." in parts or "." in parts or "" in parts:
            raise unsafe(
                self._source, f"holds a path that leads out of its folder or is written oddly ('{shown(name)}')"
            )
        if any(len(part.encode("utf-8", "surrogatepass")) > MAX_COMPONENT for part in parts) or len(parts) > 32:
            raise unsafe(self._source, f"holds a name that is too long ('{shown(name[:80])}')")
        if not is_folder and name.lower().endswith(_NESTED):
            raise unsafe(self._source, f"holds another archive ('{shown(name)}'); unpack that one and pack its files")
        # Two names that differ in case or in how an accent is written are one file on some systems.
        keys = [unicodedata.normalize("NFC", "/".join(parts[: i + 1])).casefold() for i in range(len(parts))]
        if keys and (
            (is_folder and keys[-1] in self._files)
            or (not is_folder and keys[-1] in self._files | self._folders)
            or not self._files.isdisjoint(keys[:-1])
        ):
            raise unsafe(self._source, f"holds the same name twice ('{shown(name)}')")
        self._folders.update(keys if is_folder else keys[:-1])
        if not is_folder:
            self._files.update(keys[-1:])


def _check_count(source: Path, n: int) -> None:
    if n > MAX_FILES:
        raise unsafe(source, f"holds more than {MAX_FILES} files")


def unsafe(source: Path, found: str) -> UnsafeFileError:
    """The error for an archive that ``found`` is wrong with, as a sentence about all of it."""
    return UnsafeFileError(f"{source.name} was refused as a whole: it {found}. {ACCEPTED}")
