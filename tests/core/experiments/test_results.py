"""The numbers of a table, against the functions that compare two runs, and Holm by hand."""

import numpy as np
import pandas as pd
import pytest

from core.data.store import open_dataset
from core.errors import RunError
from core.evaluate.metrics import metrics
from core.experiments import results
from core.experiments.base import Asked, Kind, Row
from core.experiments.results import Table, differences, sentence, survives
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


@pytest.mark.parametrize(
    ("settled", "p", "found"),
    [(True, 0.001, "other patches and trainings"), (False, 0.001, "other patches alone"), (False, 0.4, "")],
)
def test_with_seeds_it_says_which_kind_of_chance_each_difference_survives(table, settled, p, found):
    gained = {"difference": -0.1, "settled": settled, "patches": {"p": p}}
    assert survives(gained) == found
    rows = [row | ({"difference": {"f1": gained}} if "difference" in row else {}) for row in table["rows"]]
    words, n = sentence(table | {"rows": rows, "seeds": 3}), sum("difference" in row for row in rows)
    assert ("trainings (Holm)" in words) and (f"{n} more for other patches alone" in words) == ("alone" in found)
    assert (f"{n} worse" in words) == settled


def test_one_training_of_each_row_says_that_others_are_not_known(table):
    assert "Other trainings are not known" in sentence(table)
    assert survives({"settled": True}) == "other patches" and survives({"settled": False}) == ""


def test_two_heads_of_the_same_trainings_are_compared_training_by_training(run, monkeypatch):
    """Both share the luck of their training: it is in neither's favour."""
    asked = []
    monkeypatch.setattr(results, "differences", lambda of, base, paired: asked.append(paired) or differences(of, base))
    config = run.config()
    rows = [Row("fc", "Own layer", config, head="fc"), Row("svm", "SVM", config, head="svm_c0.1")]
    question = Asked(open_dataset(run.dataset_path()), run.checkpoints)
    found = Table(Kind("heads", "", "", lambda asked: rows), question, rows)
    for row in rows:
        found.add(row, [run])
    assert asked == [True]


def test_what_all_trainings_share_is_no_luck_of_a_head():
    base = [made(200, range(i, 200, 5 + 5 * i)) for i in range(3)]  # very different trainings
    better = [one.assign(pred=np.where(np.arange(200) < 20, one["label"], one["pred"])) for one in base]
    apart, together = (differences(better, base, paired)["f1"] for paired in (False, True))
    assert apart["difference"] == together["difference"] > 0
    assert together["hi"] - together["lo"] < apart["hi"] - apart["lo"]
