"""Slices of errors: planted ones are found with the numbers of the half that tests, and noise makes none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluate.slice_search import ALIKE, contrast, halves, members, overlap, search
from core.stats.bootstrap import by_group, resampled_sums

FACTS = ("cloud", "region", "noise")


def made(n=1200, per=3, seed=0, alike=0.0):
    """Labels, answers wrong one time in twenty, and parts of four quarters each of three facts.

    cloud is a patch's own, region its group's, noise half of each. alike: how strongly errors cling to groups.
    """
    rng = np.random.default_rng(seed)
    groups = np.arange(n) // per
    labels = (rng.random(n) < 0.4).astype(int)
    rate = np.where(rng.random(n // per + 1) < 0.3, 0.05 + alike, 0.05)[groups]
    wrong = rng.random(n) < rate
    own, of_group = rng.random((n, 3)), rng.random((n // per + 1, 3))[groups]
    values = {"cloud": own[:, 0], "region": of_group[:, 1], "noise": own[:, 2] + of_group[:, 2]}
    quarter = np.stack([np.searchsorted(np.quantile(v, [0.25, 0.5, 0.75]), v) for v in values.values()])  # (3, n)
    parts = (quarter[:, None] == np.arange(4)[:, None]).reshape(12, n).T
    return labels, wrong, parts, groups


def looked(labels, wrong, parts, groups, **settings):
    facts = [fact for fact in FACTS for _ in range(4)]
    return search(labels, np.where(wrong, 1 - labels, labels), parts, facts, [0, 1, 2, 3] * 3, groups, **settings)


def test_whole_groups_are_dealt_out_and_half_of_each_fold():
    groups = np.repeat(np.arange(40), 3)
    fold_of = groups % 4
    side = halves(groups, fold_of, 120, seed=1)
    assert all(len(set(side[groups == g].tolist())) == 1 for g in range(40))
    assert all(side[fold_of == fold].sum() == 15 for fold in range(4))
    assert (side != halves(groups, fold_of, 120, seed=2)).any()


def test_the_contrast_is_that_of_the_bootstrap():
    labels, wrong, parts, groups = made(900)
    inside = parts[:, 0]
    wrong |= inside & (np.arange(900) % 7 == 0)
    columns = np.stack([inside, inside & wrong, ~inside, ~inside & wrong], axis=1).astype(float)
    summed = by_group(columns, groups, 300)
    difference, z = contrast(summed[:, [0, 1]].T[:, :, None], summed[:, [2, 3]].T[:, :, None])
    drawn = resampled_sums(summed, 4000, 0)
    samples = drawn[:, 1] / drawn[:, 0] - drawn[:, 3] / drawn[:, 2]
    assert difference[0] == pytest.approx(wrong[inside].mean() - wrong[~inside].mean())
    assert difference[0] / z[0] == pytest.approx(samples.std(), rel=0.05)


def test_cloudy_patches_that_are_wrong_are_found_with_the_numbers_of_the_other_half():
    labels, wrong, parts, groups = made()
    wrong |= parts[:, 3] & (np.random.default_rng(9).random(1200) < 0.3)
    found = looked(labels, wrong, parts, groups)
    first = found.kept[0]
    assert first.parts == (3,) and first.kept and first.p_adjusted < 0.01
    base = {"wrong": labels >= 0, "missed": labels == 1, "false_alarm": labels == 0}[first.measure]
    there = (found.half != first.proposed_by) & base
    assert first.tested == (there & parts[:, 3]).sum() and first.n == (parts[:, 3] & base).sum()
    assert first.tested_wrong == (there & parts[:, 3] & wrong).sum()
    assert first.rest == pytest.approx(wrong[there & ~parts[:, 3]].mean())
    assert first.lo < first.rate < first.hi and first.rest < first.lo
    assert all(set(one.parts) == {3} or 3 in one.parts for one in found.kept)


def test_one_region_is_found_where_it_holds_several_groups():
    labels, wrong, parts, groups = made(per=8)
    wrong |= parts[:, 4] & (np.random.default_rng(9).random(1200) < 0.35)
    assert looked(labels, wrong, parts, groups).kept[0].parts == (4,)


def test_a_region_of_one_group_cannot_be_told_from_its_group():
    labels, wrong, parts, groups = made()
    groups = np.where(parts[:, 4], -1, groups)  # the whole quarter is one scene
    wrong |= parts[:, 4]
    tested = looked(labels, wrong, parts, groups).tested
    assert not [one for one in tested if one.parts == (4,)]


def test_a_pair_is_found_where_only_both_together_are_wrong():
    labels, wrong, parts, groups = made(2400)
    both = members(parts, (3, 4))
    wrong |= both & (np.random.default_rng(9).random(2400) < 0.7)
    assert looked(labels, wrong, parts, groups).kept[0].parts == (3, 4)


def test_no_pair_is_kept_where_one_of_its_parts_is_all_there_is():
    pairs = []
    for seed in range(12):
        labels, wrong, parts, groups = made(seed=seed)
        wrong |= parts[:, 3] & (np.random.default_rng(seed).random(1200) < 0.3)
        kept = looked(labels, wrong, parts, groups, n_boot=400, seed=seed).kept
        assert (3,) in [one.parts for one in kept]
        pairs += [one.parts for one in kept if len(one.parts) > 1]
    assert len(pairs) <= 2


@pytest.mark.parametrize(("per", "alike"), [(1, 0.0), (6, 0.3)])
def test_without_structure_a_slice_is_kept_one_time_in_twenty_at_most(per, alike):
    """Errors at random, or at random by group: 60 draws know 0.05 to within 0.06."""
    kept = []
    for seed in range(60):
        labels, wrong, parts, groups = made(480, per, seed, alike)
        kept.append(any(one.kept for one in looked(labels, wrong, parts, groups, n_boot=400, seed=seed).tested))
    assert np.mean(kept) <= 0.1


def test_missed_and_false_alarms_are_measured_on_their_own_class():
    labels, wrong, parts, groups = made()
    wrong |= parts[:, 3] & (labels == 1) & (np.random.default_rng(9).random(1200) < 0.4)
    first = looked(labels, wrong, parts, groups).kept[0]
    assert (first.parts, first.measure) == ((3,), "missed") and first.n == (parts[:, 3] & (labels == 1)).sum()


def test_of_neighbouring_ranges_the_worst_is_told():
    labels, wrong, parts, groups = made()
    draw = np.random.default_rng(9).random(1200)
    wrong |= (parts[:, 3] & (draw < 0.6)) | (parts[:, 2] & (draw < 0.45))
    found = looked(labels, wrong, parts, groups)
    assert {(2,), (3,)} <= {one.parts for one in found.tested if one.kept}
    assert [one.parts for one in found.kept if one.measure == "wrong" and len(one.parts) == 1] == [(3,)]


@settings(max_examples=20, deadline=None)
@given(st.integers(4, 150), st.integers(0, 8), st.integers(1, 20), st.booleans(), st.integers(0, 99))
def test_it_holds_for_whatever_comes(n, n_parts, per, grouped, seed):
    rng = np.random.default_rng(seed)
    labels, pred = rng.integers(0, 2, n), rng.integers(0, 2, n)
    parts = rng.random((n, n_parts)) < rng.random(n_parts)
    facts = [f"f{i % 3}" for i in range(n_parts)]
    groups = np.arange(n) // per if grouped else None
    found = search(labels, pred, parts, facts, [-1] * n_parts, groups, n_boot=50, seed=seed)
    for one in found.tested:
        assert 0 <= one.p <= one.p_adjusted <= 1 and 0 < one.tested_wrong + 1 <= one.tested + 1 <= one.n + 1
        assert len({facts[part] for part in one.parts}) == len(one.parts)
    assert all(one in found.tested and one.kept for one in found.kept)
    inside = [members(parts, one.parts) for one in found.kept]
    assert all(overlap(a, b) < ALIKE for i, a in enumerate(inside) for b in inside[:i])
