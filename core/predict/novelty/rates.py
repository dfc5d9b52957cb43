"""How often planted faults are found in a run's own held-out patches, and how often there is an alarm without one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.data.bands import Band
from core.data.store.dataset import Dataset
from core.device import choose_device
from core.errors import FormatError
from core.predict.fold_model import FoldModel
from core.predict.novelty.calibrated import Novelty, kept, set_distances
from core.predict.novelty.causes import likely_cause
from core.predict.novelty.faults import Fault, faults_for
from core.predict.novelty.features import value_features
from core.predict.novelty.fit import fold_rows, groups_of_rows
from core.predict.novelty.own import evidence_for
from core.predict.training_dataset import training_dataset
from core.predict.values import Watch, values_of_run
from core.progress import Progress, Steps
from core.runs.job_folder import now
from core.runs.store import RunFolder
from core.stats.grouped_means import mean_of

SEED = 0
EVIDENCE = ("bands", "embedding", "both")


@dataclass(frozen=True, eq=False)
class HeldRows:
    """Some of what one fold held out: images (n, C, H, W) and groups (n,)."""

    fold: int
    images: np.ndarray
    groups: np.ndarray


def planted_rates(run: RunFolder, novelty: Novelty, n: int) -> Steps[dict[str, Any]]:
    """Plain values: ``false_alarms`` and, for each fault, the share of patches and of sets in which it is told.

    Each patch is scored by the fold that held it out, and compared with what all folds held out; its groups stay whole
    and are the sets. ``refused``: in how many folds the values are refused outright. n: about how many patches a fault
    is planted in. Raises RunError where the dataset has changed.
    """
    dataset, rng = training_dataset(run), np.random.default_rng(SEED)
    held = _held(run, novelty, dataset, n, rng)
    bands = _bands(dataset, novelty.band_names)
    models: list[FoldModel | None] = [None] * len(held)
    if novelty.has_embedding:
        device = choose_device(run.config().device)
        models = [FoldModel.load(run, one.fold, device) for one in held]
    whole = Fault("none", "no fault", lambda images, _: images)
    found = {}
    for k, fault in enumerate([whole, *faults_for(bands)]):
        yield Progress(k / (1 + len(faults_for(bands))), f"Planting: {fault.title}.")
        found[fault.key] = _rates(run, novelty, bands, held, models, fault, rng)
    none = found.pop("none")
    evidence = evidence_for(run, novelty)
    return {
        "run": run.name,
        "made": now(),
        "level": novelty.level,
        "n": sum(len(one.images) for one in held),
        "n_folds": len(held),
        "n_calibrated": novelty.n_patches,
        "n_groups": novelty.n_groups,
        "grouped": novelty.grouped,
        "evidence": evidence,
        "notes": list(novelty.notes),
        "false_alarms": _false_alarms(novelty, evidence) | {"named": none["named"], "refused": none["refused"]},
        "faults": found,
    }  # fmt: skip


def _false_alarms(novelty: Novelty, evidence: str) -> dict[str, Any]:
    """Of every held-out patch and group, each against the others."""
    out = {}
    for name, of_sets in (("patches", False), ("sets", True)):
        held = novelty.held_out(evidence, of_sets)
        alarms = np.concatenate(held.own_p_values()) <= novelty.level
        groups = None if of_sets else np.concatenate(held.groups)
        out[name] = _share(alarms, groups)
    return out


def _held(run: RunFolder, novelty: Novelty, dataset: Dataset, n: int, rng: np.random.Generator) -> list[HeldRows]:
    """Whole groups of each fold, until there are enough patches."""
    rows = [fold_rows(run, fold) for fold in range(len(novelty.folds))]
    group_of, _ = groups_of_rows(run.oof(), rows)
    found = []
    for fold, one in enumerate(rows):
        groups = group_of[one.val]
        chosen: list[int] = []
        for group in rng.permutation(np.unique(groups)):
            if len(chosen) >= max(2, n // len(rows)):
                break
            chosen += one.val[groups == group].tolist()
        some = np.sort(chosen)
        found.append(HeldRows(fold, dataset.images(some, novelty.band_names), group_of[some]))
    return found


def _bands(dataset: Dataset, names: tuple[str, ...]) -> list[Band]:
    by_name = {band.name: band for band in dataset.bands}
    return [by_name[name] for name in names]


def _rates(
    run: RunFolder,
    novelty: Novelty,
    bands: list[Band],
    held: list[HeldRows],
    models: list[FoldModel | None],
    fault: Fault,
    rng: np.random.Generator,
) -> dict[str, Any]:
    patches: dict[str, list[np.ndarray]] = {name: [] for name in EVIDENCE}
    sets: dict[str, list[np.ndarray]] = {name: [] for name in EVIDENCE}
    groups, named, causes, refused = [], 0, [], 0
    for one, model in zip(held, models, strict=True):
        images = fault.change(one.images, rng)
        refused += _refused(run, images)
        features = value_features(images) if novelty.has_bands else None
        embedding = None if model is None else novelty.embedding_scores(one.fold, model.embeddings(images))
        scores, of_sets = _scores(novelty, one, features, embedding)
        groups.append(one.groups)
        for name in scores:
            patches[name].append(_told(novelty, name, scores[name], False))
            sets[name].append(_told(novelty, name, of_sets[name], True))
        if features is not None:
            cause = likely_cause(novelty, bands, features, one.fold)
            causes.append("" if cause is None else cause.key)
            named += causes[-1] in (fault.causes or (fault.key,))
    every = np.concatenate(groups)
    return {
        "title": fault.title,
        "patches": {name: _share(np.concatenate(told), every) for name, told in patches.items() if told},
        "sets": {name: _share(np.concatenate(told)) for name, told in sets.items() if told},
        "refused": refused,
        "named": named,
        "causes": causes,
    }


def _scores(
    novelty: Novelty, held: HeldRows, features: np.ndarray | None, embedding: np.ndarray | None
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """By evidence the scores of patches, and of groups as sets, in this fold's space."""
    fold, parts, of_sets = novelty.folds[held.fold], {}, {}
    names = np.unique(held.groups)
    if features is not None:
        space, own_sets = kept(fold.bands), kept(fold.sets)
        z = space.standardised(features)
        distances = space.distances(z)
        parts["bands"] = (distances / fold.scale).max(axis=1)
        of_sets["bands"] = np.array([
            (set_distances(own_sets, z[own].mean(axis=0), distances[own].mean(axis=0)) / fold.set_scale).max()
            for own in (held.groups == name for name in names)
        ])  # fmt: skip
    if embedding is not None:
        parts["embedding"] = embedding
        means = np.array([embedding[held.groups == name].mean() for name in names])
        of_sets["embedding"] = means * fold.embedding_scale / fold.set_embedding_scale
    if len(parts) == 2:
        for found in (parts, of_sets):
            found["both"] = np.maximum(found["bands"], found["embedding"])
    return parts, of_sets


def _told(novelty: Novelty, evidence: str, scores: np.ndarray, of_sets: bool) -> np.ndarray:
    """(n,) bool: beyond the level, compared with what all folds held out."""
    held = novelty.held_out(evidence, of_sets)
    further = np.sum([held.further(fold, scores) for fold in range(len(held.scores))], axis=0)
    return (1.0 + further) / (held.n_groups + 1) <= novelty.level


def _refused(run: RunFolder, images: np.ndarray) -> bool:
    trained = values_of_run(run)
    if trained is None:
        return False
    watch = Watch(run.name, tuple(trained))
    watch.look(images)
    try:
        watch.refuse()
    except FormatError:
        return True
    return False


def _share(told: np.ndarray, groups: np.ndarray | None = None) -> dict[str, float]:
    found = asdict(mean_of(told.astype(np.float64), groups, (0.0, 1.0)))
    return {"share": found["value"], "lo": found["lo"], "hi": found["hi"], "n": found["n"]}
