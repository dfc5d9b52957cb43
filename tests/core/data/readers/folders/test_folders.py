"""Folders of patches without a table (FAULTS 10-13, 16, 18, 24)."""

import os

import numpy as np
import pytest
from PIL import Image

from core.data.check import check
from core.data.readers import iterate_patches, recognise
from core.errors import DataError, FormatError, LabelError, UnsafeFileError
from core.progress import drain
from tests.core.data.readers.folders.patch_folders import array, picture, run, table

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
    assert report.warnings == ("1 file has no row in labels.csv: a3.png.",)


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


# ------------------------------------------------------------------------------------- files that cannot be used


@pytest.mark.fault(16)
def test_every_kind_of_bad_file_is_set_aside_with_its_reason_and_the_rest_is_used(classes):
    good = classes / "landslide"
    (good / "empty.png").touch()
    (good / "broken.npy").write_bytes(b"\x93NUMPY")
    picture(good / "small.png", size=(2, 2))
    array(good / "floats.npy", (4, 6, 3))
    Image.fromarray(np.zeros((4, 6, 4), np.uint8)).save(good / "clear.png")
    picture(classes.parent / "outside.png")
    (good / "link.png").symlink_to(classes.parent / "outside.png")
    (good / "circle.png").symlink_to("circle.png")
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
        "circle.png": "or nowhere",
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


@pytest.mark.fault(13)
def test_another_number_of_bands_is_refused_naming_the_expected(flat):
    array(flat / "patches" / "c13.npy", (16, 15, 13))
    report, dataset = run(flat, bands=("red", "green", "blue", "nir"))
    assert len(dataset) == 4
    assert [r.reason for r in report.rejected] == ["It has 13 bands; accepted: 4 (red, green, blue, nir)."]
    with pytest.raises(DataError, match=r"accepted: 2 \(red, nir\)"):
        run(flat, bands=("red", "nir"))
    with pytest.raises(FormatError, match="do not fit: red, red, red, red"):
        run(flat, bands=("red",) * 4)


@pytest.mark.fault(13)
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
