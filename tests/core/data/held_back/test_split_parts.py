"""A dataset's own split: its words, and what the folds leave alone for it."""

import numpy as np
import pytest

from core.config import DataConfig, FoldsConfig
from core.data.bands import RGB_BANDS
from core.data.held_back.split_parts import part_of, split_parts
from core.data.selection import select
from core.data.store import DatasetWriter
from core.errors import FoldError


def made(tmp_path, split=None, columns=None, labels=None):
    n = len(split if split is not None else next(iter(columns.values())))
    writer = DatasetWriter(tmp_path / "x.h5", bands=RGB_BANDS, shape_hw=(4, 4), class_names=("a", "b"), source="")
    with writer:
        images = np.random.default_rng(0).normal(size=(n, 3, 4, 4))
        labels = np.arange(n) % 2 if labels is None else labels
        writer.append(images, labels, [f"p{k}" for k in range(n)], split=split, columns=columns)
        return writer.finish()


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("train", ["", " ", "train", "Train", "TRAINING", "TrainData", "train_validate", "trainval", "tr", "train_1"]),
        ("val", ["val", "valid", "Validation", "ValidData", "dev", "validation set"]),
        ("test", ["test", "Test", "TestData", "testing", "holdout", "hold-out", "held_out", "test_2", "Test set"]),
        (None, ["a", "fold 1", "1", "latest", "contest", "north", "trained by hand"]),
    ],
)
def test_words_for_the_parts(part, words):
    assert {word: part_of(word) for word in words} == dict.fromkeys(words, part)


def test_the_test_part_is_held_back_by_default_and_counted(tmp_path):
    data = made(tmp_path, ["train"] * 10 + ["val"] * 6 + ["test"] * 8 + [""] * 4)
    chosen = select(data, DataConfig())
    assert (chosen.labels[16:24] == -1).all() and chosen.held_back.sum() == 8
    assert (np.delete(chosen.labels, np.s_[16:24]) >= 0).all()  # validation and what has no word are in the folds
    assert chosen.to_dict()["n_held_back"] == 8
    assert "8 labelled patches, 4 b" in chosen.notes[0] and "locked_test" in chosen.notes[0]
    both = select(data, DataConfig(), FoldsConfig(hold_out_val=True))
    assert both.held_back.sum() == 14 and "--part val" in both.notes[1]


def test_folds_over_everything_only_when_asked_and_then_told(tmp_path):
    data = made(tmp_path, ["train"] * 10 + ["test"] * 8)
    chosen = select(data, DataConfig(), FoldsConfig(use_split=False))
    assert not chosen.held_back.any() and (chosen.labels >= 0).all()
    assert "8 patches of the dataset's own test part are in the folds" in chosen.notes[0]


def test_what_is_excluded_or_unlabelled_is_not_part_of_the_test(tmp_path):
    labels = np.array([0, 1] * 9)
    labels[12:] = -1
    data = made(tmp_path, ["train"] * 10 + ["test"] * 8, labels=labels)
    assert select(data, DataConfig(exclude=("p10",))).held_back.sum() == 1
    unlabelled = made(tmp_path, ["train"] * 12 + ["test"] * 6, labels=labels)  # as Zindi's test set
    chosen = select(unlabelled, DataConfig())
    assert not chosen.held_back.any() and chosen.notes == ()


def test_a_column_named_split_counts_and_other_words_do_not(tmp_path):
    data = made(tmp_path, columns={"Split": ["train"] * 5 + ["Test"] * 5})
    assert split_parts(data).tolist() == ["train"] * 5 + ["test"] * 5
    assert split_parts(made(tmp_path, ["north"] * 4 + ["south"] * 4)) is None
    mixed = made(tmp_path, ["train"] * 4 + ["test"] * 4 + ["odd"] * 4)
    assert split_parts(mixed).tolist() == ["train"] * 4 + ["test"] * 4 + ["train"] * 4
    assert any("odd" in note for note in select(mixed, DataConfig()).notes)


def test_a_dataset_that_is_all_test_says_what_to_set(tmp_path):
    data = made(tmp_path, ["test"] * 8)
    with pytest.raises(FoldError, match=r"All 8 labelled patches.*'test'.*folds.use_split=false"):
        select(data, DataConfig())
    assert (select(data, DataConfig(), FoldsConfig(use_split=False)).labels >= 0).all()
