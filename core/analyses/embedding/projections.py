"""Projections of a finished run: the embeddings of its folds in the plane, and the boundary of every head there.

A projection is known by its settings and kept beside the run's own. No network is loaded and no image is read:
embeddings and decision values are those that training left behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from core.analyses.base import Analysis, Options
from core.config import EmbedConfig
from core.embed.boundary import Boundary
from core.embed.features import Preparation
from core.embed.neighbours import nearest
from core.errors import RunError
from core.flow.embedding_map import draw_fold, heads_of, margins, plane_of
from core.flow.fold_rows import fold_rows
from core.progress import Progress, Steps
from core.runs.results import ResultFolder
from core.runs.store import RunFolder

NAME = "projections"
OWN = "own"  # key of the projection that the run itself made
ARRAYS = "projection"


class ProjectionOptions(EmbedConfig, Options):
    """The settings of a projection, and its seed."""

    seed: int = Field(0, ge=0, le=999_999, title="Seed", description="What changes under another seed is chance.")

    def settings(self) -> EmbedConfig:
        """The same without the seed."""
        return EmbedConfig(**self.model_dump(exclude={"seed"}))


@dataclass(frozen=True)
class Projections:
    """The projections that were made later. cards: by fold and key, see :func:`draw_fold`."""

    cards: dict[int, dict[str, dict[str, Any]]]


@dataclass(frozen=True)
class NearestPatches:
    """Nearest neighbours of one patch. index: (k,) rows of the dataset, nearest first; distance: (k,)."""

    index: np.ndarray
    distance: np.ndarray


def analyse(run: RunFolder, options: ProjectionOptions) -> Steps[dict[str, Any]]:
    """Project every fold with these settings.

    A projection that is there already, made from the same network and data, is not made again. Raises RunError when
    the run has not finished.
    """
    run.require_finished()
    settings, n_folds = options.settings(), run.config().folds.n_splits
    key = key_of(settings, options.seed)
    for fold in range(n_folds):
        yield Progress(fold / n_folds, f"Projecting fold {fold + 1} of {n_folds}. The first one takes longest.")
        known = cards(run, fold).get(key)
        if known is None or known.get("made_from") != run.made_from(fold):
            write(run, fold, key, *draw_fold(run, fold, settings, options.seed))
    yield Progress(1.0, "Done.")
    return {"message": f"The embeddings of {n_folds} folds have been projected.", "projection": key}


# -------------------------------------------------------------------------------------------- what is kept


def key_of(settings: EmbedConfig, seed: int) -> str:
    """What a projection with these settings is kept under."""
    return hashlib.sha256(f"{settings.model_dump_json()} {seed}".encode()).hexdigest()[:12]


def settings_of(card: Mapping[str, Any]) -> tuple[EmbedConfig, int]:
    """Settings and seed of a projection from its card. Raises RunError for an earlier version's, which kept none."""
    if "settings" not in card:
        raise RunError("This projection was made by an earlier version, which kept no settings. Make it again.")
    return EmbedConfig(**card["settings"]), int(card["seed"])


def cards(run: RunFolder, fold: int) -> dict[str, dict[str, Any]]:
    """By key: the cards of the projections of one fold that were made later, with other settings."""
    results, start = run.results(NAME), f"fold{fold}_"
    names = [name for name in results.parts() if name.startswith(start)]
    return {name.removeprefix(start): results.part(name).json("report.json") for name in names}


def read(run: RunFolder) -> Projections | None:
    """All of them, or None before the first was made."""
    by_fold = {fold: cards(run, fold) for fold in range(run.config().folds.n_splits)}
    return Projections(by_fold) if any(by_fold.values()) else None


def projection(run: RunFolder, fold: int, key: str = OWN) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and card of one projection (:func:`draw_fold`): the run's own, or one that was made later.

    Raises RunError where there is none.
    """
    if key == OWN:
        return run.umap(fold)
    part = _part(run, fold, key)
    return part.arrays(ARRAYS), part.json("report.json")


def write(run: RunFolder, fold: int, key: str, arrays: Mapping[str, np.ndarray], card: Mapping[str, Any]) -> None:
    """Keep a projection; see :func:`projection`."""
    part = _part(run, fold, key)
    part.write_arrays(ARRAYS, arrays)
    part.write_json("report.json", dict(card))


def made_of(run: RunFolder, fold: int, key: str) -> Path:
    """The file that a projection's places are read from."""
    if key == OWN:
        return run.fold_path(fold) / "umap.safetensors"
    return _part(run, fold, key).path / f"{ARRAYS}.safetensors"


def _part(run: RunFolder, fold: int, key: str) -> ResultFolder:
    return run.results(NAME).part(f"fold{fold}_{key}")


def changes(made_from: Mapping[str, str], card: Mapping[str, Any], content_hash: str) -> list[str]:
    """What has changed since a projection was made, as sentences; none when it is as it was.

    made_from: the run's now (``RunFolder.made_from``). card: the projection's. content_hash: the dataset file's now.
    """
    sentences = []
    if made_from["data"] and content_hash != made_from["data"]:
        sentences.append(
            "The dataset file has changed since this run was trained; its embeddings are of other patches."
        )
    before = card.get("made_from")
    if before and before["model"] != made_from["model"]:
        sentences.append("The network file has changed since this projection was made: train the run again.")
    elif before and before["embeddings"] != made_from["embeddings"]:
        sentences.append("The stored embeddings have changed since this projection was made: make it again.")
    return sentences


# ------------------------------------------------------------------------------------------- asked at once


def head_boundary(run: RunFolder, fold: int, xy: np.ndarray, head: str, grid: int = 100) -> Boundary:
    """One head's boundary on a projection that was made without it; xy: (N, 2).

    Raises RunError for a head that decides on no embedding.
    """
    rows, values = fold_rows(run, fold), margins(run, fold, (head,)) if head in heads_of(run) else {}
    if head not in values:
        raise RunError(f"The head '{head}' of run '{run.name}' decides on no embedding, so it has no boundary here.")
    return plane_of(rows, xy, grid).boundary(values[head][rows.train], values[head][rows.val])


def nearest_patches(
    run: RunFolder, fold: int, row: int, k: int = 12, settings: EmbedConfig | None = None
) -> tuple[NearestPatches, NearestPatches]:
    """The patches whose embeddings are nearest to that of dataset row ``row``: of the training part, and held out.

    Distances are in the projection's metric. The patch itself is left out; so are patches of neither part.
    """
    rows, embeddings = fold_rows(run, fold), run.embeddings(fold)["embeddings"]
    preparation = Preparation.fit(embeddings, rows.train, (settings or EmbedConfig()).metric)
    prepared = preparation.rows(embeddings)
    parts = []
    for part in (rows.train, rows.val):
        own = np.flatnonzero(part == row)
        neighbours = nearest(prepared[[row]], prepared[part], k, np.array([own[0] if own.size else -1]))
        parts.append(NearestPatches(part[neighbours.index[0]], neighbours.distance[0]))
    return parts[0], parts[1]


ANALYSIS = Analysis(
    name=NAME,
    title="Projections",
    summary="The embeddings of every fold in the plane, by UMAP, t-SNE or PCA, with the boundary of each head.",
    page="embedding",
    Options=ProjectionOptions,
    run=analyse,
    read=read,
    needs_device=False,
)
