"""Real data, where the machine has it: LANDSLIDE_REAL_DATA names the folder."""

import os
from pathlib import Path

import numpy as np
import pytest

from core.data.check import check
from core.data.folds import make_folds
from core.data.readers import ReaderOptions, ingest, iterate_patches
from core.data.readers.base import Aside
from core.data.readers.tables import label_rule, read_table
from core.data.store import open_dataset

ROOT = os.environ.get("LANDSLIDE_REAL_DATA")
pytestmark = pytest.mark.skipif(not ROOT, reason="LANDSLIDE_REAL_DATA is not set: real data are not on this machine")


def run(name, out, **options):
    steps = ingest("folders", Path(ROOT) / name, out, ReaderOptions(**options))
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value, open_dataset(done.value.dataset)


def test_landslide4sense_rgb(tmp_path):
    report, dataset = run(
        "landslide4sense-rgb", tmp_path / "x.h5", labels="labels.csv", group_column="source_image", masks="masks"
    )
    assert (report.n, report.n_positive, report.rejected, report.warnings) == (2800, 1400, (), ())
    assert dataset.dtype == np.uint8 and dataset.shape == (3, 64, 64) and dataset.groups[0] == "0006"
    np.testing.assert_allclose(dataset.masks().mean((1, 2)), dataset.columns["mask_fraction"], atol=1e-4)
    assert check(dataset).ok
    folds = make_folds(dataset.labels, dataset.groups, 5, 0)
    assert min(len(folds.val(k)) for k in range(5)) > 500


def test_chittagong(tmp_path):
    report, dataset = run(
        "chittagong-s2-4band",
        tmp_path / "x.h5",
        labels="labels.csv",
        id_column="file",
        group_column="row_block",
        positive="1",
        bands=("red", "green", "blue", "nir"),
    )
    assert (report.n, report.n_positive, report.rejected) == (329, 120, ())
    assert dataset.shape == (4, 64, 64) and len(set(dataset.groups)) == 8
    nodata = dataset.statistics[0]["n_nodata"] / (329 * 64 * 64)
    assert nodata == pytest.approx(dataset.columns["nodata_fraction"].mean(), abs=1e-3)
    assert check(dataset).ok


def test_cas_pictures_can_be_predicted():
    bands, batches = iterate_patches(Path(ROOT) / "cas-landslide-samples")
    assert [b.name for b in bands] == ["red", "green", "blue"]
    assert sum(len(ids) for ids, _ in batches) == 8


def test_zindis_real_tables():
    aside = Aside()
    train = read_table(Path(ROOT) / "zindi-metadata" / "Train.csv", aside)
    rule = label_rule([row["label"] for row in train.rows], None, aside)
    labels = [rule.label(row["label"]) for row in train.rows]
    assert (len(labels), sum(labels)) == (7147, 1255)
    assert len(read_table(Path(ROOT) / "zindi-metadata" / "Test.csv", aside).rows) == 5398
    assert not aside.rejected and not aside.warnings
