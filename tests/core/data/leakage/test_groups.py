"""Pairs become groups: connected, ranked by the harm that a run's folds and labels do, the same from every order."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.leakage.groups import connecting, group_name, group_text, patch_groups
from core.data.leakage.split_audit import COLUMNS
from core.data.store import open_dataset
from tests.builders import make_tiny

FOLDS = {"folds": [["p000", "p001", "p002", "p003"], ["p004", "p005", "p006", "p007"]]}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """12 patches p000 ... p011; every third, p000 first, is a landslide."""
    return open_dataset(make_tiny(tmp_path_factory.mktemp("g") / "tiny.h5", n=12, side=8))


def pairs(*rows):
    """a, b, kind and, of crops, the share of ground."""
    known = [dict(zip(("a", "b", "kind", "overlap"), row, strict=False)) for row in rows]
    table = pd.DataFrame(known, columns=list(COLUMNS))
    return table.astype({"overlap": float, "ssim": float, "similarity": float})


def found(dataset, *rows, labels=None, folds=FOLDS):
    return patch_groups(dataset, dataset.labels if labels is None else labels, pairs(*rows), folds)


def test_groups_are_the_components_and_the_worst_stands_first(dataset):
    groups = found(
        dataset,
        ("p001", "p002", "identical"),  # one fold, one class
        ("p003", "p007", "near"), ("p007", "p004", "near"),  # p003 is a landslide of fold 0, the others lie in fold 1
        ("p005", "p002", "shifted", 0.51),  # joins p001 and p002 with p005 of the other fold
        ("p009", "p010", "overlap", 0.9),  # in no fold, and p009 is a landslide
        ("p008", "p011", "shifted", 0.5),  # not more than half
    )  # fmt: skip
    assert [(one.ids, one.harm) for one in groups] == [
        (("p003", "p004", "p007"), "folds_labels"), (("p001", "p002", "p005"), "folds"), (("p009", "p010"), "labels"),
    ]  # fmt: skip
    assert groups[0].labels == (1, 0, 0) and groups[0].folds == (0, 1, 1) and groups[0].kinds == {"near": 2}
    assert groups[1].kinds == {"identical": 1, "shifted": 1} and groups[1].least("overlap") == 0.51
    plain = groups[0].to_dict()
    assert plain["across_folds"] and plain["labels_differ"] and plain["overlap"] is None and plain["n"] == 3


def test_what_no_longer_counts_and_what_training_went_without_do_no_harm(dataset):
    labels = np.array(dataset.labels)
    labels[4] = -1
    (one,) = found(dataset, ("p003", "p004", "near"), labels=labels)
    assert one.harm == "none" and one.labels == (1, -1)
    apart = FOLDS | {"left_out": [["p004"], ["p003"]]}
    (one,) = found(dataset, ("p003", "p004", "near"), folds=apart)
    assert not one.learnt and one.harm == "labels"
    half = FOLDS | {"left_out": [[], ["p003"]]}
    assert found(dataset, ("p003", "p004", "near"), folds=half)[0].harm == "folds_labels"
    assert found(dataset, ("p003", "p004", "near"), folds=None)[0].harm == "labels"


def test_pairs_of_patches_that_are_not_there_are_passed_over(dataset):
    assert found(dataset) == [] and found(dataset, ("p001", "q9", "near")) == []
    assert len(connecting(pairs(("a", "b", "synthetic"), ("a", "c", "overlap", 0.3)))) == 1


def test_a_group_is_called_the_same_in_every_order():
    assert group_text(["b", "ä", "b"]) == '["b", "ä"]'
    assert group_name(["b", "a"]) == group_name(("a", "b")) != group_name(["a", "c"])
    assert group_name(["a", "b"]) != group_name(['a", "b'])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda pair: pair[0] != pair[1]), max_size=14))
def test_groups_are_the_transitive_closure(dataset, links):
    names = dataset.ids.tolist()
    groups = found(dataset, *[(names[a], names[b], "near") for a, b in links])
    reach = np.eye(12, dtype=bool)
    for a, b in links:
        reach[a, b] = reach[b, a] = True
    for k in range(12):  # Warshall's closure, another way than the one in use
        reach |= np.outer(reach[:, k], reach[k])
    expected = {frozenset(np.array(names)[row].tolist()) for row in reach if row.sum() > 1}
    assert {frozenset(one.ids) for one in groups} == expected
    assert sum(len(one.ids) for one in groups) == len(set().union(*expected)) if expected else not groups
    assert sum(len(one.pairs) for one in groups) == len(links)
