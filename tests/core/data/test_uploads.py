"""An upload has a folder of its own with safe names, and only such a folder is ever removed."""

import io
import os
import time

import pytest

from core.data import uploads
from core.errors import DataError, UnsafeFileError


@pytest.fixture
def root(tmp_path):
    return tmp_path / "datasets" / uploads.FOLDER


def test_each_upload_has_a_folder_of_its_own_with_safe_names(root):
    first = uploads.keep([("../../a b.npy", io.BytesIO(b"1")), ("c.csv", io.BytesIO(b"2"))], root)
    second = uploads.keep([("../../a b.npy", io.BytesIO(b"1"))], root)
    assert first != second and first.parent == second.parent == root
    assert sorted(path.name for path in first.iterdir()) == ["a-b.npy", "c.csv"]
    assert (first / "c.csv").read_bytes() == b"2" and list(root.parent.iterdir()) == [root]


def test_an_empty_file_or_two_of_one_name_are_refused_and_leave_nothing(root):
    with pytest.raises(DataError, match="x.npy is empty"):
        uploads.keep([("x.npy", io.BytesIO())], root)
    with pytest.raises(DataError, match="Two of the uploaded files are called a-b.npy"):
        uploads.keep([("a b.npy", io.BytesIO(b"1")), ("a-b.npy", io.BytesIO(b"2"))], root)
    assert not list(root.iterdir())


def test_an_upload_that_stops_halfway_leaves_nothing(root):
    class Broken(io.RawIOBase):
        def read(self, *_):
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        uploads.keep([("a.npy", Broken())], root)
    assert not list(root.iterdir())


def test_only_the_folder_of_an_upload_is_removed(root, tmp_path):
    folder = uploads.keep([("a.npy", io.BytesIO(b"1"))], root)
    for other in (tmp_path, root, folder / "a.npy"):
        with pytest.raises(UnsafeFileError):
            uploads.forget(other)
    linked = root / "up-linked"
    linked.symlink_to(tmp_path)
    with pytest.raises(UnsafeFileError):
        uploads.forget(linked)
    uploads.forget(folder)
    uploads.forget(folder)  # it has gone already: nothing happens
    assert not folder.exists() and tmp_path.is_dir()


def test_old_uploads_are_swept_and_new_ones_stay(root):
    old, new = (uploads.keep([("a.npy", io.BytesIO(b"1"))], root) for _ in range(2))
    os.utime(old, (time.time() - 100, time.time() - 100))
    uploads.sweep(root, 50)
    assert not old.exists() and new.exists()
    uploads.sweep(root.parent / "none", 50)
