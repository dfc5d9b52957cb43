"""Folds over real scenes whose tiles overlap, and a real official test part (LANDSLIDE_REAL_DATA)."""

import os
from pathlib import Path

import numpy as np
import pytest

from core.config import DataConfig, FoldsConfig
from core.data.fold_drawing import draw_folds
from core.data.leakage.duplicates import patch_hashes
from core.data.leakage.footprints import footprints, overlaps
from core.data.leakage.split_audit import leaks_of
from core.data.readers import ReaderOptions, ingest
from core.data.selection import select
from core.data.store import open_dataset
from core.progress import drain

ROOT = os.environ.get("LANDSLIDE_REAL_DATA")
pytestmark = pytest.mark.skipif(not ROOT, reason="LANDSLIDE_REAL_DATA is not set: real data are not on this machine")
CHITTAGONG = {"mask_value": 1, "mask_threshold": 0.001, "bands": ("red", "green", "blue", "nir")}


def made(name, out, **options):
    report = drain(ingest("geotiff", Path(ROOT) / name, out / "x.h5", ReaderOptions(**options)))
    return open_dataset(report.dataset)


@pytest.mark.parametrize("stride", [64, 32])
def test_overlapping_scenes_can_be_trained_on_and_share_no_ground(tmp_path, stride):
    """docs/import.md's third example, as it stands and with overlapping tiles."""
    data = made("chittagong-s2-4band/raw", tmp_path, tile=64, stride=stride, **CHITTAGONG)
    pairs = drain(leaks_of(data)).pairs
    centres_only = FoldsConfig(group_by="block", block_km=1.0, on_leak="ignore")
    before = draw_folds(data, data.labels, centres_only, 0, pairs[pairs["kind"] != "identical"]).record()
    drawn = draw_folds(data, data.labels, FoldsConfig(), 0, pairs, patch_hashes(data.images()))
    record = drawn.record()
    assert record["overlap"] == record["overlap_20"] == 0.0 and record["n_placed"] == len(data)
    assert before["overlap_20"] > 0.5 or stride == 64
    for fold in range(5):
        assert len(np.unique(data.labels[drawn.folds.train(fold)])) == 2 and len(drawn.folds.val(fold)) > 0


def test_pixels_of_ten_metres_are_measured_as_such_and_touching_tiles_share_nothing(tmp_path):
    data = made("hokkaido-2018-s2-scene/cells128", tmp_path, tile=64)
    ground = footprints(data)
    np.testing.assert_allclose(ground.size, 640.0, rtol=0.005)  # UTM's scale
    own = overlaps(ground)
    groups = data.columns["image"]
    same = groups[own["a"]] == groups[own["b"]]
    assert len(data) > 100 and not same.any()


def test_marsls_test_part_is_in_no_fold(tmp_path):
    data = made("marsls-7band", tmp_path, tile=64)
    chosen = select(data, DataConfig())
    test = data.split == "test"
    assert test.sum() == chosen.held_back.sum() > 60
    fold_of = draw_folds(data, chosen.labels, FoldsConfig(), 0, drain(leaks_of(data)).pairs).folds.fold_of
    assert (fold_of[test] == -1).all() and (fold_of[~test] >= 0).all()
