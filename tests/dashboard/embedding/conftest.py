"""A finished run whose folds have what training leaves behind, and a PCA of each beside the run's own projection."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core.analyses.embedding import projections
from core.config import EmbedConfig
from core.data.store import open_dataset
from core.progress import drain

PCA = {"method": "pca", "grid": 20}


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


@pytest.fixture
def pca_key() -> str:
    """What the PCA of ``complete`` is kept under."""
    return projections.key_of(EmbedConfig(**PCA), 0)


@pytest.fixture
def complete(run):
    data = open_dataset(run.job()["dataset"])
    fold_of = run.oof().set_index("id").loc[data.ids, "fold"].to_numpy()
    lineage, place = run.smote(), {name: i for i, name in enumerate(data.ids)}
    for fold in range(3):
        embeddings = run.embeddings(fold)["embeddings"]
        scores = {name: embeddings @ np.linspace(0.5, 1.5, 8) - 4.0 for name in ("fc", "svm_c0.1", "lgbm")}
        run.write_scores(fold, scores)
        mine = lineage[lineage["fold"] == fold]
        weight = mine["anchor_weight"].to_numpy()[:, None]
        first, second = (embeddings[[place[i] for i in mine[name]]] for name in ("anchor", "neighbour"))
        synthetic = (weight * first + (1 - weight) * second).astype(np.float32)
        parts = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        run.write_head_rows(fold, *parts, np.array(data.labels), synthetic)
    drain(projections.ANALYSIS.start(run, PCA))
    return run


def charts(at) -> list[dict]:
    """The figures on the page."""
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]


def ids(chart: dict) -> set[str]:
    """The patches in a figure."""
    return {point[0] for trace in chart["data"] for point in trace.get("customdata", [])}


def map_ids(at) -> set[str]:
    """The patches on the first map."""
    return ids(charts(at)[0])


def held_out(run, fold: int = 0) -> set[str]:
    """The patches that a fold holds out."""
    return set(run.oof().query("fold == @fold")["id"])
