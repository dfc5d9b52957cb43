"""The patches of a projection as a table: their part, decisions, colours, and synthetic ones with their parents."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.data.store import open_dataset
from dashboard.embedding import points
from dashboard.patches import outcomes
from tests.dashboard.embedding.conftest import held_out


@pytest.fixture
def data(run):
    return open_dataset(run.job()["dataset"])


@pytest.fixture
def table(run, data):
    table = points.placed(data, run.oof(), run.umap(0)[0], 0)
    return points.with_decisions(table, run.oof(), "fc", outcomes.thresholds_of(run.summary(), "fc"))


def test_every_patch_of_both_parts_is_placed_once_with_its_decision(run, table, data):
    assert sorted(table["id"]) == sorted(data.ids) and set(table.loc[~table["training"], "id"]) == held_out(run)
    oof = run.oof().set_index("id").loc[table["id"]]
    np.testing.assert_allclose(table["prob"], oof["prob_fc"])
    np.testing.assert_array_equal(table["pred"], oof["pred_fc"])


def test_of_a_head_that_has_judged_none_nothing_is_made_up(run, table, data):
    found = points.with_decisions(table, run.oof(), "none", {})
    assert found["prob"].isna().all() and (found["outcome"] == "").all()
    coloured = points.colouring("outcome", found, data, None, {})
    assert set(coloured.group) == {"no decision"} <= set(coloured.colours)


def test_numbers_have_a_scale_and_texts_a_colour_each(table, data):
    n = len(data)
    numbers = points.colouring("column:slope", table, data, None, {"slope": np.arange(float(n))})
    assert numbers.value is not None and numbers.limits[0] < numbers.limits[1] and numbers.title == "slope"
    texts = points.colouring("column:name", table, data, None, {"name": np.array([f"t{i % 20}" for i in range(n)])})
    assert len(set(texts.group)) == points.MOST_GROUPS + 1 and set(texts.group) <= set(texts.colours)
    assert set(points.colouring("column:gone", table, data, None, {}).group) == {points.UNKNOWN}


def test_synthetic_patches_are_joined_to_parents_and_at_most_so_many(monkeypatch):
    lineage = pd.DataFrame({"fold": [0, 0, 1], "anchor": ["a", "c", "a"], "neighbour": ["b", "gone", "b"],
                            "anchor_weight": [0.25, 0.5, 0.5]})  # fmt: skip
    xy, xy_synthetic = np.array([[0.0, 0], [4, 0], [9, 9]]), np.array([[3.0, 0], [1, 1]])
    found = points.synthetic(lineage, xy, xy_synthetic, ["a", "b", "c"], 0)
    assert found.xy.tolist() == [[3, 0]] and found.anchor.tolist() == [[0, 0]] and found.neighbour.tolist() == [[4, 0]]
    assert found.text == ["synthetic: 25% a, 75% b"]  # one whose parent is not in the dataset is left out
    assert points.synthetic(lineage, xy, xy_synthetic[:1], ["a", "b", "c"], 0) is None
    monkeypatch.setattr(points, "MOST_SYNTHETIC", 1)
    assert len(points.synthetic(lineage, xy, xy_synthetic, ["a", "b", "c"], 0).xy) == 1
