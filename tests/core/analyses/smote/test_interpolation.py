"""The path from a neighbour through its anchor to the other class, and the graph that synthetics are drawn from."""

from __future__ import annotations

import numpy as np
import pytest

from core.analyses.embedding.new_patches import embeddings_on_map
from core.analyses.smote.fold_minority import FoldLandslides
from core.analyses.smote.interpolation import walk
from core.analyses.smote.neighbours import kin_of
from core.errors import ConfigError, RunError
from core.predict.perturbed_model import PerturbedModel
from core.predict.training_dataset import training_dataset
from core.smote.ssim import pairwise_ssim
from core.workers.model_server import Kept, answers


def line(run, fold=0, row=0):
    return run.smote()[lambda t: t["fold"] == fold].iloc[row]


@pytest.fixture(scope="module")
def path(balanced_run):
    one = line(balanced_run)
    return walk(balanced_run, 0, one["neighbour"], one["anchor"], also=[float(one["anchor_weight"])])


def test_the_ends_are_answered_as_the_run_has_stored(balanced_run, path):
    rows = training_dataset(balanced_run).index_of(path.ids)
    at = np.searchsorted(path.position, [0, 1, 2])
    scores, view = balanced_run.scores(0), PerturbedModel.open(balanced_run, 0)
    assert {"fc", "svm_c0.1"} <= set(path.probs)
    for name, values in path.probs.items():
        stored = 1 / (1 + np.exp(-view.rules[name].log_odds(scores[name][rows], 0)))
        np.testing.assert_allclose(values[at], stored, atol=1e-5)
        np.testing.assert_allclose(path.stored[name], stored, atol=1e-12)
    np.testing.assert_allclose(path.margin[at], scores["svm_c0.1"][rows], atol=1e-4)
    np.testing.assert_allclose(path.embeddings[at], balanced_run.embeddings(0)["embeddings"][rows], atol=1e-4)
    assert path.largest_gap < 1e-5


def test_the_synthetic_patch_lies_on_the_path_where_its_weight_is(balanced_run, path):
    one, synthetic = line(balanced_run), balanced_run.head_rows(0)["synthetic"][0]
    at = int(np.argmin(np.abs(path.position - one["anchor_weight"])))
    assert path.position[at] == pytest.approx(one["anchor_weight"])
    np.testing.assert_allclose(path.embeddings[at], synthetic, atol=1e-4)


def test_it_leads_from_landslides_the_fold_learnt_from_to_the_nearest_other(balanced_run, path):
    rows = balanced_run.head_rows(0)
    known = balanced_run.embeddings(0)["embeddings"].astype(np.float64)
    unit = known / np.linalg.norm(known, axis=1, keepdims=True)
    anchor, other = training_dataset(balanced_run).index_of(path.ids[1:])
    among = rows["train"][rows["labels"][rows["train"]] == 0]
    assert path.labels == (1, 1, 0) and path.seen == (True, True, True)
    assert other == among[np.linalg.norm(unit[among] - unit[anchor], axis=1).argmin()] and path.metric == "cosine"
    assert len(path.position) == len(path.maps) == 22 and np.isfinite(path.maps).all()


def test_it_can_lead_to_a_patch_that_the_model_calls_the_other_class(balanced_run):
    one = line(balanced_run)
    found = walk(balanced_run, 0, one["neighbour"], one["anchor"], called=True, steps=2)
    nearest = walk(balanced_run, 0, one["neighbour"], one["anchor"], steps=2)
    head = found.headline
    assert head == "svm_c0.1" and found.labels[2] == 0 and found.probs[head][-1] < found.thresholds[head]
    assert found.distance >= nearest.distance - 1e-9


def test_a_patch_of_another_fold_is_said_to_be_unseen(balanced_run):
    unseen = [str(i) for i in balanced_run.folds()["folds"][0] if int(str(i)[1:]) % 3 == 0]
    assert walk(balanced_run, 0, unseen[1], unseen[0], steps=2).seen == (False, False, True)


def test_what_cannot_be_walked_is_refused(balanced_run):
    one = line(balanced_run)
    with pytest.raises(ConfigError, match="same class"):
        walk(balanced_run, 0, one["neighbour"], one["anchor"], other=str(one["neighbour"]))
    with pytest.raises(ConfigError, match="steps"):
        walk(balanced_run, 0, one["neighbour"], one["anchor"], steps=0)


def test_synthetics_are_made_again_to_the_pixel(balanced_run):
    real, lineage = FoldLandslides.of(balanced_run, training_dataset(balanced_run), 0), balanced_run.smote()
    mine = lineage[lineage["fold"] == 0]
    a, b = real.at(mine["anchor"].tolist()), real.at(mine["neighbour"].tolist())
    w = mine["anchor_weight"].to_numpy(np.float64)[:, None, None, None]
    expected = w * real.patches[a].astype(np.float64) + (1 - w) * real.patches[b]
    assert np.abs(real.between(a, b, mine["anchor_weight"].to_numpy(np.float32)) - expected).max() < 1e-6


def test_neighbours_are_the_most_similar_and_those_that_synthetics_were_drawn_from(balanced_run):
    real, lineage = FoldLandslides.of(balanced_run, training_dataset(balanced_run), 0), balanced_run.smote()
    one = line(balanced_run)
    found = kin_of(real, str(one["anchor"]), k=5, second=2)
    ssim = pairwise_ssim(real.patches, real.data_range)
    np.fill_diagonal(ssim, -2)
    centre = real.place[str(one["anchor"])]
    order = np.argsort(-ssim[centre], kind="stable")[:5]
    assert found.nearest == real.ids[order].tolist() and np.allclose(found.ssim, ssim[centre][order], atol=1e-5)
    mine = lineage[(lineage["fold"] == 0) & (lineage["anchor"] == one["anchor"])]
    assert set(mine["neighbour"]) <= set(found.nearest)
    for row in mine.itertuples():
        assert found.ssim[found.nearest.index(row.neighbour)] == pytest.approx(row.ssim, abs=1e-5)
    assert len(found.further) == 10 and {row[0] for row in found.further} == set(found.nearest)
    assert all(here != there for here, there, _ in found.further)


def test_a_graph_that_cannot_be_drawn_is_refused(balanced_run):
    real = FoldLandslides.of(balanced_run, training_dataset(balanced_run), 0)
    with pytest.raises(ConfigError, match="neighbours"):
        kin_of(real, str(real.ids[0]), k=0)
    with pytest.raises(RunError, match="none of the"):
        kin_of(real, "<b>nobody</b>")


def test_the_process_answers_and_keeps_the_landslides(balanced_run):
    one, kept = line(balanced_run), Kept()

    def asked(what, **more):
        *_, last = answers({"do": what, "run": str(balanced_run.path), "fold": 0, **more}, kept)
        return last["answer"]

    kin = asked("smote_kin", patch=str(one["anchor"]), k=3, second=1)
    first = kept.landslides(balanced_run, 0)
    assert len(kin["nearest"]) == 3 and kept.landslides(balanced_run, 0) is first
    found = asked("smote_path", anchor=str(one["anchor"]), neighbour=kin["nearest"][0], also=[0.5])
    at = np.searchsorted(found["position"], [0, 1, 2])
    placed = asked("places", key="own", embeddings=np.asarray(found["embeddings"])[at].tolist())
    rows = training_dataset(balanced_run).index_of(found["ids"])
    np.testing.assert_allclose(placed["xy"], balanced_run.umap(0)[0]["xy"][rows], atol=1e-3)
    assert "did not move" in placed["note"]
    np.testing.assert_array_equal(
        placed["xy"], embeddings_on_map(balanced_run, 0, "own", np.asarray(found["embeddings"])[at])[0]
    )
    (last,) = answers(
        {"do": "smote_kin", "run": str(balanced_run.path), "fold": 0, "patch": "no", "k": 1, "second": 0}, kept
    )
    assert "none of the" in last["error"]
