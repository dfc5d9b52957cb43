"""Files read once: everything that the pages read of runs and datasets goes through here, bounded.

The key of an entry is the very file that was read, with its size, time and inode, so that a file that changes is read
again and writing anything else (a job's progress, say) changes nothing. :func:`run` gives a run folder whose every
reading method is cached so. Tables and JSON are copies; datasets and arrays are shared between sessions and are not to
be written to.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.data.store import Dataset, beside, open_dataset
from core.errors import RunError
from core.runs.plain_files import read_arrays, read_json, read_table
from core.runs.store import RunFolder
from core.runs.targets import CheckpointsTarget, DatasetTarget

Version = tuple[int, ...]


def file_version(path: Path) -> Version:
    """What tells this file from an earlier one of its name: time of change (ns), bytes, inode; zeros for no file."""
    try:
        facts = path.stat()
    except OSError:
        return 0, 0, 0
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def file_versions(*paths: Path) -> tuple[Version, ...]:
    """:func:`file_version` of each."""
    return tuple(file_version(path) for path in paths)


# -------------------------------------------------------------------------------------------------------- runs


class CachedFiles:
    """Reads for a run folder (``core.runs.results.Files``) from the cache."""

    def json(self, path: Path) -> Any:
        """See ``core.runs.results.Files``."""
        return _json(str(path), _present(path))

    def table(self, path: Path) -> pd.DataFrame:
        """See ``core.runs.results.Files``."""
        return _table(str(path), _present(path)).copy(deep=False)

    def arrays(self, path: Path) -> dict[str, np.ndarray]:
        """See ``core.runs.results.Files``; shared, not to be written to."""
        return dict(_arrays(str(path), _present(path)))


FILES = CachedFiles()


def run(path: Path | str) -> RunFolder:
    """The run in this folder; what it reads is cached."""
    return RunFolder(Path(path), FILES)


def dataset_target(path: Path, checkpoints: Path) -> DatasetTarget:
    """The dataset file as something that is asked about; what is read of its results is cached."""
    return DatasetTarget(Path(path), Path(checkpoints), FILES)


def checkpoints_target(checkpoints: Path) -> CheckpointsTarget:
    """The checkpoints folder as something that is asked about; what is read of its results is cached."""
    return CheckpointsTarget(Path(checkpoints), FILES)


def _present(path: Path) -> Version:
    """The version of a file that is there; raises RunError where it is not (an absence is not worth an entry)."""
    version = file_version(path)
    if version == (0, 0, 0):
        raise RunError(f"{path.parent.name} has no {path.name}. The run did not get that far.")
    return version


@st.cache_data(max_entries=256, show_spinner=False)
def _json(path: str, version: Version) -> Any:
    return read_json(Path(path))


@st.cache_resource(max_entries=64, show_spinner=False)
def _table(path: str, version: Version) -> pd.DataFrame:
    return read_table(Path(path))


@st.cache_resource(max_entries=24, show_spinner=False)
def _arrays(path: str, version: Version) -> dict[str, np.ndarray]:
    return read_arrays(Path(path))


# ---------------------------------------------------------------------------------------------------- datasets


def dataset(path: Path) -> Dataset:
    """The dataset file at ``path``. Raises DataError for one that cannot be used."""
    return _dataset(str(path), dataset_version(Path(path)))


def dataset_version(path: Path) -> Version:
    """As :func:`file_version`, and of the columns that were measured beside the dataset file."""
    return *file_version(path), *file_version(beside.path_of(path))


@st.cache_resource(max_entries=32, show_spinner=False)
def _dataset(path: str, version: Version) -> Dataset:
    return open_dataset(Path(path))


def images(data: Dataset, rows: Sequence[int], bands: Sequence[str] | None = None) -> np.ndarray:
    """(n, C, H, W) float32 of these rows, in the bands' units."""
    return _images(
        str(data.path), file_version(data.path), tuple(int(r) for r in rows), tuple(bands) if bands else None
    )


@st.cache_data(max_entries=48, show_spinner=False)
def _images(path: str, version: Version, rows: tuple[int, ...], bands: tuple[str, ...] | None) -> np.ndarray:
    return dataset(Path(path)).images(np.array(rows, np.int64), bands)


def masks(data: Dataset, rows: Sequence[int]) -> np.ndarray | None:
    """(n, H, W) uint8 of these rows, or None where the dataset has no masks."""
    return data.masks(np.array([int(r) for r in rows], np.int64)) if data.has_masks else None


def patch_metadata(data: Dataset, ids: Sequence[str] | None = None, images: bool = True) -> pd.DataFrame:
    """What is known of these patches, a row each (``core.data.tabular.patch_metadata``); ``images``: what they tell.

    ids: none means all. The key of an entry takes longer the more there are.
    """
    return _patch_metadata(str(data.path), dataset_version(data.path), None if ids is None else tuple(ids), images)


@st.cache_data(max_entries=4, show_spinner="Reading what is known of each patch…")
def _patch_metadata(path: str, version: Version, ids: tuple[str, ...] | None, images: bool) -> pd.DataFrame:
    from core.data.tabular.patch_metadata import patch_facts

    data = dataset(Path(path))
    return patch_facts(data, None if ids is None else data.index_of(list(ids)), images=images)
