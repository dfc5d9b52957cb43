"""Zindi's layout, on tiny arrays."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from core.data.bands import ZINDI_BANDS
from core.data.readers import ReaderOptions, ingest, iterate_patches, recognise
from core.data.store import open_dataset
from core.errors import DataError, FormatError, LabelError
from core.predict.patches import Answer
from core.predict.submission import write_submission


def patch(seed, bands=12):
    return np.random.default_rng(seed).normal(0, 100, (6, 6, bands))


@pytest.fixture
def source(tmp_path):
    """Six training patches, two of them landslides, and three test patches."""
    (tmp_path / "zindi" / "train_data").mkdir(parents=True)
    (tmp_path / "zindi" / "test_data").mkdir()
    train = [f"ID_T{i}" for i in range(6)]
    for i, name in enumerate(train):
        np.save(tmp_path / "zindi" / "train_data" / f"{name}.npy", patch(i))
    for i in range(3):
        np.save(tmp_path / "zindi" / "test_data" / f"ID_X{i}.npy", patch(100 + i))
    rows = "".join(f"{name},{int(i < 2)}\n" for i, name in enumerate(train))
    (tmp_path / "zindi" / "Train.csv").write_text(f"ID,label\n{rows}")
    (tmp_path / "zindi" / "Test.csv").write_text("ID\nID_X2\nID_X0\nID_X1\n")
    return tmp_path / "zindi"


def run(source, **options):
    steps = ingest("zindi", source, source.parent / "out.h5", ReaderOptions(**options))
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value, open_dataset(done.value.dataset)


def test_training_patches_are_labelled_and_test_patches_not(source):
    report, dataset = run(source)
    assert (report.n, report.n_positive, report.n_unlabelled) == (9, 2, 3) and report.rejected == report.warnings == ()
    assert dataset.bands == ZINDI_BANDS and dataset.shape == (12, 6, 6) and dataset.dtype == np.float32
    assert dataset.labels.tolist() == [1, 1, 0, 0, 0, 0, -1, -1, -1]
    assert dataset.split.tolist() == ["train"] * 6 + ["test"] * 3
    assert dataset.ids[6:].tolist() == ["ID_X2", "ID_X0", "ID_X1"]  # the order of Test.csv
    np.testing.assert_array_equal(dataset.images([3])[0], patch(3).transpose(2, 0, 1).astype(np.float32))
    assert "CC-BY-SA" in dataset.licence


@pytest.mark.parametrize("part", ["train", "test"])
def test_the_nested_archive_is_read_too(source, part):
    (source / f"{part}_data").rename(source / "inner")
    (source / f"{part}_data").mkdir()
    (source / "inner").rename(source / f"{part}_data" / f"{part}_data")
    report, dataset = run(source)
    assert report.n == 9 and report.warnings == () and dataset.labels.tolist() == [1, 1, 0, 0, 0, 0, -1, -1, -1]


def test_the_archive_as_downloaded_gives_the_same_dataset(source):
    (source / "SampleSubmission.csv").write_text("ID,Target\nID_X0,0\n")
    plain = run(source)[1].content_hash
    packed = shutil.make_archive(source.parent / "download", "zip", source.parent, "zindi")
    report, dataset = run(Path(packed))
    assert dataset.content_hash == plain and dataset.source == "zindi: zindi" and report.warnings == ()
    ids = next(iterate_patches(packed)[1])[0]
    assert ids.tolist() == ["ID_X2", "ID_X0", "ID_X1"]


def test_a_submission_copies_the_header_of_the_sample(source):
    (source / "SampleSubmission.csv").write_text("ID,Target\nID_X0,0\n")
    assert run(source)[0].n == 9
    ids = np.array(["ID_X0", "ID_X1", "ID_X2"])
    found = Answer(ids, np.array([0.1, 0.9, 0.2]), np.array([0, 1, 0], np.int8), 0.5, "svm", np.empty((0, 3)))
    write_submission(source / "s.csv", found, source)
    assert (source / "s.csv").read_text().split() == ["ID,Target", "ID_X2,0", "ID_X0,0", "ID_X1,1"]
    plain = (source / "Test.csv").read_text().split()
    (source / "Test.csv").write_text("\n".join(f"{n - 1 if n else ''},{line}" for n, line in enumerate(plain)))
    (source / "SampleSubmission.csv").write_text("sep=;\n;ID;Target\n")
    write_submission(source / "t.csv", found, source)  # as pandas and Excel keep the same tables
    assert (source / "t.csv").read_text() == (source / "s.csv").read_text()
    packed = Path(shutil.make_archive(source.parent / "download", "zip", source.parent, "zindi"))
    write_submission(source / "t.csv", found, packed)
    assert (source / "t.csv").read_text() == (source / "s.csv").read_text()


def test_an_archive_unpacked_twice_is_read_once(source):
    (source / "train_data" / "train_data").mkdir()
    for path in list((source / "train_data").glob("*.npy")):
        (source / "train_data" / "train_data" / path.name).write_bytes(path.read_bytes())
    report, dataset = run(source)
    assert report.n == 9 and "6 files left out, not in Train.csv: " in report.warnings[0]


def test_without_test_data_the_training_part_is_enough(source):
    for path in (source / "test_data").iterdir():
        path.unlink()
    (source / "test_data").rmdir()
    report, _ = run(source)
    assert report.n == 6 and "test patches were left out" in report.warnings[0]


def test_faults_are_set_aside_with_reasons(source):
    text = (source / "Train.csv").read_text()
    (source / "Train.csv").write_text(text.replace("ID_T1,1", "ID_T1,0"))  # one of this class that is good
    np.save(source / "train_data" / "ID_T2.npy", patch(2, 13))
    np.save(source / "train_data" / "ID_T3.npy", patch(3)[:4])
    np.save(source / "train_data" / "ID_T4.npy", patch(4).transpose(2, 0, 1))
    (source / "train_data" / "ID_T5.npy").unlink()
    np.save(source / "train_data" / "ID_extra.npy", patch(7))
    report, dataset = run(source)
    reasons = {r.file: r.reason for r in report.rejected}
    assert "13 bands; accepted: 12 (red, green, blue, nir, desc_vv" in reasons["train_data/ID_T2.npy"]
    assert "4x6 pixels with 12 bands; 6 others are 6x6" in reasons["train_data/ID_T3.npy"]
    assert "train_data/ID_T4.npy" not in reasons  # (C, H, W) is told by the twelve bands
    np.testing.assert_allclose(dataset.images(dataset.index_of(["ID_T4"]))[0], patch(4).transpose(2, 0, 1), rtol=1e-6)
    assert reasons["Train.csv, line 7"] == "'ID_T5' has no file in the source."
    assert report.warnings == (
        "1 file left out, not in Train.csv: train_data/ID_extra.npy.",
        "1 of 7 images have another size than the most frequent, 6x6 pixels: --resize 16 brings all to one size.",
    )
    assert dataset.ids[:2].tolist() == ["ID_T0", "ID_T1"] and len(dataset) == 6
    with pytest.raises(DataError, match="Stopped at this first"):
        run(source, strict=True)


def test_labels_as_spreadsheets_write_them(source):
    text = (source / "Train.csv").read_text().replace(",", ";").replace(";1", ";1.0").replace(";0", ";0.0")
    (source / "Train.csv").write_text("\ufeff" + text, encoding="utf-8")
    assert run(source)[0].n_positive == 2


def test_tables_like_the_challenges_are_read_whatever_programs_did_to_them(source):
    plain = (source / "Train.csv").read_text().split()
    index = "\n".join(f"{n - 1 if n else ''},{line}" for n, line in enumerate(plain))
    (source / "Train.csv").write_text(index.replace("ID,label", "image_id,Class").replace("ID_T", "id_t"))
    report, dataset = run(source)
    assert report.n_positive == 2 and "upper and lower case" in " ".join(report.warnings)
    (source / "Train.csv").write_text("\n".join(plain).replace(",0", ",2"))
    with pytest.raises(LabelError, match="Found: 1, 2"):
        run(source)
    again, other = run(source, positive="1")
    assert again.n_positive == 2 and other.labels.tolist() == dataset.labels.tolist()


def test_ids_that_are_paths_reach_no_other_file(source):
    np.save(source.parent / "secret.npy", patch(9))
    (source / "Train.csv").write_text("ID,label\n../../secret,1\nID_T0,1\nID_T3,0\n")
    report, dataset = run(source)
    assert report.rejected[0].reason == "'../../secret' has no file in the source."
    assert "secret" not in dataset.ids


def test_other_layouts_are_told(source, tmp_path):
    (source / "Train.csv").unlink()
    with pytest.raises(FormatError, match="Train.csv .* beside train_data/ID.npy is expected"):
        run(source)
    with pytest.raises(FormatError, match="no folder or file .*nowhere"):
        run(tmp_path / "nowhere")


def test_the_test_patches_are_those_to_predict(source):
    assert recognise(source) == "zindi"
    bands, batches = iterate_patches(source)
    ids, images = next(batches)
    assert ids.tolist() == ["ID_X2", "ID_X0", "ID_X1"] and bands == ZINDI_BANDS
    np.testing.assert_array_equal(images[1], patch(100).transpose(2, 0, 1).astype(np.float32))
    (source / "Test.csv").unlink()
    assert next(iterate_patches(source)[1])[0].tolist() == [f"ID_T{i}" for i in range(6)]
