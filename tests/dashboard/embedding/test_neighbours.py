"""Neighbours are those of the embedding, not of the projection."""

from __future__ import annotations

from core.analyses.embedding import projections
from core.config import EmbedConfig
from core.data.store import open_dataset
from dashboard.embedding import neighbours
from tests.dashboard import galleries
from tests.dashboard.embedding.conftest import held_out


def test_neighbours_are_those_of_the_embedding_and_never_the_patch_itself(complete, open_page):
    at = open_page("embedding", embedding_more="near")
    at.selectbox(key="embedding_near").select(sorted(held_out(complete))[3]).run()
    assert not at.exception and not at.error
    data = open_dataset(complete.job()["dataset"])
    row = int(data.index_of([sorted(held_out(complete))[3]])[0])
    training, held = projections.nearest_patches(complete, 0, row, 6, EmbedConfig(metric="euclidean"))
    assert row not in training.index and row not in held.index
    assert galleries.shown(at, "near_Training part") == data.ids[training.index].tolist()
    assert galleries.shown(at, "near_Held out") == data.ids[held.index].tolist()


def test_a_row_without_a_label_is_called_so(run):
    data = open_dataset(run.job()["dataset"])
    assert neighbours.label_of(data, 0) == data.class_names[data.labels[0]]
    assert set(neighbours.judged_by(run, "no such head")["id"]) == set(run.oof()["id"])
