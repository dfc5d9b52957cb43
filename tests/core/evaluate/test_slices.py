"""Slices: the planted weak one is found, the small unlucky one is not named, and noise is called different rarely."""

import math

import numpy as np
import pytest

from core.errors import ConfigError, DataError
from core.evaluate.metrics import COUNT_METRICS, metrics
from core.evaluate.slices import TABLE, slice_names, slice_report


def run(n=1200, weak=0.0, seed=0):
    """Labels, decisions that are right nine times in ten, and a site: "b" is right less often."""
    rng = np.random.default_rng(seed)
    labels, site = (rng.random(n) < 0.4).astype(int), rng.choice(["a", "b", "c", "d"], n)
    right = rng.random(n) < 0.9 - weak * (site == "b")
    return labels, np.where(right, labels, 1 - labels), site


def test_each_row_has_the_metrics_of_its_patches_and_of_the_rest():
    labels, pred, site = run(300)
    table = slice_report(labels, pred, {"site": site}, n_boot=50).table
    assert list(table.columns) == list(TABLE) and len(table) == 4
    for row in table.itertuples():
        part = site == row.slice
        assert row.value == pytest.approx(metrics(labels[part], pred[part].astype(float))["f1"])
        assert row.rest == pytest.approx(metrics(labels[~part], pred[~part].astype(float))["f1"])
        assert row.difference == pytest.approx(row.value - row.rest)
        assert row.tn + row.fp + row.fn + row.tp == row.n == part.sum() and row.n_positive == labels[part].sum()


@pytest.mark.parametrize("metric", ["f1", "recall", "specificity", "accuracy", "mcc"])
def test_the_planted_weak_slice_is_named(metric):
    labels, pred, site = run(weak=0.2)
    rng = np.random.default_rng(1)
    found = slice_report(labels, pred, {"site": site, "cloud": rng.random(1200)}, metric=metric, n_boot=300)
    assert (found.worst["by"], found.worst["slice"]) == ("site", "b") and found.settled
    assert found.worst["lo"] < found.worst["value"] < found.worst["hi"] < found.overall


def test_the_weakest_slice_is_the_lowest_drawn_and_may_be_luck():
    """Forty patches with two more errors than usual, beside four hundred that are truly weaker."""
    labels, pred, site = run(2000, weak=0.12)
    site = site.astype("<U5")
    few = np.flatnonzero(site == "d")[:40]
    site[few] = "tiny"
    labels[few], pred[few] = np.arange(40) % 2, np.arange(40) % 2
    pred[few[:9]] = 1 - pred[few[:9]]  # right 31 times in 40
    found = slice_report(labels, pred, {"site": site}, metric="accuracy", n_boot=300)
    values = found.table.set_index("slice")["value"]
    assert found.worst["slice"] == values.idxmin() == "tiny" and found.worst["p_holm"] > 0.05
    assert found.beyond_luck["slice"].tolist() == ["b"] and found.settled


@pytest.mark.parametrize("metric", COUNT_METRICS)
@pytest.mark.parametrize("seed", range(5))
def test_no_slice_that_is_drawn_lies_below_the_weakest(metric, seed):
    labels, pred, site = run(300, seed=seed)
    found = slice_report(labels, pred, {"site": site}, metric=metric, n_boot=50)
    assert found.table["value"].is_monotonic_increasing
    assert found.worst is None or found.worst["value"] == found.table["value"].min() < found.overall


def test_slices_of_luck_are_rarely_called_different():
    settled = []
    for seed in range(120):
        labels, pred, site = run(400, seed=seed)
        facts = {"site": site, "cloud": np.random.default_rng(seed + 1000).random(400)}
        settled.append(slice_report(labels, pred, facts, metric="accuracy", n_boot=150, seed=seed).settled)
    assert np.mean(settled) <= 0.1  # 0.05 expected at most; 120 draws know it to within 0.04


def test_too_small_and_one_sided_slices_are_listed_with_the_reason():
    labels, pred, site = run(200)
    site = np.where(np.arange(200) < 5, "few", site)
    size = np.where(labels == 1, np.linspace(0, 1, 200), np.nan)  # known of landslides alone
    found = slice_report(labels, pred, {"site": site, "scar": size}, n_boot=50)
    reasons = found.too_small.set_index("slice")["reason"]
    assert "fewer than 20" in reasons["few"] and found.too_small["reason"].str.contains("one class only").sum() == 4
    by_recall = slice_report(labels, pred, {"scar": size}, metric="recall", fewest=15, n_boot=50)
    assert set(by_recall.table["by"]) == {"scar"} and len(by_recall.table) == 4


def test_a_slice_that_is_one_group_is_judged_by_its_patches():
    labels, pred, site = run(400)
    found = slice_report(labels, pred, {"group": site}, site, metric="accuracy", n_boot=100)
    assert np.isfinite(found.table["lo"]).all()
    other = slice_report(labels, pred, {"site": site}, site, metric="accuracy", n_boot=100)
    assert other.table["lo"].isna().all()  # of one scene the spread between scenes cannot be known


def test_numbers_are_cut_into_quantiles_and_few_values_are_themselves():
    names = slice_names(np.array([1.0, 2, 3, 4, 5, 6, 7, 8, np.nan]), 2)
    assert names.tolist() == ["1 to 4.5"] * 4 + ["4.5 to 8"] * 4 + [""]
    assert slice_names(np.array([0, 1, 1]), 4).tolist() == ["0", "1", "1"]


@pytest.mark.parametrize(
    ("edges", "wanted"),
    [
        ([0, 6.712, 9.47, 12.8], ["0 to 6.7", "6.7 to 9.5", "9.5 to 12.8"]),
        ([1359.6, 1519.2, 1602, 8811], ["1,360 to 1,519", "1,519 to 1,602", "1,602 to 8,811"]),
        ([999.7, 1999.6, 123456.7, 999999.6], ["1,000 to 2,000", "2,000 to 123,457", "123,457 to 1,000,000"]),
        ([0, 0.00002, 0.00004, 1], ["0 to 0.00002", "0.00002 to 0.00004", "0.00004 to 1"]),
        ([-20.04, -0.01, 0.5, 9.9], ["-20 to 0", "0 to 0.5", "0.5 to 9.9"]),
    ],
)
def test_slices_of_numbers_are_named_without_powers_of_ten_or_idle_digits(edges, wanted):
    values = np.array(edges, float)
    assert list(dict.fromkeys(slice_names(values, 3))) == wanted
    assert slice_names(np.array(["x", "", "y"])).tolist() == ["x", "", "y"]
    assert len(set(slice_names(np.arange(200).astype(str)).tolist()) - {""}) == 12


def test_facts_of_one_value_or_of_nothing_make_no_slices():
    labels, pred, _ = run(100)
    found = slice_report(labels, pred, {"one": np.full(100, "x"), "none": np.full(100, np.nan)}, n_boot=20)
    assert found.table.empty and found.worst is None


def test_wrong_metric_and_length_are_refused():
    labels, pred, site = run(50)
    with pytest.raises(ConfigError, match="Slices use decisions"):
        slice_report(labels, pred, {"site": site}, metric="auc")
    with pytest.raises(DataError, match="50 patches but 3 values of 'site'"):
        slice_report(labels, pred, {"site": site[:3]})


def test_a_slice_without_errors_has_no_false_certainty():
    labels, pred, site = run(200)
    pred = np.where(site == "a", labels, pred)
    row = slice_report(labels, pred, {"site": site}, metric="accuracy", n_boot=100).table.set_index("slice").loc["a"]
    assert row["value"] == 1.0 and row["lo"] < 1.0 and math.isfinite(row["p"])
