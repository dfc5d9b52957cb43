"""Patches that somebody has excluded from training: a list next to the dataset file, which itself does not change.

The list (id, reason, when) is ``<dataset>.exclude.csv``. Excluded patches are treated as unlabelled ones: never learnt
from, never scored. Taking an id off the list undoes it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from core import access
from core.config import RunConfig
from core.data.store.dataset import Dataset, open_dataset
from core.errors import DataError, FormatError
from core.io.atomic import write_text
from core.io.plain_file import read_bytes
from core.text import counted, list_names

COLUMNS = ("id", "reason", "added_utc")
MAX_BYTES = 64 * 2**20  # of a list


def exclusions_path(dataset: Path | str) -> Path:
    """Where the list of the dataset file ``dataset`` lies: ``X.h5`` has ``X.exclude.csv``."""
    return Path(dataset).with_suffix(".exclude.csv")


def read_exclusions(dataset: Path | str) -> pd.DataFrame:
    """Columns id, reason, added_utc (text), in the order of adding; empty where nothing is excluded.

    Raises FormatError when the file beside the dataset is not such a list.
    """
    path = exclusions_path(dataset)
    try:
        text = read_bytes(path, MAX_BYTES).decode("utf-8-sig")
    except FileNotFoundError:
        return pd.DataFrame(columns=list(COLUMNS), dtype=str)
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{path.name} cannot be read: {error}. Mend it, or move it away.") from error
    rows = list(csv.DictReader(io.StringIO(text)))
    if text.strip() and text.lstrip().splitlines()[0].split(",") != list(COLUMNS):
        raise FormatError(f"{path.name} has no columns {', '.join(COLUMNS)}. Mend its first line, or move it away.")
    table = pd.DataFrame([{name: row[name] or "" for name in COLUMNS} for row in rows], columns=list(COLUMNS))
    return table.drop_duplicates("id", keep="last", ignore_index=True)


def add(dataset: Path | str, ids: Iterable[str], reason: str) -> pd.DataFrame:
    """Put ``ids`` on the list of the dataset file and return the list; an id that is on it gets the new reason.

    Raises DataError naming ids that are not in the dataset; nothing is written then.
    """
    access.require("train")
    wanted = list(dict.fromkeys(str(i) for i in ids))
    open_dataset(dataset).index_of(wanted)
    earlier = read_exclusions(dataset)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    new = pd.DataFrame({"id": wanted, "reason": str(reason).strip(), "added_utc": now}, columns=list(COLUMNS))
    return _write(Path(dataset), pd.concat([earlier[~earlier["id"].isin(wanted)], new], ignore_index=True))


def remove(dataset: Path | str, ids: Iterable[str]) -> pd.DataFrame:
    """Take ``ids`` off the list and return the list. Raises DataError naming ids that are not on it."""
    access.require("train")
    table, wanted = read_exclusions(dataset), [str(i) for i in ids]
    missing = sorted(set(wanted) - set(table["id"]))
    if missing:
        raise DataError(f"{', '.join(missing[:5])}: not on the exclusion list of {Path(dataset).name}.")
    return _write(Path(dataset), table[~table["id"].isin(wanted)].reset_index(drop=True))


def current_exclusions(dataset: Dataset) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The excluded ids that are in the dataset, sorted, and the stale ones that no longer are."""
    listed = sorted(read_exclusions(dataset.path)["id"])
    known = set(dataset.ids.tolist())
    return tuple(i for i in listed if i in known), tuple(i for i in listed if i not in known)


def labels_in_use(dataset: Dataset) -> np.ndarray:
    """(N,) int8: the labels, -1 for patches on the exclusion list."""
    labels = np.array(dataset.labels)
    labels[dataset.index_of(current_exclusions(dataset)[0])] = -1
    return labels


def without_excluded(config: RunConfig, dataset: Dataset) -> tuple[RunConfig, str]:
    """``config`` with the dataset's list added to ``data.exclude``, and a sentence for people on what was done.

    Ids that the dataset no longer has are named in the sentence and otherwise passed over.
    """
    current, stale = current_exclusions(dataset)
    words = []
    if current:
        exclude = tuple(sorted({*config.data.exclude, *current}))
        config = config.model_copy(update={"data": config.data.model_copy(update={"exclude": exclude})})
        verb = "is" if len(current) == 1 else "are"
        named = f"{counted(len(current), 'patch', 'patches')} of {exclusions_path(dataset.path).name}"
        words.append(f"{named} {verb} left out.")
    if stale:
        words.append(stale_words(stale, dataset))
    return config, " ".join(words)


def stale_words(stale: Sequence[str], dataset: Dataset) -> str:
    """A sentence for people about ids on the list that the dataset no longer has; empty where there are none."""
    if not stale:
        return ""
    return (
        f"{exclusions_path(dataset.path).name} names patches that {dataset.path.name} does not have: "
        f"{list_names(stale)}."
    )


def _write(dataset: Path, table: pd.DataFrame) -> pd.DataFrame:
    path = exclusions_path(dataset)
    if len(table):
        write_text(path, table.to_csv(index=False, lineterminator="\n"))
    else:
        path.unlink(missing_ok=True)
    return table
