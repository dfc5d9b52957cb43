"""Cells like one: the nearest in a fold's space, prepared once and not mixed with other rasters."""

import numpy as np
import pytest

from core.analyses.maps import alike
from core.analyses.maps.opened import open_map
from core.analyses.scene_map import folder
from core.errors import DataError, RunError
from core.progress import drain
from core.workers.model_server import ModelCache
from tests.core.analyses.maps.conftest import asked


def test_cells_like_one_are_those_that_are_nearest_in_the_folds_space(mapped):
    run, name, _ = mapped
    assert not alike.is_prepared(run, name, 0)
    assert "not prepared" in asked(mapped, "scene_alike", cell="2-2", fold=0)["error"]
    value = drain(alike.ANALYSIS.start(run, {"map": name, "fold": 0, "cell": "2-2"}), lambda step: None)
    assert alike.is_prepared(run, name, 0) and not alike.is_prepared(run, name, 1)
    scene = open_map(run, name)
    model = ModelCache().view(run, 0).model
    (query,), _ = alike.chosen_windows(scene, scene.cell("2-2"), 1)
    corners = [(r, c) for r in scene.windows.rows for c in scene.windows.cols if not (r < 24 and c > 104)]
    raw = np.stack([scene.images(r, c, 32, 32) for r, c in corners])
    rows = model.embeddings(raw, tta=False)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    away = np.linalg.norm(rows - rows[corners.index(query)], axis=1)
    best = {}
    for (r, c), d in zip(corners, away, strict=True):
        cell = f"{(r + 16) // 40 + 1}-{(c + 16) // 40 + 1}"
        if cell != "2-2" and max(abs(r - query[0]), abs(c - query[1])) >= 32:
            best[cell] = min(d, best.get(cell, np.inf))
    wanted = sorted(best, key=best.get)[: alike.MOST]
    found = value["found"]
    assert [row["cell"] for row in found][:5] == wanted[:5]
    assert [row["distance"] for row in found] == pytest.approx([best[row["cell"]] for row in found], abs=2e-3)
    assert found[0]["nearer"] == 0 and value["n_windows"] == len(corners)
    answer = asked(mapped, "scene_alike", cell="2-2", fold=0)["answer"]
    assert [row["cell"] for row in answer["found"]] == [row["cell"] for row in found]
    assert answer["images"].shape == (len(found), 3, 32, 32)


def test_a_broken_off_preparation_goes_on_and_other_rasters_are_not_mixed_in(mapped, monkeypatch):
    run, name, path = mapped
    drain(alike.ANALYSIS.start(run, {"map": name, "fold": 1}), lambda step: None)
    made = folder(run, name).path / "alike_1" / "stripe_00000.safetensors"
    stamp = made.stat().st_mtime_ns
    drain(alike.ANALYSIS.start(run, {"map": name, "fold": 1}), lambda step: None)
    assert made.stat().st_mtime_ns == stamp
    path.touch()
    with pytest.raises(RunError, match="its files have changed"):
        alike.alike(open_map(run, name), 1, "2-2")


def test_a_cell_needs_a_window_with_an_answer(mapped):
    run, name, _ = mapped
    with pytest.raises(DataError, match="no window with an answer"):
        alike.alike(open_map(run, name), 0, "1-4")
