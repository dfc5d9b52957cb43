"""The numbers of a table, against the functions that compare two runs, and Holm by hand."""

import numpy as np
import pandas as pd
import pytest

from core.data.store import open_dataset
from core.errors import RunError
from core.evaluate.metrics import metrics
from core.experiments.base import Asked, Kind, Row
from core.experiments.results import Table, differences, sentence
from core.runs.compare import answers, pair

HEADS = ("svm_c0.1", "fc", "logreg")


@pytest.fixture(scope="module")
def run(balanced_run):
    return balanced_run


@pytest.fixture(scope="module")
def table(run):
    config = run.config()
    rows = [Row(head, head, config, head=head, facts={"C": None}) for head in HEADS]
    asked = Asked(open_dataset(run.dataset_path()), run.checkpoints)
    filled = Table(Kind("made", "Made", "Made up.", lambda asked: rows), asked, rows)
    for row in (rows[1], rows[0], rows[2]):  # the baseline second: what came before it is compared then
        filled.add(row, [run])
    return filled.to_dict()


def made(n, wrong=(), seed=0):
    """Answers about n patches in groups of two, wrong about some."""
    labels = np.arange(n) % 2
    pred = labels.copy()
    pred[list(wrong)] ^= 1
    probs = np.clip(0.8 * pred + 0.1 + np.random.default_rng(seed).uniform(-0.05, 0.05, n), 0, 1)
    ids = [f"p{i}" for i in range(n)]
    return pd.DataFrame(
        {"id": ids, "label": labels, "group": [f"g{i // 2}" for i in range(n)], "prob": probs, "pred": pred}
    )


def test_a_rows_numbers_are_its_heads_out_of_fold(table, run):
    for row in table["rows"]:
        oof = answers(run, row["name"])
        by_hand = metrics(oof["label"].to_numpy(), oof["prob"].to_numpy(), pred=oof["pred"].to_numpy())
        assert row["oof"]["f1"] == pytest.approx(by_hand["f1"]) and row["oof"]["auc"] == pytest.approx(by_hand["auc"])
        low, high = row["oof"]["f1_interval"]
        assert low <= row["oof"]["f1"] <= high and row["n"] == len(oof) and row["runs"] == [run.name]


def test_differences_are_the_paired_ones_and_holm_is_by_hand(table, run):
    first, second = table["rows"][1:]
    for row in (first, second):
        expected = pair(run, run, row["name"], HEADS[0]).differences["f1"].difference
        assert row["difference"]["f1"]["difference"] == pytest.approx(expected)
    ps = sorted((row["difference"]["auc"]["p"], row["name"]) for row in (first, second))
    adjusted = {ps[0][1]: min(1.0, 2 * ps[0][0])}
    adjusted[ps[1][1]] = min(1.0, max(adjusted[ps[0][1]], ps[1][0]))
    for row in (first, second):
        found = row["difference"]["auc"]
        assert found["p_holm"] == pytest.approx(adjusted[row["name"]]) and found["settled"] == (found["p_holm"] < 0.05)


def test_eight_more_wrong_patches_are_a_difference_for_sure():
    base, worse = made(80), made(80, wrong=range(0, 32, 4), seed=1)
    found = differences([worse], [base])["f1"]
    # 40 positives found by the baseline, 8 of the patches (all label 0) are false alarms here: 80 / 88 - 1
    assert found["difference"] == pytest.approx(2 * 40 / (2 * 40 + 8) - 1)
    assert found["hi"] < 0 and found["p"] < 0.05 and found["over"] == "patches" and found["n"] == 80


def test_with_seeds_a_difference_must_hold_for_other_trainings():
    steady = [made(80, seed=k) for k in range(3)]
    shaky = [made(80, wrong=range(0, 4 * k, 4), seed=k) for k in (0, 4, 16)]
    found = differences(shaky, steady)["f1"]
    assert found["over"] == "patches and trainings" and found["p"] > 0.05 > found["patches"]["p"]


def test_what_shares_no_patch_is_not_compared():
    other = made(20).assign(id=[f"q{i}" for i in range(20)])
    with pytest.raises(RunError, match="share no patch"):
        differences([made(20)], [other])


def test_the_sentence_names_the_best_row_and_counts_what_is_sure(table):
    best = max(table["rows"], key=lambda row: row["oof"]["f1"])
    assert best["title"] in sentence(table)
    assert (
        sentence(table | {"rows": [row | {"state": "waiting"} for row in table["rows"]]})
        == "No row has been trained yet."
    )
