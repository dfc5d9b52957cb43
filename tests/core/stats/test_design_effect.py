"""What patches in groups are worth, and the intervals of their shares."""

import numpy as np
import pytest

from core.stats.design_effect import design_effect, score_design_effect, share_interval, wilson


def test_wilson_by_hand():
    low, high = wilson(8, 10)
    assert low == pytest.approx(0.4902, abs=1e-4) and high == pytest.approx(0.9433, abs=1e-4)
    assert np.isnan(wilson(0, 0)[0])


def test_design_effect_of_copies_is_their_number():
    hits, groups = np.repeat(np.arange(60) % 3 == 0, 5), np.repeat(np.arange(60), 5)
    assert design_effect(hits, groups) == pytest.approx(5 * 60 / 59)
    assert design_effect(hits) == 1.0 and design_effect(np.zeros(300), groups) == pytest.approx(5.0)
    scores = np.repeat(np.random.default_rng(0).normal(size=60), 5)
    assert score_design_effect(scores, groups) == pytest.approx(5.0)


def test_design_effect_of_unlike_patches_is_one():
    rng = np.random.default_rng(0)
    hits, groups = rng.random(4000) < 0.3, np.repeat(np.arange(400), 10)
    assert design_effect(hits, groups) == pytest.approx(1.0, abs=0.15)
    assert score_design_effect(rng.normal(size=4000), groups) == pytest.approx(1.0, abs=0.15)


def test_share_interval_of_nothing_is_undefined():
    assert np.isnan(share_interval(np.empty(0))).all()
