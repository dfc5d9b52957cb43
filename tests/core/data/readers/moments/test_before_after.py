"""Pictures before and after the event, read as one dataset."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from core.data.bands import composites
from core.data.readers import FORMATS, ReaderOptions, ingest, recognise
from core.data.readers.base import Aside
from core.data.readers.moments.pairing import paired
from core.data.store import open_dataset
from core.errors import FormatError
from core.progress import drain

SIDE = 16


def picture(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((SIDE, SIDE, 3), value, np.uint8)).save(path)


def made(tmp_path, source, format=None, **options):
    out = tmp_path / "pairs.h5"
    report = drain(ingest(format, source, out, ReaderOptions(**options)))
    return open_dataset(out), report


@pytest.mark.parametrize(
    "name", ["{m}/{c}/p{i}.png", "{c}/{m}/p{i}.png", "{c}/p{i}_{m}.png", "{c}/{m}_p{i}.png", "train/{c}/{m}/p{i}.png"]
)
@pytest.mark.parametrize(("before", "after"), [("before", "after"), ("pre", "post"), ("Pre_Event", "Post_Event")])
def test_pairs_are_told_by_folders_and_by_words_in_names(tmp_path, name, before, after):
    for i in range(4):
        label = "landslide" if i % 2 else "other"
        picture(tmp_path / "s" / name.format(m=before, c=label, i=i), 10 + i)
        picture(tmp_path / "s" / name.format(m=after, c=label, i=i), 100 + i)
    assert recognise(tmp_path / "s") == "before_after"
    data, report = made(tmp_path, tmp_path / "s")
    assert data.band_names == ("red", "green", "blue", "red_pre", "green_pre", "blue_pre")
    assert sorted(data.ids.tolist()) == ["p0", "p1", "p2", "p3"] and not report.rejected
    for row, patch in enumerate(data.ids.tolist()):
        i = int(patch[1:])
        image = data.images([row])[0]
        assert (image[:3] == 100 + i).all() and (image[3:] == 10 + i).all() and data.labels[row] == i % 2
    assert {band.unit for band in data.bands} == {"0-255"} and data.bands[3].title == "Red before"
    assert [c.name for c in composites(data.bands)][:2] == ["True colour", "True colour before"]


def test_columns_of_a_labels_table_name_the_two_pictures(tmp_path):
    rows = ["after,before,label,scene,age"]
    for i in range(4):
        picture(tmp_path / "s" / f"x{i}.png", 100 + i)
        picture(tmp_path / "s" / f"y{3 - i}.png", 10 + i)
        rows.append(f"x{i}.png,y{3 - i}.png,{i % 2},s{i // 2},new")
    rows += ["x9.png,y0.png,1,s1,new", "x1.png,,1,s1,new"]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    data, report = made(tmp_path, tmp_path / "s", "before_after", labels=tmp_path / "labels.csv", group_column="scene")
    assert data.ids.tolist() == ["x0", "x1", "x2", "x3"] and data.labels.tolist() == [0, 1, 0, 1]
    assert data.groups.tolist() == ["s0", "s0", "s1", "s1"] and set(data.columns["age"]) == {"new"}
    assert [(int(i[0, 0, 0]), int(i[3, 0, 0])) for i in data.images()] == [(100 + i, 10 + i) for i in range(4)]
    assert any("'x9.png' names no file" in one.reason for one in report.rejected)
    assert any("Its before is empty" in one.reason for one in report.rejected)


def test_what_has_no_partner_or_another_size_is_set_aside(tmp_path):
    for moment in ("A", "B"):
        for i in range(3):
            picture(tmp_path / "s" / moment / f"p{i}.png", 50)
    picture(tmp_path / "s" / "A" / "alone.png", 50)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "s" / "B" / "p2.png")
    assert recognise(tmp_path / "s") != "before_after", "A and B may mean anything"
    data, report = made(tmp_path, tmp_path / "s", "before_after")
    assert data.ids.tolist() == ["p0", "p1"]
    reasons = {one.file: one.reason for one in report.rejected}
    assert "no picture of the same name after the event" in reasons["A/alone.png"]
    assert "Before the event (A/p2.png) it has 3 bands of 16x16" in reasons["B/p2.png"]


def test_arrays_take_the_names_that_are_given_for_one_moment(tmp_path):
    for moment, value in (("before", 0.1), ("after", 0.4)):
        for i in range(3):
            path = tmp_path / "s" / moment / f"p{i}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, np.full((SIDE, SIDE, 2), value, np.float32))
    data, _ = made(tmp_path, tmp_path / "s", "before_after", bands="red,nir", layout="NHWC", unit="reflectance")
    assert data.band_names == ("red", "nir", "red_pre", "nir_pre")
    assert np.allclose(data.images()[:, :2], 0.4) and np.allclose(data.images()[:, 2:], 0.1)


def test_pairs_to_predict_are_read_as_those_that_were_learnt(tmp_path):
    for i in range(3):
        picture(tmp_path / "s" / f"p{i}_pre.png", i)
        picture(tmp_path / "s" / f"p{i}_post.png", 100 + i)
    aside = Aside()
    collection = FORMATS["before_after"].collect_unlabelled(tmp_path / "s", ReaderOptions(), aside)
    assert [item.id for item in collection.items] == ["p0", "p1", "p2"]
    assert collection.items[2].patch.read()[[0, 3], 0, 0].tolist() == [102, 2]


def test_a_source_without_pairs_says_what_is_accepted(tmp_path):
    picture(tmp_path / "s" / "landslide" / "a.png", 1)
    with pytest.raises(FormatError, match="holds no pairs of pictures.*_pre and _post.*columns before and after"):
        made(tmp_path, tmp_path / "s", "before_after")


def test_several_pictures_of_one_moment_have_no_partner(tmp_path):
    files = [tmp_path / name for name in ("before/a.png", "before/a.tif", "after/a.png", "after/b.png", "x.png")]
    found = paired(tmp_path, files)
    assert not found.before_of and found.neither == (files[4],)
    assert "Several pictures" in found.alone[files[2]] and "no picture of the same name before" in found.alone[files[3]]


@pytest.mark.parametrize(
    ("before", "after", "shared"),
    [("a_pre.png", "a_post.png", "a"), ("pre-7.png", "Post-7.tif", "7"), ("A/t1_x.png", "B/t1_x.png", "t1_x"),
     ("xBD_pre_disaster.png", "xBD_post_disaster.png", "xBD"), ("t1/a.png", "t2/a.png", "a"),
     ("before/a_pre.png", "after/a_post.png", "a"), ("images/b_2.png", "images/a_2.png", None)],
)  # fmt: skip
def test_names_share_what_says_no_moment(tmp_path, before, after, shared):
    found = paired(tmp_path, [tmp_path / before, tmp_path / after], loose=True)
    if shared is None:  # b is after, a is before
        before, after, shared = after, before, "2"
    assert found.before_of == {tmp_path / after: tmp_path / before} and found.shared == {tmp_path / after: shared}
