"""Each finding holds, fails or stays open by its numbers, against the strongest rival."""

import pytest

from core.explain.checks import verdict
from core.explain.checks.verdict import BLIND_WORDS, EXCESS, PICTURE_WORDS


def mean(value, reach=0.02, n=40):
    return {"value": value, "lo": value - reach, "hi": value + reach, "n": n, "n_groups": n}


def road(**gains):
    """Scores as an analysis gives them: gains of 0.2 over every rival but those named."""
    own = dict.fromkeys((*BLIND_WORDS, *PICTURE_WORDS), 0.2) | gains
    found = {"map": 0.3}
    for rival, gain in own.items():
        found |= {rival: 0.3 - gain, f"gain_{rival}": mean(gain), f"p_{rival}": 1e-6 if gain > 0.05 else 0.4}
    return {"road": found}


def test_faithful_maps_beat_every_rival_that_knows_nothing():
    found = verdict.faithful(road())
    assert found.holds is True


@pytest.mark.parametrize("rival", list(BLIND_WORDS))
def test_one_such_rival_that_does_as_well_is_enough_to_fail(rival):
    found = verdict.faithful(road(**{rival: 0.01}))
    assert found.holds is False and BLIND_WORDS[rival] in found.sentence and "+0.010" in found.sentence


@pytest.mark.parametrize(("gain", "holds"), [(0.2, True), (0.01, None), (-0.1, False)])
@pytest.mark.parametrize("rival", list(PICTURE_WORDS))
def test_what_the_pixels_show_without_a_network(rival, gain, holds):
    found = verdict.beyond_the_picture(road(**{rival: gain}))
    assert found.holds is holds
    assert gain == 0.2 or PICTURE_WORDS[rival] in found.sentence


def test_numbers_of_a_finding_are_written_as_everywhere():
    """Signs of typography, and no brackets around an interval that there is not."""
    found = verdict.beyond_the_picture(road(**{next(iter(PICTURE_WORDS)): -0.01}))
    assert "they gain \u22120.010 [\u22120.030 to +0.010]" in found.sentence and "-0" not in found.sentence
    nothing = verdict.learnt(last(0.08, 0.12, reach=float("nan")))
    assert "nan" not in nothing.sentence and "[]" not in nothing.sentence and "2 draws" in nothing.sentence


def last(ssim, spearman, other=(0.05, 0.1), reach=0.02):
    own = {"ssim": ssim, "spearman": spearman}
    level = dict(zip(own, other, strict=True))
    return {
        "n": 30, "seeds": 2, **own, "other": {name: mean(value) for name, value in level.items()},
        "excess": {name: mean(own[name] - level[name], reach) for name in own},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("ssim", "spearman", "reach", "holds"),
    [
        (0.08, 0.12, 0.02, True),
        (0.15, 0.53, 0.02, False),  # Layer-CAM: SSIM below 0.2 passed, its order of cells hardly changed
        (0.40, 0.15, 0.02, False),
        (0.12, 0.18, 0.1, None),
    ],
)
def test_maps_of_a_random_network_are_compared_with_maps_of_other_patches(ssim, spearman, reach, holds):
    found = verdict.learnt(last(ssim, spearman, reach=reach))
    assert found.holds is holds and f"{EXCESS:g}" in found.sentence


def test_what_all_maps_have_in_common_is_no_sign_of_edges():
    assert verdict.learnt(last(0.4, 0.45, other=(0.38, 0.44))).holds is True


def test_maps_that_are_alike_whatever_the_patch_leave_it_open():
    """Layer-CAM: a random network's maps are no more alike than other patches', which share its grid."""
    found = verdict.learnt(last(0.2, 0.64, other=(0.57, 0.69)))
    assert found.holds is None and "nearly alike already" in found.sentence


def test_the_verdict_is_the_worst_finding():
    def word(*findings):
        return verdict.verdict("layer", "method", list(findings))["word"]

    good = [verdict.alive({"dead": 0.0, "constant": 0.0, "n": 9}), verdict.faithful(road()), verdict.learnt(last(0, 0))]
    assert word(*good, verdict.beyond_the_picture(road())) == "trusted"
    assert word(*good, verdict.beyond_the_picture(road(edges=0.0))) == "careful"
    assert word(good[0], verdict.faithful(road(centre=0.0)), good[2]) == "lies"
