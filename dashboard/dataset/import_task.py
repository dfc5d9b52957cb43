"""Imports of patches from a folder of this machine or from an upload: what is begun, and what is cleared away.

Comes in: a format, a source, options. Goes out: a :class:`dashboard.jobs.background.Task`. An upload is written below a folder of
its own beside the datasets, which is gone when the import has ended, however it ends.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from core.errors import DataError
from core.io.safe_paths import slug
from dashboard.jobs import background

KIND = "import"
UPLOADS = ".uploads"  # beside the dataset files
STALE_S = 3600  # of an upload's folder that no import uses
MAX_UPLOAD_MB = 50  # as .streamlit/config.toml says
FORMAT_WORDS = {
    "zindi": "Zindi: Train.csv and one .npy (64, 64, 12) a patch",
    "landslide4sense": "Landslide4Sense: img and mask folders of .h5 files",
    "cas": "CAS Landslide: img, mask and label folders of .tif files",
    "geotiff": "GeoTIFF: scenes that are cut into patches, or a patch a file",
    "hdf5": "HDF5: arrays of patches in one file",
    "folders": "Folders of images or .npy, a folder a class or a labels CSV",
    **{f"set{n}": f"Set {n} of the paper on EfficientNet: a folder for each of its sources" for n in range(1, 8)},
}


def start(
    checkpoints: Path, format_name: str, source: Path, out: Path, options: dict, uploaded: Path | None = None
) -> background.Task:
    """Begin an import. Raises DataError when one is under way or the source is not there.

    ``source``: a folder, a file of patches or an archive. ``format_name``: "" recognises it by itself.
    ``uploaded``: the temporary folder that holds an upload; it is removed when the import has ended.
    """
    if not source.exists():
        raise DataError(f"There is no folder or file {source} on this machine. Write its full path.")
    facts = {"source": source, "out": out, "format": format_name}
    if uploaded is None:
        facts["again"] = (format_name, source, out, options)

    def work(task: background.Task) -> object:
        from core.data.readers import ReaderOptions, ingest, recognise
        from core.data.readers.archives.unpack import unpacked

        with unpacked(source, beside=out if uploaded is None else source) as folder:
            facts["format"] = format_name or recognise(folder)
            return task.through(ingest(facts["format"], folder, out, ReaderOptions(**options)))

    return background.start(checkpoints, KIND, f"An import into {out.name}", work, facts, _clearing(uploaded, out))


def newest(checkpoints: Path) -> background.Task | None:
    """The newest import, running or done; None where there was none since the server began."""
    return background.newest(checkpoints, KIND)


def forget(checkpoints: Path) -> None:
    """Clear away an import that has ended."""
    background.forget(checkpoints, KIND)


# ----------------------------------------------------------------------------------------------------- uploads


def keep_upload(checkpoints: Path, name: str, content: BinaryIO, kinds: tuple[str, ...]) -> Path:
    """An upload as a file in a new temporary folder, its name made safe; the file.

    Raises DataError for one that is empty, too large or of another kind than ``kinds`` (endings such as ".zip").
    """
    ending = Path(name).suffix.lower()
    if ending not in kinds:
        raise DataError(f"{name[:80]} is not one of {', '.join(kinds)}. Upload another file, or name a folder instead.")
    size = content.seek(0, 2)
    content.seek(0)
    if not size:
        raise DataError(f"{name[:80]} is empty. Upload the file again.")
    if size > MAX_UPLOAD_MB * 2**20:
        raise DataError(
            f"{name[:80]} has {size / 2**20:.0f} MB; an upload may have {MAX_UPLOAD_MB}. Name a folder instead."
        )
    root = checkpoints / "datasets" / UPLOADS
    root.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="up-", dir=root))
    path = folder / slug(Path(name).name)
    try:
        with path.open("wb") as file:
            shutil.copyfileobj(content, file)
    except OSError:
        discard(folder)
        raise
    return path


def discard(folder: Path | None) -> None:
    """Remove the temporary folder of an upload, and the folder of uploads when it is empty."""
    if folder is None:
        return
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.parent.rmdir()
    except OSError:
        pass  # another upload is there


def sweep(checkpoints: Path) -> None:
    """Remove what uploads left behind when the server was stopped: folders that nobody has touched for an hour."""
    for folder in (checkpoints / "datasets" / UPLOADS).glob("up-*"):
        if time.time() - folder.stat().st_mtime > STALE_S:
            discard(folder)


def drop_read(out: Path) -> None:
    """Remove what an interrupted import into ``out`` has read (``core.data.readers.spool`` keeps it to go on there)."""
    shutil.rmtree(out.with_name(f".{out.name}.spool"), ignore_errors=True)


def _clearing(folder: Path | None, out: Path) -> Callable[[], None] | None:
    """Of an upload nothing stays, nor what was read of it: it could not be gone on with."""
    if folder is None:
        return None

    def clear() -> None:
        discard(folder)
        drop_read(out)

    return clear
