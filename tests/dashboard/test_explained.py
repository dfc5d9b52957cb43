"""Explanations put together, checked by hand on maps and drops of a few patches."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.data.bands import bands_named
from core.errors import LabelError
from dashboard import explained

JUDGED = pd.DataFrame({"id": list("abcd"), "fold": [0, 0, 1, 1], "outcome": ["TP", "FN", "TP", "TN"]})
MAPS = np.stack([np.full((2, 2), value) for value in (2.0, 4.0, 30.0, 0.0)]).astype(np.float32)
ROWS = {"a": 0, "b": 1, "c": 2, "d": 3}


def test_patches_without_a_map_are_left_out_and_dead_maps_flagged():
    facts = explained.map_facts(JUDGED, {k: v for k, v in ROWS.items() if k != "b"}, MAPS)
    assert facts["id"].tolist() == ["a", "c", "d"]
    assert facts["cam_dead"].tolist() == [False, False, True]
    assert facts["cam_sum"].tolist() == [8.0, 120.0, 0.0]


def test_mean_maps_weigh_folds_alike_whatever_scale_their_networks_have():
    means = explained.mean_maps(explained.map_facts(JUDGED, ROWS, MAPS), MAPS)
    # Mean peaks: fold 0 (2 + 4) / 2 = 3, fold 1 (30 + 0) / 2 = 15; so a is 2/3 and c is 2.
    assert means["TP"].cam == pytest.approx(np.full((2, 2), (2 / 3 + 2) / 2))
    assert means["FN"].cam == pytest.approx(np.full((2, 2), 4 / 3))
    assert (means["TN"].n, means["TN"].n_dead) == (1, 1)
    assert means["FP"].cam is None and means["FP"].n == 0


def test_a_map_that_is_not_finite_spoils_no_mean():
    maps = MAPS.copy()
    maps[2, 0, 0] = np.nan
    means = explained.mean_maps(explained.map_facts(JUDGED, ROWS, maps), maps)
    assert means["TP"].n == 1 and np.isfinite(means["TP"].cam).all()


def occlusion() -> pd.DataFrame:
    rows = []
    for baseline, shift in (("mean", 0.0), ("zero_raw", 0.1)):
        for patch, label, p0 in (("a", 1, 0.9), ("b", 1, 0.7), ("c", 0, 0.2)):
            for band, drop in (("nir", 0.5), ("desc_vv", 0.1), ("mystery", -0.1)):
                rows.append((patch, label, 0, "fc", baseline, band, p0, p0 - drop - shift))
    return pd.DataFrame(rows, columns=["id", "label", "fold", "head", "baseline", "band", "p0", "p_b"])


def test_drops_are_means_over_landslides_in_the_order_of_the_bands():
    drops, n = explained.band_drops(occlusion(), "fc", "mean", bands_named(["nir", "desc_vv"]), None)
    assert n == 2
    assert drops["band"].tolist() == ["nir", "desc_vv", "mystery"]
    assert drops["drop"].tolist() == pytest.approx([0.5, 0.1, -0.1])
    assert drops["paper_sum"].tolist() == pytest.approx([1.4, 0.6, 0.2])
    assert drops["title"].tolist() == ["Near infrared", "Descending VV", "mystery"]
    assert drops["family"].tolist() == ["optical", "sar_post", "other"]


def test_the_baseline_is_the_one_asked_for():
    drops, _ = explained.band_drops(occlusion(), "fc", "zero_raw", bands_named(["nir"]), None)
    assert drops["drop"][0] == pytest.approx(0.6)


def test_one_group_gives_no_interval():
    one = {"a": "scene", "b": "scene", "c": "scene"}
    drops, _ = explained.band_drops(occlusion(), "fc", "mean", bands_named(["nir"]), one)
    assert drops[["lo", "hi"]].isna().all().all()


def test_without_landslides_it_says_so():
    with pytest.raises(LabelError):
        explained.band_drops(occlusion().assign(label=0), "fc", "mean", bands_named(["nir"]), None)
