"""Uploads: kept under safe names, within limits, found again, and gone when they are no longer needed."""

import io
import os

import pytest

from core.data import uploads
from core.data.uploads import Upload, files_in, folder_of, forget, keep, keep_scene, sweep
from core.errors import DataError


def sent(name="a.zip", content=b"PK", kinds=(".zip",)):
    return Upload(name, io.BytesIO(content), kinds)


def kept(root):
    return list((root / "datasets").glob(".uploads/*"))


@pytest.mark.fault(23)
def test_several_files_are_kept_in_their_order_under_safe_names(tmp_path):
    folder = keep([sent("../../sly name.zip"), sent("b.zip", b"2"), sent("b.zip", b"3")], tmp_path)
    assert [path.name for path in files_in(folder)] == ["sly-name.zip", "b.zip", "b.zip"]
    assert [path.read_bytes() for path in files_in(folder)] == [b"PK", b"2", b"3"]
    assert all(folder_of(path, tmp_path) == folder for path in files_in(folder))
    forget(folder)
    assert not kept(tmp_path) and not (tmp_path / "datasets" / ".uploads").exists()


@pytest.mark.fault(26)
@pytest.mark.parametrize(
    ("name", "content", "words"),
    [("a.zip", b"", "empty"), ("a.exe", b"MZ", "not one of"), ("zip", b"PK", "not one of")],
)
def test_uploads_of_another_kind_or_empty_are_refused_and_nothing_is_kept(tmp_path, name, content, words):
    with pytest.raises(DataError, match=words):
        keep([sent(), sent(name, content)], tmp_path)
    assert not kept(tmp_path)


@pytest.mark.fault(26)
def test_uploads_over_the_limit_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_MB", 0)
    with pytest.raises(DataError, match="may have 0"):
        keep([sent()], tmp_path)


def test_only_what_lies_in_a_folder_of_uploads_is_an_upload(tmp_path):
    folder = keep([sent()], tmp_path)
    assert folder_of(tmp_path / "datasets" / "x.h5", tmp_path) is None
    assert folder_of(folder.parent / "other" / "x", tmp_path) is None and folder_of(folder.parent, tmp_path) is None
    assert folder_of(folder / ".." / ".." / "x.h5", tmp_path) is None
    (tmp_path / "link").symlink_to(tmp_path)
    assert folder_of(tmp_path / "link" / "x", tmp_path) is None


@pytest.mark.fault(26)
def test_what_a_stopped_server_left_is_swept_when_it_is_old_and_no_job_needs_it(tmp_path):
    folders = [keep([sent()], tmp_path) for _ in range(3)]
    for folder in folders[:2]:
        os.utime(folder, (0, 0))
    sweep(tmp_path, in_use={folders[0]})
    assert sorted(kept(tmp_path)) == sorted([folders[0], folders[2]])
    sweep(tmp_path, older_than_s=-1)
    assert not kept(tmp_path)


def test_rasters_of_a_scene_stay_and_equal_ones_are_kept_once(tmp_path):
    tiles = [("b.tif", b"2" * 3_000_000), ("sly name.tif", b"1")]
    first = keep_scene([sent(*one, (".tif",)) for one in tiles], tmp_path)
    again = keep_scene([sent(*one, (".tif",)) for one in reversed(tiles)], tmp_path)
    other = keep_scene([sent("b.tif", b"3", (".tif",))], tmp_path)
    assert first == again != other and first.parent == tmp_path / "datasets" / ".scenes"
    assert {path.name: len(path.read_bytes()) for path in first.iterdir()} == {"b.tif": 3_000_000, "sly-name.tif": 1}
    sweep(tmp_path, older_than_s=-1)
    assert sorted(path.name for path in first.parent.iterdir()) == sorted([first.name, other.name])


@pytest.mark.parametrize(("second", "words"), [("a.tif", "Two of the files"), ("a.exe", "not one of")])
def test_a_scene_that_cannot_be_kept_leaves_nothing(tmp_path, second, words):
    with pytest.raises(DataError, match=words):
        keep_scene([sent("a.tif", b"1", (".tif",)), sent(second, b"2", (".tif",))], tmp_path)
    assert not list((tmp_path / "datasets").glob(".scenes/*"))
