"""What a run, or a file of weights, was trained on: from its record, else from the dataset file, else unknown."""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import Any

import numpy as np

from core.config import RunConfig
from core.data.folds import Folds
from core.data.origin.facts import PatchFacts, facts_of, nowhere
from core.data.origin.fingerprints import Fingerprints, joined_hashes
from core.data.origin.trained_on import Part, TrainedOn
from core.data.selection import select
from core.data.store import open_dataset
from core.data.store.dataset import Dataset
from core.errors import DataError, RunError
from core.progress import Steps
from core.runs.plain_files import read_json
from core.runs.store import RunFolder
from core.runs.trained_on import has_record, read_record

KEY = "trained_on"  # in the card of a network
MOST_CARD_BYTES = 64 * 2**20
MOST_CARD_PARTS = 32


def training_record(run: RunFolder) -> Steps[TrainedOn]:
    """What each fold of the run was trained on.

    Runs of earlier versions wrote no record: their dataset file is looked at where it is there and has not changed;
    otherwise ``unknown`` says why nothing is known.
    """
    if has_record(run):
        return read_record(run)
    config = run.config()
    n_folds = config.folds.n_splits
    unknown = [
        f"Run '{run.name}' started from weights of unknown origin ('{Path(path).name}')."
        for path in (config.model.weights, config.model.sar_weights)
        if path
    ]
    try:
        dataset = open_dataset(run.dataset_path())
        if dataset.content_hash != run.provenance()["dataset"]["content_hash"]:
            raise RunError(f"'{dataset.name}' has changed since")
        part = yield from _from_dataset(run, config, dataset)
    except (DataError, RunError, OSError, KeyError, TypeError) as error:
        unknown.append(
            f"What run '{run.name}' was trained on is unknown: it is of an earlier version that kept no record of its "
            f"patches, and its dataset file cannot tell ({str(error).rstrip('.')})."
        )
        return TrainedOn(run.name, n_folds, (), tuple(unknown))
    return TrainedOn(run.name, n_folds, (part,), tuple(unknown))


def own_part(
    run: str,
    config: RunConfig,
    dataset: Dataset,
    folds: Folds,
    excluded: np.ndarray,
    rows: np.ndarray,
    facts: PatchFacts,
) -> Part:
    """The patches of a run's own dataset. rows: (n,) those that ``facts`` are of; excluded: (N,) bool of all."""
    seen = np.zeros((folds.n_splits, len(dataset)), bool)
    everything = config.smote.enabled and config.smote.protocol == "before_folds"  # parents of synthetic patches
    for fold in range(folds.n_splits):
        seen[fold, folds.members if everything else folds.train(fold)] = True
    judged = folds.fold_of[rows].astype(np.int16)
    return Part(facts, seen[:, rows], excluded[rows], judged, run, dataset.name, dataset.content_hash)


def recorded_rows(folds: Folds, excluded: np.ndarray) -> np.ndarray:
    """(n,) rows of a dataset that a run's record holds: what it learnt from or judged, and what it left out."""
    return np.union1d(folds.members, np.flatnonzero(excluded))


def group_column(config: RunConfig, dataset: Dataset) -> str | None:
    """The column that the folds of a run kept together, if it is one."""
    return config.folds.group_by if config.folds.group_by in dataset.columns else None


def _from_dataset(run: RunFolder, config: RunConfig, dataset: Dataset) -> Steps[Part]:
    selection = select(dataset, config.data, config.folds)
    folds = Folds.from_json(json.dumps(run.folds()), dataset.ids)
    excluded = selection.excluded | selection.cloudy
    rows = recorded_rows(folds, excluded)
    bands = tuple(band.name for band in selection.bands)
    facts = yield from facts_of(dataset, rows, bands, group_column(config, dataset))
    return own_part(run.name, config, dataset, folds, excluded, rows, facts)


# -------------------------------------------------------------------------------------------- the card of weights


def card_of(trained_on: TrainedOn, fold: int) -> dict[str, Any]:
    """What the card of one fold's network says of its training patches: their hashes, which go where the file goes."""
    parts = []
    for one in trained_on.parts:
        rows, prints = np.flatnonzero(one.seen[fold]), one.patches.prints
        hashes = prints.hashes[rows, 0] if prints.joined else joined_hashes(prints.hashes[rows])
        text = base64.b64encode(hashes.astype("<u8").tobytes()).decode("ascii")
        source = {"run": one.run, "dataset": one.dataset, "content_hash": one.content_hash}
        parts.append(source | {"bands": list(prints.bands), "n": len(rows), "hashes": text})
    return {"run": trained_on.name, "fold": fold, "parts": parts, "unknown": list(trained_on.unknown)}


def from_card(path: Path) -> TrainedOn | None:
    """What the card beside a weights file, or in a fold's folder, says; None where there is none or it does not say.

    Only identical patches are recognised by a card. Raises RunError for a card that is damaged.
    """
    card_path = path / "model.json" if path.is_dir() else path.with_suffix(".json")
    if not card_path.is_file() or card_path.stat().st_size > MOST_CARD_BYTES:
        return None
    try:
        card = read_json(card_path)
    except RunError:
        return None  # another program's file of that name
    origin = card.get(KEY) if isinstance(card, dict) else None
    if origin is None:
        return None
    try:
        parts = tuple(_card_part(one) for one in origin["parts"][:MOST_CARD_PARTS])
        name = f"{origin['run']}/fold_{int(origin['fold'])}"
        return TrainedOn(name, 1, parts, tuple(map(str, origin["unknown"])))
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise RunError(
            f"{card_path.name} is damaged: what the weights were trained on cannot be read ({error}). Restore the card."
        ) from error


def _card_part(card: dict[str, Any]) -> Part:
    hashes = np.frombuffer(base64.b64decode(card["hashes"], validate=True), "<u8").astype(np.uint64)
    n, bands, dataset = len(hashes), tuple(map(str, card["bands"])), str(card["dataset"])
    if n != card["n"]:
        raise ValueError(f"{n} hashes for {card['n']} patches")
    prints = Fingerprints(bands, hashes[:, None], np.zeros((n, 0, 0), np.uint8), joined=True)
    ids = np.full(n, f"a patch of {dataset}")
    patches = PatchFacts(ids, prints, nowhere(n), np.full(n, ""))
    nothing = np.zeros(n, bool)
    source = (str(card["run"]), dataset, str(card["content_hash"]))
    return Part(patches, ~nothing[None], nothing, np.full(n, -1, np.int16), *source)
