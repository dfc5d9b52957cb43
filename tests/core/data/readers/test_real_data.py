"""Real data, where the machine has it: LANDSLIDE_REAL_DATA names the folder."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.check import check
from core.data.folds import make_folds
from core.data.readers import ReaderOptions, folders, ingest, iterate_patches
from core.data.readers.base import Aside
from core.data.readers.tables import label_rule, read_table
from core.data.store import open_dataset
from core.predict.patches import Answer
from core.predict.submission import expected_of, faults_of, write_submission
from core.progress import drain

ROOT = os.environ.get("LANDSLIDE_REAL_DATA")
pytestmark = pytest.mark.skipif(not ROOT, reason="LANDSLIDE_REAL_DATA is not set: real data are not on this machine")


def run(name, out, format="folders", **options):
    steps = ingest(format, Path(ROOT) / name, out, ReaderOptions(**options))
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value, open_dataset(done.value.dataset)


def test_landslide4sense_rgb(landslide4sense_rgb):
    path, told = landslide4sense_rgb
    dataset = open_dataset(path)
    assert [told[name] for name in ("n", "n_positive", "rejected", "warnings")] == [2800, 1400, [], []]
    assert dataset.dtype == np.uint8 and dataset.shape == (3, 64, 64) and dataset.groups[0] == "0002"
    np.testing.assert_allclose(dataset.masks().mean((1, 2)), dataset.columns["mask_fraction"], atol=1e-4)
    assert drain(check(dataset)).ok
    folds = make_folds(dataset.labels, dataset.groups, 5, 0)
    assert min(len(folds.val(k)) for k in range(5)) > 500


def test_landslide4senses_names_and_class_need_not_be_said(landslide4sense_rgb):
    """The import above names the column of ids and the class; without them the same patches are found."""
    aside, dataset = Aside(), open_dataset(landslide4sense_rgb[0])
    options = ReaderOptions(labels="labels.csv", group_column="source_image", masks="masks")
    found = folders.collect(Path(ROOT) / "landslide4sense-rgb", options, aside)
    told = {item.id: (item.label, item.group, item.mask is not None) for item in found.items}
    masked = dataset.masks().any(axis=(1, 2)).tolist()
    stored = zip(dataset.labels.tolist(), dataset.groups.tolist(), masked, strict=True)
    assert told == dict(zip(dataset.ids.tolist(), stored, strict=True))
    assert found.class_names == dataset.class_names and not aside.rejected and not aside.warnings


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
    assert drain(check(dataset)).ok


def test_cas_pictures_can_be_predicted():
    bands, batches = iterate_patches(Path(ROOT) / "cas-landslide-samples")
    assert [b.name for b in bands] == ["red", "green", "blue"]
    assert sum(len(ids) for ids, _ in batches) == 8


def test_cas_samples_come_back_equal(tmp_path):
    report, dataset = run("cas-landslide-samples", tmp_path / "x.h5", "cas")
    assert (report.n, report.n_unlabelled, report.rejected) == (8, 8, ())
    assert sorted(dataset.columns["source"])[:3] == ["Haiti_Planet", "Hokkaido", "Hokkaido"]
    for row, file in enumerate(dataset.columns["file"]):
        pixels = np.asarray(Image.open(Path(ROOT) / "cas-landslide-samples" / file)).transpose(2, 0, 1)
        np.testing.assert_array_equal(dataset.images([row])[0], pixels)
    report, tiles = run("cas-landslide-samples", tmp_path / "t.h5", "cas", tile=64, nodata=255, max_nodata=0.5)
    assert tiles.shape == (3, 64, 64) and len(set(tiles.groups)) == 8
    counts = tiles.facts["patches_from_masks"]
    assert len(tiles) + counts.get("dropped_nodata", 0) == counts["unlabelled"] + counts.get("dropped_nodata", 0) == 512
    assert tiles.columns["nodata_fraction"].max() <= 0.5


def test_zindis_whole_set_has_its_counts(tmp_path):
    """The real tables with one tiny array under every id. Test.csv lists one id twice."""
    metadata, source = Path(ROOT) / "zindi-metadata", tmp_path / "zindi"
    source.mkdir()
    np.save(tmp_path / "tiny.npy", np.arange(12, dtype=np.float64).reshape(1, 1, 12))
    for name in ("Train", "Test"):
        shutil.copy(metadata / f"{name}.csv", source)
        folder = source / f"{name.lower()}_data" / f"{name.lower()}_data"
        folder.mkdir(parents=True)
        for i in sorted({row["ID"] for row in read_table(metadata / f"{name}.csv", Aside()).rows}):
            os.link(tmp_path / "tiny.npy", folder / f"{i}.npy")
    (source / "SampleSubmission.csv").write_text("ID,Target\n")
    *_, last = ingest("zindi", source, tmp_path / "x.h5")
    dataset = open_dataset(tmp_path / "x.h5")
    assert last.fields["done"] == 7147 + 5397 == len(dataset)
    assert [int((dataset.labels == label).sum()) for label in (1, 0, -1)] == [1255, 5892, 5397]
    test = np.flatnonzero(dataset.split == "test")
    found = Answer(
        dataset.ids[test], np.zeros(len(test)), np.zeros(len(test), np.int8), 0.5, "svm", np.zeros((1, len(test)))
    )
    write_submission(tmp_path / "s.csv", found, source)
    lines = (tmp_path / "s.csv").read_text().splitlines()
    order = [row["ID"] for row in read_table(metadata / "Test.csv", Aside()).rows]
    assert lines[0] == "ID,Target" and [line.split(",")[0] for line in lines[1:]] == order and len(order) == 5398
    assert faults_of((tmp_path / "s.csv").read_bytes(), expected_of(source)) == []
    once = "\n".join(dict.fromkeys(lines)).encode()
    assert "5,397 rows; Test.csv lists 5,398, ID_Q2Q7VF among them twice" in faults_of(once, expected_of(source))[0]


def test_zindis_real_tables():
    aside = Aside()
    train = read_table(Path(ROOT) / "zindi-metadata" / "Train.csv", aside)
    rule = label_rule([row["label"] for row in train.rows], None, aside)
    labels = [rule.label(row["label"]) for row in train.rows]
    assert (len(labels), sum(labels)) == (7147, 1255)
    assert len(read_table(Path(ROOT) / "zindi-metadata" / "Test.csv", aside).rows) == 5398
    assert not aside.rejected and not aside.warnings
