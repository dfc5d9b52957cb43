"""What is measured of one patch, against values worked out by hand from its pixels, map and mask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.analyses.attention import evidence
from tests.builders import make_dataset

DECIDED = {"a": (0, 0.2, 0.5), "b": (0, 0.3, 0.4), "c": (1, 0.9, 0.5)}


@pytest.fixture
def data(tmp_path):
    return make_dataset(tmp_path / "d.h5", n=120)  # every fourth is a landslide: 30


def test_levels_are_means_of_the_visible_bands_and_of_the_size_of_the_change(data):
    images = data.images(np.array([0, 1]))
    images[1, 4:] = np.nan  # no SAR
    bright, change = evidence.levels_of(data, images)
    assert bright == pytest.approx(images[:, :3].mean(axis=(1, 2, 3)), rel=1e-5)
    bands = [i for i, name in enumerate(data.band_names) if name in ("desc_dvv", "desc_dvh", "asc_dvv", "asc_dvh")]
    assert change[0] == pytest.approx(np.abs(images[0, bands]).mean(), rel=1e-5) and np.isnan(change[1])


def test_the_sample_of_a_class_is_of_that_class_and_always_the_same(data):
    levels = evidence.class_levels(data, 1, 25)
    assert len(levels.rows) == 25 and (data.labels[levels.rows] == 1).all()
    assert np.array_equal(levels.brightness, evidence.class_levels(data, 1, 25).brightness)


def test_a_patch_is_ranked_among_the_others_of_its_class(data):
    levels = evidence.class_levels(data, 1)
    brightest = levels.rows[levels.brightness.argmax()]
    found = evidence.evidence_of(data, int(brightest), DECIDED, "a", np.array([1, 2, 4]), levels)
    assert found.brightness_rank == 1.0 and found.n_class == 29  # itself is left out
    assert (found.agree, found.heads) == (2, 3)
    assert (found.near_other, found.near) == (2, 3)  # rows 1 and 2 are other ground, row 4 a landslide
    assert found.wrong and found.map_share is None and found.inside is None


def test_attention_on_the_mask_and_its_strength(data):
    mask = data.masks(np.array([0]))[0] > 0
    everywhere = np.ones((4, 4), np.float32)
    everywhere[0, 0] = 1.001  # a constant map points nowhere
    found = evidence.evidence_of(data, 0, DECIDED, "a", np.empty(0, int), None, everywhere, 4.004)
    assert found.mask_share == pytest.approx(mask.mean())
    assert found.inside == pytest.approx(mask.mean(), abs=0.01)
    assert found.map_share == pytest.approx(0.25)
    assert found.near_other is None and found.brightness_rank is None
    dead = evidence.evidence_of(data, 0, DECIDED, "a", np.empty(0, int), None, np.zeros((4, 4), np.float32), 1.0)
    assert dead.map_share == 0.0 and dead.inside is None
    same = evidence.evidence_of(data, 0, DECIDED, "a", np.empty(0, int), None, np.ones((4, 4), np.float32), 1.0)
    assert same.map_share == 1.0 and same.inside is None  # it points nowhere


@pytest.mark.parametrize(("value", "most", "share"), [(0.3, 0.9, 0.3), (30.0, 90.0, 0.3), (np.nan, 0.5, None)])
def test_cloud_is_what_the_dataset_knows_as_a_share(data, value, most, share):
    values = np.full(len(data), 0.0)
    values[0], values[1] = value, most
    assert evidence.evidence_of(data, 0, DECIDED, "a", np.empty(0, int), None).cloud is None
    known = replace(data, columns={"cloud_share": values})
    found = evidence.evidence_of(known, 0, DECIDED, "a", np.empty(0, int), None)
    assert found.cloud == (None if share is None else pytest.approx(share))
