"""Images and masks found by where they lie and what they are called."""

import pytest

from core.data.readers.base import Aside
from core.data.readers.pairs import pair

LAYOUTS = {
    "TrainData/img/image_7.h5": ("TrainData/mask/mask_7.h5", "train"),
    "images/validation/image_7.h5": ("annotations/validation/mask_7.h5", "validation"),
    "test/images/ImageT_patch_10_39.tif": ("test/masks/MaskT_patch_10_39.tif", "test"),
    "raw/images/0007.tif": ("raw/labels/0007.tif", None),
    "image_7.h5": ("mask_7.h5", None),
    "Image-a.tif": ("LABEL-a.tif", None),
    "s00.tif": ("s00_mask.tif", None),
    "images/s01.tif": ("masks/s01_mask.tif", None),
    "s02_image.tif": ("s02-label.tif", None),
    "a (1).tif": ("a (1)_gt.tif", None),
}


@pytest.mark.parametrize(("image", "found"), LAYOUTS.items())
def test_known_layouts(tmp_path, image, found):
    mask, split = found
    aside = Aside()
    pairs = pair(tmp_path, [tmp_path / mask, tmp_path / image], aside)
    assert pairs.images == (tmp_path / image,) and pairs.mask_of == {tmp_path / image: tmp_path / mask}
    assert pairs.split_of.get(tmp_path / image) == split and not aside.warnings


def test_equal_numbers_in_other_splits_are_other_images(tmp_path):
    names = ("train/img/image_1.h5", "test/img/image_1.h5", "train/mask/mask_1.h5", "test/mask/mask_2.h5")
    aside = Aside()
    pairs = pair(tmp_path, [tmp_path / name for name in names], aside)
    assert pairs.mask_of == {tmp_path / names[0]: tmp_path / names[2]} and len(pairs.images) == 2
    assert aside.warnings == ["1 mask has no image and was left out: test/mask/mask_2.h5."]


def test_words_that_only_begin_alike_are_names(tmp_path):
    names = ("labelled_1.tif", "maskara.tif", "imagery.tif", "landslide/a.tif")
    assert len(pair(tmp_path, [tmp_path / name for name in names], Aside()).images) == 4


def test_folders_above_the_source_do_not_count(tmp_path):
    source = tmp_path / "masks" / "test"
    pairs = pair(source, [source / "a.tif"], Aside())
    assert len(pairs.images) == 1 and not pairs.split_of


def test_a_last_word_is_a_part_of_the_name_where_no_image_is_beside_it(tmp_path):
    names = ("rock_mask.tif", "field_gt.tif", "images/b_label.tif", "b.tif")
    pairs = pair(tmp_path, [tmp_path / name for name in names], Aside())
    assert len(pairs.images) == 4 and not pairs.mask_of


def test_several_masks_of_one_name_are_told_and_none_is_taken(tmp_path):
    aside = Aside()
    pairs = pair(tmp_path, [tmp_path / name for name in ("a.tif", "a_mask.tif", "mask_a.tif")], aside)
    assert not pairs.mask_of and "1 images have several masks" in aside.warnings[0]
    assert "2 masks have no image" in aside.warnings[1]
