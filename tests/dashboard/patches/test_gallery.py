"""Attention maps are as bright as the evidence: patches of one fold can be compared, and weak evidence is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.data.bands import composites
from core.data.store import open_dataset
from dashboard.patches import gallery


@pytest.fixture
def data(studio):
    return open_dataset(studio.add_dataset())


def cams(data, peaks, folds):
    """Maps of the first patches with one bright cell each, of these peaks."""
    maps = np.zeros((len(peaks), 4, 4), np.float32)
    maps[:, 1, 1] = peaks
    index = pd.DataFrame({"id": data.ids[: len(peaks)], "fold": folds, "row": np.arange(len(peaks))})
    return gallery.Cams(index, maps, {"method": "gradcam"})


def glow(data, made, look):
    """How far each picture differs from the patch without a map, at most."""
    ids = list(made.rows)
    plain = gallery.pictures(data, ids, replace(look, opacity=0.0), made)
    drawn = gallery.pictures(data, ids, look, made)
    return [int(np.abs(a.astype(int) - b.astype(int)).max()) for a, b in zip(plain, drawn, strict=True)]


@pytest.mark.parametrize("raw", [False, True])
def test_a_map_without_evidence_does_not_shine_like_one_full_of_it(data, raw):
    """Peaks of a patch at p = 0.01 and of one at p = 0.98, drawn with the choices that a page opens with."""
    made = cams(data, [0.02, 2.0, 1.0], [0, 0, 0])
    look = gallery.Look(composites(data.bands)[0], opacity=0.7, raw=raw)
    if raw:
        weak, strong, _ = (picture.mean() for picture in gallery.pictures(data, list(made.rows), look, made))
        assert weak < strong / 4
    else:
        weak, strong, _ = glow(data, made, look)
        assert weak < strong / 2
        by_itself = glow(data, made, replace(look, heat="patch"))
        assert by_itself[0] > weak  # each in its own scale: only when that is asked for


def test_each_fold_has_a_scale_of_its_own(data):
    made = cams(data, [1.0, 1.0, 100.0, 100.0], [0, 0, 1, 1])
    assert made.levels == {0: 1.0, 1: 100.0}
    assert [made.share_of(patch) for patch in made.rows] == [1.0] * 4


@pytest.mark.parametrize(("peak", "is_weak"), [(0.01, True), (0.2, True), (0.3, False), (1.0, False), (0.0, False)])
def test_evidence_below_a_share_of_the_folds_level_is_called_weak(data, peak, is_weak):
    made = cams(data, [peak, 2.0 - peak], [0, 0]) if peak else cams(data, [0.0, 1.0], [0, 0])
    words = gallery.weakness(made, next(iter(made.rows)))
    assert ("weak evidence" in words) == is_weak
    if is_weak:
        assert f"{peak:.0%}" in words


def test_a_patch_without_a_map_has_no_share(data):
    made = cams(data, [1.0], [0])
    assert made.share_of("nobody") is None and gallery.weakness(made, "nobody") == ""
    assert cams(data, [0.0], [0]).share_of(str(data.ids[0])) is None
