"""Likely wrong labels of a finished run: from what it kept, without network, image or dataset."""

import shutil

import numpy as np
import pytest

from core.analyses.review.label_issues import ANALYSIS, read
from core.errors import RunError
from core.progress import drain
from tests.trained_runs import copied


@pytest.fixture
def run(trained_run, tmp_path):
    return copied(trained_run, tmp_path)


def test_every_patch_has_its_rank_and_its_evidence(run):
    value = drain(ANALYSIS.start(run))
    found = read(run)
    table, oof = found.table(), run.oof()
    assert sorted(table["id"]) == sorted(oof["id"]) and table["rank"].tolist() == list(range(1, len(oof) + 1))
    mine = oof.set_index("id").loc[table["id"]]
    assert (table["label"].to_numpy() == mine["label"].to_numpy()).all()
    assert (table["suggested"] + table["label"] == 1).all()
    assert (
        table[["score", "heads", "neighbours", "trained", "cleanlab"]].apply(lambda c: c.between(0, 1)).all(axis=None)
    )
    assert (table["score"].diff().dropna() <= 1e-12).all() and table["runs"].isna().all()
    assert table["epochs"].dropna().between(0, 1).all() and table["epochs"].notna().mean() > 0.5  # others were mixed
    assert value["first"] == 3 and value["n"] == 48 and value["planted"] is None
    assert found.report["message"].endswith("Look at the 3 likeliest (5%) first.")


def test_rows_find_their_embeddings_where_patches_were_left_out(run):
    """With one patch in no fold the embeddings have a row more than the scores."""
    before = drain(ANALYSIS.start(run)) and read(run).table().set_index("id")
    oof = run.oof()
    run.write_oof(oof.drop(index=5).reset_index(drop=True))
    for fold in range(2):
        rows = run.head_rows(fold)
        labels = np.array(rows["labels"])
        labels[5] = -1
        run.write_head_rows(
            fold, rows["train"][rows["train"] != 5], rows["val"][rows["val"] != 5], labels, rows["synthetic"]
        )
    drain(ANALYSIS.start(run))
    after = read(run).table().set_index("id")
    assert len(after) == len(before) - 1
    assert after["trained"].to_dict() == pytest.approx(before["trained"].drop(oof["id"][5]).to_dict())


def test_it_needs_no_dataset(run):
    run.dataset_path().unlink()
    assert drain(ANALYSIS.start(run))["planted"] is None


def test_another_run_is_asked_too(run):
    twin = shutil.copytree(run.path, run.path.with_name("twin"))
    value = drain(ANALYSIS.start(run, {"runs": "twin"}))
    table, oof = read(run).table(), run.oof().set_index("id")
    prob = oof.loc[table["id"], f"prob_{value['head']}"].to_numpy()
    assert table["runs"].to_numpy() == pytest.approx(np.where(table["label"] == 1, 1 - prob, prob))
    assert value["runs"] == [twin.name]


@pytest.mark.parametrize("name", ["nowhere", "itself"])
def test_a_run_that_knows_nothing_is_refused(run, name):
    with pytest.raises(RunError, match="nowhere|no answers of its own"):
        ANALYSIS.check(run, ANALYSIS.options({"runs": [run.name if name == "itself" else name]}))


def test_before_it_was_done_there_is_nothing(run):
    assert read(run) is None
    run.write_status(state="cancelled")
    with pytest.raises(RunError, match="has not finished"):
        drain(ANALYSIS.start(run))
