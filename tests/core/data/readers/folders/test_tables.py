"""Folders of patches with a table of labels."""

import os

import numpy as np
import pytest

from core.data.check import check
from core.errors import DataError, FormatError, LabelError
from core.progress import drain
from tests.core.data.readers.folders.patch_folders import array, run, table


def test_npy_is_h_w_c_and_rows_name_paths_or_stems(flat):
    rows = "patches/a1.npy,1,0\na2.npy,1,0\nb1,0,10\n/elsewhere/on/another/b2.tif,0,2\n"
    table(flat, f"file,label,block\n{rows}")
    options = dict(labels="labels.csv", id_column="file", group_column="block", positive="1")
    report, dataset = run(flat, bands=("red", "green", "blue", "nir"), **options)
    assert report.rejected == () and report.warnings == ()
    assert dataset.shape == (4, 6, 5) and dataset.dtype == np.float32 and dataset.nodata == 0.0
    expected = np.load(flat / "patches/b1.npy").transpose(2, 0, 1).astype(np.float32)
    np.testing.assert_array_equal(dataset.images(dataset.index_of(["b1"]))[0], expected)
    assert dataset.labels.tolist() == [1, 1, 0, 0] and dataset.groups.tolist() == ["0", "0", "10", "2"]
    assert dataset.class_names == ("non_landslide", "landslide") and dataset.bands[3].sensor == "Sentinel-2"


def test_paths_may_be_relative_to_the_table(flat):
    table(flat, "ID,label\npatches/a1.npy,1\npatches\\a2.npy,1\npatches/b1.npy,0\npatches/b2.npy,0\n")
    report, dataset = run(flat / "patches", labels=flat / "labels.csv")
    assert len(dataset) == 4 and not report.rejected


def test_named_labels_and_the_stated_positive(flat):
    table(flat, "name,label\na1,slip\na2,slip\nb1,bare\nb2,\n")
    report, dataset = run(flat, labels="labels.csv", positive="slip")
    assert dataset.class_names == ("bare", "slip") and dataset.labels.tolist() == [1, 1, 0, -1]
    assert report.n_unlabelled == 1
    with pytest.raises(LabelError, match="Found: bare, slip"):
        run(flat, labels="labels.csv")


def test_folders_named_as_the_labels_are_classes(tmp_path):
    for folder in ("slip", "bare"):
        for i in range(2):
            array(tmp_path / "src" / folder / f"{folder}{i}.npy")
    table(tmp_path / "src", "ID,label\nslip0,bare\n")
    with pytest.raises(LabelError, match="disagree"):
        run(tmp_path / "src", labels="labels.csv", positive="slip")


def test_one_folder_of_any_name_leaves_the_labels_to_the_table(flat):
    (flat / "patches").rename(flat / "landslide")
    table(flat, "ID,label\na1,1\na2,1\nb1,0\nb2,0\n")
    assert run(flat, labels="labels.csv")[1].labels.tolist() == [1, 1, 0, 0]


@pytest.mark.fault(18)
def test_what_the_table_and_the_folder_do_not_share_is_told(flat):
    array(flat / "raw" / "scene.npy", (9, 9, 4))
    table(flat, "ID,label\na1,1\ngone,0\n../../etc/passwd,1\nb2,0\n")
    report, dataset = run(flat, labels="labels.csv", bands=("red", "green", "blue", "nir"))
    assert {r.file: r.reason for r in report.rejected} == {
        "labels.csv, line 3": "'gone' has no file in the source.",
        "labels.csv, line 4": "'../../etc/passwd' has no file in the source.",
        os.path.join("patches", "b1.npy"): "It is not listed in labels.csv.",
        os.path.join("patches", "a2.npy"): "It is not listed in labels.csv.",
    }
    assert report.warnings == ("Folders that labels.csv does not mention were not read: raw (1).",)
    assert dataset.ids.tolist() == ["a1", "b2"]


@pytest.mark.fault(18)
def test_repeated_rows_are_warned_of_and_contradictory_ones_stop_training(flat):
    table(flat, "ID,label\na1,1\na1,1.0\na2,1\na2,0\nb1,0\nb2,0\n")
    report, dataset = run(flat, labels="labels.csv")
    assert dataset.ids.tolist() == ["a1", "b1", "b2"]
    assert [(r.file, r.reason) for r in report.rejected] == [
        ("a2", "labels.csv lists it with different labels. Correct the table.")
    ]
    assert any("1 ids more than once" in text for text in report.warnings)
    found = drain(check(dataset))
    assert not found.ok and found.rows[0].where == "a2"


def test_strict_stops_at_the_first_unusable_file_and_writes_nothing(flat):
    (flat / "patches" / "a2.npy").write_bytes(b"")
    table(flat, "ID,label\na1,1\na2,1\nb1,0\nb2,0\n")
    assert run(flat, labels="labels.csv")[0].n == 3
    (flat.parent / "out.h5").unlink()
    with pytest.raises(DataError, match="a2.npy.*Stopped at this first"):
        run(flat, labels="labels.csv", strict=True)
    assert not list(flat.parent.glob("*.h5")) and not list(flat.parent.glob(".*"))


def test_tables_that_cannot_serve_are_told(flat):
    table(flat, "ID,score\na1,1\n")
    with pytest.raises(FormatError, match="no column 'label'"):
        run(flat, labels="labels.csv")
    table(flat, "picture,label\na1,1\nb1,0\n")
    with pytest.raises(FormatError, match="no column 'id' or 'file'.*picture, label"):
        run(flat, labels="labels.csv")
    with pytest.raises(FormatError, match="no column 'scene' for the groups"):
        run(flat, labels="labels.csv", id_column="picture", group_column="scene")
    with pytest.raises(FormatError, match="needs a table"):
        run(flat, group_column="scene")


def test_labels_of_every_kind_name_the_positive_value_and_lose_no_class(flat):
    for low, high in (("1", "2"), ("-1", "1"), ("0", "255"), ("no", "yes"), ("False", "True"), ("nein", "ja")):
        table(flat, f"ID,label\na1,{high}\na2,{high}\nb1,{low}\nb2,{low}\n")
        with pytest.raises(LabelError, match="--positive"):
            run(flat, labels="labels.csv")
        assert run(flat, labels="labels.csv", positive=high)[1].labels.tolist() == [1, 1, 0, 0]


def test_a_third_label_is_refused_unless_one_is_named(flat):
    table(flat, "ID,label\na1,1\na2,2\nb1,0\nb2,0\n")
    with pytest.raises(LabelError, match="Found: 0, 1, 2"):
        run(flat, labels="labels.csv")
    report, dataset = run(flat, labels="labels.csv", positive="1")
    assert dataset.labels.tolist() == [1, 0, 0, 0] and "0, 2 are all taken as not" in report.warnings[0]


def test_a_class_without_files_and_one_that_cannot_be_read_are_errors(flat):
    table(flat, "ID,label\na1,1\na2,1\ngone,0\n")
    with pytest.raises(LabelError, match="All 1 patches of the class 'non_landslide'"):
        run(flat, labels="labels.csv")
    table(flat, "ID,label\na1,1\na2,1\nb1,0\nb2,1\n")
    array(flat / "patches" / "b1.npy", (9, 9, 4))
    with pytest.raises(LabelError, match="All 1 patches of the class 'non_landslide'.*b1.npy: It is 9x9"):
        run(flat, labels="labels.csv")
    assert not (flat.parent / "out.h5").exists()


@pytest.mark.parametrize("header", ["class", "Target", "is_landslide", "Landslide"])
def test_other_names_of_the_label_column_are_known_and_any_can_be_named(flat, header):
    table(flat, f"ID,{header},note\na1,1,x\na2,1,x\nb1,0,y\nb2,0,y\n")
    _, dataset = run(flat, labels="labels.csv")
    assert dataset.labels.tolist() == [1, 1, 0, 0] and set(dataset.columns) == {"file", "note"}
    assert run(flat, labels="labels.csv", label_column="note", positive="y")[1].labels.tolist() == [0, 0, 1, 1]
    with pytest.raises(FormatError, match="no column 'gone' for the labels.*--label-column"):
        run(flat, labels="labels.csv", label_column="gone")
    with pytest.raises(FormatError, match="needs a table"):
        run(flat, label_column="note")


def test_one_hot_columns_are_read_by_the_one_called_landslide(flat):
    table(flat, "ID,non_landslide,landslide\na1,0,1\na2,0,1\nb1,1,0\nb2,1,0\n")
    assert run(flat, labels="labels.csv")[1].labels.tolist() == [1, 1, 0, 0]
    table(flat, "ID,class_0,class_1\na1,0,1\na2,0,1\nb1,1,0\nb2,1,0\n")
    with pytest.raises(FormatError, match="class_0, class_1. Name the one that holds the labels with --label-column"):
        run(flat, labels="labels.csv")
    assert run(flat, labels="labels.csv", label_column="class_1")[1].labels.tolist() == [1, 1, 0, 0]


def test_a_table_as_pandas_and_excel_write_it_with_places_groups_and_splits(flat):
    rows = "0;A1.NPY;1;85,1;27,5;train;e1\n1;a2;1;85,2;27,5;train;e1\n2;b1;0;85,3;27,5;test;e2\n3;b2;0;;;test;e2\n"
    (flat / "labels.csv").write_text(
        "sep=;\n;Image ID;Label;Longitude (deg);Latitude (deg);Split;Event\n" + rows, "utf-16"
    )
    report, dataset = run(flat, labels="labels.csv")
    assert dataset.labels.tolist() == [1, 1, 0, 0] and dataset.split.tolist() == ["train", "train", "test", "test"]
    np.testing.assert_allclose(dataset.lonlat, [[85.1, 27.5], [85.2, 27.5], [85.3, 27.5], [np.nan, np.nan]])
    assert set(dataset.columns) == {"file", "Event"}
    assert "upper and lower case" in report.warnings[0] and "1 patch has no place" in report.warnings[1]
    assert "'Event'. --group-column" in report.warnings[2]
