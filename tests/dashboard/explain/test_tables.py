"""Explanations put together, checked by hand on maps and tables of a few patches."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.data.bands import bands_named
from dashboard.explain import tables

JUDGED = pd.DataFrame(
    {"id": list("abcd"), "label": [1, 1, 1, 0], "fold": [0, 0, 1, 1], "outcome": ["TP", "FN", "TP", "TN"]}
)
MAPS = np.stack([np.full((2, 2), value) for value in (2.0, 4.0, 30.0, 0.0)]).astype(np.float32)
ROWS = {"a": 0, "b": 1, "c": 2, "d": 3}


def test_patches_without_a_map_are_left_out_and_dead_maps_flagged():
    facts = tables.map_facts(JUDGED, {k: v for k, v in ROWS.items() if k != "b"}, MAPS)
    assert facts["id"].tolist() == ["a", "c", "d"]
    assert facts["cam_dead"].tolist() == [False, False, True]
    assert facts["cam_sum"].tolist() == [8.0, 120.0, 0.0]


def test_mean_maps_are_those_of_the_core_by_outcome():
    means = tables.means_of(tables.map_facts(JUDGED, ROWS, MAPS), MAPS)
    # Mean peaks of living maps: fold 0 (2 + 4) / 2 = 3, fold 1 30; so a is 2/3 and c is 1.
    assert means["tp"].cam == pytest.approx(np.full((2, 2), (2 / 3 + 1) / 2))
    assert (means["tn"].n, means["tn"].n_dead) == (1, 1)
    assert means["fp"].cam is None and means["fp"].n == 0
    cells = tables.mean_cells(means)
    assert set(cells["outcome"]) == {"tp", "fn", "tn"} and len(cells) == 12


def test_a_patch_without_a_group_stands_for_itself():
    facts = tables.map_facts(JUDGED.assign(group=["s", "s", "", "s"]), ROWS, MAPS)
    assert tables.means_of(facts, MAPS)["tp"].n_groups == 2


def test_bands_that_the_dataset_does_not_know_keep_their_name():
    found = tables.titled(pd.DataFrame({"band": ["nir", "mystery"]}), bands_named(["nir"]))
    assert found["title"].tolist() == ["Near infrared", "mystery"]
    assert found["family"].tolist() == ["optical", "other"]


def test_parts_by_outcome_leave_out_what_was_left_alone_rightly():
    parts = tables.outcome_parts(JUDGED)
    assert [patch for patch, _ in parts] == ["a", "c", "b"]  # found first, then missed


def test_slices_hold_landslides_alone_and_drop_values_with_few():
    judged = pd.DataFrame({"id": [f"p{i}" for i in range(40)], "label": [1] * 30 + [0] * 10})
    facts = pd.DataFrame({"id": judged["id"], "source": ["A"] * 20 + ["B"] * 7 + ["C"] * 13, "cloud": np.arange(40.0)})
    parts = dict(tables.slice_parts(judged, facts, "source"))
    assert len(parts) == 27 and set(parts.values()) == {"A", "B"}  # C has three landslides
    thirds = pd.Series(dict(tables.slice_parts(judged, facts, "cloud")))
    assert thirds.value_counts().tolist() == [10, 10, 10]


def test_a_slice_without_values_has_no_parts():
    judged = pd.DataFrame({"id": ["a"] * 9, "label": [1] * 9})
    assert tables.slice_parts(judged, pd.DataFrame({"id": ["a"], "x": [None]}), "x") == ()
