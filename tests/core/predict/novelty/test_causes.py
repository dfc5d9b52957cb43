"""Planted faults are told and named, from values alone; what is like the training set is not."""

from dataclasses import replace

import numpy as np
import pytest

from core.data.bands import ZINDI_BANDS
from core.predict.novelty.calibrated import FoldEvidence, Novelty
from core.predict.novelty.collect import Collector
from core.predict.novelty.faults import faults_for
from core.predict.novelty.features import FEATURES, value_features
from core.predict.novelty.fit import even, with_bands
from tests.builders import make_dataset

N, PER, NEW = 300, 3, 30
NAMES = tuple(band.name for band in ZINDI_BANDS)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A novelty of two folds fitted on simulated patches, and others of the same kind."""
    data = make_dataset(tmp_path_factory.mktemp("data") / "d.h5", n=N + NEW)
    images = data.images(np.arange(N + NEW))
    features, groups = value_features(images[:N]), np.arange(N) // PER
    folds = []
    for fold in range(2):
        own = groups % 2 == fold
        evidence = FoldEvidence(groups=groups[own])
        folds.append(with_bands(evidence, features[~own], features[own], groups[~own]))
    return Novelty(tuple(even(folds)), NAMES, True), images[N:]


def told(made, change):
    novelty, images = made
    collector = Collector(novelty, ZINDI_BANDS)
    collector.look(change(images.copy(), np.random.default_rng(0)))
    return collector.found()


def test_patches_of_the_same_kind_are_not_told(made):
    found = told(made, lambda images, _: images)
    assert not found.is_off and found.cause is None and found.p_set > 0.05 and found.n_new <= 2
    assert "as a whole they are like the training set" in found.sentence()


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("red_nir", "red and nir look swapped"),
        ("desc_vv_desc_vh", "desc_vv and desc_vh look swapped"),
        ("reflectance", "look like reflectance; the run was trained on DN (x10,000)"),
        ("bytes", "look like 0-255; the run was trained on DN"),
        ("linear", "look like linear power; the run was trained on dB"),
        ("constant", "red is (nearly) the same everywhere"),
        ("reversed", "another order"),
        ("all_noise", None),
    ],
)
def test_a_planted_fault_is_told_and_named(made, key, words):
    fault = next(one for one in faults_for(ZINDI_BANDS) if one.key == key)
    found = told(made, fault.change)
    assert found.is_off and found.p_set == pytest.approx(1 / 101) and found.to_dict()["is_off"]
    assert found.sentence().startswith("These patches are unlike what the run was trained on")
    if words:
        assert words in found.sentence() and found.cause.key in (fault.causes or (key,))


def test_what_is_turned_over_cannot_be_told(made):
    for key in ("upside_down", "rotated"):
        fault = next(one for one in faults_for(ZINDI_BANDS) if one.key == key)
        assert not told(made, fault.change).is_off


def test_a_band_without_values_is_left_out_and_the_most_unusual_one_is_named(made):
    novelty, images = made
    images = images.copy()
    images[:, 4] = np.nan
    images[3, 3] *= 30
    collector = Collector(novelty, ZINDI_BANDS)
    collector.look(images)
    p, names = collector.found().columns(np.ones(NEW, bool))
    assert names[3] == "nir" and p[3] == p.min() and np.isfinite(p).all()


def test_features_are_the_quantiles_of_every_second_pixel():
    rng = np.random.default_rng(0)
    images = rng.normal(size=(3, 2, 10, 12)).astype(np.float32)
    images[1, 0, :4] = np.nan
    images[2, 1] = np.nan
    found = value_features(images)
    assert np.isnan(found[2, 1]).all() and FEATURES[-2:] == ("spread", "step")
    for i, band in ((0, 0), (1, 0), (1, 1), (2, 0)):
        some = images[i, band, ::2, ::2]
        expected = np.nanquantile(some.astype(np.float64), (0.05, 0.25, 0.5, 0.75, 0.95))
        assert found[i, band, :5] == pytest.approx(expected, abs=1e-6)
        assert found[i, band, 5] == pytest.approx(expected[4] - expected[0], abs=1e-6)
        assert found[i, band, 6] == pytest.approx(np.nanmean(np.abs(np.diff(images[i, band, ::2]))), abs=1e-6)


def test_many_new_patches_are_told_of_although_the_whole_is_not_off(made):
    novelty, _ = made
    usual = told(made, lambda images, _: images)
    found = replace(usual, patches=None, counted=9, n=30)
    assert not found.is_off and found.is_told and "many more than expected" in found.sentence("windows")
    assert not replace(found, counted=2).is_told
