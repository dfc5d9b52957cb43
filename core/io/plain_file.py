"""The one door to files of a folder that may have been copied from elsewhere.

A run folder from a stranger may hold links that lead out of it, pipes that are waited for without end, and devices. So
a file is opened only where it is a plain file of its own name: no link is followed, nothing is waited for.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from core.errors import DataError, FormatError, UnsafeFileError

# What Windows lacks is 0 there.
_NO_FOLLOW, _NO_WAITING = getattr(os, "O_NOFOLLOW", 0), getattr(os, "O_NONBLOCK", 0)
_ALWAYS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | _NO_WAITING
_HOW = {
    "rb": os.O_RDONLY,
    "r+b": os.O_RDWR,
    "ab": os.O_WRONLY | os.O_APPEND | os.O_CREAT,
    "a+b": os.O_RDWR | os.O_APPEND | os.O_CREAT,
}
_REFUSED = {errno.ELOOP, errno.EMLINK, errno.ENXIO}  # what the system says of a link and of a pipe without a reader
MOST_ENTRIES = 20_000  # of one folder, looked through for what does not belong there


def open_plain(path: Path, mode: Literal["rb", "r+b", "ab", "a+b"] = "rb", follow: bool = False) -> BinaryIO:
    """The plain file ``path``, open to be read, changed, or appended to (and then made where it is missing).

    follow: links are followed, for a path that the user named; what is there must still be a plain file.

    Raises UnsafeFileError for a link, pipe, device or socket, FormatError for a folder, and OSError as the file
    system gives it.
    """
    handle = _handle(path, mode, follow)
    try:
        return os.fdopen(handle, mode)
    except BaseException:
        os.close(handle)
        raise


def _handle(path: Path, mode: str, follow: bool) -> int:
    """The open file, see :func:`open_plain`."""
    handle = -1
    try:
        try:
            _check(path, (os.stat if follow else os.lstat)(path).st_mode)  # before: opening a device may do something
        except FileNotFoundError:
            if mode in ("rb", "r+b"):
                raise
        handle = os.open(path, _HOW[mode] | _ALWAYS | (0 if follow else _NO_FOLLOW), 0o666)
        _check(path, os.fstat(handle).st_mode)  # what was opened, should the name have changed hands
    except OSError as error:
        if error.errno in _REFUSED:
            raise _loop(path) from error
        raise
    except DataError:
        if handle >= 0:
            os.close(handle)
        raise
    return handle


def check_plain(path: Path, follow: bool = False) -> None:
    """Raises UnsafeFileError unless ``path`` is a plain file, for libraries that open by name; OSError as it comes."""
    open_plain(path, follow=follow).close()


def read_bytes(path: Path, most: int, follow: bool = False) -> bytes:
    """All of a plain file of at most ``most`` bytes. Raises UnsafeFileError for a larger one; as :func:`open_plain`."""
    handle = _handle(path, "rb", follow)
    try:
        parts, left = [], most + 1
        while left > 0 and (part := os.read(handle, min(left, os.fstat(handle).st_size + 1))):
            parts.append(part)
            left -= len(part)
    finally:
        os.close(handle)
    data = b"".join(parts)
    if len(data) > most:
        raise UnsafeFileError(
            f"{path.parent.name}/{path.name} was not read: it is larger than {_size(most)}, which is the most here."
        )
    return data


def is_there(path: Path) -> bool:
    """Whether there is anything of this name; a link counts, wherever it leads."""
    return os.path.lexists(path)


def is_plain(path: Path) -> bool:
    """Whether there is a plain file of this name; a link is none."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def folder_in(root: Path, *parts: str) -> Path:
    """The folder ``root/parts``; it need not exist, but no folder on the way from ``root`` to it is a link.

    root: trusted, as the checkpoints folder that the user named.

    Raises UnsafeFileError for a link, or anything else that is no folder.
    """
    path = Path(root)
    for part in parts:
        path = path / part
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        if not stat.S_ISDIR(mode):
            raise UnsafeFileError(f"{path.parent.name}/{path.name} is {_kind(mode)} instead of a folder. {_ADVICE}")
    return path


def folders(place: Path) -> list[Path]:
    """The folders directly in ``place``, by name; none where it is missing, or a link. Links in it are left out."""
    try:
        with os.scandir(folder_in(place.parent, place.name)) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))
    except (OSError, UnsafeFileError):
        return []


def strangers(place: Path) -> list[str]:
    """What in ``place`` and its folders is neither a plain file nor a folder: "log.txt is a link", by path.

    Nothing is opened and no link followed. Only the first ``MOST_ENTRIES`` entries are looked at.
    """
    if place.is_symlink():
        return [f"{place.name} is a link"]
    return sorted(_strangers(place, place, [MOST_ENTRIES]))


def _strangers(folder: Path, root: Path, left: list[int]) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                left[0] -= 1
                if left[0] < 0:
                    return
                if entry.is_dir(follow_symlinks=False):
                    yield from _strangers(Path(entry.path), root, left)
                elif not entry.is_file(follow_symlinks=False):
                    kind = "a link" if entry.is_symlink() else _kind(entry.stat(follow_symlinks=False).st_mode)
                    yield f"{Path(entry.path).relative_to(root).as_posix()} is {kind}"
    except OSError:
        return  # gone, or not ours to read: whoever opens it says so


_ADVICE = "Links and devices are not followed here; put the file or folder itself in its place, or remove it."


def _check(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise FormatError(f"{path.parent.name}/{path.name} cannot be read: it is a folder, not a file. Check the path.")
    if not stat.S_ISREG(mode):
        raise UnsafeFileError(
            f"{path.parent.name}/{path.name} was not opened: it is {_kind(mode)}, no plain file. {_ADVICE}"
        )


def _loop(path: Path) -> UnsafeFileError:
    return UnsafeFileError(f"{path.parent.name}/{path.name} was not opened: it is a link or a pipe. {_ADVICE}")


def _kind(mode: int) -> str:
    for test, name in (
        (stat.S_ISLNK, "a link"),
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISREG, "a file"),
    ):
        if test(mode):
            return name
    return "a device"


def _size(n: int) -> str:
    return f"{n // 2**20} MiB" if n >= 2**20 else f"{n} bytes"
