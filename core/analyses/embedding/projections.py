"""Maps of a run's folds: drawn with any settings, the boundary of every head on them, known by what made them.

Comes in: a run folder whose folds are trained. Goes out: arrays and a card for each map, kept beside the run's own by
the digest of their settings; progress is yielded. No network is loaded and no image is read: embeddings and decision
values are those that training left behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.config import EmbedConfig
from core.embed.boundary import Boundary
from core.embed.features import Preparation
from core.embed.neighbours import nearest
from core.errors import RunError
from core.flow.embedding_map import draw_fold, heads_of, margins, plane_of
from core.flow.fold_rows import fold_rows
from core.progress import Progress, Steps
from core.runs.store import RunFolder

OWN = "own"  # key of the map that the run itself drew


@dataclass(frozen=True)
class Alike:
    """Nearest neighbours of one patch. index: (k,) rows of the dataset; distance: (k,); training: (k,) bool."""

    index: np.ndarray
    distance: np.ndarray
    training: np.ndarray


def key_of(settings: EmbedConfig, seed: int) -> str:
    """What a map with these settings is kept under."""
    return hashlib.sha256(f"{settings.model_dump_json()} {seed}".encode()).hexdigest()[:12]


def settings_of(card: dict[str, Any]) -> tuple[EmbedConfig, int]:
    """Settings and seed of a map from its card. Raises RunError for one of an earlier version, which kept none."""
    if "settings" not in card:
        raise RunError("This map was drawn by an earlier version, which kept no settings. Draw it again.")
    return EmbedConfig(**card["settings"]), int(card["seed"])


def read_map(run: RunFolder, fold: int, key: str = OWN) -> tuple[dict[str, np.ndarray], dict]:
    """Arrays and card of a map: the run's own, or one that was drawn later."""
    return run.umap(fold) if key == OWN else run.map(fold, key)


def redraw(run: RunFolder, settings: EmbedConfig, seed: int = 0, folds: Sequence[int] | None = None) -> Steps[str]:
    """Draw and keep a map of each fold with these settings; the key that they are kept under.

    Maps that are there already, made from the same network and data, are not drawn again.
    """
    run.require_finished()
    key, folds = key_of(settings, seed), list(range(run.config().folds.n_splits) if folds is None else folds)
    for number, fold in enumerate(folds):
        text = f"Drawing the map of fold {fold + 1} ({number + 1} of {len(folds)}). The first one takes longest."
        yield Progress(number / len(folds), text)
        there = run.maps(fold).get(key)
        if there is None or there.get("made_from") != run.made_from(fold):
            run.write_map(fold, key, *draw_fold(run, fold, settings, seed))
    yield Progress(1.0, "Done.")
    return key


def draw_head(run: RunFolder, fold: int, xy: np.ndarray, head: str, grid: int = 100) -> Boundary:
    """One head's boundary on a map that was drawn without it. xy: (N, 2). Raises RunError for a head without scores."""
    rows, found = fold_rows(run, fold), margins(run, fold, (head,)) if head in heads_of(run) else {}
    if head not in found:
        raise RunError(f"The head '{head}' of run '{run.name}' decides on no embedding, so it has no boundary here.")
    return plane_of(rows, xy, grid).boundary(found[head][rows.train], found[head][rows.val])


def alike(run: RunFolder, fold: int, row: int, k: int = 12, settings: EmbedConfig | None = None) -> tuple[Alike, Alike]:
    """The patches whose embeddings lie nearest to that of dataset row ``row``: of the training part, and held out.

    The distance is that of the map's metric. The patch itself is left out; so are patches of neither part.
    """
    rows, embeddings = fold_rows(run, fold), run.embeddings(fold)["embeddings"]
    preparation = Preparation.fit(embeddings, rows.train, (settings or EmbedConfig()).metric)
    prepared = preparation.rows(embeddings)
    parts = []
    for part, training in ((rows.train, True), (rows.val, False)):
        own = np.flatnonzero(part == row)
        found = nearest(prepared[[row]], prepared[part], k, np.array([own[0] if own.size else -1]))
        parts.append(Alike(part[found.index[0]], found.distance[0], np.full(found.index.shape[1], training)))
    return parts[0], parts[1]


def changes(made_from: dict[str, str], card: dict[str, Any], content_hash: str) -> list[str]:
    """What has changed since a map was drawn, as sentences; none when it is as it was.

    made_from: the run's now (``RunFolder.made_from``). card: the map's. content_hash: the dataset file's now.
    """
    found = []
    if made_from["data"] and content_hash != made_from["data"]:
        found.append("The dataset file has changed since this run was trained: its embeddings are of other patches.")
    before = card.get("made_from")
    if before and before["model"] != made_from["model"]:
        found.append("The network's file is another one than the map was drawn with: train the run again.")
    elif before and before["embeddings"] != made_from["embeddings"]:
        found.append("The stored embeddings are others than the map was drawn from: draw it again.")
    return found
