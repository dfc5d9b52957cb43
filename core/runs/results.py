"""Where results lie, and how they are read: folders of JSON, parquet tables and safetensors arrays.

:class:`Files` is the one seam through which a run folder reads. The dashboard puts a cache in its place
(``dashboard.cache``), so that whoever reads a run there reads each file once, keyed by that very file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from core.io.plain_file import folders, is_there
from core.io.safe_paths import inside, slug
from core.io.safetensors_file import save_arrays
from core.runs.plain_files import folder_in, read_arrays, read_json, read_table, write_json, write_table


class Files(Protocol):
    """Reads a file of a run. All raise RunError, in plain words, for one that is missing or damaged."""

    def json(self, path: Path) -> Any:
        """The JSON in ``path``."""

    def table(self, path: Path) -> pd.DataFrame:
        """The parquet table in ``path``."""

    def arrays(self, path: Path) -> dict[str, np.ndarray]:
        """The arrays in ``path``, by name; may be shared, not to be written to."""


class FromDisk:
    """Every read opens the file."""

    json = staticmethod(read_json)
    table = staticmethod(read_table)
    arrays = staticmethod(read_arrays)


FROM_DISK = FromDisk()


@dataclass(frozen=True)
class ResultFolder:
    """What an analysis keeps of one target: a folder, whose file names only that analysis knows."""

    path: Path
    files: Files = field(default=FROM_DISK, compare=False, repr=False)

    def part(self, name: str) -> ResultFolder:
        """A folder within it, for one of several answers; any text gives a safe name."""
        return ResultFolder(folder_in(self.path, slug(name)), self.files)

    def parts(self, having: str = "report.json") -> list[str]:
        """The names of the folders within it that hold such a file, in alphabetical order."""
        return [path.name for path in folders(self.path) if is_there(path / having)]

    def has(self, name: str) -> bool:
        """Whether the file is there."""
        return is_there(self.path / name)

    def json(self, name: str) -> Any:
        """The JSON file of that name."""
        return self.files.json(self._file(name))

    def table(self, name: str) -> pd.DataFrame:
        """The table of that name (``NAME.parquet``)."""
        return self.files.table(self._file(f"{name}.parquet"))

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """The arrays of that name (``NAME.safetensors``)."""
        return self.files.arrays(self._file(f"{name}.safetensors"))

    def write_json(self, name: str, value: Any) -> None:
        """See :meth:`json`. Written last, it says that everything else is there."""
        write_json(self._file(name), value)

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """See :meth:`table`."""
        write_table(self._file(f"{name}.parquet"), table)

    def write_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """See :meth:`arrays`."""
        save_arrays(self._file(f"{name}.safetensors"), arrays)

    def _file(self, name: str) -> Path:
        return inside(folder_in(self.path.parent, self.path.name), Path(name).parent) / Path(name).name
