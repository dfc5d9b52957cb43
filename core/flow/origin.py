"""What a run writes down of the patches that it learns from, and what it starts from (``starting_weights``)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.config import ModelConfig, RunConfig
from core.data.folds import Folds
from core.data.origin.facts import PatchFacts, with_places
from core.data.origin.fingerprints import fingerprints
from core.data.origin.trained_on import TrainedOn
from core.data.selection import Selection
from core.data.store.dataset import Dataset
from core.errors import RunError
from core.flow.starting_weights import FIELDS, Source, inherited, known_before, sources_of, starts
from core.predict.training_record import card_of, group_column, own_part, recorded_rows
from core.runs.store import RunFolder
from core.runs.trained_on import has_record, read_record, write_record

FILE = "starting_weights.json"


@dataclass(frozen=True, eq=False)
class Origin:
    """paths: setting -> the weights of each fold. notes: for the run's warnings. trained_on: the run's record."""

    paths: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]
    trained_on: TrainedOn

    def model(self, model: ModelConfig, fold: int) -> ModelConfig:
        """The network's settings with the weights of this fold."""
        return model.model_copy(update={setting: paths[fold] for setting, paths in self.paths.items()})

    def card(self, fold: int) -> dict:
        """What the card of the fold's network says of its training patches."""
        return card_of(self.trained_on, fold)


@dataclass(frozen=True, eq=False)
class Compared:
    """The patches of a run (rows of its dataset and their facts) and the weights that it starts from."""

    rows: np.ndarray
    facts: PatchFacts
    sources: tuple[Source, ...]


def compared_with_weights(
    run: RunFolder, config: RunConfig, dataset: Dataset, selection: Selection, images: np.ndarray
) -> Compared | None:
    """The run's patches beside those that its weights learnt from; None for a run that has its record already."""
    if has_record(run) and (run.path / FILE).is_file():
        return None
    rows = np.flatnonzero((selection.labels >= 0) | selection.excluded | selection.cloudy)
    bands = tuple(band.name for band in selection.bands)
    prints = fingerprints(images[rows], bands)
    facts = with_places(dataset, rows, prints, group_column(config, dataset))
    return Compared(rows, facts, sources_of(config, facts))


def without_known(config: RunConfig, dataset: Dataset, labels: np.ndarray, compared: Compared | None) -> RunConfig:
    """The configuration, its exclusions joined by what the weights know, where ``model.weights_overlap`` says so."""
    if compared is None or config.model.weights_overlap != "leave_out":
        return config
    rows = compared.rows[known_before(compared.sources, compared.facts)]
    rows = rows[labels[rows] >= 0]
    if not len(rows):
        return config
    exclude = tuple(sorted({*config.data.exclude, *dataset.ids[rows].tolist()}))
    return config.model_copy(update={"data": config.data.model_copy(update={"exclude": exclude})})


def origin_of(
    run: RunFolder, config: RunConfig, dataset: Dataset, selection: Selection, folds: Folds, compared: Compared | None
) -> Origin:
    """The weights of each fold, and the run's record, written when the run begins and read when it is resumed.

    Raises ConfigError where a fold would be judged on patches that its weights learnt from.
    """
    if compared is None:
        return _read(run, folds.n_splits)
    start = starts(config, compared.sources, compared.facts, compared.rows, folds)
    excluded = selection.excluded | selection.cloudy
    rows = recorded_rows(folds, excluded)
    facts = compared.facts.take(np.flatnonzero(np.isin(compared.rows, rows)))
    own = own_part(run.name, config, dataset, folds, excluded, rows, facts)
    parts, unknown = inherited(start.learnt, own)
    trained_on = TrainedOn(run.name, folds.n_splits, (own, *parts), unknown)
    write_record(run, trained_on)
    run.write_json(FILE, {"paths": start.paths, "notes": start.notes})
    return Origin(start.paths, start.notes, trained_on)


def _read(run: RunFolder, n_folds: int) -> Origin:
    card = run.files.json(run.path / FILE)
    try:
        paths = {setting: tuple(map(str, card["paths"][setting])) for setting in FIELDS if setting in card["paths"]}
        notes = tuple(map(str, card["notes"]))
        if any(len(of_fold) != n_folds for of_fold in paths.values()):
            raise ValueError(f"not {n_folds} folds")
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{run.name}/{FILE} is damaged ({error}). Restore it, or train again.") from error
    return Origin(paths, notes, read_record(run))
