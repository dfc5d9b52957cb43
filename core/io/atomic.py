"""Files that appear whole or not at all, and what names their content.

Every change of a file that must survive a kill goes through here, and is announced before and after to
:data:`at_boundary`: tests walk these moments and kill the process at each of them.
"""

from __future__ import annotations

import glob
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.io.plain_file import open_plain
from core.io.process_id import is_dead, mark

PARTIAL = ".partial"
_rooted: list[Path] = []


def _pass(moment: str, path: Path) -> None:
    """Nobody watches."""


# Called with a moment and the file that changes: "write" and "replace" before, "replaced" after a file takes its
# place; "append" and "appended"; "remove" and "removed".
at_boundary: Callable[[str, Path], None] = _pass


@contextmanager
def replacing(path: Path, over: bool = True) -> Iterator[Path]:
    """A temporary path beside ``path`` to write to; it takes ``path``'s place when the block ends well.

    over: also the place of a file that is there; otherwise one that another process has made meanwhile stays.

    Its bytes have reached the disk before. After an error, or when the process is killed, ``path`` holds what it held.
    Several processes may replace one file: each writes to a name of its own, which :func:`sweep` recognises.
    """
    partial = path.with_name(f"{path.name}.{mark(os.getpid())}-{secrets.token_hex(4)}{PARTIAL}")
    try:
        at_boundary("write", path)
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        put_in_place(partial, path) if over else _put_beside(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def put_in_place(written: Path, path: Path) -> None:
    """Let ``written``, complete and on the disk, take the place of ``path``."""
    at_boundary("replace", path)
    os.replace(written, path)
    at_boundary("replaced", path)


def _put_beside(written: Path, path: Path) -> None:
    """As :func:`put_in_place`, but a file that is there stays."""
    at_boundary("replace", path)
    try:
        os.link(written, path)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        if not os.path.lexists(path):
            os.replace(written, path)
    at_boundary("replaced", path)


def append_line(path: Path, line: str, sync: bool = False) -> None:
    """Add a line to a text file; where a killed process left a torn one, that is ended first and stays by itself.

    sync: return only when it has reached the disk.
    """
    at_boundary("append", path)
    with open_plain(path, "a+b") as file:
        torn = file.seek(0, os.SEEK_END) > 0 and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n"
        file.write((b"\n" if torn else b"") + line.encode("utf-8") + b"\n")
        if sync:
            file.flush()
            os.fsync(file.fileno())
    at_boundary("appended", path)


def remove(path: Path) -> None:
    """Remove a file, where it is there."""
    at_boundary("remove", path)
    path.unlink(missing_ok=True)
    at_boundary("removed", path)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it; what cannot be removed stays."""
    for path in sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()):
        try:
            remove(path)
        except OSError:
            continue
    shutil.rmtree(folder, ignore_errors=True)


def sweep(folder: Path, deep: bool = True) -> None:
    """Remove what writers of this machine that no longer run left unfinished in ``folder``, and beneath if ``deep``."""
    for left in folder.rglob(f"*{PARTIAL}") if deep else folder.glob(f"*{PARTIAL}"):
        if is_dead(left.name.removesuffix(PARTIAL).rpartition(".")[2].rpartition("-")[0]):
            left.unlink(missing_ok=True)


def unfinished(path: Path, ending: str) -> Path:
    """A hidden name beside ``path`` for what this process has not finished; its folder is made where it is missing.

    What processes of this machine that no longer run left under such names is removed.
    """
    make_folder(path.parent)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.{ending}"):
        if is_dead(left.name.removesuffix(f".{ending}").rpartition(".")[2]):
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
    return path.with_name(f".{path.name}.{mark(os.getpid())}.{ending}")


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 to ``path``, complete or not at all; its folder is made where it is missing."""
    make_folder(path.parent)
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def make_folder(path: Path) -> None:
    """Make a folder where it is missing, with those above it.

    Raises FileNotFoundError beneath a folder that was deleted while this process worked in it (:func:`work_in`):
    nobody wants it back with half of what it held.
    """
    for root in _rooted:
        if (path == root or root in path.parents) and not root.is_dir():
            raise FileNotFoundError(2, "The folder was deleted while work in it went on", str(root))
    path.mkdir(parents=True, exist_ok=True)


def work_in(folder: Path) -> None:
    """From now on this process makes no folder beneath ``folder`` once that has been deleted."""
    _rooted.append(folder)


def sha256(path: Path, follow: bool = False) -> str:
    """Hex digest of a plain file's bytes, read in pieces; ``follow``: also through links. Errors as of open_plain."""
    with open_plain(path, follow=follow) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # BinaryIO hides readinto
