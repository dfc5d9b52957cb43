"""An ensemble on disk: ``checkpoints/ensembles/NAME/`` beside the runs, and read like one of them.

``oof.parquet`` (id, label, fold, group; score_, prob_ and pred_ of stack, average and every member), ``summary.json``
(as a run's: headline, every head with intervals, folds) and ``ensemble.json`` (members, weights, differences, notes),
which is written last.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from core import access
from core.ensembles.stacking import Combination
from core.errors import ConfigError, RunError
from core.io.plain_file import folders, is_there
from core.io.safe_paths import inside, slug
from core.runs.plain_files import folder_in
from core.runs.results import FROM_DISK, Files

PLACE = "ensembles"
CARD, SUMMARY, OOF = "ensemble.json", "summary.json", "oof.parquet"


@dataclass(frozen=True)
class EnsembleFolder:
    """One ensemble. Reading methods raise RunError, in plain words, for what is missing or damaged."""

    path: Path
    files: Files = field(default=FROM_DISK, compare=False, repr=False)

    @property
    def name(self) -> str:
        """What commands call it."""
        return self.path.name

    @property
    def checkpoints(self) -> Path:
        """The checkpoints folder that it lives in."""
        return self.path.parents[1]

    def card(self) -> dict[str, Any]:
        """Title, method, members (key, title, kind, weights by fold), combinations, differences, notes."""
        return self.files.json(self.path / CARD)

    def summary(self) -> dict[str, Any]:
        """Its numbers, as ``RunFolder.summary``; its heads are stack, average and the members."""
        return self.files.json(self.path / SUMMARY)

    def oof(self) -> pd.DataFrame:
        """Out-of-fold answers, as ``RunFolder.oof``."""
        return self.files.table(self.path / OOF)

    def combination(self, method: str | None = None) -> Combination:
        """What combines new answers, learnt on all patches. method: none is the headline's."""
        card = self.card()
        return Combination.from_dict(card["combinations"][method or card["method"]]["deployed"])

    def threshold(self, method: str | None = None) -> float:
        """What a new patch's probability is compared with, learnt on all patches."""
        card = self.card()
        return float(card["combinations"][method or card["method"]]["threshold"])


def place_of(checkpoints: Path, name: str) -> Path:
    """Where the ensemble of that name lies; any text gives a safe name."""
    return folder_in(Path(checkpoints), PLACE, slug(name))


def free_place(checkpoints: Path, name: str) -> Path:
    """As :func:`place_of`. Raises ConfigError where that ensemble is there already."""
    path = place_of(checkpoints, name)
    if is_there(path / CARD):
        raise ConfigError(f"There is an ensemble '{path.name}' already. Choose another name, or delete that one.")
    return path


def list_ensembles(checkpoints: Path, files: Files = FROM_DISK) -> list[EnsembleFolder]:
    """Every finished ensemble, the newest first."""
    found = [path for path in folders(Path(checkpoints) / PLACE) if is_there(path / CARD)]
    return [EnsembleFolder(path, files) for path in sorted(found, key=_made, reverse=True)]


def open_ensemble(checkpoints: Path, name: str, files: Files = FROM_DISK) -> EnsembleFolder:
    """The ensemble of that name. Raises RunError naming those there are, UnsafeFileError for one that leads outside."""
    path = inside(Path(checkpoints) / PLACE, name)
    if path.parent != (Path(checkpoints) / PLACE).resolve() or not is_there(path / CARD):
        known = ", ".join(one.name for one in list_ensembles(checkpoints)[:5]) or "none yet"
        raise RunError(f"There is no ensemble '{Path(name).name}' in {Path(checkpoints).name}. Ensembles: {known}.")
    return EnsembleFolder(place_of(checkpoints, path.name), files)


def of_dataset(ensembles: Sequence[EnsembleFolder], dataset_name: str) -> list[EnsembleFolder]:
    """Those whose patches are of a dataset of this name."""
    return [one for one in ensembles if one.summary()["dataset_name"] == dataset_name]


def delete(ensemble: EnsembleFolder) -> None:
    """Remove it for good; its members stay, and making it again takes seconds."""
    access.require("delete")
    shutil.rmtree(folder_in(ensemble.checkpoints, PLACE, ensemble.name))


def _made(path: Path) -> float:
    try:
        return (path / CARD).stat().st_mtime
    except OSError:
        return 0.0
