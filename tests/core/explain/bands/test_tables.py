"""Tables of a run's occlusion, by hand on a few patches; the verdict says what they support and no more."""

import numpy as np
import pandas as pd
import pytest

from core.errors import LabelError
from core.explain.bands.tables import (
    band_table,
    band_table_by,
    baseline_agreement,
    group_table,
    groups_by_id,
    occlusion_summary,
)
from core.explain.bands.verdict import band_verdict


def occlusion(baselines=("mean", "zero_raw")) -> pd.DataFrame:
    rows = []
    for shift, baseline in enumerate(baselines):
        for patch, label, p0 in (("a", 1, 0.9), ("b", 1, 0.7), ("c", 0, 0.2)):
            for band, drop in (("nir", 0.5), ("vv", 0.1)):
                rows.append((patch, label, 0, "fc", baseline, band, p0, p0 - drop - 0.1 * shift))
    return pd.DataFrame(rows, columns=["id", "label", "fold", "head", "baseline", "band", "p0", "p_b"])


def shares(optical, sar, n=40, baselines=("mean",), spread=0.05, seed=0) -> pd.DataFrame:
    """A table of two SAR groups and one optical, whose shares are normal about what is asked for."""
    rng, rows = np.random.default_rng(seed), []
    for baseline in baselines:
        for i in range(n):
            for group, modality, mean in (("optical", "optical", optical), ("desc", "sar", sar), ("asc", "sar", 0.0)):
                value = rng.normal(mean, spread)
                rows.append((f"p{i}", 1, i % 2, "fc", baseline, group, modality, group, value, 0.9, 0.9 - value, 0.4))
    names = ["id", "label", "fold", "head", "baseline", "group", "modality", "bands"]
    return pd.DataFrame(rows, columns=[*names, "shapley", "p0", "p_without", "p_only"]).assign(p_none=0.1)


def test_drops_and_the_papers_sums_are_over_landslides_only():
    found = band_table(occlusion(), "fc", "mean")
    assert found["band"].tolist() == ["nir", "vv"] and found["n"].tolist() == [2, 2]
    np.testing.assert_allclose(found["drop_mean"], [0.5, 0.1])
    np.testing.assert_allclose(found["drop_sum"], [1.0, 0.2])
    np.testing.assert_allclose(found["paper_sum"], [1.4, 0.6])  # 1 - 0.4 + 1 - 0.2; the paper takes p0 to be 1
    np.testing.assert_allclose(found["paper_mean"], [0.7, 0.3])
    assert found["first"].tolist() == [1, 0]
    np.testing.assert_allclose(band_table(occlusion(), "fc", "zero_raw")["drop_mean"], [0.6, 0.2])
    np.testing.assert_allclose(band_table(occlusion(), "fc", "mean", ids=["c"])["paper_sum"], [1.3, 0.9])


def test_by_outcome_or_slice_each_part_has_its_own_rows():
    found = band_table_by(occlusion(), "fc", "mean", {"a": "TP", "b": "FN", "c": "FP", "gone": "TN"})
    assert found["part"].tolist() == ["TP", "TP", "FN", "FN", "FP", "FP"]
    np.testing.assert_allclose(found["paper_mean"], [0.6, 0.2, 0.8, 0.4, 1.3, 0.9])
    with pytest.raises(LabelError, match="None of these patches"):
        band_table_by(occlusion(), "fc", "mean", {"gone": "TN"})


def test_groups_are_resampled_and_none_means_each_patch_for_itself():
    oof = pd.DataFrame({"id": ["a", "b", "c"], "group": ["g", "g", ""]})
    assert groups_by_id(oof) == {"a": "g", "b": "g", "c": "c"}
    assert groups_by_id(oof.assign(group="")) is None
    assert np.isnan(band_table(occlusion(), "fc", "mean", groups_by_id(oof))["lo"]).all()  # both of one group
    rows = occlusion_summary(occlusion(), oof)
    assert [(row["baseline"], row["band"]) for row in rows] == [
        ("mean", "nir"), ("mean", "vv"), ("zero_raw", "nir"), ("zero_raw", "vv"),
    ]  # fmt: skip


def test_without_landslides_it_says_so():
    with pytest.raises(LabelError, match="No patch is labelled landslide"):
        band_table(occlusion().assign(label=0), "fc", "mean")


def test_shares_of_groups_add_up_to_the_total():
    found = group_table(shares(0.3, 0.2), "fc", "mean")
    assert found["group"].tolist() == ["optical", "desc", "asc"]
    assert found["shapley"].sum() == pytest.approx(found["total"].iloc[0])
    assert found["without"].tolist() == pytest.approx(found["shapley"].tolist())
    assert (found["lo"] < found["shapley"]).all() and (found["shapley"] < found["hi"]).all()


def test_rankings_of_replacements_are_compared():
    found = baseline_agreement(occlusion(("mean", "swap", "zero_raw")), "fc")
    assert list(zip(found["a"], found["b"], strict=True)) == [
        ("mean", "swap"),
        ("mean", "zero_raw"),
        ("swap", "zero_raw"),
    ]
    assert found["tau"].tolist() == [1, 1, 1]


@pytest.mark.parametrize(("optical", "sar", "answer"), [(0.1, 0.3, "yes"), (0.3, 0.1, "no"), (0.2, 0.2, "undecided")])
def test_the_answer_is_that_of_the_interval_of_the_difference(optical, sar, answer):
    found = band_verdict(shares(optical, sar, seed=1), "fc")
    assert found.answer == answer and f"SAR matters more than optical: {answer}." in found.supports
    one = found.by_baseline[0]
    assert one.difference.value == pytest.approx(sar - optical, abs=0.05)
    assert (one.difference.lo > 0 or one.difference.hi < 0) == (answer != "undecided")
    assert "40 out-of-fold patches labelled landslide" in found.supports
    assert "does not say that the other bands know less" in found.sentence


@pytest.mark.slow
def test_equal_modalities_are_told_apart_about_one_time_in_twenty():
    answers = [band_verdict(shares(0.2, 0.2, seed=seed), "fc").answer for seed in range(2, 62)]
    assert answers.count("undecided") >= 52  # 57 expected; fewer than 52 would happen once in 100


def test_replacements_that_disagree_settle_nothing():
    table = pd.concat([shares(0.1, 0.3), shares(0.3, 0.1).assign(baseline="zero_raw")])
    found = band_verdict(table, "fc")
    assert [one.answer for one in found.by_baseline] == ["yes", "no"]
    assert found.answer == "undecided" and "changes with what replaces the bands" in found.supports


def test_one_sensor_cannot_be_asked_and_few_groups_are_not_believed():
    alone = shares(0.3, 0.0)
    found = band_verdict(alone[alone["modality"] == "optical"], "fc")
    assert found.answer == "cannot be asked" and "only" not in found.supports.split("cannot be asked")[0]
    assert "optical carries the largest share" in found.supports
    assert band_verdict(shares(0.1, 0.3), "fc", {f"p{i}": "one" for i in range(40)}).answer == "undecided"


def test_equal_patches_are_answered_to_the_same_question_about_nothing():
    found = band_verdict(shares(0.0, 0.0, spread=0.0), "fc")
    assert found.answer == "undecided"  # no drop at all: neither more nor less
