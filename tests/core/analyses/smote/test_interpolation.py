"""From a neighbour through its anchor to the other class: what a fold's model predicts at every stop."""

from __future__ import annotations

import numpy as np
import pytest

from core.analyses.smote.interpolation import predict_between
from core.errors import ConfigError
from core.predict.perturbed_model import PerturbedModel
from core.predict.training_dataset import training_dataset


def line(run, fold=0, row=0):
    return run.smote()[lambda t: t["fold"] == fold].iloc[row]


@pytest.fixture(scope="module")
def path(balanced_run):
    one = line(balanced_run)
    return predict_between(balanced_run, 0, one["neighbour"], one["anchor"], extra=[float(one["anchor_weight"])])


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


def test_the_synthetic_patch_lies_between_where_its_weight_is(balanced_run, path):
    one, synthetic = line(balanced_run), balanced_run.head_rows(0)["synthetic"][0]
    at = int(np.argmin(np.abs(path.position - one["anchor_weight"])))
    assert path.position[at] == pytest.approx(one["anchor_weight"])
    np.testing.assert_allclose(path.embeddings[at], synthetic, atol=1e-4)


def test_it_leads_from_landslides_of_the_training_part_to_the_nearest_other(balanced_run, path):
    rows = balanced_run.head_rows(0)
    known = balanced_run.embeddings(0)["embeddings"].astype(np.float64)
    unit = known / np.linalg.norm(known, axis=1, keepdims=True)
    anchor, other = training_dataset(balanced_run).index_of(path.ids[1:])
    among = rows["train"][rows["labels"][rows["train"]] == 0]
    assert path.labels == (1, 1, 0) and path.seen == (True, True, True)
    assert other == among[np.linalg.norm(unit[among] - unit[anchor], axis=1).argmin()] and path.metric == "cosine"
    assert len(path.position) == len(path.maps) == 22 and np.isfinite(path.maps).all()


def test_it_can_lead_to_a_patch_that_the_model_predicts_as_the_other_class(balanced_run):
    one = line(balanced_run)
    found = predict_between(balanced_run, 0, one["neighbour"], one["anchor"], crossing=True, steps=2)
    nearest = predict_between(balanced_run, 0, one["neighbour"], one["anchor"], steps=2)
    head = found.headline
    assert head == "svm_c0.1" and found.labels[2] == 0 and found.probs[head][-1] < found.thresholds[head]
    assert found.distance >= nearest.distance - 1e-9


def test_a_patch_of_another_fold_is_said_to_be_unseen(balanced_run):
    unseen = [str(i) for i in balanced_run.folds()["folds"][0] if int(str(i)[1:]) % 3 == 0]
    assert predict_between(balanced_run, 0, unseen[1], unseen[0], steps=2).seen == (False, False, True)


def test_what_cannot_be_interpolated_is_refused(balanced_run):
    one = line(balanced_run)
    with pytest.raises(ConfigError, match="same class"):
        predict_between(balanced_run, 0, one["neighbour"], one["anchor"], other=str(one["neighbour"]))
    with pytest.raises(ConfigError, match="steps"):
        predict_between(balanced_run, 0, one["neighbour"], one["anchor"], steps=0)
