"""How frequent landslides are where a model is used: stated once for a dataset or a run, read by whatever needs it.

A small file beside the dataset (``X.prevalence.json``) holds for every run on it, one in a run's folder for that run
alone. Without either, nothing is assumed, and numbers are those of the data's own share.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from core import access
from core.errors import FormatError, LandslideLensError
from core.evaluate.prevalence import check_share
from core.io.atomic import remove, write_text
from core.io.json_text import load_json
from core.io.plain_file import is_there
from core.runs.store import RunFolder

FILE = "prevalence.json"


@dataclass(frozen=True)
class Prevalence:
    """share: of landslides, 0-1. source: "run" or "dataset"."""

    share: float
    source: str

    def words(self) -> str:
        """For people, as "20 landslides per 1,000 patches"."""
        return f"{1000 * self.share:.3g} landslides per 1,000 patches"


def dataset_path(dataset: Path | str) -> Path:
    """Where the statement for a dataset file lies: ``X.h5`` has ``X.prevalence.json``."""
    return Path(dataset).with_suffix(".prevalence.json")


def prevalence_of(run: RunFolder) -> Prevalence | None:
    """What was stated for the run, or for its dataset; None where nothing was."""
    own = _read(run.path / FILE)
    if own is not None:
        return Prevalence(own, "run")
    try:
        dataset = run.dataset_path()
    except (LandslideLensError, KeyError, TypeError):
        return None
    return prevalence_of_dataset(dataset)


def prevalence_of_dataset(dataset: Path | str) -> Prevalence | None:
    """What was stated for a dataset file; None where nothing was."""
    share = _read(dataset_path(dataset))
    return None if share is None else Prevalence(share, "dataset")


def state_prevalence(of: RunFolder | Path, share: float | None) -> None:
    """State it for a run or a dataset file; None takes the statement back. Raises ConfigError for no share."""
    access.require("organise")
    path = of.path / FILE if isinstance(of, RunFolder) else dataset_path(of)
    if share is None:
        remove(path)
    else:
        write_text(path, json.dumps({"share": check_share(share)}) + "\n")


def _read(path: Path) -> float | None:
    if not is_there(path):
        return None
    try:
        return check_share(load_json(path)["share"])
    except (OSError, ValueError, KeyError, TypeError, LandslideLensError) as error:
        raise FormatError(f"{path.name} holds no prevalence ({error}). State it again.") from error
