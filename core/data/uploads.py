"""Files that somebody uploaded: kept in a folder of their own beside the datasets until a job has used them.

The job removes the folder when it has ended. What a stopped server or a killed job left behind is swept when it is old.
Rasters of a scene stay (:func:`keep_scene`): its map is asked about them as long as it is there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core import access
from core.errors import DataError
from core.io.safe_paths import slug

MAX_MB = 50  # of one file; .streamlit/config.toml says the same
STALE_S = 3600  # age of a folder that no job uses
_PLACE = Path("datasets") / ".uploads"  # below the checkpoints folder
_PREFIX = "up-"
_SCENES = Path("datasets") / ".scenes"
_BLOCK = 2**20


@dataclass(frozen=True)
class Upload:
    """A file as it was sent. name: what the sender calls it. kinds: accepted endings, such as ".zip"."""

    name: str
    content: BinaryIO
    kinds: Sequence[str]

    def check(self) -> None:
        """Raises DataError for a file that is empty, too large or of another kind."""
        shown = self.name[:80]
        if Path(self.name).suffix.lower() not in self.kinds:
            raise DataError(
                f"{shown} is not one of {', '.join(self.kinds)}. Upload another file, or give a path instead."
            )
        size = self.content.seek(0, 2)
        self.content.seek(0)
        if not size:
            raise DataError(f"{shown} is empty. Upload the file again.")
        if size > MAX_MB * 2**20:
            raise DataError(
                f"{shown} has {size / 2**20:.0f} MB; an upload may have {MAX_MB}. Give a path on the server instead."
            )


def keep(files: Sequence[Upload], root: Path) -> Path:
    """A new folder below the checkpoints folder ``root`` that holds the files (see :func:`files_in`), names made safe.

    Raises DataError, and keeps nothing, when one of them cannot be accepted.
    """
    access.require("train")
    for file in files:
        file.check()
    place = root / _PLACE
    place.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    try:
        for number, file in enumerate(files):
            path = folder / f"{number:03d}" / slug(Path(file.name).name)
            path.parent.mkdir()
            with path.open("wb") as out:
                shutil.copyfileobj(file.content, out)
    except BaseException:
        forget(folder)
        raise
    return folder


def keep_scene(files: Sequence[Upload], root: Path) -> Path:
    """The folder below ``root`` that holds these files under their own names, made safe; of equal files the same one.

    Raises DataError, and keeps nothing, when one of them cannot be accepted or two have one name.
    """
    access.require("train")
    for file in files:
        file.check()
    names = [slug(Path(file.name).name) for file in files]
    if twice := next((name for k, name in enumerate(names) if name in names[:k]), None):
        raise DataError(f"Two of the files are called {twice}. Rename one, and upload them again.")
    place = root / _SCENES
    place.mkdir(parents=True, exist_ok=True)
    folder, digest = Path(tempfile.mkdtemp(prefix=".new-", dir=place)), hashlib.sha256()
    try:
        for name, file in sorted(zip(names, files, strict=True), key=lambda pair: pair[0]):
            digest.update(f"{name}\0{file.content.seek(0, 2)}\0".encode())
            file.content.seek(0)
            with (folder / name).open("wb") as out:
                while part := file.content.read(_BLOCK):
                    digest.update(part)
                    out.write(part)
        kept = place / digest.hexdigest()[:16]
        if not kept.is_dir():
            os.replace(folder, kept)
        return kept
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def files_in(folder: Path) -> list[Path]:
    """The files of :func:`keep`, in their order."""
    return [next(place.iterdir()) for place in sorted(folder.iterdir()) if place.is_dir()]


def folder_of(path: Path, root: Path) -> Path | None:
    """The folder of :func:`keep` in which ``path`` lies; None for a path that is no upload."""
    place = (root / _PLACE).resolve()
    resolved = Path(path).resolve()
    if not resolved.is_relative_to(place):
        return None
    first = resolved.relative_to(place).parts[:1]
    return root / _PLACE / first[0] if first and first[0].startswith(_PREFIX) else None


def forget(folder: Path) -> None:
    """Remove the folder of an upload, and the folder of all uploads when it is empty."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.parent.rmdir()
    except OSError:
        pass  # another upload is there


def sweep(root: Path, older_than_s: float = STALE_S, in_use: Container[Path] = ()) -> None:
    """Remove folders that are older than this, except those ``in_use`` (as :func:`folder_of` names them)."""
    for folder in (root / _PLACE).glob(f"{_PREFIX}*"):
        try:
            old = time.time() - folder.stat().st_mtime > older_than_s
        except OSError:
            continue  # its job has just removed it
        if old and folder not in in_use:
            forget(folder)
