"""One split into a training and a validation part, beside folds."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from core.config import FoldsConfig, RunConfig
from core.data.folds import Folds, all_ids, make_split, training_ids
from core.errors import ConfigError, FoldError


@given(
    st.integers(60, 200), st.floats(0.15, 0.5), st.integers(0, 3), st.booleans(),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_it_is_grouped_stratified_and_near_its_share(n, share, seed, grouped):
    labels = (np.arange(n) % 4 == 0).astype(np.int8)
    labels[:3] = -1
    groups = np.array([f"g{i // 2}" for i in range(n)]) if grouped else None
    folds = make_split(labels, groups, share, seed)
    train, val = folds.train(0), folds.val(0)
    assert folds.n_splits == 1 and sorted([*train, *val]) == np.flatnonzero(labels >= 0).tolist()
    assert abs(len(val) / (len(train) + len(val)) - share) < 0.1
    assert {0, 1} == set(labels[train].tolist()) == set(labels[val].tolist())
    if grouped:
        assert not set(groups[train]) & set(groups[val])


def test_a_share_that_is_no_whole_part_of_one_is_made_of_several_folds():
    labels = np.tile([0, 0, 1, 0], 50)
    assert len(make_split(labels, None, 0.3).val(0)) == 60
    of_two = np.array([f"g{i // 2}" for i in range(200)])
    assert len(make_split(labels, of_two, 0.3).val(0)) == 60
    assert len(make_split(labels, None, 0.15).val(0)) == 30


def test_its_record_is_read_again_and_names_what_was_learnt():
    labels = np.tile([0, 1], 20)
    ids = [f"p{i}" for i in range(40)]
    folds = make_split(labels, None, 0.25)
    card = json.loads(folds.to_json(ids))
    again = Folds.from_json(json.dumps(card), ids)
    assert np.array_equal(again.train(0), folds.train(0)) and np.array_equal(again.val(0), folds.val(0))
    assert training_ids(card, 0) == [ids[i] for i in folds.train(0)] and all_ids(card) == set(ids)


def test_what_cannot_be_split_is_said():
    with pytest.raises(FoldError, match="One split with 20% to evaluate cannot be drawn"):
        make_split(np.array([1, 0, 0, 0]), np.array(["a", "a", "b", "b"]), 0.2)


def test_the_setting_follows_and_is_said_in_words():
    config = RunConfig().with_overrides(["folds.protocol=single", "folds.val_share=0.25"])
    assert config.folds.n_splits == 1 and config.folds.words == "one split" and config.folds.judged_share == 0.25
    assert RunConfig.from_json(config.to_json()) == config
    assert RunConfig().folds.words == "5 folds" and RunConfig().folds.judged_share == 0.2
    with pytest.raises(ConfigError, match="folds.protocol=single"):
        RunConfig().with_overrides(["folds.n_splits=1"])
    with pytest.raises(ValidationError):
        FoldsConfig(protocol="single", val_share=0.9)
