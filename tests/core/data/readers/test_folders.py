"""Folders of patches with or without a table (FAULTS 10-13, 16, 18, 24)."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from core.data.check import check
from core.data.readers import ReaderOptions, ingest, iterate_patches, recognise
from core.data.store import open_dataset
from core.errors import DataError, FormatError, LabelError, UnsafeFileError
from core.progress import drain


def picture(path, value=None, size=(4, 6), seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, *path.stem.encode()])
    pixels = (
        rng.integers(0, 256, (*size, 3)).astype(np.uint8) if value is None else np.full((*size, 3), value, np.uint8)
    )
    Image.fromarray(pixels).save(path)
    return pixels.transpose(2, 0, 1)


def array(path, shape=(6, 5, 4), dtype=np.float64):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng([*path.stem.encode()]).uniform(100, 3000, shape).astype(dtype)
    np.save(path, values)
    return values


def run(source, out=None, format="folders", **options):
    steps = ingest(format, source, out or source.parent / "out.h5", ReaderOptions(**options))
    progress = []
    while True:
        try:
            progress.append(next(steps))
        except StopIteration as done:
            assert progress[-1].share == 1.0 and [p.share for p in progress] == sorted(p.share for p in progress)
            return done.value, open_dataset(done.value.dataset)


@pytest.fixture
def classes(tmp_path):
    """Two class folders whose alphabetical order puts the landslides first."""
    for name in ("a1", "a2", "a3"):
        picture(tmp_path / "src" / "landslide" / f"{name}.png")
    for name in ("b1", "b2"):
        picture(tmp_path / "src" / "stable" / f"{name}.png")
    return tmp_path / "src"


def table(source, text, name="labels.csv"):
    (source / name).write_text(text, encoding="utf-8")
    return source / name


# ------------------------------------------------------------------------------------------------ class folders


def test_the_folder_is_the_label_and_pixels_are_exact(classes):
    report, dataset = run(classes)
    assert (report.n, report.n_positive, report.n_unlabelled, report.rejected) == (5, 3, 0, ())
    assert dataset.class_names == ("stable", "landslide") and dataset.dtype == np.uint8
    assert dict(zip(dataset.ids, dataset.labels, strict=True)) == {"a1": 1, "a2": 1, "a3": 1, "b1": 0, "b2": 0}
    np.testing.assert_array_equal(
        dataset.images(dataset.index_of(["b2"]))[0],
        np.asarray(Image.open(classes / "stable/b2.png")).transpose(2, 0, 1),
    )
    assert dataset.columns["file"][0] == os.path.join("landslide", "a1.png")


def test_the_positive_class_is_stated_never_inferred(classes):
    (classes / "landslide").rename(classes / "aaa")
    with pytest.raises(LabelError, match="Found: aaa, stable. Say --positive NAME"):
        run(classes)
    with pytest.raises(LabelError, match="None of the class folders is called 'x'. Found: aaa, stable"):
        run(classes, positive="x")
    assert run(classes, positive="aaa")[1].class_names == ("stable", "aaa")
    report, dataset = run(classes, positive="stable")
    assert report.n_positive == 2 and dataset.class_names == ("aaa", "stable")
    assert not list(classes.parent.glob(".*tmp"))


def test_more_than_two_folders_are_warned_of(classes):
    picture(classes / "water" / "w.png")
    report, dataset = run(classes)
    assert dataset.class_names == ("not landslide", "landslide") and "stable, water" in report.warnings[0]


def test_one_folder_of_landslides_is_one_class(classes):
    for path in (classes / "stable").iterdir():
        path.unlink()
    _, dataset = run(classes)
    assert dataset.labels.tolist() == [1, 1, 1] and not drain(check(dataset)).ok


def test_ids_are_paths_where_stems_repeat(classes):
    picture(classes / "stable" / "a1.png", seed=1)
    _, dataset = run(classes)
    assert {"landslide/a1", "stable/a1", "stable/b1"} <= set(dataset.ids)


def test_the_table_adds_groups_and_facts(classes):
    table(classes, "ID;label;scene;note;share\na1;1;0002;=1+1;0.5\na2;1.0;0002;x;\nb1;0;7;<b>;1\nb2;stable;;y;2\n")
    report, dataset = run(classes, labels="labels.csv", group_column="scene")
    facts = dict(zip(dataset.ids, dataset.groups, strict=True))
    assert facts == {"a1": "0002", "a2": "0002", "a3": "only a3", "b1": "7", "b2": "only b2"}
    assert dataset.columns["note"].tolist() == ["=1+1", "x", "", "<b>", "y"]
    np.testing.assert_array_equal(dataset.columns["share"], [0.5, np.nan, np.nan, 1, 2])
    assert report.warnings == ("1 files have no row in labels.csv: a3.png.",)


@pytest.mark.parametrize("row", ["a1,0", "a1,stable", "a1,slip", "a1,1\na1,0"])
def test_a_label_that_disagrees_with_the_folder_is_an_error(classes, row):
    table(classes, f"ID,label\n{row}\nb1,0\n")
    with pytest.raises(LabelError, match="disagree with the class folders"):
        run(classes, labels="labels.csv")
    assert not (classes.parent / "out.h5").exists()


def test_the_number_1_stands_for_the_stated_positive_folder(classes):
    table(classes, "ID,label\na1,0\nb1,1\n")
    assert run(classes, labels="labels.csv", positive="stable")[0].n_positive == 2


def test_files_beside_class_folders_and_masks_are_not_classes(classes):
    picture(classes / "overview.png")
    picture(classes / "masks" / "a1.png")
    report, dataset = run(classes)
    assert [r.file for r in report.rejected] == ["overview.png"] and len(dataset) == 5
    assert "masks was not read" in report.warnings[0]


# -------------------------------------------------------------------------------------------------------- masks


def test_masks_are_matched_by_stem(classes):
    truth = np.zeros((4, 6), bool)
    truth[:2] = True
    (classes / "masks").mkdir()
    Image.fromarray(truth).save(classes / "masks" / "a1.png")
    np.save(classes / "masks" / "a2.npy", truth.astype(np.uint8) * 255)
    Image.fromarray(np.ones((9, 9), bool)).save(classes / "masks" / "a3.png")
    report, dataset = run(classes, masks="masks")
    masks = dict(zip(dataset.ids, dataset.masks(), strict=True))
    np.testing.assert_array_equal(masks["a1"], truth)
    np.testing.assert_array_equal(masks["a2"], truth)
    assert not masks["a3"].any() and not masks["b1"].any()
    assert [r.file for r in report.rejected] == ["mask of landslide/a3.png"]
    (classes / "masks" / "a2.npy").unlink()
    assert "1 positive patches have no mask" in run(classes, masks="masks")[0].warnings[0]


def test_missing_masks_are_told(classes):
    (classes / "empty").mkdir()
    with pytest.raises(FormatError, match="no folder of masks"):
        run(classes, masks="nowhere")
    with pytest.raises(FormatError, match="No mask in .*empty has the name of a patch"):
        run(classes, masks="empty")


def test_masks_beside_their_images_are_no_patches(classes):
    for name in ("a1_mask", "mask_a2", "a3 label"):
        Image.fromarray(np.full((4, 6), 255, np.uint8)).save(classes / "landslide" / f"{name}.png")
    picture(classes / "stable" / "my_mask.png")  # no image of that name: a patch
    report, dataset = run(classes)
    assert (
        dataset.ids.tolist() == ["a1", "a2", "a3", "b1", "b2", "my_mask"] and "3 masks lie beside" in report.warnings[0]
    )
    assert dict(zip(dataset.ids, dataset.masks().any(axis=(1, 2)), strict=True))["a1"] and not dataset.masks()[3:].any()
    assert [i for ids, _ in iterate_patches(classes)[1] for i in ids] == ["a1", "a2", "a3", "b1", "b2", "my_mask"]


@pytest.mark.parametrize("form", ["{}_mask", "mask_{}", "{}-label", "{}_gt", "label {}"])
def test_masks_in_their_folder_are_found_with_the_words_that_people_add(classes, form):
    (classes / "masks").mkdir()
    for name in ("a1", "a2", "a3"):
        Image.fromarray(np.ones((4, 6), np.uint8)).save(classes / "masks" / f"{form.format(name)}.png")
    report, dataset = run(classes, masks="masks")
    assert dataset.masks()[:3].all() and "3 masks were matched" in " ".join(report.warnings)


# ------------------------------------------------------------------------------------------------- labels table


@pytest.fixture
def flat(tmp_path):
    for name in ("a1", "a2", "b1", "b2"):
        array(tmp_path / "src" / "patches" / f"{name}.npy")
    return tmp_path / "src"


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
    assert "upper and lower case" in report.warnings[0] and "1 patches have no place" in report.warnings[1]
    assert "'Event'. --group-column" in report.warnings[2]


# ---------------------------------------------------------------------------------------------- order, and links


def bytes_of(dataset):
    return [dataset.images(np.array([row])).tobytes() for row in range(len(dataset))]


@pytest.mark.parametrize("names", [("aaa", "zzz"), ("zzz", "aaa")])
def test_the_order_of_patches_is_not_that_of_folders_names(tmp_path, names):
    for i in range(6):  # files of one name in both folders, and others
        picture(tmp_path / "src" / "landslide" / f"{i}.png", seed=i)
        picture(tmp_path / "src" / "stable" / f"{i if i < 3 else f'n{i}'}.png", seed=100 + i)
    _, first = run(tmp_path / "src", tmp_path / "first.h5")
    shutil.copytree(tmp_path / "src" / "landslide", tmp_path / "copy" / "deeper" / names[0])
    shutil.copytree(tmp_path / "src" / "stable", tmp_path / "copy" / "deeper" / names[1])
    _, other = run(tmp_path / "copy", tmp_path / "other.h5", positive=names[0])
    assert bytes_of(first) == bytes_of(other) and first.labels.tolist() == other.labels.tolist()
    assert (first.ids != other.ids).any() and {"landslide/0", "stable/0"} <= set(first.ids)


def test_tiles_of_images_that_have_one_name_are_in_groups_that_folders_do_not_order(tmp_path):
    for pos, neg in (("landslide", "zzz"), ("zzz", "landslide")):
        source = tmp_path / pos
        for i in range(3):
            picture(source / pos / f"{i}.png", seed=i, size=(8, 8))
            picture(source / neg / f"{i}.png", seed=100 + i, size=(8, 8))
    _, first = run(tmp_path / "landslide", tmp_path / "a.h5", positive="landslide", tile=4)
    _, other = run(tmp_path / "zzz", tmp_path / "b.h5", positive="zzz", tile=4)
    assert bytes_of(first) == bytes_of(other)
    assert (
        np.unique(first.groups, return_inverse=True)[1].tolist()
        == np.unique(other.groups, return_inverse=True)[1].tolist()
    )


def test_links_in_class_folders_are_set_aside_with_a_reason_and_counted(classes):
    picture(classes.parent / "outside.png")
    (classes / "stable" / "twin.png").symlink_to(classes / "landslide" / "a1.png")
    (classes / "stable" / "out.png").symlink_to(classes.parent / "outside.png")
    (classes / "stable" / "broken.png").symlink_to(classes.parent / "nowhere.png")
    (classes / "stable" / "bare").symlink_to(classes / "landslide" / "a2.png")
    (classes / "stable" / "folder").symlink_to(classes / "landslide")
    report, dataset = run(classes)
    assert dataset.ids.tolist() == ["a1", "a2", "a3", "b1", "b2"]
    assert len(report.rejected) == 5 and all("link" in r.reason for r in report.rejected)
    assert "5 links were set aside" in report.warnings[0]


@pytest.mark.parametrize("which", ["landslide", "stable"])
def test_a_class_folder_that_is_a_link_is_no_lost_class(classes, which):
    (classes / which).rename(classes.parent / "real")
    (classes / which).symlink_to(classes.parent / "real")
    with pytest.raises(FormatError, match=f"{which} is a link, which is not followed, so its class would be lost"):
        run(classes)


@pytest.mark.parametrize("below", [("train",), ("train", "test")])
def test_a_lost_class_below_folders_of_the_split_is_told(tmp_path, below):
    for split in below:
        picture(tmp_path / "src" / split / "landslide" / f"{split}.png")
    picture(tmp_path / "real" / "b.png")
    (tmp_path / "src" / "train" / "stable").symlink_to(tmp_path / "real")
    with pytest.raises(FormatError, match="stable is a link, which is not followed, so its class would be lost"):
        run(tmp_path / "src")


def test_a_folder_of_masks_is_no_lost_class(tmp_path):
    for name in ("images", "landslide_masks"):
        for i in range(3):
            picture(tmp_path / "src" / name / f"p{i}.png", 0 if name == "images" or i else 255)
    _, dataset = run(tmp_path / "src", masks=tmp_path / "src" / "landslide_masks")
    assert dataset.labels.tolist() == [1, 0, 0]


def test_a_split_by_folder_stands_above_the_tables(tmp_path):
    for folder, name in (("train", "a"), ("test", "b"), ("more", "c")):
        picture(tmp_path / "src" / folder / f"{name}.png")
    rows = "id,label,split\na,1,test\nb,0,test\nc,1,val\n"
    _, dataset = run(tmp_path / "src", labels=table(tmp_path / "src", rows))
    assert dict(zip(dataset.ids.tolist(), dataset.split.tolist(), strict=True)) == {
        "a": "train",
        "b": "test",
        "c": "validation",
    }


def test_a_source_of_links_alone_is_told(classes):
    classes.rename(classes.parent / "real")
    for path in (classes.parent / "real").rglob("*.png"):
        link = classes / path.relative_to(classes.parent / "real")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    with pytest.raises(FormatError, match="holds no patches.*5 links were set aside"):
        run(classes)
    with pytest.raises(FormatError, match="5 links"):
        recognise(classes)


def test_a_class_folder_of_unreadable_kinds_is_no_lost_class(classes):
    for path in (classes / "landslide").iterdir():
        path.rename(path.with_suffix(".jp2"))
    with pytest.raises(FormatError, match="landslide holds no file that can be read, so its class would be lost"):
        run(classes)


# ------------------------------------------------------------------------------------- files that cannot be used


def test_every_kind_of_bad_file_is_set_aside_with_its_reason_and_the_rest_is_used(classes):
    good = classes / "landslide"
    (good / "empty.png").touch()
    (good / "broken.npy").write_bytes(b"\x93NUMPY")
    picture(good / "small.png", size=(2, 2))
    array(good / "floats.npy", (4, 6, 3))
    Image.fromarray(np.zeros((4, 6, 4), np.uint8)).save(good / "clear.png")
    picture(classes.parent / "outside.png")
    (good / "link.png").symlink_to(classes.parent / "outside.png")
    (classes / "linked").symlink_to(classes.parent)
    (good / ".hidden.png").touch()
    os.mkfifo(good / "pipe.png")
    (good / "notes.txt").touch()
    bad_name = os.fsencode(good) + b"/\xff.png"
    with open(bad_name, "wb") as file:
        file.write((good / "a1.png").read_bytes())
    report, dataset = run(classes)
    reasons = {os.path.basename(r.file): r.reason for r in report.rejected}
    assert dataset.ids.tolist() == ["a1", "a2", "a3", "b1", "b2"]
    for name, part in {
        "empty.png": "cannot be read as a picture",
        "broken.npy": "not a .npy file",
        "small.png": "2x2 pixels with 3 bands; 6 others are 4x6",
        "floats.npy": "holds other numbers; 6 others hold bytes",
        "clear.png": "transparent",
        "link.png": "leads out of the folder",
        "linked": "link to a folder",
        "pipe.png": "not a plain file",
        "\\udcff.png": "not UTF-8",
    }.items():
        assert part in reasons.pop(name), name
    assert not reasons
    assert any("1 hidden files" in text and ".hidden.png" in text for text in report.warnings)


def test_names_that_look_like_code_are_kept_letter_for_letter(classes):
    picture(classes / "stable" / "=HYPERLINK('x')<img onerror=alert(1)>.png")
    _, dataset = run(classes)
    assert "=HYPERLINK('x')<img onerror=alert(1)>" in dataset.ids


def test_nothing_usable_is_told_with_the_first_reason(tmp_path):
    (tmp_path / "src").mkdir()
    with pytest.raises(FormatError, match="holds no patches"):
        run(tmp_path / "src")
    (tmp_path / "src" / "x.png").touch()
    with pytest.raises(DataError, match="None of 1 files can be used. The first reason: x.png"):
        run(tmp_path / "src")
    with pytest.raises(FormatError, match="no folder"):
        run(tmp_path / "nowhere")
    with pytest.raises(FormatError, match="no format 'geo'. Known: zindi, .*folders"):
        run(tmp_path / "src", format="geo")


# -------------------------------------------------------------------------------------------------------- bands


@pytest.mark.parametrize(
    ("n", "names"),
    [(12, "red green blue nir desc_vv"), (3, "red green blue"), (4, "red green blue nir"), (5, "band_1 band_2")],
)
def test_bands_without_names_follow_their_number_with_a_warning(tmp_path, n, names):
    array(tmp_path / "src" / "x.npy", (16, 16, n))
    report, dataset = run(tmp_path / "src")
    assert dataset.band_names[: len(names.split())] == tuple(names.split())
    assert any(f"{n} bands without names" in text for text in report.warnings)


def test_pictures_are_red_green_blue_without_a_warning(classes):
    report, dataset = run(classes)
    assert dataset.bands[0].unit == "0-255" and report.warnings == () and dataset.nodata is None


def test_another_number_of_bands_is_refused_naming_the_expected(flat):
    array(flat / "patches" / "c13.npy", (16, 15, 13))
    report, dataset = run(flat, bands=("red", "green", "blue", "nir"))
    assert len(dataset) == 4
    assert [r.reason for r in report.rejected] == ["It has 13 bands; accepted: 4 (red, green, blue, nir)."]
    with pytest.raises(DataError, match=r"accepted: 2 \(red, nir\)"):
        run(flat, bands=("red", "nir"))
    with pytest.raises(FormatError, match="do not fit: red, red, red, red"):
        run(flat, bands=("red",) * 4)


def test_axes_are_told_by_their_lengths_or_by_the_layout(tmp_path):
    array(tmp_path / "src" / "x.npy", (12, 9, 12))
    with pytest.raises(DataError, match="x.npy has the shape .* Say --layout NCHW if they come first, NHWC if last"):
        run(tmp_path / "src")
    assert run(tmp_path / "src", layout="NHWC")[1].shape == (12, 12, 9)
    assert run(tmp_path / "src", layout="NCHW")[1].shape == (12, 9, 12)


# --------------------------------------------------------------------------------------------------- prediction


def test_patches_to_predict_come_in_batches_without_labels(flat):
    bands, batches = iterate_patches(flat, bands=("red", "green", "blue", "nir"), batch_size=3)
    found = list(batches)
    assert [len(ids) for ids, _ in found] == [3, 1] and bands[3].name == "nir"
    assert found[0][1].dtype == np.float32 and found[0][1].shape == (3, 4, 6, 5)
    assert np.concatenate([ids for ids, _ in found]).tolist() == ["a1", "a2", "b1", "b2"]


def test_unusable_files_stop_prediction_unless_a_list_is_given(flat):
    (flat / "patches" / "b1.npy").write_bytes(b"")
    with pytest.raises(DataError, match="b1.npy"):
        iterate_patches(flat)
    rejected = []
    _, batches = iterate_patches(flat, rejected=rejected)
    assert sum(len(ids) for ids, _ in batches) == 3 and [r.file for r in rejected] == ["patches/b1.npy"]


def test_one_file_is_a_source(flat):
    _, batches = iterate_patches(flat / "patches" / "a1.npy")
    assert next(batches)[0].tolist() == ["a1"]


def test_what_is_no_source_is_told(tmp_path):
    with pytest.raises(FormatError, match="no known format. Known: zindi, .*folders"):
        recognise(tmp_path)
    with pytest.raises(FormatError, match="no folder or file"):
        iterate_patches(tmp_path / "nowhere")
    np.save(tmp_path / "x.npy", np.array([None]), allow_pickle=True)
    with pytest.raises(UnsafeFileError, match="^x.npy holds Python objects"):
        iterate_patches(tmp_path / "x.npy")
