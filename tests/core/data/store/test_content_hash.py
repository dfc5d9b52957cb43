"""The content hash follows what the file holds, whoever changed it and however."""

import os
import shutil

import h5py
import pytest

from core.data.store import open_dataset
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


def test_a_dataset_of_the_same_ids_and_other_pixels_is_another_one(tmp_path):
    data = make_dataset(tmp_path / "datasets" / "tiny.h5", n=30)
    run = make_run(tmp_path, data.path)
    make_dataset(data.path, n=30, seed=1)
    assert "has changed" in changed(run, open_dataset(data.path))
