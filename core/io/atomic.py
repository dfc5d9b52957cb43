"""Files that appear whole or not at all, and what names their content."""

from __future__ import annotations

import glob
import hashlib
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from core.io.plain_file import open_plain


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` to write to; it takes ``path``'s place when the block ends well.

    Its bytes have reached the disk before. After an error, or when the process is killed, ``path`` holds what it held.
    Several processes may replace one file: each writes to a name of its own.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}.partial")
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def unfinished(path: Path, ending: str) -> Path:
    """A hidden name beside ``path`` for what this process has not finished; its folder is made where it is missing.

    What processes of this machine that no longer run left under such names is removed.
    """
    machine = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]  # storage may be shared between machines
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.name)}.{machine}-*.{ending}"):
        owner = left.name.removesuffix(f".{ending}").rpartition("-")[2]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
    return path.with_name(f".{path.name}.{machine}-{os.getpid()}.{ending}")


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 to ``path``, complete or not at all; its folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def sha256(path: Path, follow: bool = False) -> str:
    """Hex digest of a plain file's bytes, read in pieces; ``follow``: also through links. Errors as of open_plain."""
    with open_plain(path, follow=follow) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
