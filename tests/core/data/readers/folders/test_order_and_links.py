"""What folders' names must not change, and links in them."""

import shutil

import numpy as np
import pytest

from core.data.readers import recognise
from core.errors import FormatError
from tests.core.data.readers.folders.patch_folders import picture, run, table


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


@pytest.mark.fault(16)
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
