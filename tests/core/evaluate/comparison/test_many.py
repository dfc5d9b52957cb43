"""Many comparisons, and scores that a paper printed: what luck alone would show."""

import math

import numpy as np
import pytest

from core.errors import ConfigError
from core.evaluate.comparison.many import f1_standard_error, holm, patches_needed, printed_difference, with_holm
from core.evaluate.comparison.significance import compare
from core.evaluate.metrics import rates

ZINDI = {"n": 1619, "positive_share": 0.1756}  # the public test part


def test_holm_by_hand():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.5, 0.9]), [1.0, 1.0])


def test_holm_leaves_the_undefined_out():
    found = holm([0.01, math.nan, 0.04])
    assert math.isnan(found[1]) and found[0] == pytest.approx(0.02) and found[2] == pytest.approx(0.04)
    assert holm([]).size == 0


def test_holm_rarely_calls_any_of_ten_equal_things_different():
    p = np.random.default_rng(0).random((4000, 10))
    assert np.mean([holm(row).min() < 0.05 for row in p]) == pytest.approx(0.05, abs=0.012)


def test_table_3s_best_difference_cannot_be_told_from_chance():
    found = printed_difference(0.8915, 0.8938, **ZINDI)
    assert found.difference == pytest.approx(0.0023) and not found.can_be_told
    assert found.best_case_z == pytest.approx(1.28, abs=0.01)
    assert found.least_detectable > 0.005 and 0.015 < found.typical_detectable < 0.02
    assert "is not significant" in found.sentence() and "1,619" in found.sentence()


def test_every_row_of_table_3_against_its_baseline():
    told = [printed_difference(0.8915, f1, **ZINDI).can_be_told for f1 in (0.8826, 0.8840, 0.8894, 0.8921, 0.8938)]
    assert told == [True, True, False, False, False]


def test_a_single_score_has_the_interval_of_the_facts():
    low, high = printed_difference(0.894, 0.8938, **ZINDI).interval
    assert low == pytest.approx(0.867, abs=0.002) and high == pytest.approx(0.921, abs=0.002)


def test_the_best_case_is_the_best_case():
    """No pair of classifiers that differ by this F1 has a larger z, wherever they differ."""
    rng = np.random.default_rng(0)
    n_pos, n_neg = 284, 1335
    for _ in range(4000):
        tp, fp, up, down = rng.integers(150, 280), rng.integers(5, 120), rng.integers(0, 4), rng.integers(0, 4)
        a = rates(tn=n_neg - fp, fp=fp, fn=n_pos - tp, tp=tp)["f1"]
        b = rates(tn=n_neg - fp + down, fp=fp - down, fn=n_pos - tp - up, tp=tp + up)["f1"]
        if a == b or up + down == 0:
            continue
        units = n_pos + tp + fp  # each patch adds (2 - F1) or F1 over this
        gains = np.repeat([2 - b, b], [up, down]) / units
        z = gains.sum() / math.sqrt((gains**2).sum())
        bound = printed_difference(a, b, n_pos + n_neg, n_pos / (n_pos + n_neg)).best_case_z
        assert z <= bound * 1.02, (tp, fp, up, down)  # 1.02: gains are taken to first order


def test_the_standard_error_of_f1_is_that_of_simulation():
    rng, f, n_pos, n = np.random.default_rng(0), 0.88, 284, 1619
    cells = np.array([n - n_pos - n_pos * (1 - f), n_pos * (1 - f), n_pos * (1 - f), n_pos * f]) / n
    tn, fp, fn, tp = rng.multinomial(n, cells, size=20_000).T
    assert f1_standard_error(f, n_pos) == pytest.approx(rates(tn=tn, fp=fp, fn=fn, tp=tp)["f1"].std(), rel=0.03)


def test_many_comparisons_carry_the_p_that_holds_for_all():
    rng = np.random.default_rng(0)
    labels, base = rng.integers(0, 2, 400), rng.random(400)
    good = np.clip(0.3 * base + 0.5 * labels, 0, 1)
    found = {
        "better": compare(labels, good > 0.5, good, base > 0.5, base, n_boot=300),
        "same": compare(labels, base > 0.5, base, base > 0.5, base, n_boot=300),
    }
    rows = {row["name"]: row for row in with_holm(found)}
    assert rows["better"]["settled"] and not rows["same"]["settled"]
    assert rows["better"]["p_holm"] == pytest.approx(2 * rows["better"]["p"])


def test_patches_needed_grow_with_the_square():
    assert patches_needed(0.01, 0.01, 1000) == pytest.approx(1000 * 2.8016**2, rel=1e-3)
    assert patches_needed(0.0, 0.01, 1000) == math.inf


@pytest.mark.parametrize("wrong", [(1.2, 0.5, 10, 0.1), (0.5, 0.5, 0, 0.1), (0.5, 0.5, 10, 0.0)])
def test_what_is_no_score_is_refused(wrong):
    with pytest.raises(ConfigError):
        printed_difference(*wrong)
