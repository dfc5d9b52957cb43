"""A .zip or .tar(.gz) as a source: judged as a whole, then unpacked by our own code into a folder that goes away again.

Comes in: the path of an archive, also one that a stranger uploaded. Goes out: a folder to read from, or one sentence
why the archive is refused; then nothing of it is left. It knows nothing of patches. ``extractall`` is not used: it
quietly renames, overwrites and follows what is refused here, and unpacks whatever size an archive holds.
"""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.data.readers.base import shown
from core.errors import DataError, FormatError, UnsafeFileError
from core.files import unfinished
from core.paths import slug

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
MAX_FILES = 200_000  # files and folders in one archive
MAX_BYTES = 64 * 2**30  # of all files, unpacked
MAX_RATIO = 200  # unpacked / packed size of one file; deflate reaches 1032, real patches at most a few times
MAX_RATIO_WHOLE = 100  # the same of the whole archive
ALWAYS_FINE = 4 * 2**20  # bytes unpacked; below this the ratio is not questioned (an empty mask packs very well)
MAX_SMALL = 256 * 2**20  # bytes of a table that is read from an archive by itself
MAX_COMPONENT = 255  # bytes of one part of a name
ACCEPTED = f"Accepted: .zip, .tar, .tar.gz with at most {MAX_FILES} plain files of together {MAX_BYTES >> 30} GiB."
_NESTED = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".7z", ".rar", ".zst", ".lz4", ".jar", ".npz")
_NESTED_STARTS = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x1f\x8b\x08",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\xfd7zXZ\x00",
)
_BLOCK = 2**20
_MAX_HEADER = 2**20  # bytes; a tar archive's long names and extended headers
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, ValueError, NotImplementedError)


@dataclass(frozen=True)
class Member:
    """A file of an archive: its name as written there, and its unpacked size in bytes."""

    name: str
    size: int
    open: Callable[[], BinaryIO]


def is_archive(path: Path) -> bool:
    """Whether ``path`` is a file whose name ends as an archive's does."""
    return path.name.lower().endswith(SUFFIXES) and path.is_file()


@contextmanager
def unpacked(source: Path, beside: Path | None = None) -> Iterator[Path]:
    """A folder with what ``source`` holds while the block runs; a source that is no archive is given back as it is.

    Safe for uploads. A single folder at the top of the archive is entered. ``beside``: a file next to which there is
    room; None: the system's temporary folder. The folder is removed at the end, whatever happens; one that a killed
    process left beside the same file is removed at the next call.
    Raises UnsafeFileError or FormatError, in plain words and about the archive as a whole.
    """
    if not is_archive(source):
        yield source
        return
    with _temporary(beside) as folder:
        with _telling(source), ExitStack() as stack:
            members = _judged(source, stack)
            _check_room(source, folder, members)
            root = folder / slug(source.name.partition(".")[0])
            root.mkdir()
            for member in members:
                _write(member, root, source)
        yield _entered(root)


def judge(source: Path) -> tuple[str, ...]:
    """The names of an archive's files, when it is one that would be unpacked. Writes nothing; safe for uploads.

    Raises UnsafeFileError or FormatError otherwise.
    """
    with _telling(source), ExitStack() as stack:
        return tuple(member.name for member in _judged(source, stack))


def small_file(source: Path, name: str) -> bytes | None:
    """The content of the file ``name`` in a folder, or nearest to the top of an archive; None where there is none.

    Raises UnsafeFileError or FormatError for an archive that would not be unpacked, or a file above 256 MiB.
    """
    if not is_archive(source):
        return (source / name).read_bytes() if (source / name).is_file() else None
    with _telling(source), ExitStack() as stack:
        found = [member for member in _judged(source, stack) if member.name.rpartition("/")[2] == name]
        if not found:
            return None
        member = min(found, key=lambda member: member.name.count("/"))
        if member.size > MAX_SMALL:
            raise FormatError(f"'{shown(member.name)}' in {source.name} has more than {MAX_SMALL >> 20} MiB.")
        with member.open() as file:
            return file.read(MAX_SMALL)


def _judged(source: Path, stack: ExitStack) -> list[Member]:
    read = _zip_members if source.suffix.lower() == ".zip" else _tar_members
    members = read(source, stack)
    if not members:
        raise FormatError(f"{source.name} holds no files. Pack the folder of patches again.")
    total, packed = sum(member.size for member in members), source.stat().st_size
    if total > MAX_BYTES:
        raise _unsafe(source, f"unpacks to {total / 2**30:.0f} GiB")
    if total > max(ALWAYS_FINE, MAX_RATIO_WHOLE * packed):
        raise _unsafe(source, f"unpacks to {total / max(packed, 1):.0f} times its size, as a bomb does")
    return members


def _zip_members(source: Path, stack: ExitStack) -> list[Member]:
    archive = stack.enter_context(zipfile.ZipFile(source))
    entries = archive.infolist()
    _check_count(source, len(entries))
    names = _Names(source)
    members, ends = [], []
    for entry in entries:
        name = entry.orig_filename  # as written; zipfile cuts a name at a NUL
        mode = entry.external_attr >> 16
        folder = name.endswith("/")
        names.check(name.removesuffix("/"), folder)
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _unsafe(source, f"holds a link or a device ('{shown(name)}')")
        if entry.flag_bits & 0x1:
            raise FormatError(f"{source.name} is protected by a password ('{shown(name)}'). Pack it without.")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise FormatError(f"{source.name} is packed in a rare way ('{shown(name)}'). Pack it as an ordinary zip.")
        if entry.file_size > max(ALWAYS_FINE, MAX_RATIO * entry.compress_size):
            raise _unsafe(
                source, f"holds '{shown(name)}', which unpacks to {entry.file_size / 2**20:.0f} MiB, as a bomb does"
            )
        ends.append((entry.header_offset, entry.header_offset + entry.compress_size, name))
        if not folder:
            members.append(Member(name, entry.file_size, lambda entry=entry: archive.open(entry)))
    ends.sort()
    for (_, end, name), (start, _, _) in zip(ends, ends[1:], strict=False):
        if start < end:
            raise _unsafe(source, f"stores '{shown(name)}' and another file in the same bytes, as a bomb does")
    return members


def _tar_members(source: Path, stack: ExitStack) -> list[Member]:
    """The headers of a tar lie between its files, so looking at all of them unpacks everything once, into nothing."""
    names, total, members = _Names(source), 0, []
    most = max(ALWAYS_FINE, min(MAX_BYTES, MAX_RATIO_WHOLE * source.stat().st_size))
    archive = tarfile.open(fileobj=_tar_stream(source, stack), mode="r:")
    for count, entry in enumerate(archive, 1):
        _check_count(source, count)
        names.check(entry.name.removesuffix("/"), entry.isdir())
        if not (entry.isreg() or entry.isdir()) or entry.issparse():
            raise _unsafe(source, f"holds a link or a device ('{shown(entry.name)}')")
        total += entry.size
        if total > most:
            raise _unsafe(source, f"unpacks to {total / 2**20:.0f} MiB or more, as a bomb does")
        if entry.isreg():
            members.append(Member(entry.name, entry.size, lambda entry=entry: archive.extractfile(entry)))
    return members


def _tar_stream(source: Path, stack: ExitStack) -> _Careful:
    with open(source, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return _Careful(stack.enter_context(gzip.open(source) if packed else open(source, "rb")))


class _Careful:
    """A file that refuses to give a megabyte and more in one piece: tarfile reads a header of any claimed size."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _MAX_HEADER:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._file.read(size)


class _Names:
    """The names of an archive so far; raises UnsafeFileError for one that is not a plain new path below a folder."""

    def __init__(self, source: Path):
        self._source = source
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def check(self, name: str, is_folder: bool) -> None:
        if "\\" in name or "\0" in name or (len(name) > 1 and name[1] == ":"):
            raise _unsafe(self._source, f"holds a name with a backslash, a drive or a NUL ('{shown(name)}')")
        if name.startswith("/"):
            raise _unsafe(self._source, f"holds an absolute path ('{shown(name)}')")
        parts = name.removeprefix("./").split("/") if name not in (".", "./") else []
        if ".." in parts or "." in parts or "" in parts:
            raise _unsafe(
                self._source, f"holds a path that leads out of its folder or is written oddly ('{shown(name)}')"
            )
        if any(len(part.encode("utf-8", "surrogatepass")) > MAX_COMPONENT for part in parts) or len(parts) > 32:
            raise _unsafe(self._source, f"holds a name that is too long ('{shown(name[:80])}')")
        if not is_folder and name.lower().endswith(_NESTED):
            raise _unsafe(self._source, f"holds another archive ('{shown(name)}'); unpack that one and pack its files")
        # Two names that differ in case or in how an accent is written are one file on some systems.
        keys = [unicodedata.normalize("NFC", "/".join(parts[: i + 1])).casefold() for i in range(len(parts))]
        if keys and (
            (is_folder and keys[-1] in self._files)
            or (not is_folder and keys[-1] in self._files | self._folders)
            or not self._files.isdisjoint(keys[:-1])
        ):
            raise _unsafe(self._source, f"holds the same name twice ('{shown(name)}')")
        self._folders.update(keys if is_folder else keys[:-1])
        if not is_folder:
            self._files.update(keys[-1:])


def _write(member: Member, root: Path, source: Path) -> None:
    path = root.joinpath(*member.name.removeprefix("./").split("/"))
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with member.open() as packed, open(path, "xb") as file:
        while block := packed.read(min(_BLOCK, member.size + 1 - written)):
            if not written and block.startswith(_NESTED_STARTS):
                raise _unsafe(source, f"holds another archive ('{shown(member.name)}')")
            written += len(block)
            if written > member.size:
                raise _unsafe(source, f"holds '{shown(member.name)}', which is larger than the archive says")
            file.write(block)
    if written != member.size:
        raise FormatError(f"{source.name} is cut short in '{shown(member.name)}'. Copy it again.")
    # All unpacked files are as old as their archive, so that an ingest of it can go on after an interruption.
    changed = source.stat().st_mtime_ns
    os.utime(path, ns=(changed, changed))


def _entered(root: Path) -> Path:
    while True:
        inside = [path for path in root.iterdir() if path.name != "__MACOSX" and not path.name.startswith(".")]
        if len(inside) != 1 or not inside[0].is_dir() or _is_content(inside[0].name):
            return root
        root = inside[0]


def _is_content(name: str) -> bool:
    """A folder that formats look for by its name is not a wrapper around them."""
    return name.lower() in ("img", "images", "train_data", "test_data", "landslide", "landslides")


@contextmanager
def _temporary(beside: Path | None) -> Iterator[Path]:
    if beside is None:
        folder = Path(tempfile.mkdtemp(prefix="landslide-lens-"))
    else:
        folder = unfinished(beside.absolute(), "unpacked")
        folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_room(source: Path, folder: Path, members: list[Member]) -> None:
    total, free = sum(member.size for member in members), shutil.disk_usage(folder).free
    if total > free:
        raise DataError(
            f"{source.name} unpacks to {total / 2**30:.1f} GiB; {free / 2**30:.1f} GiB are free in {folder.parent}. "
            "Free space, or unpack it elsewhere and give the folder."
        )


def _check_count(source: Path, n: int) -> None:
    if n > MAX_FILES:
        raise _unsafe(source, f"holds more than {MAX_FILES} files")


@contextmanager
def _telling(source: Path) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except _DAMAGED as error:
        raise FormatError(f"{source.name} cannot be unpacked: {_plain(error)}. {ACCEPTED}") from error


def _plain(error: Exception) -> str:
    text = getattr(error, "strerror", None) or " ".join(str(error).split())[:120].rstrip(". ")
    return text or type(error).__name__


def _unsafe(source: Path, found: str) -> UnsafeFileError:
    return UnsafeFileError(f"{source.name} was refused as a whole: it {found}. {ACCEPTED}")
