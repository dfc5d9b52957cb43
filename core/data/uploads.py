"""Files uploaded in a browser, each upload in a folder of its own until the job that reads them has ended."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from core.errors import DataError, UnsafeFileError
from core.io.safe_paths import slug

FOLDER = ".uploads"  # what the folder of all uploads is called, beside the dataset files


def keep(files: Iterable[tuple[str, BinaryIO]], root: Path) -> Path:
    """A new folder within ``root`` that holds these files (name, content), their names made safe.

    Raises DataError for an empty file, or two whose safe names are the same.
    """
    root.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="up-", dir=root))
    try:
        for name, content in files:
            path = folder / slug(Path(name).name)
            if path.exists():
                raise DataError(f"Two of the uploaded files are called {path.name}. Rename one and upload them again.")
            with path.open("wb") as file:
                shutil.copyfileobj(content, file)
            if not path.stat().st_size:
                raise DataError(f"{path.name} is empty. Upload the file again.")
    except BaseException:
        forget(folder)
        raise
    return folder


def forget(folder: Path) -> None:
    """Remove the folder of one upload. Raises UnsafeFileError for any other folder."""
    if folder.parent.name != FOLDER or folder.is_symlink():
        raise UnsafeFileError(f"{folder.name} is not the folder of an upload, so it is not removed.")
    shutil.rmtree(folder, ignore_errors=True)


def sweep(root: Path, older_than_s: float) -> None:
    """Remove the uploads of jobs that never began: folders that nobody has touched for so long."""
    for folder in root.glob("up-*"):
        try:
            age_s = time.time() - folder.stat().st_mtime
        except OSError:
            continue  # its job has just removed it
        if age_s > older_than_s:
            forget(folder)
