"""Versions of the labels: corrections beside a dataset file, which itself does not change.

``X.h5`` has them in ``X.labels/``, one JSON file a version, written once. Its name ends with the start of the hash of
what it says, so that a name stands for the same labels for ever: a run keeps the name in its settings. Who, when and
why stand beside each correction. How judgements become a version: ``core.review.versions``.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core import access
from core.config import RunConfig
from core.config.sections import explain_validation
from core.data.store.dataset import Dataset, open_dataset
from core.errors import DataError, FormatError
from core.io.atomic import write_text
from core.io.json_text import load_json
from core.io.plain_file import folder_in, is_plain
from core.text import list_names

LATEST = "latest"
LEFT_OUT = -1  # in place of a label: the patch is treated as one without a label
_NAME = re.compile(r"v(\d{1,6})-([0-9a-f]{12})")


@dataclass(frozen=True)
class Change:
    """One corrected label: before and after are 1, 0, or -1 for none. by: who said so; at: when (UTC); why: a note."""

    id: str
    before: int
    after: int
    by: str
    at: str
    why: str = ""


@dataclass(frozen=True)
class Together:
    """Patches that no fold may divide. by: who said so; at: when (UTC); why: a note."""

    ids: tuple[str, ...]
    by: str
    at: str
    why: str = ""


@dataclass(frozen=True)
class LabelVersion:
    """Corrections of a dataset's labels. labels_hash: of the ids and labels that they correct. made: UTC.

    rule: how several people's judgements became one. by, why: who made the version, and what for. together: groups of
    patches that folds drawn with it do not divide.
    """

    number: int
    labels_hash: str
    made: str
    by: str
    why: str
    rule: str
    changes: tuple[Change, ...]
    together: tuple[Together, ...] = ()

    @cached_property
    def hash(self) -> str:
        """Hex digest of everything that it says."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @property
    def name(self) -> str:
        """What settings and commands call it."""
        return f"v{self.number}-{self.hash[:12]}"

    @property
    def n_left_out(self) -> int:
        """Patches that count as unlabelled from now on."""
        return sum(change.after == LEFT_OUT for change in self.changes)

    @property
    def n_new(self) -> int:
        """Patches that had no label and get one."""
        return sum(change.before == LEFT_OUT != change.after for change in self.changes)

    @property
    def sentence(self) -> str:
        """For people."""
        parts = [f"{len(self.changes) - self.n_left_out - self.n_new:,} corrected"]
        parts += [f"{self.n_new:,} given to patches without one"] if self.n_new else []
        parts += [f"{self.n_left_out:,} patches left out"] if self.n_left_out else []
        n = len(self.together)
        parts += [f"{n:,} {'group' if n == 1 else 'groups'} kept in one fold"] if n else []
        return f"Labels of version {self.name}: {', '.join(parts)}."

    def to_json(self) -> str:
        """Canonical JSON: equal versions are equal text."""
        said = asdict(self)
        if not self.together:
            del said["together"]  # as before there were any: the names of earlier versions still fit
        return json.dumps(said, indent=1, ensure_ascii=False, sort_keys=True) + "\n"

    def record(self) -> dict[str, Any]:
        """What a run writes down about it."""
        facts = {"name": self.name, "hash": self.hash, "made": self.made, "by": self.by, "why": self.why}
        together = [list(group.ids) for group in self.together]
        return facts | {"n_changed": len(self.changes), "n_left_out": self.n_left_out, "together": together}

    def apply(self, dataset: Dataset) -> np.ndarray:
        """(N,) int8 corrected labels, also of a dataset that bears them already.

        Raises DataError for a dataset with other ids or labels.
        """
        labels = np.array(dataset.labels)
        known = set(dataset.ids.tolist())
        fits = all(change.id in known for change in self.changes)
        rows = dataset.index_of([change.id for change in self.changes] if fits else [])
        labels[rows] = [change.before for change in self.changes] if fits else []
        if labels_hash(dataset.ids, labels) != self.labels_hash:
            raise DataError(
                f"The labels {self.name} were made for other contents of {dataset.path.name}: its ids or labels have "
                "changed. Make a new version of its labels, or set data.labels=none."
            )
        labels[rows] = [change.after for change in self.changes]
        return labels


class _Change(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    id: str = Field(min_length=1, max_length=4096)
    before: int = Field(ge=-1, le=1)
    after: int = Field(ge=-1, le=1)
    by: str = Field(max_length=4096)
    at: str = Field(max_length=64)
    why: str = Field(max_length=65536)


class _Together(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    ids: list[str] = Field(min_length=2)
    by: str = Field(max_length=4096)
    at: str = Field(max_length=64)
    why: str = Field(max_length=65536)


class _File(BaseModel):
    """What a file of a version holds."""

    model_config = ConfigDict(strict=True, extra="forbid")
    number: int = Field(ge=1, le=999_999)
    labels_hash: str = Field(max_length=64)
    made: str = Field(max_length=64)
    by: str = Field(max_length=400)
    why: str = Field(max_length=65536)
    rule: str = Field(max_length=64)
    changes: list[_Change]
    together: list[_Together] = []


def versions_path(dataset: Path | str) -> Path:
    """The folder of the versions of a dataset file's labels."""
    return Path(dataset).with_suffix(".labels")


def labels_hash(ids: np.ndarray, labels: np.ndarray) -> str:
    """Hex digest of a dataset's ids and labels (N,)."""
    said = json.dumps([ids.tolist(), labels.tolist()], ensure_ascii=False)
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def version_names(dataset: Path | str) -> list[str]:
    """The names of the versions beside a dataset file, the oldest first."""
    place = versions_path(dataset)
    try:
        files = [path for path in folder_in(place.parent, place.name).glob("v*.json") if is_plain(path)]
    except OSError:
        return []
    return sorted((path.stem for path in files if _number(path.stem) is not None), key=lambda name: _number(name) or 0)


def resolve(dataset: Path | str, name: str) -> str:
    """The whole name of a version that is called by it, by its number ("v2") or "latest".

    Raises DataError naming the versions there are.
    """
    names = version_names(dataset)
    if name in names:
        return name
    fitting = names[-1:] if name == LATEST else [one for one in names if one.split("-")[0] == name]
    if len(fitting) != 1:
        there = f"There are: {list_names(names)}" if names else "There are none yet: make one from a review"
        more = "is called by more than one" if fitting else "is not there"
        raise DataError(f"The version '{name}' of the labels of {Path(dataset).name} {more}. {there}.")
    return fitting[0]


def read_version(dataset: Path | str, name: str) -> LabelVersion:
    """The version of that name (see :func:`resolve`).

    Raises DataError for one that is not there, FormatError for a file that is damaged or was changed afterwards.
    """
    path = versions_path(dataset) / f"{resolve(dataset, name)}.json"
    try:
        read = _File.model_validate(load_json(path))
    except ValidationError as error:
        raise FormatError(f"{path.name} holds no version of labels: {explain_validation(error)}") from error
    except (DataError, OSError) as error:
        raise FormatError(f"{path.name} cannot be read: {error}. Restore it, or choose another version.") from error
    values = read.model_dump()
    values["changes"] = tuple(Change(**change) for change in values["changes"])
    values["together"] = tuple(Together(**group | {"ids": tuple(group["ids"])}) for group in values["together"])
    version = LabelVersion(**values)
    if version.name != path.stem:
        raise FormatError(f"{path.name} was changed after it was made. Restore it, or make a new version.")
    return version


def write_version(dataset: Path | str, version: LabelVersion) -> LabelVersion:
    """Keep a version under the next free number, which it gets; none that is there is written over."""
    access.require("train")
    place = versions_path(dataset)
    place.mkdir(exist_ok=True)
    folder_in(place.parent, place.name)
    numbers = [_number(name) or 0 for name in version_names(dataset)]
    version = replace(version, number=max(numbers, default=0) + 1)
    write_text(place / f"{version.name}.json", version.to_json())
    return version


def labels_of(dataset: Dataset, name: str | None) -> tuple[np.ndarray, LabelVersion | None]:
    """(N,) int8 labels of that version, and the version; the file's own for None."""
    if name is None:
        return np.array(dataset.labels), None
    version = read_version(dataset.path, name)
    return version.apply(dataset), version


def with_labels(dataset: Dataset, name: str | None) -> Dataset:
    """The dataset as it is with that version of its labels; itself for None."""
    if name is None:
        return dataset
    labels = read_version(dataset.path, name).apply(dataset)
    labels.flags.writeable = False
    return replace(dataset, labels=labels)


def with_version_named(config: RunConfig, dataset: Path | str) -> tuple[RunConfig, str]:
    """``config`` with the whole name in ``data.labels`` where it says "latest" or "v2", and a sentence for people.

    Raises DataError for a version that is not there or does not fit the dataset.
    """
    if config.data.labels is None:
        return config, ""
    version = read_version(dataset, config.data.labels)
    version.apply(open_dataset(dataset))
    data = config.data.model_copy(update={"labels": version.name})
    return config.model_copy(update={"data": data}), version.sentence


def _number(name: str) -> int | None:
    named = _NAME.fullmatch(name)
    return int(named[1]) if named else None
