"""Real pictures: two sets that share a part of their patches know those, and hardly any other."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.origin.facts import without_places
from core.data.origin.fingerprints import fingerprints
from core.data.origin.match import same_patches
from core.progress import drain

REAL = os.environ.get("LANDSLIDE_REAL_DATA", "")
SETS = ("bijie-rgb-64", "landslide4sense-rgb")


@pytest.mark.skipif(not Path(REAL).is_dir() or not REAL, reason="LANDSLIDE_REAL_DATA names no folder of real data")
@pytest.mark.parametrize("name", SETS)
def test_overlapping_sets_of_real_pictures(name):
    files = [p for p in sorted((Path(REAL) / name).rglob("*.png")) if "mask" not in str(p).lower()][::5]
    images = np.stack([np.asarray(Image.open(p).convert("RGB")) for p in files]).transpose(0, 3, 1, 2)
    rng = np.random.default_rng(0)
    order, n = rng.permutation(len(images)), len(images)
    first, second = order[: n * 6 // 10], order[n * 4 // 10 :]
    noised = np.clip(images[second] + rng.normal(0, 2, (len(second), 3, 64, 64)), 0, 255).astype(np.float32)
    bands = ("red", "green", "blue")
    known = without_places(first.astype(str), fingerprints(images[first], bands))
    new = without_places([f"new{i}" for i in second], fingerprints(noised, bands))
    kind, partner = drain(same_patches(known, new)).known(np.ones(len(first), bool))
    shared = np.isin(second, first)
    right = (partner >= 0) & (first[partner] == second)
    assert right[shared].mean() >= 0.99 and (kind[~shared] != "").mean() <= 0.01
