"""New patches on a fold's map: where they fall, which training patches they are like, and what each head says of them.

Comes in: a finished run, one of its maps, raw patches. Goes out: :class:`Newcomers`; progress is yielded. The map
itself does not move: its stored places are taken as they are.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from core.analyses.embedding import projections
from core.data.bands import Band
from core.embed.features import Preparation
from core.embed.maps import fit_map
from core.embed.neighbours import nearest
from core.embed.tsne import between_neighbours
from core.embed.umap_map import umap_around
from core.errors import FormatError
from core.flow.fold_rows import fold_rows
from core.predict.fold_model import kind_of
from core.predict.patches import Ensemble, fitting
from core.progress import Progress, Steps
from core.runs.store import RunFolder

MOST = 64  # new patches at once
K_NEIGHBORS = 12
MOVED_NOTHING = "Projected with the fitted {}; the map did not move."
BY_NEIGHBOURS = "Placed among their nearest training patches: {}"


@dataclass(frozen=True)
class Newcomers:
    """New patches as one fold's network sees them.

    ids: (m,). xy: (m, 2). probs: head -> (m,) in 0-1; called: head -> (m,) bool at the fold's threshold. index,
    distance: (m, k) the nearest training patches' rows and how far they are; unlike: (m,) the share of held-out patches
    that are nearer to the training part than this one is. note: how they were placed. seconds: how long it took.
    """

    fold: int
    key: str
    ids: np.ndarray
    xy: np.ndarray
    probs: dict[str, np.ndarray]
    called: dict[str, np.ndarray]
    index: np.ndarray
    distance: np.ndarray
    unlike: np.ndarray
    note: str
    seconds: float


def place_on_map(
    run: RunFolder,
    fold: int,
    key: str,
    batches: Iterable[tuple[np.ndarray, np.ndarray]],
    bands: Sequence[Band],
    device: Any = None,
) -> Steps[Newcomers]:
    """Embed, place and answer for batches of (ids, raw images) by one fold's model; at most ``MOST`` patches.

    key: of the map (see ``core.analyses.embedding.projections``). Raises FormatError naming missing bands, another unit or size, or an
    empty source.
    """
    began = time.monotonic()
    run.require_finished()
    yield Progress(0.05, f"Loading the network of fold {fold + 1}.")
    ensemble = Ensemble.of_folds(run, [fold], device)
    yield Progress(0.3, "Reading and embedding the patches.")
    ids, images = _first(fitting(run.name, batches, bands, ensemble))
    model = ensemble.models[0]
    embedded = model.embeddings(images)
    names = [name for name in model.heads if kind_of(name) == "embeddings" and name in ensemble.rules]
    log_odds = model.log_odds_of({"embeddings": embedded}, names, ensemble.rules)
    limits = {name: np.clip(ensemble.rules[name].thresholds[fold], 1e-7, 1 - 1e-7) for name in names}
    yield Progress(0.5, "Placing them on the map. The first time, UMAP is compiled.")
    (arrays, card), rows = projections.read_map(run, fold, key), fold_rows(run, fold)
    known = run.embeddings(fold)["embeddings"]
    xy, note = _place(known, rows.train, arrays["xy"], card, embedded)
    settings = projections.settings_of(card)[0] if "settings" in card else None
    preparation = Preparation.fit(known, rows.train, settings.metric if settings else "euclidean")
    learnt = preparation.rows(known[rows.train])
    found = nearest(preparation.rows(embedded), learnt, K_NEIGHBORS)
    usual = nearest(preparation.rows(known[rows.val]), learnt, 1).distance[:, 0]
    return Newcomers(
        fold=fold,
        key=key,
        ids=ids,
        xy=xy,
        probs={name: expit(values) for name, values in log_odds.items()},
        called={name: values >= logit(limits[name]) for name, values in log_odds.items()},
        index=rows.train[found.index],
        distance=found.distance,
        unlike=(usual[None, :] < found.distance[:, :1]).mean(axis=1),
        note=note,
        seconds=time.monotonic() - began,
    )


def embeddings_on_map(run: RunFolder, fold: int, key: str, embedded: np.ndarray) -> tuple[np.ndarray, str]:
    """Places (m, 2) of embeddings (m, D) of this fold's network on one of its maps, and how they came about."""
    (arrays, card), rows = projections.read_map(run, fold, key), fold_rows(run, fold)
    return _place(run.embeddings(fold)["embeddings"], rows.train, arrays["xy"], card, embedded)


def none_lost(batches: Iterable[tuple[np.ndarray, np.ndarray]], rejected: Sequence[Any]) -> Iterator[tuple]:
    """The batches; raises FormatError with the reason where a file of theirs is among ``rejected``."""
    yield from batches
    if rejected:
        raise FormatError(f"{rejected[0].file}: {rejected[0].reason}")


def _first(batches: Iterable[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The first ``MOST`` patches."""
    ids, images, n = [], [], 0
    for some, pixels in batches:
        ids.append(some[: MOST - n])
        images.append(pixels[: MOST - n])
        n += len(ids[-1])
        if n >= MOST:
            break
    if not n:
        raise FormatError("No usable patch was found in the source. Check the file and its format.")
    return np.concatenate(ids), np.concatenate(images)


def _place(
    known: np.ndarray, train: np.ndarray, xy: np.ndarray, card: dict[str, Any], embedded: np.ndarray
) -> tuple[np.ndarray, str]:
    """Places (m, 2) on the map that is shown, and a sentence on how they came about."""
    if "settings" not in card:
        why = "this map was drawn by an earlier version, which kept no settings. Draw it again to project with UMAP."
        return _among_neighbours(known, train, xy, "euclidean", embedded), BY_NEIGHBOURS.format(why)
    settings, seed = projections.settings_of(card)
    if card["method"] == "tsne":
        why = "t-SNE cannot project."
        return _among_neighbours(known, train, xy, settings.metric, embedded), BY_NEIGHBOURS.format(why)
    if card["method"] == "umap":
        preparation = Preparation.fit(known, train, settings.metric)
        learnt = preparation.rows(known[train])
        place = umap_around(learnt, xy[train], settings.n_neighbors, settings.min_dist, seed)
        return place(preparation.rows(embedded)), MOVED_NOTHING.format("UMAP")
    again = fit_map(known[train], np.arange(len(train)), settings.model_copy(update={"method": "pca"}), seed)
    return again.place(embedded), MOVED_NOTHING.format("PCA")


def _among_neighbours(
    known: np.ndarray, train: np.ndarray, xy: np.ndarray, metric: str, embedded: np.ndarray
) -> np.ndarray:
    preparation = Preparation.fit(known, train, metric)
    return between_neighbours(preparation.rows(embedded), preparation.rows(known[train]), xy[train])
