"""Names in tables that differ from files' in form only are matched where that is clear; else the nearest is shown."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.readers.base import Aside
from core.data.readers.matching import FileIndex, match_masks, match_names, match_rows
from core.data.readers.tables import read_table
from core.errors import FormatError

ROOT = Path("/nowhere/source")


def matched(names, files):
    aside = Aside()
    index = FileIndex(ROOT, [ROOT / file for file in files])
    found = match_names(names, index, aside, "labels.csv")
    return {
        name: [path.relative_to(ROOT).as_posix() for path in paths] for name, paths in found.items()
    }, aside.warnings


@pytest.mark.parametrize(
    ("name", "file", "differs"),
    [
        ("7", "0007.npy", "leading zeros"),
        ("7.0", "0007.npy", "leading zeros"),
        ("tile_7", "tile_0007.npy", "leading zeros"),
        ("img_1", "IMG_1.png", "upper and lower case"),
        ("IMG_1.JPG", "img_1.jpg", "upper and lower case"),
        ("ladera_\u00e9", unicodedata.normalize("NFD", "ladera_\u00e9") + ".npy", "Unicode form"),
        ("a 1", "a_1.npy", "blanks and dashes"),
        ("a_mask.png", "a.npy", "words such as mask or image"),
        ("7", "image_7.npy", "words such as mask or image"),
        ("a", "a.npy", None),
        ("a.tif", "a.npy", None),
        ("a.png", "deep/er/a.png", None),
        ("scene.v2", "scene.v2.npy", None),
        ("x\\a", "x/a.npy", None),
        ("/elsewhere/on/another/a.tif", "a.npy", None),
    ],
)
def test_one_name_of_one_file_is_matched_and_told_of(name, file, differs):
    found, warnings = matched([name], [file, "other.npy"])
    assert found == {name: [file]}
    assert (differs in warnings[0] and "1 names" in warnings[0]) if differs else not warnings


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["7"], ["007.npy", "0007.npy"]),
        (["7", "07"], ["0007.npy"]),
        (["Img"], ["IMG.npy", "img.npy"]),
        (["scene.v2"], ["scene.npy"]),
        (["gone"], ["here.npy"]),
        (["b/a"], ["a/a.npy", "b/other.npy"]),
    ],
)
def test_what_is_not_clear_is_not_matched(names, files):
    found, warnings = matched(names, files)
    assert not any(found.values()) and not warnings


def test_a_file_that_is_named_as_it_stands_is_no_others():
    assert matched(["1", "01"], ["01.npy"])[0] == {"1": [], "01": ["01.npy"]}


def test_folders_in_a_name_choose_among_files_of_that_name():
    files = ["scenes/a/1.npy", "scenes/b/1.npy"]
    assert matched(["a/1", "data/scenes/b/1.tif"], files)[0] == {"a/1": [files[0]], "data/scenes/b/1.tif": [files[1]]}
    assert len(matched(["1"], files)[0]["1"]) == 2


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 9999), min_size=1, max_size=40), st.integers(4, 8))
def test_numbers_that_lost_their_zeros_find_their_own_file(numbers, width):
    found, _ = matched([str(n) for n in numbers], [f"{n:0{width}d}.npy" for n in numbers])
    assert all(found[str(n)] == [f"{n:0{width}d}.npy"] for n in numbers)


def test_rows_without_files_show_the_nearest_name_and_what_differs(tmp_path):
    (tmp_path / "labels.csv").write_text("id,label\npatch#a,1\nb,0\n")
    table = read_table(tmp_path / "labels.csv", Aside())
    index = FileIndex(tmp_path, [tmp_path / "patch_a.npy", tmp_path / "b.npy"])
    aside = Aside()
    assert len(match_rows(table, "id", index, lambda row: row["label"], aside).row_of) == 1
    said = aside.rejected[0].reason
    assert "'patch#a' has no file" in said and "nearest file name is 'patch_a.npy' ('#' is '_' there)" in said
    with pytest.raises(FormatError, match="None of the 2 rows of labels.csv has a file.*--id-column"):
        match_rows(table, "id", FileIndex(tmp_path, [tmp_path / "z.npy"]), lambda row: row["label"], Aside())


@pytest.mark.parametrize(
    "mask", ["s00_mask", "s00-label", "mask_s00", "Label_s00", "s00_gt", "s00_segmentation", "S00"]
)
def test_masks_are_found_with_the_words_that_people_add(mask):
    aside = Aside()
    index = FileIndex(ROOT, [ROOT / f"{mask}.tif", ROOT / "s01_mask.tif"])
    found = match_masks([Path("s00.tif"), Path("s01.tif"), Path("s02.tif")], index, aside)
    assert [[path.stem for path in paths] for paths in found.values()] == [[mask], ["s01_mask"], []]
    assert "2 masks were matched" in aside.warnings[0]


def test_a_mask_of_two_images_by_its_name_is_nobodys():
    found = match_masks([Path("a.tif"), Path("image_a.tif")], FileIndex(ROOT, [ROOT / "a_mask.tif"]), Aside())
    assert not any(found.values())
