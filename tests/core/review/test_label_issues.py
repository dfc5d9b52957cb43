"""Which labels are likely wrong: each piece of evidence by hand, cleanlab beside its own call, planted ones on top."""

import numpy as np
import pytest
from cleanlab.rank import get_label_quality_scores

from core.review.label_issues import (
    cleanlab_says,
    epochs_against,
    label_issues,
    neighbours_against,
    precision_as_one_goes,
    trained_against,
)

NONE = np.full(4, np.nan)


def test_neighbours_by_hand():
    """Two clusters on a circle; patch 5 lies among the ones and is labelled 0."""
    angle = np.array([0.00, 0.02, 0.04, 0.06, 1.50, 0.03, 1.52, 1.54])
    embeddings = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    labels, fold_of = np.array([1, 1, 1, 1, 0, 0, 0, 0]), np.array([0, 1, 0, 1, 0, 1, 1, 0])
    found = neighbours_against(labels, fold_of, None, lambda fold: embeddings, k=2)
    assert found[5] == 1.0  # its two nearest in fold 0 are ones
    assert found[6] == 0.0 and found[4] == pytest.approx(found[4])
    assert found[0] < 0.6  # of fold 0: nearest in fold 1 are 1 and 5


def test_patches_of_the_same_group_are_no_witnesses():
    embeddings = np.array([[1, 0.0], [1, 0.01], [1, 0.3], [0, 1.0]])
    labels, fold_of = np.array([1, 0, 1, 0]), np.array([0, 1, 1, 1])
    groups = np.array(["a", "a", "b", "b"])
    alone = neighbours_against(labels, fold_of, None, lambda fold: embeddings, k=2)
    assert alone[0] > 0.5  # its twin of the same scene says 0
    assert neighbours_against(labels, fold_of, groups, lambda fold: embeddings, k=2)[0] == 0.0
    everybody = np.full(4, "a")
    assert np.isnan(neighbours_against(labels, fold_of, everybody, lambda fold: embeddings, k=2)).all()


def test_only_the_space_of_the_fold_that_has_not_seen_a_patch_is_asked():
    """Each fold's other rows are garbage of another size: they are never compared across folds."""
    rng = np.random.default_rng(0)
    spaces = [rng.normal(size=(6, 3)), 1e6 * rng.normal(size=(6, 3))]
    labels, fold_of = np.array([0, 1, 0, 1, 0, 1]), np.array([0, 0, 0, 1, 1, 1])
    whole = neighbours_against(labels, fold_of, None, spaces.__getitem__, k=1)
    for fold in (0, 1):
        other = neighbours_against(labels, fold_of, None, lambda _, fold=fold: spaces[fold], k=1)
        assert (whole[fold_of == fold] == other[fold_of == fold]).all()


def test_what_the_networks_learnt_by_hand():
    labels, fold_of = np.array([1, 0, 1]), np.array([0, 1, 2])
    log_odds = {0: np.array([9.0, -9, -9]), 1: np.array([-9.0, 9, 0]), 2: np.array([9.0, -9, 9])}
    found = trained_against(labels, fold_of, log_odds.__getitem__)
    assert found == pytest.approx([0.5, 0.0, 0.75], abs=1e-3)  # the answer of the fold that holds it out is left out


def test_what_was_said_over_epochs_by_hand():
    labels, fold_of = np.array([1, 0, 1, 1]), np.array([0, 1, 2, -1])
    sure, no = 20.0, np.nan
    log_odds = {
        0: np.array([[sure, sure, sure, sure], [sure, -sure, 0.0, sure]], np.float16),  # two epochs
        1: np.array([[no, sure, no, sure], [no, sure, -sure, sure]], np.float16),  # the first was mixed
        2: None,
    }
    found = epochs_against(labels, fold_of, log_odds.__getitem__)
    assert found[1] == pytest.approx(0.5, abs=1e-3)  # believed in one of two epochs of fold 0; its own fold is left out
    assert found[2] == pytest.approx((0 + 0.5 + 1) / 3, abs=1e-3)
    assert np.isnan(found[[0, 3]]).all()  # one was mixed in each epoch, the other is in no fold
    assert np.isnan(epochs_against(labels, fold_of, lambda fold: None)).all()


def test_the_epochs_are_told_and_do_not_count():
    labels, probs = np.array([1, 0, 1, 0]), {"fc": np.array([0.2, 0.1, 0.9, 0.6])}
    plain = label_issues(labels, probs, "fc", NONE, NONE).table
    told = label_issues(labels, probs, "fc", NONE, NONE, epochs=np.array([0.0, 1.0, 1.0, 0.0])).table
    assert told.drop(columns="epochs").equals(plain.drop(columns="epochs"))
    assert told.set_index("row")["epochs"].to_dict() == {0: 0.0, 1: 1.0, 2: 1.0, 3: 0.0}


def test_cleanlab_is_asked_as_it_wants_to_be():
    rng = np.random.default_rng(0)
    labels = (np.arange(200) % 3 == 0).astype(int)
    probs = np.clip(np.where(labels == 1, 0.8, 0.2) + rng.normal(0, 0.1, 200), 0, 1)
    labels[:6] = 1 - labels[:6]
    quality, is_issue = cleanlab_says(labels, probs)
    clipped = np.clip(probs, 1e-6, 1 - 1e-6)
    assert quality == pytest.approx(get_label_quality_scores(labels, np.stack([1 - clipped, clipped], axis=1)))
    assert set(np.flatnonzero(is_issue)) <= set(range(6)) and is_issue.sum() >= 5


def test_planted_wrong_labels_come_first():
    rng = np.random.default_rng(1)
    truth = rng.random(300) < 0.3
    labels = truth.astype(int)
    wrong = rng.choice(300, 9, replace=False)
    labels[wrong] = 1 - labels[wrong]
    probs = np.clip(np.where(truth, 0.85, 0.15) + rng.normal(0, 0.15, 300), 0.01, 0.99)
    noise = np.where(truth == labels, 0.1, 0.8) + rng.normal(0, 0.1, 300)
    found = label_issues(labels, {"svm": probs, "fc": probs}, "svm", noise, np.full(300, np.nan))
    assert set(found.table["row"].head(9)) == set(wrong)
    assert found.expected == pytest.approx(9, abs=4)
    assert found.table["runs"].isna().all() and found.table["spread"].max() < 1e-9
    assert (found.table["score"].diff().dropna() <= 0).all()


def test_the_score_is_the_mean_of_what_is_known():
    labels = np.array([1, 0, 1, 0])
    probs = np.array([0.9, 0.2, 0.4, 0.1])
    near, other = np.array([0.0, np.nan, 1.0, 0.0]), np.array([0.5, np.nan, np.nan, np.nan])
    table = label_issues(labels, {"svm": probs}, "svm", near, NONE, {"run": other}).table.set_index("row")
    assert table["score"].to_dict() == pytest.approx({0: (0.1 + 0.0 + 0.5) / 3, 1: 0.2, 2: 0.8, 3: 0.05})


def test_labels_of_one_class_have_no_issue():
    found = label_issues(np.ones(4, int), {"svm": np.array([0.9, 0.8, 0.1, 0.7])}, "svm", NONE, NONE)
    assert found.expected is None and not found.table["cleanlab_issue"].any() and found.table["row"][0] == 2


def test_precision_as_one_goes_by_hand():
    judged = {"a": 1, "c": 0, "b": None, "d": 0}
    rows = precision_as_one_goes(["d", "b", "a", "x", "c"], judged, {"a": 0, "b": 0, "c": 0, "d": 1, "x": 1})
    assert [(row["n"], row["id"], row["precision"]) for row in rows] == [(1, "d", 1.0), (2, "a", 1.0), (3, "c", 2 / 3)]
