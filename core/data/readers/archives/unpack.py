"""A .zip or .tar(.gz) as a source: judged as a whole, then unpacked by our own code into a folder that goes away again.

Of an archive that is refused nothing is left. ``extractall`` is not used: it quietly renames, overwrites and follows
what is refused here, and unpacks whatever size an archive holds.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from core.data.readers.archives.archive_safety import ACCEPTED, Member, judged, unsafe
from core.data.readers.base import shown
from core.data.readers.pairs import IMAGES, LITTER, MASKS, SPLITS
from core.errors import DataError, FormatError
from core.io.atomic import unfinished
from core.io.safe_paths import slug

SUFFIXES = (".zip", ".npz", ".tar", ".tar.gz", ".tgz")
# Archives that are not unpacked here: the command that does it.
ELSEWHERE = {
    ".7z": "7z x {name} -oFOLDER",
    ".rar": "unrar x {name} FOLDER/",
    ".tar.bz2": "tar -xjf {name} -C FOLDER",
    ".tbz2": "tar -xjf {name} -C FOLDER",
    ".tar.xz": "tar -xJf {name} -C FOLDER",
    ".txz": "tar -xJf {name} -C FOLDER",
    ".tar.zst": "tar --zstd -xf {name} -C FOLDER",
    ".zst": "zstd -d {name}",
    ".bz2": "bunzip2 -k {name}",
    ".xz": "unxz -k {name}",
    ".gz": "gunzip -k {name}",
}
MAX_SMALL = 256 * 2**20  # bytes of a table that is read from an archive by itself
_NESTED_STARTS = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x1f\x8b\x08",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\xfd7zXZ\x00",
)
_BLOCK = 2**20
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, ValueError, NotImplementedError)


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
        tell_elsewhere(source)
        yield source
        return
    with _temporary(beside) as folder:
        with _telling(source), ExitStack() as stack:
            members = judged(source, stack)
            _check_room(source, folder, members)
            root = folder / slug(source.name.partition(".")[0])
            root.mkdir()
            for member in members:
                _write(member, root, source)
        yield _entered(root)


def tell_elsewhere(source: Path) -> None:
    """Raise FormatError for an archive of a kind that is not unpacked here, with the command that does it."""
    name = source.name.lower()
    how = next((line for ending, line in ELSEWHERE.items() if name.endswith(ending)), None)
    if how is not None and source.is_file():
        command = how.format(name=source.name)
        raise FormatError(f"{source.name} is not unpacked here. Unpack it and give what comes out: {command}")


def judge(source: Path) -> tuple[str, ...]:
    """The names of an archive's files, when it is one that would be unpacked. Writes nothing; safe for uploads.

    Raises UnsafeFileError or FormatError otherwise.
    """
    with _telling(source), ExitStack() as stack:
        return tuple(member.name for member in judged(source, stack))


def small_file(source: Path, name: str) -> bytes | None:
    """The content of the file ``name`` in a folder, or nearest to the top of an archive; None where there is none.

    Raises UnsafeFileError or FormatError for an archive that would not be unpacked, or a file above 256 MiB.
    """
    if not is_archive(source):
        return (source / name).read_bytes() if (source / name).is_file() else None
    with _telling(source), ExitStack() as stack:
        found = [member for member in judged(source, stack) if member.name.rpartition("/")[2] == name]
        if not found:
            return None
        member = min(found, key=lambda member: member.name.count("/"))
        if member.size > MAX_SMALL:
            raise FormatError(f"'{shown(member.name)}' in {source.name} has more than {MAX_SMALL >> 20} MiB.")
        with member.open() as file:
            return file.read(MAX_SMALL)


def _write(member: Member, root: Path, source: Path) -> None:
    path = root.joinpath(*member.name.removeprefix("./").split("/"))
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with member.open() as packed, open(path, "xb") as file:
        while block := packed.read(min(_BLOCK, member.size + 1 - written)):
            if not written and block.startswith(_NESTED_STARTS):
                raise unsafe(source, f"holds another archive ('{shown(member.name)}')")
            written += len(block)
            if written > member.size:
                raise unsafe(source, f"holds '{shown(member.name)}', which is larger than the archive says")
            file.write(block)
    if written != member.size:
        raise FormatError(f"{source.name} is cut short in '{shown(member.name)}'. Copy it again.")
    # All unpacked files are as old as their archive, so that an ingest of it can go on after an interruption.
    changed = source.stat().st_mtime_ns
    os.utime(path, ns=(changed, changed))


def entered(folder: Path) -> Path:
    """The folder in which a dataset's own folders begin: single folders around them are gone through.

    A single folder of files is kept: it may be a class.
    """
    while (inside := _single(folder)) is not None and any(path.is_dir() for path in _members(inside)):
        folder = inside
    return folder


def _entered(root: Path) -> Path:
    """The same of an archive, whose single folder is a wrapper even if it holds files."""
    while (inside := _single(root)) is not None:
        root = inside
    return root


def _single(folder: Path) -> Path | None:
    inside = _members(folder)
    alone = len(inside) == 1 and inside[0].is_dir() and not inside[0].is_symlink()
    return inside[0] if alone and not _is_content(inside[0].name) else None


def _members(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name[0] != "." and path.name.lower() not in LITTER]


def _is_content(name: str) -> bool:
    """A folder that formats look for by its name is not a wrapper around them."""
    return name.lower() in (*IMAGES, *MASKS, *SPLITS, "train_data", "test_data", "landslide", "landslides")


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
