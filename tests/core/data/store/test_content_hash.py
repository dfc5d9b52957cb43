"""The content hash follows what the file holds, whoever changed it and however."""

import os
import shutil

import h5py
import pytest

from core.data.store import content_hash, open_dataset
from core.errors import RunError
from core.predict.training_dataset import changed, training_dataset
from tests.builders import make_dataset, make_run


def other_pixels(path):
    with h5py.File(path, "r+") as file:
        file["images"][0] += 1


def other_label(path):
    with h5py.File(path, "r+") as file:
        file["labels"][1] = 1 - file["labels"][1]


def other_group(path):
    with h5py.File(path, "r+") as file:
        values = file["groups"][()]
        values[0] = b"elsewhere"[: values.dtype.itemsize]
        file["groups"][...] = values


def with_its_old_time(change):
    def changed_secretly(path):
        before = path.stat()
        change(path)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    return changed_secretly


def test_the_hash_of_an_untouched_file_is_the_one_on_its_card(tmp_path):
    data = make_dataset(tmp_path / "tiny.h5", n=20)
    assert data.content_hash == data.card_hash
    shutil.copy(data.path, tmp_path / "copy.h5")
    assert open_dataset(tmp_path / "copy.h5").content_hash == data.content_hash


@pytest.mark.fault(35)
@pytest.mark.parametrize("change", [other_pixels, other_label, other_group, with_its_old_time(other_label)])
def test_a_run_is_told_that_its_dataset_was_changed_in_place(tmp_path, change):
    data = make_dataset(tmp_path / "datasets" / "tiny.h5", n=30)
    run, before = make_run(tmp_path, data.path), data.content_hash
    assert changed(run, data) == "" and training_dataset(run).content_hash == before
    change(data.path)
    now = open_dataset(data.path)
    assert now.card_hash == before != now.content_hash
    assert "has changed" in changed(run, now)
    with pytest.raises(RunError, match="train again"):
        training_dataset(run)


@pytest.mark.fault(35)
def test_a_dataset_of_the_same_ids_and_other_pixels_is_another_one(tmp_path):
    data = make_dataset(tmp_path / "datasets" / "tiny.h5", n=30)
    run = make_run(tmp_path, data.path)
    make_dataset(data.path, n=30, seed=1)
    assert "has changed" in changed(run, open_dataset(data.path))


@pytest.fixture
def large(tmp_path, monkeypatch):
    """A dataset whose hash is remembered, as that of a large file is, and how often its file was read for it."""
    monkeypatch.setattr(content_hash, "REMEMBERED_BYTES", 0)
    monkeypatch.setattr(content_hash, "SETTLED_NS", 0)
    data, read = make_dataset(tmp_path / "tiny.h5", n=20), []
    computed = content_hash._computed
    monkeypatch.setattr(content_hash, "_computed", lambda path: read.append(path) or computed(path))
    return data, read


def later(data):
    """The hash as another process finds it."""
    content_hash._hashed.cache_clear()
    return open_dataset(data.path).content_hash


def test_the_hash_of_a_large_file_is_remembered_beside_it(large):
    data, read = large
    assert [later(data) for _ in range(3)] == [data.card_hash] * 3 and len(read) == 1
    assert [path.name for path in data.path.parent.glob(".*")] == [".tiny.hash.json"]


@pytest.mark.parametrize("change", [other_pixels, with_its_old_time(other_label)])
def test_a_remembered_hash_is_not_that_of_a_file_that_was_changed(large, change):
    data, read = large
    before = later(data)
    change(data.path)
    assert later(data) != before and len(read) == 2


def test_a_note_that_came_with_a_copied_folder_counts_for_nothing(large, tmp_path):
    data, read = large
    later(data)
    (tmp_path / "copy").mkdir()
    for name in ("tiny.h5", ".tiny.hash.json"):
        shutil.copy2(tmp_path / name, tmp_path / "copy" / name)
    other_pixels(tmp_path / "copy" / "tiny.h5")
    assert later(open_dataset(tmp_path / "copy" / "tiny.h5")) != data.card_hash and len(read) == 2


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": [1, 2, 3, 4], "content_hash": "ab"}', "x" * 5000])
def test_a_damaged_note_is_written_anew(large, text):
    data, read = large
    note = data.path.with_name(".tiny.hash.json")
    note.write_text(text)
    assert [later(data), later(data)] == [data.card_hash] * 2 and len(read) == 1


def test_a_note_is_not_followed_elsewhere_nor_written_for_a_file_that_has_just_changed(large, monkeypatch):
    data, read = large
    monkeypatch.setattr(content_hash, "SETTLED_NS", 10**15)
    assert later(data) == data.card_hash and not list(data.path.parent.glob(".*"))
    monkeypatch.setattr(content_hash, "SETTLED_NS", 0)
    data.path.with_name(".tiny.hash.json").mkdir()
    assert [later(data), later(data)] == [data.card_hash] * 2 and len(read) == 3
