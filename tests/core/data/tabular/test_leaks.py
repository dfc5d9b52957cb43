"""Columns that give the label away, by what they say and by what their being unknown says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mutual_info_score

from core.data.tabular.leaks import column_report, column_reports, mutual_information, refuse_leaks
from core.errors import ConfigError

RNG = np.random.default_rng(0)
LABELS = (RNG.random(600) < 0.3).astype(np.int8)
N = len(LABELS)


def test_the_second_papers_size_label_is_all_there_is_to_know():
    size = np.where(LABELS == 1, RNG.choice(["small", "large"], N), "unknown")
    report = column_report("size", size, LABELS)
    assert report.of_unknown == pytest.approx(report.entropy) and report.share_unknown == pytest.approx(1.0)
    assert report.leaks and "Whether 'size' is unknown" in report.reason and "0% are positive" in report.reason
    with pytest.raises(ConfigError, match="gives the label away.*'size'.*model.columns_leak=allow"):
        refuse_leaks([report])


def test_an_honest_property_and_noise_pass_and_missing_at_random_is_no_leak():
    slope = 15 + 8 * LABELS + RNG.normal(0, 10, N)
    slope[RNG.random(N) < 0.3] = np.nan
    reports = column_reports({"slope": slope, "noise": RNG.normal(size=N)}, LABELS)
    assert [r.leaks for r in reports] == [False, False]
    assert reports[0].information > reports[0].chance and reports[0].n_unknown == np.isnan(slope).sum()
    assert reports[1].share < 0.05
    refuse_leaks(reports)


def test_a_number_written_from_the_label_and_names_of_patches_are_found():
    area = np.where(LABELS == 1, RNG.uniform(0.1, 1, N), 0.0)
    names = np.array([f"patch {i}" for i in range(N)])
    found = {r.name: r for r in column_reports({"area": area, "name": names}, LABELS)}
    assert found["area"].share > 0.9 and "written from the label" in found["area"].reason
    assert found["name"].share == 0.0 and "a name of patches" in found["name"].reason


def test_unlabelled_patches_do_not_count_and_one_class_says_nothing():
    labels = np.r_[LABELS, -np.ones(5, np.int8)]
    (report,) = column_reports({"x": np.r_[LABELS.astype(float), np.zeros(5)]}, labels)
    assert report.n == N and report.leaks
    assert not column_report("x", RNG.normal(size=20), np.zeros(20, np.int64)).leaks


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1)), min_size=1, max_size=60))
def test_mutual_information_is_scikit_learns(pairs):
    codes, labels = np.array(pairs).T
    assert mutual_information(codes, labels) == pytest.approx(mutual_info_score(codes, labels) / np.log(2), abs=1e-9)


def test_a_column_of_scenes_is_judged_against_shuffled_scenes():
    """Patches of one scene share label and value: among few scenes, chance alone says much."""
    naive, whole = 0, 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        scene = np.repeat(np.arange(6), 25)
        labels, values = (rng.permutation([0, 1] * 3))[scene], rng.choice(list("abcd"), 6)[scene]
        naive += column_report("geology", values, labels).leaks
        whole += column_report("geology", values, labels, groups=scene).leaks
    assert naive >= 5 and whole <= 2


def test_a_column_that_tells_the_label_within_every_group_leaks_although_all_groups_are_alike():
    """One landslide and two others a scene, in this order: shuffling whole scenes changes nothing."""
    labels, groups = np.tile([1, 0, 0], 20), np.repeat(np.arange(20), 3)
    trigger = np.where(labels == 1, "rain", "")
    assert "is unknown tells" in column_report("trigger", trigger, labels, groups=groups).reason


def test_width_and_height_of_the_picture_are_no_property_of_the_ground():
    """As on Bijie: far from half of the label's bits, and yet nothing that may be learnt from."""
    width = np.where(LABELS == 1, RNG.normal(280, 90, N), RNG.normal(220, 60, N)).round()
    found = {r.name: r for r in column_reports({"Width": width, "slope": width, "height": RNG.random(N)}, LABELS)}
    assert found["Width"].share < 0.5 and "property of the picture's file" in found["Width"].reason
    assert not found["slope"].leaks and not found["height"].leaks
    with pytest.raises(ConfigError, match="cut or saved differently"):
        refuse_leaks([found["Width"]])
