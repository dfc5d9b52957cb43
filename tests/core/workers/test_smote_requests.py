"""What the warm process answers about synthetic patches, and that a large question holds nobody up."""

import os
import signal
import time

import numpy as np
import pandas as pd
import pytest

from core.analyses.smote.fold_minority import FoldLandslides
from core.errors import RunError
from core.predict.training_dataset import training_dataset
from core.workers.model_client import ModelClient
from core.workers.model_server import ModelCache, reply


@pytest.fixture
def ask(balanced_run):
    models = ModelCache()

    def ask(what, **more):
        return reply({"do": what, "run": str(balanced_run.path), "fold": 0, **more}, models)

    ask.models = models
    return ask


def test_neighbours_then_an_interpolation_then_its_positions(balanced_run, ask):
    lineage = balanced_run.smote()
    anchor = str(lineage[lineage["fold"] == 0].iloc[0]["anchor"])
    graph = ask("neighbours", patch=anchor, k=3, second=1)["answer"]
    kept = ask.models.landslides(balanced_run, 0)
    assert len(graph["nearest"]) == 3 and isinstance(kept, FoldLandslides)
    assert ask.models.landslides(balanced_run, 0) is kept, "read once"
    path = ask("interpolation", anchor=anchor, neighbour=graph["nearest"][0], extra=[0.55])["answer"]
    assert 0.55 in path["position"] and path["ids"][:2] == (graph["nearest"][0], anchor)
    at = np.searchsorted(path["position"], [0, 1, 2])
    placed = ask("positions", key="own", embeddings=np.asarray(path["embeddings"])[at].tolist())["answer"]
    rows = training_dataset(balanced_run).index_of(path["ids"])
    np.testing.assert_allclose(placed["xy"], balanced_run.umap(0)[0]["xy"][rows], atol=1e-3)
    assert "did not move" in placed["note"]


def test_what_cannot_be_answered_is_a_sentence(ask):
    assert "not among the" in ask("neighbours", patch="no", k=1, second=0)["error"]


def test_a_preview_is_a_lineage_of_the_datasets_landslides(tiny_dataset, ask):
    columns = ask("smote_preview", dataset=str(tiny_dataset), k_neighbors=2)["answer"]["lineage"]
    lineage = pd.DataFrame(columns)
    assert len(lineage) == 16 and lineage["anchor"].is_unique and (lineage["anchor"] != lineage["neighbour"]).all()


def test_a_large_question_does_not_wait_for_a_busy_process():
    client = ModelClient()
    question = {"do": "dance", "run": "no-such-run", "embeddings": list(range(200_000))}  # more than a pipe takes
    try:
        with pytest.raises(RunError, match="Nothing is called"):
            client.ask({"do": "dance", "run": "x"})
        os.kill(client._process.pid, signal.SIGSTOP)
        began = time.monotonic()
        assert client.later(question) is None and client.later(question) is None
        assert time.monotonic() - began < 10, "it would have waited for ever"
        os.kill(client._process.pid, signal.SIGCONT)
        with pytest.raises(RunError, match="Nothing is called"):
            while client.later(question) is None:
                assert time.monotonic() - began < 60
                time.sleep(0.02)
    finally:
        client.close()
