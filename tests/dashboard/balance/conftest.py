"""A run whose folds answer at once: what the warm process would say, without a network."""

import numpy as np
import pytest

from core.data.store import open_dataset
from dashboard.balance import model_queries, pictures
from tests.dashboard.balance.made_answers import stops


@pytest.fixture
def answering(studio, monkeypatch):
    """The run, its first synthetic patch, and the interpolations that were asked for."""
    dataset = studio.add_dataset()
    run, data = studio.add_run(dataset), open_dataset(dataset)
    row = run.smote().iloc[0]
    other = str(data.ids[np.flatnonzero(data.labels == 0)[0]])
    asked = []

    def interpolation(folder, ends):
        asked.append(ends)
        return stops([ends.neighbour, ends.anchor, other], ends.extra)

    def positions(folder, fold, embeddings):
        return {"xy": np.zeros((len(embeddings), 2)).tolist(), "note": "Projected."}

    def neighbours(folder, fold, patch_id, k, second=0):
        others = [i for i in pictures.landslides_of(folder, fold) if i != patch_id][:k]
        ssim = np.linspace(0.9, 0.1, len(others)).tolist()
        further = [[others[0], name, 0.2] for name in others[1 : 1 + second]]
        return {"id": patch_id, "fold": fold, "nearest": others, "ssim": ssim, "further": further, "n": 9}

    for name, answer in (("interpolation", interpolation), ("positions", positions), ("neighbours", neighbours)):
        monkeypatch.setattr(model_queries, name, answer)
    monkeypatch.setattr("core.workers.model_client.ModelClient.prepare", lambda *_: None)
    return run, row, asked
