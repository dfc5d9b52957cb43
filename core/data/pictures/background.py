"""Thumbnails drawn before anybody waits for them: first those of the pages ahead, then those of the whole dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.data.pictures.kept import KeptPictures
from core.data.pictures.thumbnails import Style, keep_all
from core.data.store.content_hash import file_version
from core.data.store.dataset import Dataset, open_dataset
from core.errors import DataError

PATIENT_S = 10.0  # for the lock of a page that is drawn just now


@dataclass(frozen=True)
class Wanted:
    """Some patches of a dataset, drawn in one style."""

    data: Dataset
    style: Style
    kept: KeptPictures
    ids: Sequence[str]

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> Wanted:
        """From ``request_for``. Raises DataError for anything else, DataError or OSError for an unreadable file."""
        try:
            path, folder, ids = Path(request["dataset"]), Path(request["folder"]), list(map(str, request["ids"]))
            style = Style.from_json(request["style"])
        except (KeyError, TypeError) as error:
            raise DataError(f"That does not say which thumbnails are wanted ({error!r}).") from error
        return cls(_opened(path, file_version(path)), style, KeptPictures(folder, PATIENT_S), ids)

    @property
    def what(self) -> tuple:
        """What tells the others of this request from those of another one."""
        return str(self.data.path), file_version(self.data.path), self.style, self.kept

    def first(self) -> Iterator[int]:
        """Keep those that were named; yields how many were drawn, some at a time."""
        known = set(self.data.ids.tolist())
        return keep_all(self.data, [one for one in self.ids if one in known], self.style, self.kept)

    def others(self) -> Iterator[int]:
        """Keep all others in the order of the file, as long as there is room."""
        for drawn in keep_all(self.data, self.data.ids.tolist(), self.style, self.kept):
            yield drawn
            if drawn and not self.kept.has_room():
                return


@lru_cache(maxsize=1)
def _opened(path: Path, version: tuple[int, ...]) -> Dataset:
    """Opened once for all pages that are turned: the ids of many patches take a while."""
    return open_dataset(path)


def request_for(dataset: Path, ids: Sequence[str], style: Style, kept: KeptPictures) -> dict[str, Any]:
    """What the warm process is asked for."""
    names = {"dataset": str(dataset), "folder": str(kept.folder), "ids": list(ids), "style": style.to_json()}
    return {"do": "thumbnails", **names}
