"""The same answers under other labels: by hand, and nothing changes where nothing was corrected."""

import numpy as np
import pytest

from core.errors import DataError
from core.review.rejudged import METRICS, rejudge


def answers(n, seed=0):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.3).astype(int)
    probs = np.clip(np.where(labels == 1, 0.7, 0.3) + rng.normal(0, 0.25, n), 0.01, 0.99)
    return labels, ((probs >= 0.5).astype(int), probs)


def test_metrics_before_and_after_by_hand():
    """3 found, 1 missed, 1 false alarm; the false alarm turns out to be a landslide."""
    before = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    pred = np.array([1, 1, 1, 0, 1, 0, 0, 0, 0, 0])
    after = before.copy()
    after[4] = 1
    found = rejudge(before, after, {"svm": (pred, 0.1 + 0.8 * pred)}, None, "svm")
    rows = {row.metric: row for row in found.rows}
    assert rows["precision"].before == 0.75 and rows["precision"].after == 1.0
    assert rows["recall"].before == 0.75 and rows["recall"].after == 0.8
    assert rows["f1"].difference == pytest.approx(8 / 9 - 0.75)
    assert (found.n_before, found.n_after, found.n_both, found.n_changed, found.n_right) == (10, 10, 10, 1, 1)


def test_equal_labels_change_nothing():
    labels, head = answers(200)
    groups = np.arange(200) // 8
    for row in rejudge(labels, labels, {"svm": head}, groups, "svm").rows:
        assert row.before == row.after and row.difference == 0.0 and row.difference_interval == (0.0, 0.0)
        assert row.before_interval == row.after_interval


def test_a_correction_beyond_doubt_has_an_interval_beyond_zero():
    labels, (pred, probs) = answers(400)
    after = labels.copy()
    wrong = np.flatnonzero(pred != labels)[:30]
    after[wrong] = pred[wrong]
    found = rejudge(labels, after, {"svm": (pred, probs)}, np.arange(400) // 4, "svm")
    assert [row.metric for row in found.rows] == list(METRICS)
    for row in found.rows:
        assert row.difference_interval[0] > 0 or row.metric == "specificity", row
        assert row.difference_interval[0] <= row.difference <= row.difference_interval[1]


def test_patches_that_are_left_out_or_new_count_on_their_side_alone():
    labels, head = answers(100)
    before, after = labels.copy(), labels.copy()
    before[0], after[1:3] = -1, -1
    found = rejudge(before, after, {"svm": head}, None, "svm")
    assert (found.n_before, found.n_after, found.n_both, found.n_changed) == (99, 98, 97, 0)
    assert all(row.difference == 0.0 for row in found.rows)


def test_nothing_labelled_is_refused():
    labels, head = answers(10)
    with pytest.raises(DataError, match="No patch that the run has answered for is labelled"):
        rejudge(labels, np.full(10, -1), {"svm": head}, None, "svm")
