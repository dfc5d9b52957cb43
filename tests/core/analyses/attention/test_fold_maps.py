"""What is measured on one fold's maps: which patches are sampled, and what each measure says of them."""

import numpy as np
import pandas as pd
import pytest

from core.analyses.attention.fold_maps import FoldMaps, measure_all, measure_randomised, measure_sample, sample
from core.explain.cam.group_means import outcomes_of
from core.predict.fold_model import FoldModel
from core.predict.training_dataset import training_dataset


@pytest.fixture(scope="module")
def view(trained_run):
    oof, card = trained_run.oof(), trained_run.cams()[2]
    facts = oof.assign(outcome=outcomes_of(oof["label"], oof["pred_fc"])).query("fold == 1").reset_index(drop=True)
    model, dataset = FoldModel.load(trained_run, 1, "cpu"), training_dataset(trained_run)
    return FoldMaps(model, dataset, facts, card["method"], card["layer"], trained_run.config().explain.min_map, "cpu")


def test_the_maps_are_those_that_the_run_kept(view, trained_run):
    index, maps, _ = trained_run.cams()
    rows = index.set_index("id").loc[view.facts["id"], "row"].to_numpy()
    np.testing.assert_allclose(view.maps, maps[rows], atol=1e-5)


def test_a_sample_holds_no_patch_that_was_correctly_left():
    facts = pd.DataFrame({"outcome": ["tn", "tp", "tn", "fn", "fp", "tn", "tp"]})
    assert sample(facts, 10, seed=0).tolist() == [1, 3, 4, 6]
    assert len(sample(facts, 2, seed=0)) == 2 and sample(facts, 2, seed=0).tolist() == sample(facts, 2, seed=0).tolist()


def test_every_patch_has_its_places_and_the_sampled_ones_their_faithfulness(view, trained_run):
    table = measure_all(view, training_dataset(trained_run))
    assert len(table) == len(view.facts) and "place_corners" in table and "mask_pointing" not in table
    curves = []
    rows = sample(view.facts, 3, seed=0)
    tested = measure_sample(view, rows, 0, curves)
    assert tested.index.tolist() == rows.tolist() and tested["road_map"].notna().all()
    assert len(curves) == 1 and curves[0][0]["id"].tolist() == view.facts["id"].iloc[rows].tolist()
    np.testing.assert_allclose(tested["p0"], curves[0][1]["before"])


def test_randomised_networks_are_compared_by_seed_and_stage(view):
    rows = sample(view.facts, 2, seed=0)
    table = pd.concat(measure_randomised(view, rows, seeds=2, seed=5))
    assert set(table["seed"]) == {5, 6} and set(table["fold"]) == {1}
    assert len(table) == len(rows) * 2 * table["stage"].nunique()
    assert measure_randomised(view, rows[:0], seeds=2, seed=5) == []
