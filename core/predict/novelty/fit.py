"""Fits a run's novelty from its folds, once, and keeps it with the run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from core.data.normalise import Normaliser
from core.data.store.dataset import Dataset
from core.errors import DataError, LandslideLensError, RunError
from core.predict.novelty.calibrated import FoldEvidence, Novelty, kept, set_distances
from core.predict.novelty.features import BATCH, FEATURES, value_features
from core.predict.novelty.held_out import scale_of
from core.predict.novelty.spaces import MOST_KNOWN, TOGETHER, BandSpace, EmbeddingSpace, whitening
from core.predict.training_dataset import training_dataset
from core.progress import Progress, Steps
from core.runs.results import ResultFolder
from core.runs.store import RunFolder

NAME, VERSION = "novelty", 1
MOST = 8000  # patches of the run's dataset whose values are looked at
FEWEST_GROUPS = 5
FAR = 0.99  # quantile of the held-out distances at which they are made even
SEED = 0
_BANDS = ("centre", "spread", "floor", "whiten", "together")


@dataclass(frozen=True, eq=False)
class FoldRows:
    """Rows of the dataset file that a fold learnt from, and those that it held out."""

    train: np.ndarray
    val: np.ndarray


def fold_rows(run: RunFolder, fold: int) -> FoldRows:
    """Raises RunError for a run of an earlier version, which kept no rows."""
    stored = run.head_rows(fold)
    if stored is None:
        raise RunError(f"Run '{run.name}' is of an earlier version, which did not keep what each fold held out.")
    return FoldRows(np.sort(stored["train"]), np.sort(stored["val"]))


def fitted(run: RunFolder) -> Steps[Novelty | None]:
    """The run's novelty as it was kept, or else fitted now; None where neither embeddings nor values are known."""
    folder = run.results(NAME).part("calibration")
    if (kept := load(run, folder)) is not None:
        return kept
    try:
        found = yield from fit(run)
    except (DataError, RunError):
        return None
    try:
        save(folder, found)
    except OSError:
        pass  # a full or read-only disk: it is fitted again the next time
    return found


def fit(run: RunFolder) -> Steps[Novelty]:
    """Fit every fold's spaces on its training part, and score what it held out.

    Raises RunError for a run that has not finished, DataError for one with fewer than five held-out groups.
    """
    run.require_finished()
    yield Progress(0.0, "Looking at what the run was trained on.")
    config, oof = run.config(), run.oof()
    names = Normaliser.from_json(run.normaliser_text(0)).band_names
    rows = [fold_rows(run, fold) for fold in range(config.folds.n_splits)]
    group_of, grouped = groups_of_rows(oof, rows)
    if (n := len(np.unique(np.concatenate([group_of[one.val] for one in rows])))) < FEWEST_GROUPS:
        raise DataError(f"Run '{run.name}' held out {n} groups; novelty needs at least {FEWEST_GROUPS}.")
    notes = [] if grouped else ["The run has no groups: alarms are rated for patches like its own, not for new places."]
    if config.smote.enabled and config.smote.protocol == "before_folds":
        notes.append("Synthetic patches were made before the folds were drawn, so no patch was truly held out.")
    try:
        dataset = training_dataset(run)
    except LandslideLensError as error:
        dataset = None
        notes.append(f"Values of bands are not compared: {error}")
    chosen = _chosen(rows)
    features = None
    if dataset is not None:
        features = np.full((len(group_of), len(names), len(FEATURES)), np.nan, np.float32)
        for start in range(0, len(chosen), BATCH):
            some = chosen[start : start + BATCH]
            features[some] = value_features(dataset.images(some, names))
            yield Progress(0.7 * start / len(chosen), f"{start:,} of {len(chosen):,} training patches looked at.")
    folds = []
    for fold, one in enumerate(rows):
        yield Progress(0.7 + 0.3 * fold / len(rows), f"Scoring what fold {fold + 1} held out.")
        kept = replace(one, train=np.intersect1d(one.train, chosen), val=np.intersect1d(one.val, chosen))
        folds.append(_fold(run, fold, kept, group_of, features))
    return Novelty(tuple(even(folds)), tuple(names), grouped, tuple(notes))


def even(folds: list[FoldEvidence]) -> list[FoldEvidence]:
    """Scales at which each distance raises as many alarms as any other: what 99 of 100 held-out patches stay below.

    A fold alone holds out too few for that, so all folds are looked at together, each in its own scales.
    """
    groups = _apart([fold.groups for fold in folds])
    found = folds
    if all(fold.bands is not None for fold in folds):
        ratio = _columns(np.concatenate([fold.held for fold in folds]), groups)
        sets = np.concatenate([fold.held_sets for fold in folds])
        set_ratio = _columns(sets, np.arange(len(sets)))
        found = [
            replace(one, scale=one.scale * ratio, held=one.held / ratio, set_scale=one.set_scale * set_ratio,
                    held_sets=one.held_sets / set_ratio)
            for one in found
        ]  # fmt: skip
    if all(fold.embedding is not None for fold in folds):
        far = scale_of(np.concatenate([kept(fold.held_embedding) for fold in folds]), groups, FAR)
        sets = np.concatenate([kept(fold.held_set_embedding) for fold in folds])
        set_far = scale_of(sets, np.arange(len(sets)), FAR)
        found = [
            replace(one, embedding_scale=one.embedding_scale * far, held_embedding=kept(one.held_embedding) / far,
                    set_embedding_scale=one.set_embedding_scale * set_far,
                    held_set_embedding=kept(one.held_set_embedding) / set_far)
            for one in found
        ]  # fmt: skip
    return found


def _columns(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    return np.array([scale_of(one, groups, FAR) for one in values.T])


def _apart(groups: list[np.ndarray]) -> np.ndarray:
    """One number for each group of each fold."""
    step = 1 + max(int(one.max()) for one in groups)
    return np.concatenate([one + fold * step for fold, one in enumerate(groups)])


def groups_of_rows(oof: pd.DataFrame, rows: list[FoldRows]) -> tuple[np.ndarray, bool]:
    """(N,) a number for the group of each row of the dataset file, and whether the run has groups."""
    n = 1 + max(int(np.concatenate([one.train, one.val]).max()) for one in rows)
    named = oof["group"].astype(str).to_numpy() if "group" in oof else None
    if named is None or (named == "").any():
        return np.arange(n), False
    found = np.full(n, -1)
    codes = pd.factorize(named)[0]
    folds = oof["fold"].to_numpy()
    for fold, one in enumerate(rows):  # rows and table stand in the order of the dataset file
        found[one.val] = codes[folds == fold]
    alone = np.flatnonzero(found < 0)  # what a single split only learns from: its groups are not kept
    found[alone] = 1 + codes.max(initial=-1) + np.arange(len(alone))
    return found, True


def calibrated_rows(run: RunFolder, n_folds: int) -> list[np.ndarray]:
    """By fold the rows that it held out and that were looked at, in the order of its evidence."""
    rows = [fold_rows(run, fold) for fold in range(n_folds)]
    chosen = _chosen(rows)
    return [np.intersect1d(one.val, chosen) for one in rows]


def _chosen(rows: list[FoldRows]) -> np.ndarray:
    every = np.unique(np.concatenate([part for one in rows for part in (one.train, one.val)]))
    return np.sort(np.random.default_rng(SEED).permutation(every)[:MOST])


def _fold(run: RunFolder, fold: int, rows: FoldRows, group_of: np.ndarray, features: np.ndarray | None) -> FoldEvidence:
    groups = group_of[rows.val]
    found = FoldEvidence(groups=groups)
    if features is not None:
        found = with_bands(found, features[rows.train], features[rows.val], group_of[rows.train])
    embeddings = run.embeddings(fold)["embeddings"]
    if not np.isfinite(embeddings[np.concatenate([rows.train, rows.val])]).all():
        return found
    return _with_embeddings(found, embeddings, rows)


def with_bands(found: FoldEvidence, train: np.ndarray, val: np.ndarray, train_groups: np.ndarray) -> FoldEvidence:
    """With values compared. train, val: (n, C, F) features of what the fold learnt from and held out."""
    bands = BandSpace.fit(train)
    means = _means(bands.standardised(train), train_groups)
    sets = replace(
        bands,
        whiten=np.stack([whitening(means[:, band]) for band in range(means.shape[1])]),
        together=whitening(means[:, :, TOGETHER].reshape(len(means), -1)),
    )
    z = bands.standardised(val)
    held = bands.distances(z)
    pairs = zip(_means(z, found.groups), _means(held, found.groups), strict=True)
    held_sets = np.stack([set_distances(sets, mean, distance) for mean, distance in pairs])
    scale = np.array([scale_of(one, found.groups) for one in held.T])
    set_scale = np.array([scale_of(one, np.arange(len(held_sets))) for one in held_sets.T])
    return replace(
        found, bands=bands, sets=sets, scale=scale, set_scale=set_scale, held=held / scale,
        held_sets=held_sets / set_scale,
    )  # fmt: skip


def _with_embeddings(found: FoldEvidence, embeddings: np.ndarray, rows: FoldRows) -> FoldEvidence:
    space = EmbeddingSpace.of(embeddings, known_rows(rows.train))
    held = space.scores(embeddings[rows.val])
    means = _means(held, found.groups)
    scale, set_scale = scale_of(held, found.groups), scale_of(means, np.arange(len(means)))
    return replace(
        found, embedding=space, embedding_scale=scale, set_embedding_scale=set_scale, held_embedding=held / scale,
        held_set_embedding=means / set_scale,
    )  # fmt: skip


def known_rows(train: np.ndarray) -> np.ndarray:
    """The training rows whose embeddings are compared with."""
    return np.sort(np.random.default_rng(SEED).permutation(train)[:MOST_KNOWN])


def _means(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """(groups, ...) the mean of values (n, ...) over each group, in the order of their numbers."""
    _, index, counts = np.unique(groups, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), *values.shape[1:]))
    np.add.at(sums, index, values)
    return sums / counts.reshape(-1, *[1] * (values.ndim - 1))


# ------------------------------------------------------------------------------------------------------- what is kept


def save(folder: ResultFolder, novelty: Novelty) -> None:
    """Keep it; equal content gives equal bytes."""
    arrays: dict[str, np.ndarray] = {}
    for k, fold in enumerate(novelty.folds):
        own: dict[str, Any] = {"groups": fold.groups.astype(np.int64)}
        if fold.bands is not None:
            own |= {key: getattr(fold.bands, key) for key in _BANDS}
            sets = kept(fold.sets)
            own |= {"set_whiten": sets.whiten, "set_together": sets.together, "scale": fold.scale}
            own |= {"set_scale": fold.set_scale, "held": fold.held, "held_sets": fold.held_sets}
        if fold.embedding is not None:
            own |= {"known": fold.embedding.known, "held_embedding": fold.held_embedding}
            own |= {"held_set_embedding": fold.held_set_embedding}
            own["embedding_scales"] = np.array([fold.embedding_scale, fold.set_embedding_scale])
        arrays |= {f"{k}.{key}": value for key, value in own.items()}
    folder.write_arrays("folds", arrays)
    facts = {"version": VERSION, "bands": list(novelty.band_names), "grouped": novelty.grouped}
    folder.write_json("report.json", facts | {"n_folds": len(novelty.folds), "notes": list(novelty.notes)})


def load(run: RunFolder, folder: ResultFolder | None = None) -> Novelty | None:
    """What was kept; None where nothing usable was."""
    folder = folder or run.results(NAME).part("calibration")
    if not folder.has("report.json"):
        return None
    try:
        facts, arrays = folder.json("report.json"), folder.arrays("folds")
        if facts["version"] != VERSION:
            return None
        folds = tuple(_read(k, arrays, len(facts["bands"])) for k in range(facts["n_folds"]))
        found = Novelty(folds, tuple(facts["bands"]), bool(facts["grouped"]), tuple(facts["notes"]))
        return found if folds and (found.has_bands or found.has_embedding) else None
    except (RunError, KeyError, TypeError, ValueError):
        return None  # damaged or of another version: fitted again


def _read(k: int, arrays: dict[str, np.ndarray], n_bands: int) -> FoldEvidence:
    """Raises ValueError for arrays that do not fit each other."""
    own = {name.split(".", 1)[1]: value for name, value in arrays.items() if name.startswith(f"{k}.")}
    found = FoldEvidence(groups=own["groups"])
    n, n_sets, n_features = len(own["groups"]), len(np.unique(own["groups"])), len(FEATURES)
    blocks, joint = (n_bands, n_features, n_features), (len(TOGETHER) * n_bands,) * 2
    expected = {
        "centre": (n_bands, n_features), "spread": (n_bands, n_features), "floor": (n_bands,), "whiten": blocks,
        "together": joint, "set_whiten": blocks, "set_together": joint, "scale": (n_bands + 1,),
        "set_scale": (2 * n_bands + 2,), "held": (n, n_bands + 1), "held_sets": (n_sets, 2 * n_bands + 2),
        "held_embedding": (n,), "held_set_embedding": (n_sets,), "embedding_scales": (2,),
    }  # fmt: skip
    for name, array in own.items():
        if array.shape != expected.get(name, array.shape) or not np.isfinite(array).all():
            raise ValueError(f"{name} does not fit")
    if "centre" in own:
        bands = BandSpace(*(own[key] for key in _BANDS))
        sets = replace(bands, whiten=own["set_whiten"], together=own["set_together"])
        found = replace(found, bands=bands, sets=sets, scale=own["scale"], set_scale=own["set_scale"],
                        held=own["held"], held_sets=own["held_sets"])  # fmt: skip
    if "known" in own:
        scale, set_scale = map(float, own["embedding_scales"])
        found = replace(found, embedding=EmbeddingSpace(own["known"]), embedding_scale=scale,
                        set_embedding_scale=set_scale, held_embedding=own["held_embedding"],
                        held_set_embedding=own["held_set_embedding"])  # fmt: skip
    return found


def values_of(dataset: Dataset, rows: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """(n, C, F) features of rows of a dataset."""
    parts = [value_features(dataset.images(rows[i : i + BATCH], names)) for i in range(0, len(rows), BATCH)]
    return np.concatenate(parts)
