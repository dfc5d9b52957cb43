"""The rows of a fold are those that were stored, or as far as they can be told of an earlier run."""

import numpy as np
import pytest

from core.data.store import open_dataset
from core.flow.fold_rows import fold_rows, own_scores
from tests.builders import make_dataset, make_run


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path, make_dataset(tmp_path / "datasets" / "tiny.h5").path)


def test_rows_that_were_stored_are_read(run):
    labels = np.arange(60) % 2
    run.write_head_rows(0, np.arange(40), np.arange(40, 60), labels, np.ones((3, 8), np.float32))
    rows = fold_rows(run, 0)
    assert rows.complete and rows.train.tolist() == list(range(40)) and rows.val.tolist() == list(range(40, 60))
    assert rows.labels.tolist() == labels.tolist() and rows.synthetic.shape == (3, 8)


def test_of_an_earlier_run_they_are_told_from_the_out_of_fold_table(run):
    rows, oof = fold_rows(run, 1), run.oof()
    ids = open_dataset(run.dataset_path()).ids
    assert set(ids[rows.val]) == set(oof.loc[oof["fold"] == 1, "id"])
    assert sorted([*rows.train, *rows.val]) == list(range(len(ids))) and rows.synthetic.shape == (0, 8)
    assert not rows.complete  # its synthetic patches are not known


def test_labels_that_are_not_in_the_table_are_unlabelled(run):
    run.write_oof(run.oof().iloc[5:])
    rows = fold_rows(run, 0)
    assert (rows.labels[:5] == -1).all() and (rows.labels[5:] >= 0).all()
    assert not set(range(5)) & {*rows.train, *rows.val}


def test_scores_that_were_stored_are_the_runs_own(run):
    run.write_scores(0, {"fc": np.arange(60.0)})
    assert own_scores(run, 0)["fc"].tolist() == list(range(60))
